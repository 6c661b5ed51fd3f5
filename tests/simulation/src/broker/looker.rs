//! Looks at records, ends of logs, topics and committed offsets, and compares.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetFetchRequest,
};

use super::codec::code;
use super::machine::{self, GROUPS, Machine};
use super::model::{Deletion, TopicKey};
use super::world::{Caller, Checked, Shared, ensure, hear, pick};
use crate::batch;

/// What was asked for, and what had been seen of it by then.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Records {
        topic: TopicKey,
        partition: i32,
        from: i64,
        told_before: (i64, i64),
    },
    Offset {
        topic: TopicKey,
        partition: i32,
        is_end: bool,
        told_before: (i64, i64),
    },
    Topics {
        /// Those that were there and that nobody wanted to delete.
        settled: Vec<TopicKey>,
    },
    Committed {
        group: &'static str,
        known: BTreeMap<(TopicKey, i32), Option<i64>>,
    },
}

/// The client that looks.
pub(crate) struct Looker {
    pub caller: Caller<Asked>,
}

impl Looker {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            caller: Caller::new(machine),
        }
    }

    /// Asks for something.
    pub(crate) fn act(&mut self, shared: &mut Shared, choice: u64) {
        if self.caller.is_waiting() {
            return;
        }
        let topics = shared.model.settled();
        match choice % 6 {
            0 => {
                let request = MetadataRequest::default().with_topics(None);
                let settled = topics;
                self.caller.send(&request, 12, Asked::Topics { settled });
            }
            1 => self.look_at_offsets(shared, GROUPS[pick(choice / 6, GROUPS.len())]),
            _ if topics.is_empty() => {}
            what => {
                let topic = topics[pick(choice / 6, topics.len())];
                let count = shared.model.topics[topic].partitions.len();
                let partition = i32::try_from(pick(choice / 48, count)).unwrap_or(0);
                let shown = shared.model.partition(topic, partition);
                let told_before = (shown.shown_start, shown.shown_end);
                let entry = &shared.model.topics[topic];
                if what == 2 {
                    let is_end = (choice / 7).is_multiple_of(2);
                    let timestamp = if is_end { -1 } else { -2 };
                    let request = machine::list_offsets(&entry.name, partition, timestamp);
                    let asked = Asked::Offset {
                        topic,
                        partition,
                        is_end,
                        told_before,
                    };
                    self.caller.send(&request, 5, asked);
                    return;
                }
                let span = u64::try_from(told_before.1 - told_before.0).unwrap_or(0) + 1;
                let from = told_before.0 + i64::try_from(choice / 11 % span).unwrap_or(0);
                let id = uuid::Uuid::from_bytes(entry.id);
                let bytes_max = i32::try_from(choice / 13 % 12_000).unwrap_or(0);
                let isolation = i8::try_from(choice / 17 % 2).unwrap_or(0);
                let request = machine::fetch(id, partition, from, bytes_max, isolation);
                let asked = Asked::Records {
                    topic,
                    partition,
                    from,
                    told_before,
                };
                let version = [13, 15, 16, 17][pick(choice / 19, 4)];
                self.caller.send(&request, version, asked);
            }
        }
    }

    fn look_at_offsets(&mut self, shared: &Shared, group: &'static str) {
        let offsets = shared.model.groups.get(group);
        let known = offsets
            .iter()
            .flat_map(|group| group.offsets.iter())
            .filter_map(|((name, partition), committed)| {
                Some(((shared.model.live(name)?, *partition), committed.known))
            })
            .collect();
        let request = machine::offset_fetch(group);
        self.caller
            .send(&request, 8, Asked::Committed { group, known });
    }

    /// Hears one answer, if there is one.
    pub(crate) fn hear(&mut self, shared: &mut Shared) -> Checked<bool> {
        let Some((tag, bytes)) = hear(&mut self.caller, shared)? else {
            return Ok(false);
        };
        match tag.purpose.clone() {
            Asked::Records {
                topic,
                partition,
                from,
                told_before,
            } => {
                let mut answer = tag.read::<FetchRequest>(bytes)?;
                let mut found = answer.responses.pop().ok_or("no topic in the answer")?;
                let found = found.partitions.pop().ok_or("no partition in the answer")?;
                if shared.model.topics[topic].deletion != Deletion::None {
                    return Ok(true);
                }
                shared
                    .take_records(topic, partition, from, told_before, found)
                    .map_err(|error| format!("topic {topic}, partition {partition}: {error}"))?;
            }
            Asked::Offset {
                topic,
                partition,
                is_end,
                told_before,
            } => {
                let mut answer = tag.read::<ListOffsetsRequest>(bytes)?;
                let mut found = answer.topics.pop().ok_or("no topic in the answer")?;
                let found = found.partitions.pop().ok_or("no partition in the answer")?;
                if shared.model.topics[topic].deletion != Deletion::None {
                    return Ok(true);
                }
                let error = found.error_code;
                if error != code::NONE {
                    ensure!(
                        shared.is_troubled(),
                        "offsets of topic {topic}: error {error}"
                    );
                    return Ok(true);
                }
                let offset = Some(found.offset);
                let (start, end) = if is_end {
                    (None, offset)
                } else {
                    (offset, None)
                };
                shared.show(topic, partition, start, end, told_before)?;
            }
            Asked::Topics { settled } => {
                let answer = tag.read::<MetadataRequest>(bytes)?;
                let mut ids = Vec::new();
                for topic in answer.topics.iter().filter(|topic| !topic.is_internal) {
                    let id = topic.topic_id.into_bytes();
                    ids.push(id);
                    if let Some(key) = shared.model.by_id(id) {
                        let is_done = shared.model.topics[key].deletion == Deletion::Done;
                        // Deleted while the answer was on its way, or back from the dead.
                        ensure!(!is_done || settled.contains(&key), "topic {key} is back");
                    } else {
                        let name = topic.name.as_ref().map(|name| name.0.to_string());
                        let is_wanted =
                            name.is_some_and(|name| shared.model.wanted.contains_key(&name));
                        ensure!(is_wanted, "nobody made {topic:?}");
                    }
                }
                for key in settled {
                    let topic = &shared.model.topics[key];
                    let is_there = ids.contains(&topic.id);
                    ensure!(
                        is_there || topic.deletion != Deletion::None,
                        "topic {key} is not listed"
                    );
                }
            }
            Asked::Committed { group, known } => {
                let mut answer = tag.read::<OffsetFetchRequest>(bytes)?;
                let answer = answer.groups.pop().ok_or("no group in the answer")?;
                let error = answer.error_code;
                if error != code::NONE {
                    let is_loading = error == code::COORDINATOR_NOT_AVAILABLE;
                    ensure!(
                        shared.is_troubled() || is_loading,
                        "offsets of {group}: {error}"
                    );
                    return Ok(true);
                }
                for topic in answer.topics {
                    let Some(key) = shared.model.live(&topic.name.0) else {
                        continue;
                    };
                    if shared.model.topics[key].deletion != Deletion::None {
                        continue;
                    }
                    for found in topic.partitions {
                        let partition = found.partition_index;
                        let Some(least) = known.get(&(key, partition)) else {
                            continue;
                        };
                        let offset = found.committed_offset;
                        let name = shared.model.topics[key].name.clone();
                        shared.check_committed(group, &name, partition, offset, *least)?;
                    }
                }
            }
        }
        shared.tally.add("looks", 1);
        Ok(true)
    }
}

impl Shared {
    /// Checks a fetched partition.
    pub(crate) fn take_records(
        &mut self,
        topic: TopicKey,
        partition: i32,
        from: i64,
        told_before: (i64, i64),
        found: kafka_protocol::messages::fetch_response::PartitionData,
    ) -> Checked {
        let may_trim = self.model.topics[topic].may_trim;
        match found.error_code {
            code::NONE => {}
            code::OFFSET_OUT_OF_RANGE => {
                ensure!(
                    may_trim,
                    "{from} is out of range, yet {told_before:?} was told"
                );
                return Ok(());
            }
            error => {
                ensure!(self.is_troubled(), "error {error} without a fault");
                return Ok(());
            }
        }
        let (start, end) = (found.log_start_offset, found.high_watermark);
        self.show(topic, partition, Some(start), Some(end), told_before)?;
        ensure!(
            found.last_stable_offset == end,
            "the last stable offset is {} below {end} without transactions",
            found.last_stable_offset
        );
        let records = found.records.unwrap_or_default();
        let mut next = from;
        for (base, last, batch) in batch::split(&records)? {
            let is_first = next == from && base <= from && last >= from;
            ensure!(
                is_first || base == next,
                "{base} comes where {next} was expected"
            );
            ensure!(last < end, "{base}..={last} is shown, yet the end is {end}");
            self.see(topic, partition, base, batch)?;
            next = last + 1;
        }
        ensure!(
            next > from || from >= end,
            "nothing at {from} of {start}..{end}"
        );
        Ok(())
    }
}
