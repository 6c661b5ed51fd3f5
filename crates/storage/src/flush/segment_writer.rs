//! Writing the batches of one log to its segments.

use std::io;
use std::sync::Arc;

use env::{Defect, has_defect};

use crate::batch::BatchHeader;
use crate::buffers::BufferPool;
use crate::engine::Engine;
use crate::log::{FlushDone, FlushWork, Log, WrittenSegment};
use crate::marks::{Mark, mark};
use crate::segment::{OpenSegment, Segment, SegmentFacts};
use crate::settings::LogConfig;
use crate::tail::TailBatch;

/// Positions and offsets within a segment are 32 bits wide.
pub(crate) const SEGMENT_BYTES_MAX: u64 = i32::MAX as u64;
/// See [`SEGMENT_BYTES_MAX`].
pub(crate) const SEGMENT_OFFSETS_MAX: i64 = i32::MAX as i64;

/// A log whose batches are forced into segments.
pub(super) struct FlushedLog {
    pub done: FlushDone,
    /// Whether the directory of the log may have been made for it.
    pub has_new_directory: bool,
}

/// Moves what is durable of a log to its segments and forces them. What readers see changes only
/// when the caller passes the result to the log.
pub(super) fn flush_log(
    engine: &Engine,
    log: &Arc<Log>,
    durable_seq: u64,
    now_ms: i64,
) -> io::Result<FlushedLog> {
    let work = log.flush_work(durable_seq);
    let mut writer = Writer {
        engine,
        work: &work,
        log_id: log.id().0,
        now_ms,
        written: Vec::new(),
        direct: direct(engine, &work),
        has_new_file: false,
    };
    let mut open = None;
    if let Some(active) = &work.active
        && !work.batches.is_empty()
    {
        if is_too_old(&active.facts(), &work, now_ms) {
            mark(Mark::RollByTime);
        } else {
            let fs = engine.env.fs.as_ref();
            open = Some(OpenSegment::reopen(
                fs,
                active,
                writer.interval(),
                writer.direct,
            )?);
        }
    }
    for batch in &work.batches {
        open = Some(writer.add(open, batch)?);
    }
    if let Some(open) = open {
        writer.finish(open)?;
    }
    if work.rolls_after {
        mark(Mark::RollByRequest);
    }
    if writer.has_new_file && !has_defect(Defect::SkipDirectoryForce) {
        engine.env.fs.sync_dir(&engine.log_directory(log.id().0))?;
        mark(Mark::LogDirectoryForced);
    }
    Ok(FlushedLog {
        done: FlushDone {
            written: writer.written,
            is_sealed: work.rolls_after,
            end: work.end,
        },
        has_new_directory: work.is_first && writer.has_new_file,
    })
}

/// What nobody reads from segments goes past the page cache: copying it there costs more than all else that is done for
/// it, above all if the machine is a guest whose host has to find the memory. Where somebody does, it is found there.
fn direct<'a>(engine: &'a Engine, work: &FlushWork) -> Option<&'a BufferPool> {
    let bytes: usize = work.batches.iter().map(|batch| batch.bytes.len()).sum();
    let is_direct = bytes as u64 >= engine.settings.direct_bytes_min && !work.is_read;
    is_direct.then_some(&engine.buffers)
}

fn is_too_old(facts: &SegmentFacts, work: &FlushWork, now_ms: i64) -> bool {
    facts.bytes > 0 && now_ms.saturating_sub(facts.created_ms) > work.segment_ms
}

struct Writer<'a> {
    engine: &'a Engine,
    work: &'a FlushWork,
    log_id: u32,
    now_ms: i64,
    written: Vec<WrittenSegment>,
    /// The buffers of what is written past the page cache, if it is.
    direct: Option<&'a BufferPool>,
    has_new_file: bool,
}

impl Writer<'_> {
    fn interval(&self) -> u64 {
        self.work.config.index_interval()
    }

    fn create(&mut self, base_offset: i64) -> io::Result<OpenSegment> {
        let fs = self.engine.env.fs.as_ref();
        let directory = self.engine.log_directory(self.log_id);
        fs.create_dir_all(&directory)?;
        let facts = SegmentFacts {
            end_offset: base_offset,
            bytes: 0,
            max_timestamp: -1,
            // The first one begins where what it holds came.
            created_ms: match self.written.is_empty() {
                true => self.now_ms.min(self.work.since_ms),
                false => self.now_ms,
            },
            ends: None,
        };
        let segment = Segment::new(self.log_id, directory, base_offset, 0, facts);
        self.has_new_file = true;
        OpenSegment::create(fs, segment, self.interval(), self.direct)
    }

    /// Adds a batch to the open segment, or to a new one if it does not fit.
    fn add(&mut self, open: Option<OpenSegment>, batch: &TailBatch) -> io::Result<OpenSegment> {
        let mut open = match open {
            Some(open) if fits(&open, batch, &self.work.config) => open,
            Some(full) => {
                mark(Mark::RollBySize);
                self.finish(full)?;
                self.create(batch.base_offset)?
            }
            None => self.create(batch.base_offset)?,
        };
        let header = BatchHeader::parse(&batch.bytes)
            .ok_or_else(|| io::Error::other("a batch in memory has no header"))?;
        open.push(&header, &batch.bytes)?;
        Ok(open)
    }

    /// Writes and forces what a segment has gained.
    fn finish(&mut self, mut open: OpenSegment) -> io::Result<()> {
        open.write_gathered()?;
        if !has_defect(Defect::CheckpointBeforeSegments) {
            open.force()?;
        }
        open.write_indexes(self.engine.env.fs.as_ref())?;
        self.written.push(WrittenSegment {
            is_cached: open.is_cached(),
            segment: open.segment,
            facts: open.facts,
            index: open.index,
        });
        Ok(())
    }
}

fn fits(open: &OpenSegment, batch: &TailBatch, config: &LogConfig) -> bool {
    let bytes = open.facts.bytes + batch.bytes.len() as u64;
    let limit = config.segment_bytes_max().min(SEGMENT_BYTES_MAX);
    let offsets = batch.last_offset - open.segment.base_offset;
    let has_room = bytes <= limit && offsets < SEGMENT_OFFSETS_MAX;
    open.facts.bytes == 0 || (has_room && open.index.has_room(config.segment_index_bytes))
}
