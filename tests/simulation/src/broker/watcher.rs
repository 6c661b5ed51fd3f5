//! Looks at transactions from outside: ends of what is stable, positions, and what the coordinator says.

use std::collections::BTreeMap;

use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::{
    DescribeTransactionsRequest, ListOffsetsRequest, ListTransactionsRequest, OffsetFetchRequest,
};

use super::admin::KEPT;
use super::codec::{code, only, text};
use super::history::{GROUPS, IDS};
use super::machine::Machine;
use super::model::{Told, TopicKey};
use super::queries::{list_offsets, offset_fetch};
use super::world::{Caller, Checked, Shared, dispatch, ensure, hear, pick};

/// What was asked for, and what was known by then.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Stable {
        topic: TopicKey,
        partition: i32,
        told_before: Told,
    },
    Positions {
        id: usize,
        least: [Option<i64>; 2],
        needs_stable: bool,
    },
    /// How a transaction stands; the one that was under way, if one was.
    Described {
        id: usize,
        open: Option<usize>,
    },
    Listed,
}

/// The client that looks.
pub(crate) struct Watcher {
    pub caller: Caller<Asked>,
}

impl Watcher {
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
        let (what, choice) = (choice % 8, choice / 8);
        let id = pick(choice, IDS.len());
        match what {
            0..3 => self.ask_for_stable(shared, choice),
            3..6 => {
                let history = &shared.model.history;
                let least = [history.position(id, 0), history.position(id, 1)];
                let needs_stable = (choice / 2).is_multiple_of(3);
                let request = offset_fetch(GROUPS[id]).with_require_stable(needs_stable);
                let asked = Asked::Positions {
                    id,
                    least,
                    needs_stable,
                };
                self.caller.send(&request, 8, asked);
            }
            6 => {
                let now = shared.now();
                let history = &mut shared.model.history;
                let mut open = history.open(now).into_iter();
                let transactions = &history.transactions;
                let open = open.find(|number| {
                    let transaction = &transactions[*number];
                    transaction.id == id && transaction.is_begun
                });
                let ids = vec![text(IDS[id]).into()];
                let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
                self.caller.send(&request, 0, Asked::Described { id, open });
            }
            _ => {
                let request = ListTransactionsRequest::default();
                self.caller.send(&request, 0, Asked::Listed);
            }
        }
    }

    fn ask_for_stable(&mut self, shared: &mut Shared, choice: u64) {
        let topics = shared.model.settled();
        let topic = topics[pick(choice, topics.len())];
        let count = shared.model.topics[topic].partitions.len();
        let partition = i32::try_from(pick(choice / 16, count)).unwrap_or(0);
        let told_before = shared.model.partition(topic, partition).told;
        let name = &shared.model.topics[topic].name;
        let request = list_offsets(name, partition, -1).with_isolation_level(1);
        let asked = Asked::Stable {
            topic,
            partition,
            told_before,
        };
        self.caller.send(&request, 5, asked);
    }

    /// Takes up a request, hears an answer; whether anything moved.
    pub(crate) fn pump(&mut self, shared: &mut Shared) -> Checked<bool> {
        let dispatched = dispatch(&mut self.caller, shared);
        Ok(dispatched | self.hear(shared)?)
    }

    fn hear(&mut self, shared: &mut Shared) -> Checked<bool> {
        let Some((tag, bytes)) = hear(&mut self.caller, shared)? else {
            return Ok(false);
        };
        match tag.purpose.clone() {
            Asked::Stable {
                topic,
                partition,
                told_before,
            } => {
                let answer = tag.read::<ListOffsetsRequest>(bytes)?;
                if let Some(stable) = shared.listed_offset(topic, answer)? {
                    // Where records may be deleted, the start may be anywhere up to here.
                    let may_trim = shared.model.topics[topic].may_trim;
                    let start = if may_trim { stable } else { 0 };
                    shared
                        .show_stable(topic, partition, stable, start, told_before)
                        .map_err(|error| {
                            format!("topic {topic}, partition {partition}: {error}")
                        })?;
                }
            }
            Asked::Positions {
                id,
                least,
                needs_stable,
            } => {
                let answer = tag.read::<OffsetFetchRequest>(bytes)?;
                if let Some(found) = shared.fetched_group(answer)? {
                    see_positions(shared, id, least, needs_stable, found)?;
                }
            }
            Asked::Described { id, open } => {
                let answer = tag.read::<DescribeTransactionsRequest>(bytes)?;
                let found = only(answer.transaction_states)?;
                let now = shared.now();
                let open = open.filter(|open| shared.model.history.open(now).contains(open));
                let Some(number) = open else {
                    return Ok(true);
                };
                let transaction = &shared.model.history.transactions[number];
                let producer = (found.producer_id.0, found.producer_epoch);
                let is_it =
                    &*found.transaction_state == "Ongoing" && producer == transaction.producer;
                ensure!(
                    is_it || found.error_code != code::NONE && shared.is_troubled(),
                    "transaction {number} of {} is under way, yet it is {found:?}",
                    IDS[id]
                );
                shared.tally.add("open transactions described", 1);
            }
            Asked::Listed => {
                let answer = tag.read::<ListTransactionsRequest>(bytes)?;
                let error = answer.error_code;
                ensure!(
                    matches!(error, code::NONE | code::COORDINATOR_LOAD_IN_PROGRESS)
                        || shared.is_troubled(),
                    "transactions: error {error}"
                );
                let mut listed = answer.transaction_states.iter();
                let is_foreign = |name: &str| !IDS.contains(&name);
                ensure!(
                    !listed.any(|one| is_foreign(&one.transactional_id.0)),
                    "nobody has these: {answer:?}"
                );
            }
        }
        Ok(true)
    }
}

/// Somebody was told all that the group of a transactional id has committed. `least` is what was known when it
/// was asked for.
fn see_positions(
    shared: &mut Shared,
    id: usize,
    least: [Option<i64>; 2],
    needs_stable: bool,
    found: OffsetFetchResponseGroup,
) -> Checked {
    let mut found_at = BTreeMap::new();
    for topic in found.topics {
        ensure!(
            *topic.name.0 == *KEPT,
            "{} has committed for {:?}",
            GROUPS[id],
            topic.name
        );
        let partitions = topic.partitions.into_iter();
        found_at.extend(partitions.map(|found| (found.partition_index, found)));
    }
    for (partition, least) in (0..).zip(least) {
        // What is not in the answer is not committed.
        let found = found_at.remove(&partition);
        let error = found.as_ref().map_or(code::NONE, |found| found.error_code);
        if error == code::UNSTABLE_OFFSET_COMMIT && needs_stable {
            continue;
        }
        ensure!(
            error == code::NONE,
            "{}: error {error} for partition {partition}",
            GROUPS[id]
        );
        let offset = found.as_ref().map_or(-1, |found| found.committed_offset);
        let metadata = found.and_then(|found| found.metadata).unwrap_or_default();
        let history = &mut shared.model.history;
        history.see_position((id, partition), offset, &metadata, least)?;
    }
    ensure!(
        found_at.is_empty(),
        "{} has committed for {found_at:?}",
        GROUPS[id]
    );
    shared.tally.add("positions looked at", 1);
    Ok(())
}
