//! Looks at transactions from outside: ends of what is stable, positions, and what the coordinator says.

use kafka_protocol::messages::{
    DescribeTransactionsRequest, ListOffsetsRequest, ListTransactionsRequest, OffsetFetchRequest,
};

use super::codec::{code, text};
use super::dump;
use super::history::{GROUPS, IDS};
use super::machine::Machine;
use super::model::{Deletion, Told, TopicKey};
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
                let request = dump::offset_fetch(GROUPS[id]).with_require_stable(needs_stable);
                self.caller
                    .send(&request, 8, Asked::Positions { id, least });
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
        let request = dump::list_offsets(name, partition, -1).with_isolation_level(1);
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
                let mut answer = tag.read::<ListOffsetsRequest>(bytes)?;
                let mut found = answer.topics.pop().ok_or("no topic in the answer")?;
                let found = found.partitions.pop().ok_or("no partition in the answer")?;
                let entry = &shared.model.topics[topic];
                if entry.deletion != Deletion::None {
                    return Ok(true);
                }
                if found.error_code != code::NONE {
                    ensure!(shared.is_troubled(), "stable: error {}", found.error_code);
                    return Ok(true);
                }
                // Where records may be deleted, the start may be anywhere up to here.
                let start = if entry.may_trim { found.offset } else { 0 };
                shared
                    .show_stable(topic, partition, found.offset, start, told_before)
                    .map_err(|error| format!("topic {topic}, partition {partition}: {error}"))?;
            }
            Asked::Positions { id, least } => {
                let mut answer = tag.read::<OffsetFetchRequest>(bytes)?;
                let group = answer.groups.pop().ok_or("no group in the answer")?;
                if group.error_code != code::NONE {
                    let is_loading = group.error_code == code::COORDINATOR_NOT_AVAILABLE;
                    ensure!(
                        shared.is_troubled() || is_loading,
                        "positions: error {}",
                        group.error_code
                    );
                    return Ok(true);
                }
                for found in group.topics.into_iter().flat_map(|topic| topic.partitions) {
                    if found.error_code == code::UNSTABLE_OFFSET_COMMIT {
                        continue;
                    }
                    let partition = found.partition_index;
                    let least = least.get(pick(partition.unsigned_abs().into(), 2));
                    shared.model.history.see_position(
                        (id, partition),
                        found.committed_offset,
                        &found.metadata.unwrap_or_default(),
                        least.copied().flatten(),
                    )?;
                }
                shared.tally.add("positions looked at", 1);
            }
            Asked::Described { id, open } => {
                let mut answer = tag.read::<DescribeTransactionsRequest>(bytes)?;
                let found = answer.transaction_states.pop().ok_or("no transaction")?;
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
