//! The end of a transaction that has committed offsets.

use std::sync::Arc;

use parking_lot::MutexGuard;
use storage::{Appended, Log};
use transactions::{Marker, Outcome};

use super::partition::{Partition, State};

/// A partition of groups into which a marker is about to be written. Until it is let go of, nobody is told
/// anything of its groups.
pub(crate) struct MarkerLock<'a> {
    partition: &'a Partition,
    state: MutexGuard<'a, State>,
}

impl MarkerLock<'_> {
    /// Where the marker goes.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.partition.log
    }

    /// Takes in the marker that has been written: what was committed under it counts, or is dropped.
    pub(crate) fn settle(&mut self, marker: &Marker, appended: &Appended) {
        let is_commit = marker.outcome == Outcome::Commit;
        self.partition
            .fold(&mut self.state, appended.sequence, |coordinator, call| {
                coordinator.end_transaction(marker.producer.id, is_commit, call);
            });
    }
}

impl Partition {
    /// Locks the partition for a marker; `None` if its groups are not known, or not written.
    pub(super) fn lock_for_marker(&self) -> Option<MarkerLock<'_>> {
        let mut state = self.state.lock();
        state.journal.catch_up().ok()?;
        state.coordinator.as_ref()?;
        Some(MarkerLock {
            partition: self,
            state,
        })
    }
}
