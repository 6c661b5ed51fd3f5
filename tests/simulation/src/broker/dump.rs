//! A look at all that is there.

use std::collections::BTreeMap;

use kafka_protocol::messages::MetadataRequest;

use super::codec::{code, only};
use super::history;
use super::machine::{GROUPS, Machine};
use super::queries::{fetch, list_offsets, offset_fetch};
use super::world::{Checked, ensure};
use crate::batch;

/// What a log holds, as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogDump {
    pub start: i64,
    pub end: i64,
    pub batches: Vec<(i64, Vec<u8>)>,
}

/// All that clients can see of a broker at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dump {
    /// Name and number of partitions by id.
    pub topics: BTreeMap<[u8; 16], (String, i32)>,
    pub logs: BTreeMap<([u8; 16], i32), LogDump>,
    /// Committed offsets by group, topic and partition.
    pub offsets: BTreeMap<(String, String, i32), i64>,
    /// What transactions have committed, by group and partition, and what they say of it.
    pub positions: BTreeMap<(usize, i32), (i64, String)>,
}

impl Dump {
    /// Errs with the first difference. The leader epochs that starts leave behind are not among
    /// what is compared.
    pub(crate) fn same(&self, other: &Self) -> Checked {
        self.compare(other, false)
    }

    /// The same, but transactions may have reached their timeouts meanwhile, and of markers only what they
    /// say is compared: each start writes its own.
    pub(crate) fn same_or_aborted(&self, later: &Self) -> Checked {
        self.compare(later, true)
    }

    fn compare(&self, other: &Self, may_be_aborted: bool) -> Checked {
        let (a, b) = (&self.topics, &other.topics);
        ensure!(a == b, "topics {a:?} and then {b:?}");
        let (a, b) = (&self.offsets, &other.offsets);
        ensure!(a == b, "committed {a:?} and then {b:?}");
        let (a, b) = (&self.positions, &other.positions);
        ensure!(a == b, "committed in transactions {a:?} and then {b:?}");
        for (key, one) in &self.logs {
            let Some(two) = other.logs.get(key) else {
                return Err(format!("{key:?} is there only once"));
            };
            let common = one.batches.len().min(two.batches.len());
            let (both, more) = two.batches.split_at(common);
            let is_abort = |(_, batch): &(i64, Vec<u8>)| batch::marker(batch) == Some(Ok(false));
            let are_aborted = may_be_aborted && !more.is_empty() && more.iter().all(is_abort);
            ensure!(
                one.start == two.start && (one.end == two.end || are_aborted),
                "{key:?} is {}..{} and then {}..{}",
                one.start,
                one.end,
                two.start,
                two.end
            );
            for (one, two) in one.batches.iter().zip(both) {
                let are_same_markers =
                    may_be_aborted && one.0 == two.0 && is_same_marker(&one.1, &two.1);
                ensure!(
                    one == two || are_same_markers,
                    "{key:?} has {} and then {}",
                    about(one),
                    about(two)
                );
            }
            ensure!(
                one.batches.len() == common && (more.is_empty() || are_aborted),
                "{key:?} has {} batches and then {}",
                one.batches.len(),
                two.batches.len()
            );
        }
        Ok(())
    }
}

/// A batch in words.
fn about((base, batch): &(i64, Vec<u8>)) -> String {
    let (bytes, origin) = (batch.len(), batch::origin(batch));
    let marker = batch::marker(batch);
    format!("at {base} {bytes} bytes of {origin:?}, a marker: {marker:?}")
}

/// Whether both are markers and say the same: a start that has to end a transaction writes its own.
fn is_same_marker(one: &[u8], two: &[u8]) -> bool {
    let kind = batch::marker(one);
    kind.is_some() && kind == batch::marker(two) && batch::origin(one) == batch::origin(two)
}

/// Looks at everything.
pub(crate) fn dump(machine: &mut Machine) -> Checked<Dump> {
    let mut dump = Dump::default();
    let request = MetadataRequest::default().with_topics(None);
    let metadata = machine.ask(&request, 12)?;
    // A start that has transactions to end does not wait until that is seen.
    machine.rest()?;
    for topic in metadata.topics {
        let name = topic
            .name
            .map(|name| name.0.to_string())
            .unwrap_or_default();
        ensure!(
            topic.error_code == code::NONE,
            "topic {name}: {}",
            topic.error_code
        );
        if topic.is_internal {
            continue;
        }
        let count = i32::try_from(topic.partitions.len()).unwrap_or(0);
        let id = topic.topic_id.into_bytes();
        for partition in 0..count {
            let log = dump_log(machine, &name, topic.topic_id, partition)
                .map_err(|error| format!("{name}-{partition}: {error}"))?;
            dump.logs.insert((id, partition), log);
        }
        dump.topics.insert(id, (name, count));
    }
    for group in GROUPS {
        for (topic, partition, offset, _) in committed(machine, group)? {
            dump.offsets
                .insert((group.to_owned(), topic, partition), offset);
        }
    }
    for (id, group) in history::GROUPS.into_iter().enumerate() {
        for (_, partition, offset, metadata) in committed(machine, group)? {
            dump.positions.insert((id, partition), (offset, metadata));
        }
    }
    Ok(dump)
}

fn dump_log(machine: &mut Machine, name: &str, id: uuid::Uuid, partition: i32) -> Checked<LogDump> {
    let start = list_offset(machine, name, partition, -2)?;
    let listed_end = list_offset(machine, name, partition, -1)?;
    let mut end = listed_end;
    let mut batches = Vec::new();
    let mut from = start;
    while from < end {
        let request = fetch(id, partition, from, 20_000, 0);
        let answer = machine.ask(&request, 13)?;
        let found = only(only(answer.responses)?.partitions)?;
        let (error, high_watermark) = (found.error_code, found.high_watermark);
        ensure!(
            error == code::NONE,
            "fetch at {from} of {start}..{end}: {error}"
        );
        // A transaction may reach its timeout meanwhile.
        ensure!(high_watermark >= end, "ends at {end} and {high_watermark}");
        end = high_watermark;
        let records = found.records.unwrap_or_default();
        let before = from;
        for (base, last, batch) in batch::split(&records)? {
            let is_next = base == from || (batches.is_empty() && base <= from && last >= from);
            ensure!(is_next, "{base} comes where {from} was expected");
            from = last + 1;
            ensure!(
                base < listed_end || batch::marker(batch).is_some(),
                "ends at {listed_end}, and {base} is there"
            );
            batches.push((base, batch.to_vec()));
        }
        ensure!(from > before, "nothing at {from} of {start}..{end}");
    }
    ensure!(
        from == end,
        "batches up to {from}, yet the log is {start}..{end}"
    );
    Ok(LogDump {
        start,
        end,
        batches,
    })
}

fn list_offset(machine: &mut Machine, name: &str, partition: i32, timestamp: i64) -> Checked<i64> {
    let answer = machine.ask(&list_offsets(name, partition, timestamp), 5)?;
    let found = only(only(answer.topics)?.partitions)?;
    ensure!(
        found.error_code == code::NONE,
        "offsets: {}",
        found.error_code
    );
    Ok(found.offset)
}

/// Topic, partition, offset and metadata of what a group has committed.
type CommittedOffset = (String, i32, i64, String);

fn committed(machine: &mut Machine, group: &str) -> Checked<Vec<CommittedOffset>> {
    // A coordinator that is not there yet is being made.
    for _ in 0..50 {
        let found = only(machine.ask(&offset_fetch(group), 8)?.groups)?;
        if found.error_code == code::COORDINATOR_NOT_AVAILABLE {
            machine
                .handles
                .clock
                .advance(std::time::Duration::from_millis(200));
            continue;
        }
        ensure!(
            found.error_code == code::NONE,
            "{group}: {}",
            found.error_code
        );
        let partitions = found.topics.into_iter().flat_map(|topic| {
            let name = topic.name.0.to_string();
            let partitions = topic.partitions.into_iter();
            partitions.map(move |found| {
                let metadata = found.metadata.unwrap_or_default().to_string();
                let (index, offset) = (found.partition_index, found.committed_offset);
                (name.clone(), index, offset, metadata)
            })
        });
        return Ok(partitions
            .filter(|(_, _, offset, _)| *offset >= 0)
            .collect());
    }
    Err(format!("{group}: its coordinator never comes"))
}
