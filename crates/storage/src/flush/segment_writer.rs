//! Writing the batches of one log to its segments.

use std::io;
use std::path::Path;
use std::sync::Arc;

use env::{Defect, File, OpenMode, has_defect};

use crate::batch::BatchHeader;
use crate::engine::Engine;
use crate::format::checkpoint::SegmentEnds;
use crate::log::{FlushDone, FlushWork, Log};
use crate::marks::{Mark, mark};
use crate::segment::{Segment, SegmentFacts, SegmentFault, SegmentIndex};
use crate::settings::LogConfig;
use crate::tail::TailBatch;

/// How much is gathered for one write.
const WRITE_BYTES: usize = 1 << 20;
/// Positions and offsets within a segment are 32 bits wide.
const SEGMENT_BYTES_MAX: u64 = i32::MAX as u64;
const OFFSETS_MAX: i64 = i32::MAX as i64;

/// A log whose batches are forced into segments.
pub(super) struct FlushedLog {
    pub done: FlushDone,
    /// Whether the directory of the log may have been made for it.
    pub has_new_directory: bool,
}

/// A segment being written to.
struct OpenSegment {
    segment: Arc<Segment>,
    file: Arc<dyn File>,
    facts: SegmentFacts,
    index: SegmentIndex,
    /// What has been gathered for the next write.
    gathered: Vec<u8>,
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
        has_new_file: false,
    };
    let mut open = None;
    if let Some(active) = &work.active
        && !work.batches.is_empty()
    {
        if is_too_old(&active.facts(), &work, now_ms) {
            mark(Mark::RollByTime);
        } else {
            open = Some(writer.reopen(active)?);
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

fn is_too_old(facts: &SegmentFacts, work: &FlushWork, now_ms: i64) -> bool {
    facts.bytes > 0 && now_ms.saturating_sub(facts.created_ms) > work.config.segment_ms
}

struct Writer<'a> {
    engine: &'a Engine,
    work: &'a FlushWork,
    log_id: u32,
    now_ms: i64,
    written: Vec<(Arc<Segment>, SegmentFacts, SegmentIndex)>,
    has_new_file: bool,
}

impl Writer<'_> {
    fn interval(&self) -> u64 {
        u64::from(self.work.config.index_interval_bytes.max(1).cast_unsigned())
    }

    /// Goes on in a segment behind what counts of it.
    fn reopen(&self, segment: &Arc<Segment>) -> io::Result<OpenSegment> {
        let fs = self.engine.env.fs.as_ref();
        let (file, facts) = segment.open(fs, OpenMode::Write).map_err(into_io)?;
        let length = file.len()?;
        if length < facts.bytes {
            return Err(io::Error::other("the segment is shorter than it was"));
        }
        mark(Mark::SegmentReopened);
        if length > facts.bytes {
            mark(Mark::ActiveSegmentCut);
            file.set_len(facts.bytes)?;
        }
        let index = segment.take_index(fs, self.interval()).map_err(into_io)?;
        if index.indexed_bytes() != facts.bytes {
            return Err(io::Error::other("the segment is damaged"));
        }
        Ok(OpenSegment {
            segment: Arc::clone(segment),
            file,
            facts,
            index,
            gathered: Vec::new(),
        })
    }

    fn create(&mut self, base_offset: i64) -> io::Result<OpenSegment> {
        let fs = self.engine.env.fs.as_ref();
        let directory = self.engine.log_directory(self.log_id);
        fs.create_dir_all(&directory)?;
        let facts = SegmentFacts {
            end_offset: base_offset,
            bytes: 0,
            max_timestamp: -1,
            created_ms: self.now_ms,
            ends: None,
        };
        let segment = Arc::new(Segment::new(self.log_id, directory, base_offset, facts));
        // A file of that name is what a flush that failed has left.
        for path in segment.paths() {
            if remove_if_there(self.engine, &path)? {
                mark(Mark::LeftoverRemoved);
            }
        }
        let file = fs.open(&segment.path(), OpenMode::CreateNew)?;
        self.has_new_file = true;
        mark(Mark::SegmentNew);
        Ok(OpenSegment {
            segment,
            file,
            facts,
            index: SegmentIndex::empty(),
            gathered: Vec::new(),
        })
    }

    /// Adds a batch to the open segment, or to a new one if it does not fit.
    fn add(&mut self, open: Option<OpenSegment>, batch: &TailBatch) -> io::Result<OpenSegment> {
        let mut open = match open {
            Some(open) if open.fits(batch, &self.work.config) => open,
            Some(full) => {
                mark(Mark::RollBySize);
                self.finish(full)?;
                self.create(batch.base_offset)?
            }
            None => self.create(batch.base_offset)?,
        };
        let header = BatchHeader::parse(&batch.bytes)
            .ok_or_else(|| io::Error::other("a batch in memory has no header"))?;
        open.index
            .add(open.segment.base_offset, &header, self.interval());
        open.facts.ends = if open.is_empty() {
            Some(SegmentEnds::first(&header))
        } else {
            open.facts.ends.map(|ends| ends.with_last(&header))
        };
        open.facts.end_offset = batch.last_offset + 1;
        open.facts.max_timestamp = open.facts.max_timestamp.max(batch.max_timestamp);
        if open.gathered.len() + batch.bytes.len() > WRITE_BYTES {
            open.write_gathered()?;
        }
        if batch.bytes.len() >= WRITE_BYTES / 4 && open.gathered.is_empty() {
            open.file.write_all_at(&batch.bytes, open.facts.bytes)?;
            open.facts.bytes += batch.bytes.len() as u64;
        } else {
            open.gathered.extend_from_slice(&batch.bytes);
        }
        Ok(open)
    }

    /// Writes and forces what a segment has gained. The indexes are written beside it and not
    /// forced.
    fn finish(&mut self, mut open: OpenSegment) -> io::Result<()> {
        open.write_gathered()?;
        if !has_defect(Defect::CheckpointBeforeSegments) {
            open.file.sync_data()?;
        }
        let index_of = open.segment.index_of();
        let paths = open.segment.paths();
        for (path, (position, bytes)) in
            paths.iter().skip(1).zip(open.index.take_unstored(index_of))
        {
            write_index(self.engine, path, position, &bytes)?;
        }
        self.written.push((open.segment, open.facts, open.index));
        Ok(())
    }
}

impl OpenSegment {
    fn fits(&self, batch: &TailBatch, config: &LogConfig) -> bool {
        let bytes = self.facts.bytes + (self.gathered.len() + batch.bytes.len()) as u64;
        let limit = config
            .segment_bytes
            .max(1)
            .cast_unsigned()
            .min(SEGMENT_BYTES_MAX);
        self.is_empty()
            || (bytes <= limit && batch.last_offset - self.segment.base_offset < OFFSETS_MAX)
    }

    fn is_empty(&self) -> bool {
        self.facts.bytes == 0 && self.gathered.is_empty()
    }

    fn write_gathered(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.gathered, self.facts.bytes)?;
        self.facts.bytes += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }
}

fn write_index(engine: &Engine, path: &Path, position: u64, bytes: &[u8]) -> io::Result<()> {
    let fs = engine.env.fs.as_ref();
    let file = match fs.open(path, OpenMode::Write) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs.open(path, OpenMode::CreateNew)?
        }
        Err(error) => return Err(error),
    };
    file.write_all_at(bytes, position)?;
    let end = position + bytes.len() as u64;
    if file.len()? > end {
        // Entries of what was cut off.
        file.set_len(end)?;
    }
    Ok(())
}

/// Removes a file; whether it was there.
pub(super) fn remove_if_there(engine: &Engine, path: &Path) -> io::Result<bool> {
    match engine.env.fs.remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn into_io(fault: SegmentFault) -> io::Error {
    io::Error::other(format!(
        "{} at {}: {}",
        fault.path.display(),
        fault.position,
        fault.message
    ))
}
