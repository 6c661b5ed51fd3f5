//! What has become of the transactions, going by the logs of the partitions alone.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Stories;
use crate::{Outcome, Producer};

/// What stands in the log of a partition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// A record of a transaction, by its number.
    Data(Producer, usize),
    Marker(Producer, Outcome),
}

/// Judges all transactions. When nothing is under way any more, nothing may be open.
pub(super) fn judge(logs: &BTreeMap<i32, Vec<Entry>>, stories: &Stories, is_over: bool) {
    let mut outcomes: BTreeMap<usize, BTreeSet<Outcome>> = BTreeMap::new();
    let mut written: BTreeMap<usize, usize> = BTreeMap::new();
    for (partition, log) in logs {
        let mut open: BTreeMap<i64, usize> = BTreeMap::new();
        let mut ended: BTreeSet<usize> = BTreeSet::new();
        let mut epochs: BTreeMap<i64, i16> = BTreeMap::new();
        for entry in log {
            let (Entry::Data(producer, _) | Entry::Marker(producer, _)) = *entry;
            let newest = epochs.entry(producer.id.0).or_default();
            assert!(
                producer.epoch.0 >= *newest,
                "partition {partition}: {entry:?} of a producer that was fenced with {newest}"
            );
            *newest = producer.epoch.0;
            match *entry {
                Entry::Data(producer, number) => {
                    *written.entry(number).or_default() += 1;
                    let first = *open.entry(producer.id.0).or_insert(number);
                    assert_eq!(
                        first, number,
                        "partition {partition}: two transactions in one"
                    );
                    assert!(
                        !ended.contains(&number),
                        "partition {partition}: a record behind the end of {number}"
                    );
                }
                Entry::Marker(producer, outcome) => {
                    if let Some(number) = open.remove(&producer.id.0) {
                        ended.insert(number);
                        outcomes.entry(number).or_default().insert(outcome);
                    }
                }
            }
        }
        assert!(
            !is_over || open.is_empty(),
            "partition {partition}: {open:?} is left open"
        );
    }
    for (number, story) in stories {
        let found = outcomes.get(number);
        assert!(
            found.is_none_or(|found| found.len() == 1),
            "{number} is torn"
        );
        let found = found.and_then(BTreeSet::first).copied();
        if found == Some(Outcome::Commit) {
            assert_eq!(
                story.asked, found,
                "{number} was committed and nobody asked for it"
            );
        }
        if story.told.is_some() && (is_over || found.is_some()) {
            assert_eq!(
                found, story.told,
                "{number} did not end as its producer was told"
            );
        }
        let written = written.get(number).copied().unwrap_or(0);
        assert!(written >= story.acknowledged, "{number} has lost records");
    }
}
