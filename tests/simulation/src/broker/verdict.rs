//! The end of all transactions: whole or not at all, in an order that can be, and nothing left open.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{DescribeProducersRequest, ListTransactionsRequest};

use super::codec::{self, code, only};
use super::dump::Dump;
use super::history::{GROUPS, History, IDS, Outcome};
use super::model::{Deletion, Told, TopicKey};
use super::queries::{fetch, position_fetch};
use super::reading::Reading;
use super::world::{Checked, Shared, ensure};

impl Shared {
    /// Judges all transactions when everything is at rest, and their timeouts have passed.
    pub(crate) fn close_history(&mut self, found: &Dump) -> Checked {
        self.check_that_nothing_hangs()?;
        let mut shown = BTreeSet::new();
        for key in self.model.settled() {
            for partition in (0..).take(self.model.topics[key].partitions.len()) {
                let id = self.model.topics[key].id;
                let log = found.logs.get(&(id, partition)).ok_or("a log is lost")?;
                self.read_committed(key, partition, (log.start, log.end), &mut shown)
                    .and_then(|()| self.settle_fates(key, partition, log, true))
                    .map_err(|error| format!("topic {key}, partition {partition}: {error}"))?;
            }
        }
        self.check_wholeness(found, &shown)?;
        self.check_chains(found)?;
        check_order(&self.edges())
    }

    /// Nobody is shown a transaction that is under way.
    fn check_that_nothing_hangs(&mut self) -> Checked {
        let answer = self.machine.ask(&ListTransactionsRequest::default(), 0)?;
        ensure!(
            answer.error_code == code::NONE,
            "transactions: {}",
            answer.error_code
        );
        for one in answer.transaction_states {
            let (id, state) = (one.transactional_id, one.transaction_state);
            let is_at_rest = ["Empty", "CompleteCommit", "CompleteAbort"].contains(&&*state);
            ensure!(is_at_rest, "{id:?} hangs in {state}");
        }
        let topics = self.model.settled();
        let topics = topics.into_iter().map(|key| {
            let topic = &self.model.topics[key];
            TopicRequest::default()
                .with_name(codec::topic(&topic.name))
                .with_partition_indexes((0..).take(topic.partitions.len()).collect())
        });
        let request = DescribeProducersRequest::default().with_topics(topics.collect());
        for topic in self.machine.ask(&request, 0)?.topics {
            for partition in topic.partitions {
                ensure!(
                    partition.error_code == code::NONE,
                    "producers: {}",
                    partition.error_code
                );
                let index = partition.partition_index;
                for producer in partition.active_producers {
                    ensure!(
                        producer.current_txn_start_offset < 0,
                        "{producer:?} hangs in {:?}-{index}",
                        topic.name
                    );
                }
            }
        }
        for (id, name) in GROUPS.into_iter().enumerate() {
            let request = position_fetch(id, vec![0, 1]).with_require_stable(true);
            let group = only(self.machine.ask(&request, 8)?.groups)?;
            ensure!(
                group.error_code == code::NONE,
                "{name}: {}",
                group.error_code
            );
            for found in only(group.topics)?.partitions {
                ensure!(
                    found.error_code == code::NONE,
                    "{name}: what is committed for partition {} hangs: {}",
                    found.partition_index,
                    found.error_code
                );
            }
        }
        Ok(())
    }

    /// Reads a log as readers of committed records do: it must be stable up to its end.
    fn read_committed(
        &mut self,
        topic: TopicKey,
        partition: i32,
        (start, end): (i64, i64),
        shown: &mut BTreeSet<usize>,
    ) -> Checked {
        let id = uuid::Uuid::from_bytes(self.model.topics[topic].id);
        let mut from = start;
        loop {
            let request = fetch(id, partition, from, 20_000, 1);
            let answer = self.machine.ask(&request, 13)?;
            let found = only(only(answer.responses)?.partitions)?;
            let reading = Reading {
                from,
                is_committed: true,
                told_before: Told::default(),
            };
            let read = self.take_records(topic, partition, &reading, found)?;
            let read = read.ok_or_else(|| format!("nothing can be read at {from}"))?;
            ensure!(
                read.stable == end,
                "stable up to {}, yet all has ended and the end is {end}",
                read.stable
            );
            shown.extend(read.counted);
            if read.next >= end {
                return Ok(());
            }
            from = read.next;
        }
    }

    /// Every batch of a transaction is shown, or none is, unless what is missing was deleted.
    fn check_wholeness(&self, found: &Dump, shown: &BTreeSet<usize>) -> Checked {
        let history = &self.model.history;
        for (number, transaction) in history.transactions.iter().enumerate() {
            for batch in &transaction.batches {
                let sent = &self.model.sent[*batch];
                let topic = &self.model.topics[sent.topic];
                let log = found.logs.get(&(topic.id, sent.partition));
                let (Some(log), Deletion::None) = (log, topic.deletion) else {
                    continue;
                };
                let Some(base) = sent.base else {
                    ensure!(
                        topic.may_trim || transaction.outcome != Outcome::Committed,
                        "batch {batch} of transaction {number} is nowhere, yet that is committed"
                    );
                    continue;
                };
                let is_removed = base + sent.records <= log.start;
                let is_shown = shown.contains(batch);
                ensure!(
                    is_removed || is_shown == (transaction.outcome == Outcome::Committed),
                    "batch {batch} of transaction {number} is shown: {is_shown}, yet it is {:?}",
                    transaction.outcome
                );
            }
        }
        Ok(())
    }

    /// What the committed transactions of a group have read follows one after the other, without a gap and
    /// nothing twice, up to the position of the group.
    fn check_chains(&mut self, found: &Dump) -> Checked {
        for (id, group) in GROUPS.iter().enumerate() {
            let mut chains: BTreeMap<i32, Vec<(i64, i64)>> = BTreeMap::new();
            for transaction in &self.model.history.transactions {
                let is_committed = transaction.outcome == Outcome::Committed;
                if let (true, Some(input)) =
                    (is_committed && transaction.id == id, transaction.input)
                {
                    let chain = chains.entry(input.partition).or_default();
                    chain.push((input.from, input.to));
                }
            }
            for (partition, mut chain) in chains {
                chain.sort_unstable();
                let mut reach = 0;
                for (from, to) in chain {
                    ensure!(
                        from == reach,
                        "{group}: {from}..{to} of partition {partition} was moved, and before it up to {reach}"
                    );
                    reach = to;
                }
                let position = found.positions.get(&(id, partition));
                let position = position.map(|(offset, _)| *offset);
                ensure!(
                    position == Some(reach),
                    "{group}: partition {partition} was moved up to {reach}, and the position is {position:?}"
                );
            }
        }
        Ok(())
    }

    /// Which committed transactions must come before which.
    fn edges(&self) -> Vec<Vec<usize>> {
        let history = &self.model.history;
        let mut edges = vec![Vec::new(); history.transactions.len()];
        for (number, transaction) in history.transactions.iter().enumerate() {
            if transaction.outcome != Outcome::Committed {
                continue;
            }
            for other in &transaction.has_read {
                edges[*other].push(number);
            }
            if let Some(before) = last_committed(history, transaction.previous) {
                edges[before].push(number);
            }
        }
        // In a log the transactions of an id stand as they were.
        for topic in &self.model.topics {
            for partition in &topic.partitions {
                let mut last = [None; IDS.len()];
                for batch in partition.batches.values() {
                    let Some(number) = self.model.sent[*batch].transaction else {
                        continue;
                    };
                    let transaction = &history.transactions[number];
                    if transaction.outcome == Outcome::Committed
                        && let Some(before) = last[transaction.id].replace(number)
                        && before != number
                    {
                        edges[before].push(number);
                    }
                }
            }
        }
        edges
    }
}

/// The last transaction of a client that was committed, from this one back.
fn last_committed(history: &History, mut from: Option<usize>) -> Option<usize> {
    while let Some(number) = from {
        let transaction = &history.transactions[number];
        if transaction.outcome == Outcome::Committed {
            return Some(number);
        }
        from = transaction.previous;
    }
    None
}

/// Errs if some transactions come before themselves.
pub(crate) fn check_order(edges: &[Vec<usize>]) -> Checked {
    let mut comes_after = vec![0_usize; edges.len()];
    for later in edges.iter().flatten() {
        comes_after[*later] += 1;
    }
    let mut ready: Vec<usize> = (0..edges.len())
        .filter(|number| comes_after[*number] == 0)
        .collect();
    let mut placed = 0;
    while let Some(number) = ready.pop() {
        placed += 1;
        for later in &edges[number] {
            comes_after[*later] -= 1;
            if comes_after[*later] == 0 {
                ready.push(*later);
            }
        }
    }
    let in_circle: Vec<usize> = (0..edges.len())
        .filter(|number| comes_after[*number] > 0)
        .collect();
    ensure!(
        placed == edges.len(),
        "no order of the transactions explains what they have read: {in_circle:?}"
    );
    Ok(())
}

#[test]
fn an_order_is_found_if_there_is_one() {
    assert_eq!(check_order(&[vec![1, 2], vec![2], vec![]]), Ok(()));
    assert!(check_order(&[vec![1], vec![2], vec![1]]).is_err());
    assert!(check_order(&[vec![0]]).is_err());
}
