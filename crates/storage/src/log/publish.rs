//! Showing what has been committed. Only the commit loop comes here.

use std::sync::atomic::Ordering;

use super::Log;
use crate::batch::{BatchHeader, transaction_marker};
use crate::tail::TailBatch;

impl Log {
    /// Shows a batch to readers.
    pub(crate) fn publish_batch(&self, batch: TailBatch) {
        let mut state = self.state.lock();
        if state.is_deleted {
            return;
        }
        assert_eq!(
            batch.base_offset, state.high_watermark,
            "offsets follow one another"
        );
        if let Some(header) = BatchHeader::parse(&batch.bytes)
            && header.is_transactional()
        {
            let marker = transaction_marker(&header, &batch.bytes);
            state.transactions.apply(&header, marker);
        }
        if state.tail.unflushed_bytes() == 0 {
            state.tail_since_ms = self.engine.env.clock.wall_ms();
        }
        state.high_watermark = batch.last_offset + 1;
        let bytes = batch.bytes.len() as u64;
        state.tail.push(batch);
        self.engine
            .unflushed_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        state.check_invariants();
        state.watchers.notify();
    }

    /// Moves the start of the log for readers.
    pub(crate) fn publish_log_start(&self, log_start: i64) {
        let mut state = self.state.lock();
        if state.is_deleted || log_start <= state.log_start {
            return;
        }
        state.log_start = log_start;
        state.transactions.forget_below(log_start);
        state.epochs.forget_below(log_start);
        state.check_invariants();
        state.watchers.notify();
        let passes_segment = state
            .segments
            .first()
            .is_some_and(|first| first.facts().end_offset <= log_start);
        let passes_tail = state
            .tail
            .unflushed()
            .next()
            .is_some_and(|first| first.last_offset < log_start);
        drop(state);
        if passes_segment || passes_tail {
            self.engine.ask_for_chores();
        }
    }
}
