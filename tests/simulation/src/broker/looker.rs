//! Looks at records, ends of logs, topics and committed offsets, and compares.

use std::collections::BTreeMap;

use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::{
    FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetFetchRequest,
};

use super::codec::{code, only};
use super::machine::{GROUPS, Machine};
use super::model::{Deletion, Told, TopicKey};
use super::queries::{fetch, list_offsets, offset_fetch};
use super::reading::Reading;
use super::world::{Caller, Checked, Shared, ensure, hear, pick};

/// What was asked for, and what had been seen of it by then.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Records {
        topic: TopicKey,
        partition: i32,
        reading: Reading,
    },
    Offset {
        topic: TopicKey,
        partition: i32,
        is_end: bool,
        told_before: Told,
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
                let told_before = shared.model.partition(topic, partition).told;
                let entry = &shared.model.topics[topic];
                if what == 2 {
                    let is_end = (choice / 7).is_multiple_of(2);
                    let timestamp = if is_end { -1 } else { -2 };
                    let request = list_offsets(&entry.name, partition, timestamp);
                    let asked = Asked::Offset {
                        topic,
                        partition,
                        is_end,
                        told_before,
                    };
                    self.caller.send(&request, 5, asked);
                    return;
                }
                let span = u64::try_from(told_before.end - told_before.start).unwrap_or(0) + 1;
                let from = told_before.start + i64::try_from(choice / 11 % span).unwrap_or(0);
                let id = uuid::Uuid::from_bytes(entry.id);
                let bytes_max = i32::try_from(choice / 13 % 12_000).unwrap_or(0);
                let isolation = i8::try_from(choice / 17 % 2).unwrap_or(0);
                let request = fetch(id, partition, from, bytes_max, isolation);
                let reading = Reading {
                    from,
                    is_committed: isolation == 1,
                    told_before,
                };
                let asked = Asked::Records {
                    topic,
                    partition,
                    reading,
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
        let request = offset_fetch(group);
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
                reading,
            } => {
                let answer = tag.read::<FetchRequest>(bytes)?;
                let found = only(only(answer.responses)?.partitions)?;
                if shared.model.topics[topic].deletion != Deletion::None {
                    return Ok(true);
                }
                shared
                    .take_records(topic, partition, &reading, found)
                    .map_err(|error| format!("topic {topic}, partition {partition}: {error}"))?;
            }
            Asked::Offset {
                topic,
                partition,
                is_end,
                told_before,
            } => {
                let answer = tag.read::<ListOffsetsRequest>(bytes)?;
                let offset = shared.listed_offset(topic, answer)?;
                if offset.is_some() {
                    let (start, end) = match is_end {
                        true => (None, offset),
                        false => (offset, None),
                    };
                    shared.show(topic, partition, start, end, told_before)?;
                }
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
                let answer = tag.read::<OffsetFetchRequest>(bytes)?;
                if let Some(found) = shared.fetched_group(answer)? {
                    compare_committed(shared, group, known, found)?;
                }
            }
        }
        shared.tally.add("looks", 1);
        Ok(true)
    }
}

/// Compares what a group has committed with what was known when it was asked for.
fn compare_committed(
    shared: &mut Shared,
    group: &str,
    known: BTreeMap<(TopicKey, i32), Option<i64>>,
    found: OffsetFetchResponseGroup,
) -> Checked {
    // What is not in the answer is not committed.
    let absent = known.keys().map(|place| (*place, -1));
    let mut offsets: BTreeMap<(TopicKey, i32), i64> = absent.collect();
    for topic in found.topics {
        let Some(key) = shared.model.live(&topic.name.0) else {
            continue;
        };
        for found in topic.partitions {
            let partition = found.partition_index;
            ensure!(
                found.error_code == code::NONE,
                "{group}: error {} for partition {partition} of topic {key}",
                found.error_code
            );
            offsets.insert((key, partition), found.committed_offset);
        }
    }
    for ((key, partition), offset) in offsets {
        let topic = &shared.model.topics[key];
        if topic.deletion == Deletion::None {
            let name = topic.name.clone();
            let least = known.get(&(key, partition)).copied().flatten();
            shared.check_committed(group, &name, partition, offset, least)?;
        }
    }
    Ok(())
}
