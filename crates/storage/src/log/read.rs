//! Reading batches: from memory at once, from segments on a thread that may block.

use std::sync::Arc;
use std::time::Duration;

use chunks::Chunk;
use model::Offset;
use tracing::warn;

use super::{Log, LogState};
use crate::damage::Quarantine;
use crate::errors::ReadError;
use crate::marks::{Mark, mark};
use crate::segment::{ReadRequest, Segment, SegmentFault, SentFiles};
use crate::views::{Isolation, LogView, ReadBatches};

/// How long after a read from segments others are expected.
const READERS_STAY: Duration = Duration::from_secs(10 * 60);

/// The outcome of a read, or the part of it that blocks.
#[derive(Debug)]
pub enum Read {
    /// The batches were in memory.
    Ready(ReadBatches),
    /// The batches are in a segment.
    Disk(DiskRead),
}

/// A read from segments that is still to be done.
#[derive(Debug)]
pub struct DiskRead {
    log: Arc<Log>,
    segments: Vec<Arc<Segment>>,
    request: ReadRequest,
    isolation: Isolation,
    view: LogView,
}

impl Log {
    /// Reads whole batches from the one that holds `from`, up to the end that `isolation` sets and
    /// to `bytes_max`; one batch may be larger than that if `at_least_one`. At the end of the log
    /// there are none.
    pub fn read(
        self: &Arc<Self>,
        from: Offset,
        bytes_max: usize,
        isolation: Isolation,
        at_least_one: bool,
    ) -> Result<Read, ReadError> {
        let mut state = self.state.lock();
        if state.is_deleted {
            return Err(ReadError::Deleted);
        }
        let view = state.view(self.engine.leader_epoch);
        let end = state.end_for(isolation);
        if from.get() >= end && self.is_cut_off(&state) {
            // There were more records, and there will be no others. A reader that was further must
            // not be sent back to the beginning by an offset that is out of range.
            return Err(ReadError::Damaged);
        }
        if from < view.log_start || from > view.appended_end {
            return Err(ReadError::OutOfRange {
                log_start: view.log_start,
                high_watermark: view.high_watermark,
            });
        }
        if from.get() >= end || (bytes_max == 0 && !at_least_one) {
            return Ok(Read::Ready(empty(view)));
        }
        if state.tail.covers(from.get()) {
            let ready = from_tail(
                &state,
                view,
                from.get(),
                end,
                bytes_max,
                isolation,
                at_least_one,
            );
            return Ok(Read::Ready(ready));
        }
        state.read_until = self.engine.env.clock.now() + READERS_STAY;
        let first = state
            .segments
            .partition_point(|segment| segment.facts().end_offset <= from.get());
        Ok(Read::Disk(DiskRead {
            log: Arc::clone(self),
            segments: state.segments.iter().skip(first).cloned().collect(),
            request: ReadRequest {
                from: from.get(),
                end: end.min(state.tail.flushed_end()),
                bytes_max,
                at_least_one,
                index_interval_bytes: state.config.index_interval(),
                epochs: state.epochs.below(i64::MAX).into(),
            },
            isolation,
            view,
        }))
    }

    /// Whether there were more records than there are, and there will be no others.
    pub(super) fn is_cut_off(&self, state: &LogState) -> bool {
        let is_quarantined = state
            .quarantine
            .as_ref()
            .is_some_and(|quarantine| quarantine.from >= state.high_watermark);
        is_quarantined || self.engine.has_lost_rounds
    }

    /// Notes that a segment is damaged: what lies before the damage can be read, and nothing can be
    /// appended behind it. An error of the device is the answer to this read only.
    pub(crate) fn note_fault(&self, fault: SegmentFault, offset: i64) -> ReadError {
        let mut state = self.state.lock();
        if state.is_deleted {
            return ReadError::Deleted;
        }
        if offset < state.log_start {
            // Removed while it was being read.
            return ReadError::OutOfRange {
                log_start: Offset(state.log_start),
                high_watermark: Offset(state.high_watermark),
            };
        }
        if fault.is_device_error {
            drop(state);
            warn!(log = %self.id, path = %fault.path.display(), position = fault.position,
                "a segment cannot be read: {}", fault.message);
            return ReadError::Damaged;
        }
        let what = format!("log {} cannot be read from offset {offset}", self.id);
        let cause = fault.into_damage(&what);
        let quarantine = Quarantine {
            from: offset,
            cause: cause.clone(),
        };
        state.quarantine = Some(quarantine.earlier(state.quarantine.take()));
        state.watchers.notify();
        drop(state);
        self.engine.add_damage(cause);
        ReadError::Damaged
    }
}

fn empty<C>(view: LogView) -> ReadBatches<C> {
    ReadBatches {
        chunks: Vec::new(),
        bytes: 0,
        view,
        aborted: Vec::new(),
    }
}

fn from_tail(
    state: &LogState,
    view: LogView,
    from: i64,
    end: i64,
    bytes_max: usize,
    isolation: Isolation,
    at_least_one: bool,
) -> ReadBatches {
    let mut read = empty(view);
    let mut next = from;
    for batch in state.tail.from(from) {
        let is_over = read.bytes + batch.bytes.len() > bytes_max;
        let is_needed = at_least_one && read.chunks.is_empty();
        if batch.last_offset >= end || (is_over && !is_needed) {
            break;
        }
        read.bytes += batch.bytes.len();
        read.chunks.push(batch.bytes.clone());
        next = batch.last_offset + 1;
    }
    if isolation == Isolation::ReadCommitted {
        read.aborted = state.transactions.aborted_in(from, next);
    }
    read
}

/// How often a read begins anew because compaction has replaced what it read. Each time takes the
/// compaction of a log.
const ATTEMPTS_MAX: usize = 8;

/// What came of reading the segments.
struct Attempt {
    chunks: Vec<Chunk>,
    /// Where a reader goes on.
    next: i64,
    /// What kept the read from its first batch, and the offset of that.
    fault: Option<(SegmentFault, i64)>,
}

impl DiskRead {
    /// Reads the segments. Blocks; to be run where that is allowed.
    pub fn run(self) -> Result<ReadBatches, ReadError> {
        Ok(self.run_with(None)?.map(Chunk::into_bytes))
    }

    /// Like [`DiskRead::run`], for a reader to whom the kernel can send what is in the page cache and
    /// known to be sound; that is not read.
    pub fn run_to_send(self) -> Result<ReadBatches<Chunk>, ReadError> {
        let log = Arc::clone(&self.log);
        self.run_with(Some(&log.engine.sent_files))
    }

    /// What the kernel can send, if that is found out without waiting for the disk. Does not block;
    /// `None`: a read that may block tells.
    pub fn send_at_once(&self) -> Option<ReadBatches<Chunk>> {
        let engine = &self.log.engine;
        let fs = engine.env.fs.as_ref();
        let first = self.segments.first()?;
        let found = first.range_at_once(fs, &engine.sent_files, &self.request)?;
        let attempt = Attempt {
            chunks: vec![Chunk::File(found.range)],
            next: found.next,
            fault: None,
        };
        self.finish(attempt).ok().flatten()
    }

    fn run_with(self, files: Option<&SentFiles>) -> Result<ReadBatches<Chunk>, ReadError> {
        let mut read = self;
        for _ in 0..ATTEMPTS_MAX {
            let attempt = read.attempt(files);
            match read.finish(attempt)? {
                Some(batches) => return Ok(batches),
                None => match read.begin_anew()? {
                    Read::Ready(batches) => return Ok(batches.map(Chunk::from)),
                    Read::Disk(again) => read = again,
                },
            }
        }
        // The reader comes again; nothing is lost.
        Ok(empty(read.view))
    }

    fn attempt(&self, files: Option<&SentFiles>) -> Attempt {
        let fs = self.log.engine.env.fs.as_ref();
        let buffers = &self.log.engine.buffers;
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut request = self.request.clone();
        let mut fault = None;
        for segment in &self.segments {
            let is_satisfied = request.bytes_max == 0 && !request.at_least_one;
            if is_satisfied || request.from >= request.end {
                break;
            }
            let before = chunks.len();
            match segment.read(fs, buffers, files, &request, &mut chunks) {
                Ok(next) => {
                    let read: usize = chunks.iter().skip(before).map(Chunk::len).sum();
                    request.from = next.max(request.from);
                    request.bytes_max = request.bytes_max.saturating_sub(read);
                    request.at_least_one &= chunks.is_empty();
                    if next < segment.facts().end_offset {
                        // The next batch is larger than what is left of the budget.
                        break;
                    }
                }
                // What was sound is served; the next read meets the damage.
                Err(_) if !chunks.is_empty() => break,
                Err(found) => {
                    fault = Some((found, request.from));
                    break;
                }
            }
        }
        Attempt {
            chunks,
            next: request.from,
            fault,
        }
    }

    /// The answer; `None` if compaction has replaced a segment that it would rest on: a file may be
    /// gone, and the transactions whose records were in it forgotten.
    fn finish(&self, attempt: Attempt) -> Result<Option<ReadBatches<Chunk>>, ReadError> {
        let state = self.log.state.lock();
        if self.isolation == Isolation::ReadCommitted && self.request.from < state.log_start {
            // The files stay for a while, but which of their transactions were aborted is forgotten.
            return Err(ReadError::OutOfRange {
                log_start: Offset(state.log_start),
                high_watermark: Offset(state.high_watermark),
            });
        }
        let is_replaced = self.segments.iter().any(|segment| segment.is_replaced());
        if is_replaced && (attempt.fault.is_some() || self.isolation == Isolation::ReadCommitted) {
            return Ok(None);
        }
        let aborted = match self.isolation {
            Isolation::ReadUncommitted => Vec::new(),
            Isolation::ReadCommitted => {
                let from = self.request.from;
                state.transactions.aborted_in(from, attempt.next)
            }
        };
        drop(state);
        if let Some((fault, offset)) = attempt.fault {
            return Err(self.log.note_fault(fault, offset));
        }
        Ok(Some(ReadBatches {
            bytes: attempt.chunks.iter().map(Chunk::len).sum(),
            chunks: attempt.chunks,
            view: self.view,
            aborted,
        }))
    }

    fn begin_anew(&self) -> Result<Read, ReadError> {
        mark(Mark::ReadBegunAnew);
        let request = &self.request;
        self.log.read(
            Offset(request.from),
            request.bytes_max,
            self.isolation,
            request.at_least_one,
        )
    }
}
