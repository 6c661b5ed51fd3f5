//! What the program `RecordReader` prints.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use testkit::ProcessLog;

/// A committed record of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub partition: u32,
    pub offset: u64,
    /// `-` if it has none.
    pub key: String,
    pub value: String,
}

impl Record {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(4, ' ');
        Some(Self {
            partition: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
            key: parts.next()?.to_owned(),
            value: parts.next()?.to_owned(),
        })
    }
}

/// The records that a reader has printed so far.
pub(crate) fn printed(output: &ProcessLog) -> Result<Vec<Record>> {
    let lines = output.lines();
    let records = lines.iter().map(|line| {
        Record::parse(line.text()).with_context(|| format!("not a record: {}", line.text()))
    });
    records.collect()
}

/// What a reader was given that is not there afterwards, or is something else there.
pub(crate) fn taken_back(followed: &[Record], left: &[Record]) -> Vec<String> {
    let places: BTreeMap<(u32, u64), &Record> = left
        .iter()
        .map(|record| ((record.partition, record.offset), record))
        .collect();
    followed
        .iter()
        .filter(|record| places.get(&(record.partition, record.offset)) != Some(record))
        .map(|record| format!("a reader was given {record:?}, which was taken back"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_record_whatever_its_value_holds() {
        let record = Record::parse("2 17 - some words").unwrap();
        assert_eq!((record.partition, record.offset), (2, 17));
        assert_eq!((&*record.key, &*record.value), ("-", "some words"));
        assert_eq!(Record::parse("2 x - value"), None);
    }

    #[test]
    fn what_was_shown_and_is_gone_or_changed_is_found() {
        let record = |line| Record::parse(line).unwrap();
        let left = [record("0 0 a 1"), record("0 2 a 2")];
        assert!(taken_back(&left, &left).is_empty());
        assert_eq!(taken_back(&[record("0 1 a 2")], &left).len(), 1);
        assert_eq!(taken_back(&[record("0 2 a 3")], &left).len(), 1);
    }
}
