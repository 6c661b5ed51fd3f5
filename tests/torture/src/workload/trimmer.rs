//! Deletes records of the topics that retention trims, too.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::runtime::Runtime;

use super::member::spots;
use super::{Role, Stage};
use crate::journal::{Entry, Pen, Place, Spot};
use crate::plan::{Kind, Plan};
use crate::random::Random;
use crate::reading::{client_config, consumer_config};

/// How long the broker may take for an answer; it is killed now and then, and asked again later.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Deletes the older half, or less, of some partition now and then until the workload is to stop.
pub(super) fn run(stage: &Stage) -> anyhow::Result<()> {
    let mut random = Random::new(stage.seed, 3_000);
    let trimmer = Trimmer {
        plan: &stage.plan,
        pen: stage.journal.pen("trimmer")?,
        admin: client_config(&stage.bootstrap).create()?,
        consumer: consumer_config(&stage.bootstrap, "nobody").create()?,
        runtime: tokio::runtime::Builder::new_current_thread().build()?,
    };
    let topics = stage.plan.topics.iter().enumerate();
    let trimmed = topics.filter(|(_, topic)| topic.kind == Kind::Trimmed);
    let places: Vec<Place> = trimmed
        .flat_map(|(topic, plan)| {
            (0..plan.partitions).map(move |partition| Place { topic, partition })
        })
        .collect();
    while !stage.control.is_stopping(Role::Writer) {
        let place = *random.one_of(&places);
        // What was not answered may have been done or not; there is nothing to ask again.
        let _ = trimmer.trim(place, &mut random);
        stage.control.pause(Role::Writer, random.millis(100, 1_500));
    }
    Ok(())
}

struct Trimmer<'a> {
    plan: &'a Plan,
    pen: Pen,
    admin: AdminClient<DefaultClientContext>,
    consumer: BaseConsumer,
    runtime: Runtime,
}

impl Trimmer<'_> {
    fn trim(&self, place: Place, random: &mut Random) -> KafkaResult<()> {
        let topic = &self.plan.topics[place.topic].name;
        let (start, end) = self
            .consumer
            .fetch_watermarks(topic, place.partition, ANSWER_LIMIT)?;
        let half = u64::try_from((end - start) / 2).unwrap_or_default();
        let before = start + random.between(0, half).cast_signed();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, place.partition, Offset::Offset(before))?;
        let options = AdminOptions::new()
            .request_timeout(Some(ANSWER_LIMIT))
            .operation_timeout(Some(ANSWER_LIMIT));
        let answer = self
            .runtime
            .block_on(self.admin.delete_records(&list, &options))?;
        for one in answer.elements() {
            one.error()?;
        }
        for Spot(place, start) in spots(self.plan, &answer) {
            self.pen.note(Entry::Trimmed(place, start.max(before)));
        }
        Ok(())
    }
}
