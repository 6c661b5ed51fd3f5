//! Where the engine stands, for whoever checks it from outside. Nothing of the product looks here.

use super::Storage;
use crate::log::LogHoldings;

/// Where the engine stands between two of its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageState {
    /// Rounds up to this one are not needed any more, as the last durable checkpoint says.
    pub released_seq: u64,
    /// Rounds up to this one are durable, and all their entries are shown.
    pub durable_seq: u64,
    /// The last round that was written.
    pub written_seq: u64,
    /// Whether nothing waits for the next round.
    pub is_queue_empty: bool,
    /// Slots that the next rounds may go to, by the numbers in their names.
    pub free_slots: Vec<u32>,
    /// The logs in the order of their ids.
    pub logs: Vec<LogHoldings>,
}

impl Storage {
    /// Where the engine stands. Waits for the steps of both loops that are under way.
    pub fn state(&self) -> StorageState {
        let released_seq = self.flusher.lock().released_seq();
        let written_seq = self.committer.lock().written_seq();
        let logs = self.logs.all();
        StorageState {
            released_seq,
            durable_seq: self.engine.durable_seq(),
            written_seq,
            is_queue_empty: self.engine.queue.is_empty(),
            free_slots: self.engine.slots.free(),
            logs: logs.iter().map(|log| log.holdings()).collect(),
        }
    }
}
