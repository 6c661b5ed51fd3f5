//! Waiting for a partition to move, with a deadline.
//!
//! A request that cannot be answered yet registers with each of its logs and sleeps. It is woken
//! when the published view of one of them moves, when its deadline comes, or when the broker stops;
//! nothing polls. Registration comes before the look at the state that decides, so no move between
//! the two is missed.

use std::sync::Arc;

use storage::{Log, WatchGuard};
use tokio::sync::{Notify, watch};

use crate::deadlines::Deadline;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// A log moved or was deleted: look again.
    Moved,
    /// The deadline has come, or the broker stops: answer with what there is.
    Expired,
}

/// One request in waiting. Dropping it ends all of its registrations.
pub(crate) struct Waiting {
    moved: Arc<Notify>,
    guards: Vec<WatchGuard>,
    deadline: Deadline,
    stopping: watch::Receiver<bool>,
}

impl Waiting {
    /// Begins to wait until `deadline` at the longest.
    pub(crate) fn until(deadline: Deadline, stopping: watch::Receiver<bool>) -> Self {
        Self {
            moved: Arc::new(Notify::new()),
            guards: Vec::new(),
            deadline,
            stopping,
        }
    }

    /// Wakes on moves of this log from now on.
    pub(crate) fn watch(&mut self, log: &Arc<Log>) {
        self.guards.push(log.watch(Arc::clone(&self.moved)));
    }

    /// Sleeps until something happens. A move that came since the registration, or since the last
    /// time this returned, counts.
    pub(crate) async fn woken(&mut self) -> Woken {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Woken::Expired,
            () = self.moved.notified() => Woken::Moved,
            () = &mut self.deadline => Woken::Expired,
        }
    }
}
