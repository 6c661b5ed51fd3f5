//! Reading a segment in pieces.

use std::sync::Arc;

use bytes::Bytes;
use env::Fs;

use super::round::RoundError;
use crate::segment::{BatchScanner, ScanError, Segment};

/// Reads a segment from front to back; every batch has a right checksum.
pub(super) struct Reader {
    segment: Arc<Segment>,
    scanner: BatchScanner,
}

impl Reader {
    /// Begins with the first batch that does not lie below an offset.
    pub(super) fn open(
        fs: &dyn Fs,
        segment: &Arc<Segment>,
        from: i64,
        interval: u64,
    ) -> Result<Self, RoundError> {
        let fault = |fault| RoundError::Fault(fault, segment.base_offset.max(from));
        // Only one that begins below the offset needs its index for that.
        let start = match from <= segment.base_offset {
            true => (0, segment.base_offset),
            false => segment.position_before(fs, from, interval).map_err(fault)?,
        };
        let facts = segment.facts();
        let mut reader = Self {
            scanner: segment.scanner_at(fs, &facts, start).map_err(fault)?,
            segment: Arc::clone(segment),
        };
        loop {
            match reader.scanner.peek() {
                Ok(Some(header)) if header.last_offset() < from => reader.scanner.skip(&header),
                Ok(_) => return Ok(reader),
                Err(error) => return Err(reader.fault(error)),
            }
        }
    }

    /// The next batches, about `bytes` of them and at least one; `None` at the end.
    pub(super) fn read(&mut self, bytes: u64) -> Result<Option<Bytes>, RoundError> {
        let run = self.scanner.read_run(bytes, |_, _| true);
        let run = run.map_err(|error| self.fault(error))?;
        Ok(run.map(|run| run.bytes))
    }

    fn fault(&self, error: ScanError) -> RoundError {
        let offset = self.scanner.expected_offset();
        RoundError::Fault(error.into_fault(&self.segment.path()), offset)
    }
}
