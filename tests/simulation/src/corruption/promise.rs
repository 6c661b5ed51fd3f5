//! What a broker has promised: what its clients were told, and what they have read.

use std::collections::BTreeMap;

use super::asks::Committed;

/// All that clients know.
#[derive(Clone, Debug, Default)]
pub(super) struct Promises {
    /// The id and the number of partitions of every topic.
    pub topics: BTreeMap<String, (String, usize)>,
    pub partitions: Vec<Partition>,
    pub groups: BTreeMap<String, Committed>,
}

/// One partition.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub topic: String,
    pub index: i32,
    pub log_id: u32,
    /// Whether retention removes nothing of it.
    pub keeps_all: bool,
    pub start: i64,
    /// One above the last offset that was acknowledged.
    pub end: i64,
    /// Up to where the disk itself can prove that it was.
    pub proven_end: i64,
    /// Every batch that has ever been here, as readers got it.
    pub batches: BTreeMap<i64, Batch>,
    pub producer: Option<Producer>,
    /// Timestamps with the offsets that they led to.
    pub times: Vec<(i64, i64)>,
}

/// A batch with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub last: i64,
    pub bytes: Vec<u8>,
}

/// An idempotent producer of a partition.
#[derive(Clone, Debug)]
pub(super) struct Producer {
    pub id: i64,
    pub epoch: i16,
    pub next_sequence: i32,
    /// The last batch, as it was sent, and its offset.
    pub last: Option<(Vec<u8>, i64)>,
}

impl Partition {
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.topic, self.index)
    }

    /// Notes a batch that was acknowledged.
    pub(super) fn note_sent(&mut self, batch: &[u8], base: i64) {
        let delta = i32::from_be_bytes(batch[23..27].try_into().expect("a header"));
        self.end = base + i64::from(delta) + 1;
        if let Some(producer) = &mut self.producer {
            producer.next_sequence += delta + 1;
            producer.last = Some((batch.to_vec(), base));
        }
    }

    /// Some of the timestamps that records have: the largest of some batches.
    pub(super) fn timestamps(&self) -> Vec<i64> {
        let live = self.batches.range(self.start..);
        let times: Vec<i64> = live
            .map(|(_, batch)| i64::from_be_bytes(batch.bytes[35..43].try_into().expect("a time")))
            .collect();
        let step = (times.len() / 3).max(1);
        times.into_iter().step_by(step).collect()
    }

    /// Forgets what was never proven and is gone.
    pub(super) fn cut(&mut self, end: i64) {
        self.batches.split_off(&end);
        self.end = end;
        self.proven_end = self.proven_end.min(end);
        let is_gone = |producer: &Producer| {
            let last = producer.last.as_ref();
            last.is_some_and(|(_, offset)| *offset >= end)
        };
        if self.producer.as_ref().is_some_and(is_gone) {
            self.producer = None;
        }
    }
}
