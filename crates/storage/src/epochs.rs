//! Which leader epoch began at which offset of a log (KIP-101).

use model::{LeaderEpoch, Offset};

/// Epochs with the offset of their first batch, both rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    entries: Vec<(i32, i64)>,
}

impl Epochs {
    pub(crate) fn from_entries(entries: Vec<(i32, i64)>) -> Self {
        Self { entries }
    }

    /// Notes that a batch of this epoch begins at the offset.
    pub(crate) fn note(&mut self, epoch: i32, base_offset: i64) {
        if self.entries.last().is_none_or(|(last, _)| *last < epoch) {
            self.entries.push((epoch, base_offset));
        }
    }

    /// Forgets the epochs that ended at or below the start of the log.
    pub(crate) fn forget_below(&mut self, log_start: i64) {
        let ended = self
            .entries
            .iter()
            .skip(1)
            .take_while(|(_, start)| *start <= log_start)
            .count();
        self.entries.drain(..ended);
        if let Some((_, start)) = self.entries.first_mut() {
            *start = (*start).max(log_start);
        }
    }

    /// The largest epoch that is not above the one asked for, and where it ended. An epoch before
    /// all that have batches ended where the first of these begins: it had none, or they are gone,
    /// and a reader that stands there has missed nothing. -1 and -1 if the epoch asked for has not
    /// begun. `current` is the epoch that batches are stamped with now, `end` the end of the log for
    /// readers.
    pub(crate) fn end_offset_for(
        &self,
        epoch: LeaderEpoch,
        current: i32,
        end: i64,
    ) -> (LeaderEpoch, Offset) {
        let unknown = (LeaderEpoch::UNKNOWN, Offset::NONE);
        if epoch.get() == current {
            return (epoch, Offset(end));
        }
        if epoch.get() > current || epoch.get() < 0 {
            return unknown;
        }
        let above = self
            .entries
            .partition_point(|(known, _)| *known <= epoch.get());
        let known = above.checked_sub(1).and_then(|at| self.entries.get(at));
        let known = known.map_or(epoch.get(), |(known, _)| *known);
        let next_start = self.entries.get(above).map_or(end, |(_, start)| *start);
        (LeaderEpoch(known), Offset(next_start.min(end)))
    }

    /// The epochs that have batches below an offset.
    pub(crate) fn below(&self, end: i64) -> Vec<(i32, i64)> {
        self.entries
            .iter()
            .filter(|(_, start)| *start < end)
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let mut epochs = Epochs::default();
        epochs.note(1, 0);
        epochs.note(1, 5);
        epochs.note(4, 10);
        epochs.note(6, 20);
        let end = |epoch| {
            let (epoch, end) = epochs.end_offset_for(LeaderEpoch(epoch), 7, 30);
            (epoch.get(), end.get())
        };
        assert_eq!(end(0), (0, 0), "before the first");
        assert_eq!(end(-1), (-1, -1), "none");
        assert_eq!(end(1), (1, 10));
        assert_eq!(end(3), (1, 10), "the largest not above");
        assert_eq!(end(4), (4, 20));
        assert_eq!(end(6), (6, 30));
        assert_eq!(end(7), (7, 30), "the current one, without batches yet");
        assert_eq!(end(8), (-1, -1), "not begun");
    }

    #[test]
    fn what_ended_below_the_log_start_is_forgotten() {
        let mut epochs = Epochs::from_entries(vec![(1, 0), (4, 10), (6, 20)]);
        epochs.forget_below(12);
        assert_eq!(epochs, Epochs::from_entries(vec![(4, 12), (6, 20)]));
        epochs.forget_below(20);
        assert_eq!(epochs, Epochs::from_entries(vec![(6, 20)]));
        let end = epochs.end_offset_for(LeaderEpoch(4), 7, 30);
        assert_eq!(end, (LeaderEpoch(4), Offset(20)), "who stood there goes on");
    }

    #[test]
    fn an_epoch_without_batches_ended_where_the_log_ends() {
        let end = Epochs::default().end_offset_for(LeaderEpoch(0), 1, 0);
        assert_eq!(end, (LeaderEpoch(0), Offset(0)));
    }
}
