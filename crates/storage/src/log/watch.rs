//! Telling readers that wait that there may be something new.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Log;

/// Who wants to be told.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    entries: Vec<(u64, Arc<Notify>)>,
    count: u64,
}

impl Watchers {
    pub(super) fn notify(&self) {
        for (_, notify) in &self.entries {
            // Leaves a permit behind, so that a watcher that is just looking comes back.
            notify.notify_one();
        }
    }
}

/// Ends the watch when it is dropped.
#[must_use]
pub struct WatchGuard {
    log: Arc<Log>,
    number: u64,
}

impl Log {
    /// Notifies whenever the view of the log moves, or when the log is deleted or found damaged.
    /// Look at the view after this returns and before waiting.
    pub fn watch(self: &Arc<Self>, notify: Arc<Notify>) -> WatchGuard {
        let mut state = self.state.lock();
        state.watchers.count += 1;
        let number = state.watchers.count;
        state.watchers.entries.push((number, notify));
        WatchGuard {
            log: Arc::clone(self),
            number,
        }
    }
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        let mut state = self.log.state.lock();
        let entries = &mut state.watchers.entries;
        if let Some(at) = entries
            .iter()
            .position(|(number, _)| *number == self.number)
        {
            entries.swap_remove(at);
        }
        if entries.is_empty() {
            *entries = Vec::new();
        }
    }
}

impl std::fmt::Debug for WatchGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchGuard")
            .field("log", &self.log.id)
            .finish()
    }
}
