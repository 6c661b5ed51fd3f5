//! Places in a topic.

use std::fmt;

use wire::Text;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: String,
    /// Partition index.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition of this index.
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

/// Gathers what belongs to partitions of one topic, as requests want it. The partitions are in order.
pub(crate) fn by_topic<'a, T>(
    partitions: impl IntoIterator<Item = (&'a TopicPartition, T)>,
) -> Vec<(Text, Vec<T>)> {
    let mut topics: Vec<(Text, Vec<T>)> = Vec::new();
    for (at, item) in partitions {
        match topics.last_mut() {
            Some((name, items)) if *name == at.topic.as_str() => items.push(item),
            _ => topics.push((Text::from(&at.topic), vec![item])),
        }
    }
    topics
}

/// `topic-partition`, as Kafka's own tools write it.
impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What to ask a broker about the offsets of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The oldest offset that is kept.
    Start,
    /// The high watermark: the offset of the next record.
    End,
    /// The first record at or after this time, in ms since the epoch; the end if there is none.
    Time(i64),
}

/// Where to begin reading a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// A place that a broker knows.
    Position(Position),
    /// This offset, moved into what is kept.
    Offset(i64),
    /// So many offsets after the oldest one.
    AfterStart(i64),
    /// So many offsets before the end.
    BeforeEnd(i64),
}

impl StartAt {
    /// The offset meant in a partition that keeps `start..end`; `found` is the answer for
    /// [`StartAt::Position`]. Never outside of `start..=end`.
    pub fn resolve(self, start: i64, end: i64, found: i64) -> i64 {
        let offset = match self {
            Self::Position(_) => found,
            Self::Offset(offset) => offset,
            Self::AfterStart(count) => start.saturating_add(count),
            Self::BeforeEnd(count) => end.saturating_sub(count),
        };
        // Not `clamp`: a broker that answers a start above its end must not bring this process down.
        offset.min(end).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_moved_into_what_is_kept() {
        let (start, end) = (10, 20);
        for (at, offset) in [
            (StartAt::Position(Position::Time(5)), 13),
            (StartAt::Offset(12), 12),
            (StartAt::Offset(0), 10),
            (StartAt::Offset(i64::MAX), 20),
            (StartAt::AfterStart(0), 10),
            (StartAt::AfterStart(3), 13),
            (StartAt::AfterStart(i64::MAX), 20),
            (StartAt::BeforeEnd(1), 19),
            (StartAt::BeforeEnd(0), 20),
            (StartAt::BeforeEnd(i64::MAX), 10),
        ] {
            assert_eq!(at.resolve(start, end, 13), offset, "{at:?}");
        }
        assert_eq!(StartAt::Offset(5).resolve(7, 3, 0), 7);
    }
}
