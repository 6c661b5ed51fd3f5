//! Waiting until every group has read everything.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::findings::Violation;
use crate::plan::{Group, Plan};
use crate::reading::{committed_offsets, consumer_config, persevere};
use crate::workload::Control;

/// How long a group may take to read the rest.
const LIMIT: Duration = Duration::from_secs(120);
/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The pause before a group is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until the offsets of every group are at the ends of its topics that last. Nobody writes to
/// them any more.
pub(super) fn wait(plan: &Plan, bootstrap: &str, control: &Control) -> anyhow::Result<()> {
    let began = Instant::now();
    for group in &plan.groups {
        let consumer: BaseConsumer = consumer_config(bootstrap, &group.id).create()?;
        let ends = ends(plan, group, &consumer)?;
        loop {
            let committed = persevere(|| committed_offsets(&consumer, &ends, ANSWER_LIMIT))?;
            let behind = behind(&ends, &committed);
            if behind.is_empty() {
                break;
            }
            if began.elapsed() > LIMIT {
                let text = format!("group {} is behind after {LIMIT:?}: {behind:?}", group.id);
                control.find(Violation::Stalled, text);
                break;
            }
            std::thread::park_timeout(PAUSE);
        }
    }
    Ok(())
}

/// The ends of the partitions that have records.
fn ends(plan: &Plan, group: &Group, consumer: &BaseConsumer) -> anyhow::Result<TopicPartitionList> {
    let mut ends = TopicPartitionList::new();
    for (index, topic) in plan.lasting_topics() {
        if !group.topics.contains(&index) {
            continue;
        }
        for partition in 0..topic.partitions {
            let name = &topic.name;
            let (start, end) =
                persevere(|| consumer.fetch_watermarks(name, partition, ANSWER_LIMIT))?;
            if end > start {
                ends.add_partition_offset(name, partition, Offset::Offset(end))?;
            }
        }
    }
    Ok(ends)
}

/// Where a group is not at the end, in words.
fn behind(ends: &TopicPartitionList, committed: &TopicPartitionList) -> Vec<String> {
    let elements = ends.elements();
    let behind = elements.iter().filter_map(|end| {
        let at = committed.find_partition(end.topic(), end.partition())?;
        (at.offset() != end.offset()).then(|| {
            let (topic, partition) = (end.topic(), end.partition());
            format!(
                "{topic}-{partition} at {:?} of {:?}",
                at.offset(),
                end.offset()
            )
        })
    });
    behind.collect()
}
