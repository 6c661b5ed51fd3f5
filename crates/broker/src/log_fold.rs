//! Reading the log of a coordinator from its beginning.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use storage::{Isolation, Log, Read, ReadError};
use wire::batch::BatchView;

use crate::limits::COORDINATOR_LOAD_BYTES;

/// Why what a log says is not known.
#[derive(Debug)]
pub(crate) enum FoldError<E> {
    /// The log is damaged, and what can be read of it may be older than what was acknowledged.
    Damaged,
    /// The log cannot be read.
    Read(ReadError),
    /// A batch in it is malformed.
    Batch(String),
    /// A record in it is.
    Record(E),
}

impl<E: fmt::Display> fmt::Display for FoldError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the log is damaged"),
            Self::Read(error) => error.fmt(f),
            Self::Batch(message) => f.write_str(message),
            Self::Record(error) => error.fmt(f),
        }
    }
}

/// Hands over each batch of a log, in order. Blocks while it reads.
pub(crate) fn each_batch<E>(
    log: &Arc<Log>,
    mut take: impl FnMut(&Bytes) -> Result<(), FoldError<E>>,
) -> Result<(), FoldError<E>> {
    if log.is_quarantined() || log.lacks_end() {
        return Err(FoldError::Damaged);
    }
    let view = log.view();
    let mut from = view.log_start;
    while from < view.high_watermark {
        let isolation = Isolation::ReadUncommitted;
        let read = log.read(from, COORDINATOR_LOAD_BYTES, isolation, true);
        let batches = match read.map_err(FoldError::Read)? {
            Read::Ready(batches) => batches,
            Read::Disk(read) => read.run().map_err(FoldError::Read)?,
        };
        let before = from;
        for mut chunk in batches.chunks {
            while !chunk.is_empty() {
                let (batch, _) = BatchView::parse(&chunk)
                    .map_err(|error| FoldError::Batch(error.to_string()))?;
                let (batch_bytes, next) = (batch.size_bytes(), batch.next_offset());
                take(&chunk.split_to(batch_bytes))?;
                from = next;
            }
        }
        if from <= before {
            return Err(FoldError::Batch("the log ends before its end".to_owned()));
        }
    }
    Ok(())
}
