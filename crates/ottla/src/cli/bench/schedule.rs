//! When which records of an open loop are due: fixed before the first of them is sent, so that a
//! broker that is slow does not get less to do.

use std::time::Duration;

/// Records at even distances, gathered into batches as a producer that lingers gathers them.
///
/// Without keys a producer fills the batch of one partition before it turns to the next. With keys
/// the records of all partitions come mixed, and each partition gathers its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    rate: u64,
    linger: Duration,
    batch_records: u64,
    /// Whether batches are as large as they may be, and so need not linger to their end.
    is_full: bool,
    lanes: u64,
    has_keys: bool,
}

/// A batch of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Which partition it is for, of those that are written to.
    pub(super) lane: usize,
    /// How many batches this partition has had.
    pub(super) round: u64,
    /// Number of its first record among all.
    first: u64,
    /// From one of its records to the next.
    stride: u64,
    /// How many records it has.
    pub(super) count: u64,
    /// When it is to be sent, from the start.
    pub(super) after: Duration,
}

impl Schedule {
    /// So many records a second for so many partitions, none of the numbers 0.
    pub(super) fn new(
        rate: u64,
        linger: Duration,
        batch_records_max: u64,
        lanes: usize,
        has_keys: bool,
    ) -> Self {
        let lanes = lanes as u64;
        let gathering = if has_keys { lanes } else { 1 };
        let more = u128::from(rate) * linger.as_nanos() / 1_000_000_000 / u128::from(gathering);
        let lingering = 1 + u64::try_from(more).unwrap_or(u64::MAX - 1);
        Self {
            rate,
            linger,
            batch_records: lingering.min(batch_records_max),
            is_full: batch_records_max <= lingering,
            lanes,
            has_keys,
        }
    }

    /// Records of every batch.
    pub(super) fn batch_records(&self) -> u64 {
        self.batch_records
    }

    /// When a record is due, from the start.
    fn record_after(&self, record: u64) -> Duration {
        let nanoseconds = u128::from(record) * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The batch of this number; they are due in the order of their numbers.
    pub(super) fn batch(&self, number: u64) -> Batch {
        let lane = number % self.lanes;
        let round = number / self.lanes;
        let (first, stride) = match self.has_keys {
            false => (number * self.batch_records, 1),
            true => (lane + self.lanes * round * self.batch_records, self.lanes),
        };
        let last = first + stride * (self.batch_records - 1);
        let after = match self.is_full {
            true => self.record_after(last),
            false => self.record_after(first) + self.linger,
        };
        Batch {
            lane: lane as usize,
            round,
            first,
            stride,
            count: self.batch_records,
            after,
        }
    }

    /// The batch that a lane has in this round.
    pub(super) fn batch_of(&self, lane: usize, round: u64) -> Batch {
        self.batch(round * self.lanes + lane as u64)
    }

    /// When each record of a batch is due, from the start.
    pub(super) fn records_after(&self, batch: &Batch) -> impl Iterator<Item = Duration> {
        let (first, stride) = (batch.first, batch.stride);
        (0..batch.count).map(move |index| self.record_after(first + stride * index))
    }
}

impl Batch {
    /// The batch without its records from this number on; `None` if none is left.
    pub(super) fn before(mut self, end: u64) -> Option<Self> {
        let left = end.saturating_sub(self.first).div_ceil(self.stride);
        self.count = self.count.min(left);
        (self.count > 0).then_some(self)
    }
}

/// Which batches one of several connections to a broker sends: they take those of each lane by turns,
/// and begin at different lanes, so that batches that are due one after the other go different ways.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    connections: u64,
    /// The connection's batches of the first rounds, one of each lane, in the order in which they are due:
    /// the round, and the place of the lane. So many rounds later as there are connections it goes on
    /// in the same order.
    first: Vec<(u64, usize)>,
}

impl Turns {
    /// The turns of the connection of this index. `lanes` are those of its broker, in order; there is
    /// one at least.
    pub(super) fn new(lanes: &[usize], index: usize, connections: usize) -> Self {
        let round = |lane: usize| (index + connections - lane % connections) % connections;
        let first = lanes.iter().enumerate();
        let mut first: Vec<(u64, usize)> = first
            .map(|(place, lane)| (round(*lane) as u64, place))
            .collect();
        first.sort_unstable();
        Self {
            connections: connections as u64,
            first,
        }
    }

    /// The place of a lane in `lanes`, and its round.
    pub(super) fn at(&self, turn: u64) -> (usize, u64) {
        let lanes = self.first.len() as u64;
        let (round, place) = self.first[(turn % lanes) as usize];
        (place, round + turn / lanes * self.connections)
    }
}

#[cfg(test)]
mod tests;
