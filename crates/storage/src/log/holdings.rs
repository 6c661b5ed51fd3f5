//! What a log holds in memory, for whoever checks it from outside.

use model::{LogId, Offset, ProducerId};

use super::Log;
use crate::views::AbortedTransaction;

/// What a log holds in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHoldings {
    /// The log.
    pub log_id: LogId,
    /// Segments hold the batches below this offset.
    pub flushed_end: Offset,
    /// Bytes of batches that are in no segment, counted anew.
    pub unflushed_bytes: u64,
    /// Bytes of batches that are in memory and in a segment, counted anew.
    pub cached_bytes: u64,
    /// The producers with an open transaction, and its first offset.
    pub open_transactions: Vec<(ProducerId, Offset)>,
    /// The aborted transactions in the order of their last offsets.
    pub aborted_transactions: Vec<AbortedTransaction>,
}

impl Log {
    pub(crate) fn holdings(&self) -> LogHoldings {
        let state = self.state.lock();
        let (unflushed_bytes, cached_bytes) = state.tail.count_bytes();
        LogHoldings {
            log_id: self.id,
            flushed_end: Offset(state.tail.flushed_end()),
            unflushed_bytes,
            cached_bytes,
            open_transactions: state.transactions.open().collect(),
            aborted_transactions: state.transactions.aborted().to_vec(),
        }
    }
}
