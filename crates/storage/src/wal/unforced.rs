//! What was written and is not forced: entries of relaxed logs only.

use std::time::Duration;

use env::Monotonic;

use super::queue::{Content, Queued};
use crate::marks::Mark;

#[derive(Debug, Default)]
pub(super) struct Unforced {
    bytes: u64,
    records: i64,
    /// The smallest bound of the logs whose records wait.
    records_max: i64,
    deadline: Option<Monotonic>,
}

impl Unforced {
    pub(super) fn note(&mut self, entry: &Queued, now: Monotonic) {
        let Content::Batch(batch) = &entry.content else {
            return;
        };
        let config = entry.log.config();
        let deadline = now + Duration::from_millis(config.flush_ms.max(0).cast_unsigned());
        self.bytes += batch.bytes.len() as u64;
        self.records += i64::from(batch.last_offset_delta) + 1;
        self.records_max = match self.records_max {
            0 => config.flush_messages,
            bound => bound.min(config.flush_messages),
        };
        self.deadline = Some(self.deadline.map_or(deadline, |at| at.min(deadline)));
    }

    /// When what was written must be forced.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        self.deadline
    }

    /// Which bound is reached, if one is.
    pub(super) fn bound(&self, bytes_max: u64) -> Option<Mark> {
        if self.bytes >= bytes_max {
            return Some(Mark::ForceByBytes);
        }
        let has_records = self.records_max > 0 && self.records >= self.records_max;
        has_records.then_some(Mark::ForceByCount)
    }
}
