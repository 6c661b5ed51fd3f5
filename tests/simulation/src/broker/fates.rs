//! What the logs say of transactions: the markers between the batches.

use std::collections::BTreeMap;

use super::check::number_of;
use super::dump::LogDump;
use super::model::{Marker, TopicKey};
use super::world::{Checked, Shared, ensure};
use crate::batch;

impl Shared {
    /// Somebody has read a control batch.
    pub(crate) fn see_marker(
        &mut self,
        topic: TopicKey,
        partition: i32,
        base: i64,
        (found, is_commit): (&[u8], bool),
    ) -> Checked {
        let origin = batch::origin(found);
        let marker = Marker {
            producer_id: origin.producer_id,
            epoch: origin.epoch,
            is_commit,
        };
        let owners = &self.model.history.owners;
        ensure!(
            owners
                .iter()
                .any(|owner| owner.producer_id == Some(marker.producer_id)),
            "{marker:?} at {base} ends a transaction of nobody"
        );
        let log = self.model.partition(topic, partition);
        let known = *log.markers.entry(base).or_insert(marker);
        ensure!(known == marker, "{known:?} and {marker:?} are at {base}");
        let before = log.batches.range(..=base).next_back();
        if let Some((at, number)) = before.map(|(at, number)| (*at, *number)) {
            ensure!(
                at + self.model.sent[number].records <= base,
                "batch {number} at {at} reaches over the marker at {base}"
            );
        }
        self.tally.add("markers read", 1);
        Ok(())
    }

    /// Compares the markers of a log with what its transactions have meant.
    pub(crate) fn settle_fates(
        &mut self,
        topic: TopicKey,
        partition: i32,
        log: &LogDump,
        is_at_rest: bool,
    ) -> Checked {
        let now = self.now();
        // By producer, the transaction that has no marker yet.
        let mut open: BTreeMap<i64, usize> = BTreeMap::new();
        let mut markers: BTreeMap<i64, usize> = BTreeMap::new();
        for (base, found) in &log.batches {
            let origin = batch::origin(found);
            if let Some(is_commit) = batch::marker(found).transpose()? {
                *markers.entry(origin.producer_id).or_default() += 1;
                if let Some(number) = open.remove(&origin.producer_id) {
                    self.settle_fate(number, origin.epoch, is_commit, now)
                        .map_err(|error| format!("by the marker at {base}: {error}"))?;
                }
                continue;
            }
            let number = number_of(found).ok_or("nobody sent it")?;
            let transaction = self.model.sent[number].transaction;
            ensure!(
                origin.is_transactional == transaction.is_some(),
                "batch {number} at {base} has lost its transaction"
            );
            if let Some(transaction) = transaction {
                let other = *open.entry(origin.producer_id).or_insert(transaction);
                ensure!(
                    other == transaction,
                    "no marker between transactions {other} and {transaction}, before {base}"
                );
            }
        }
        ensure!(
            !is_at_rest || open.is_empty(),
            "transactions {:?} have no marker",
            open.values()
        );
        self.count_markers(topic, partition, &markers)
    }

    fn settle_fate(
        &mut self,
        number: usize,
        epoch: i16,
        is_commit: bool,
        now: env::Monotonic,
    ) -> Checked {
        let history = &mut self.model.history;
        let transaction = &history.transactions[number];
        let own = transaction.producer.1;
        let least = match transaction.is_two {
            // So that nothing of it that comes late is taken for the next one.
            true => own + 1,
            false => own,
        };
        ensure!(
            epoch >= least,
            "transaction {number} of epoch {own} ends with epoch {epoch}"
        );
        match is_commit {
            true => history.see_committed(number),
            false => history.see_aborted(number, now),
        }
    }

    /// No transaction has more than one in a partition.
    fn count_markers(
        &self,
        topic: TopicKey,
        partition: i32,
        markers: &BTreeMap<i64, usize>,
    ) -> Checked {
        let history = &self.model.history;
        if history.may_double {
            return Ok(());
        }
        let key = (self.model.topics[topic].name.clone(), partition);
        let touching = history.touched.get(&key);
        for (producer_id, count) in markers {
            let of_producer = |number: &&usize| {
                let transaction = &history.transactions[**number];
                transaction.producer.0 == *producer_id
            };
            let most = touching.map_or(0, |all| all.iter().filter(of_producer).count());
            ensure!(
                *count <= most,
                "{count} markers of producer {producer_id} for {most} transactions"
            );
        }
        Ok(())
    }
}
