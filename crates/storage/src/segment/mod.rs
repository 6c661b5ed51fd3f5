//! Segments: the files that hold the older batches of a log, exactly as they were acknowledged or
//! as compaction has left them.

mod appender;
mod identity;
mod index;
mod open;
mod scanner;
mod sending;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chunks::Chunk;
use env::{File, Fs, OpenMode};
use parking_lot::Mutex;

pub(crate) use index::SegmentIndex;
pub(crate) use open::{OpenSegment, remove_if_there};
pub(crate) use scanner::{BatchScanner, Expected, ScanError};
pub(crate) use sending::SentFiles;

use crate::buffers::BufferPool;
use crate::damage::{Damage, DamageCode};
use crate::format::checkpoint::{SegmentCheckpoint, SegmentEnds};
use crate::format::offset_index::IndexOf;

/// How much of a segment is read at once to serve a fetch.
const READ_BYTES_MAX: u64 = 4 << 20;
const READ_BYTES_MIN: u64 = 64 << 10;

/// One segment of a log. Which bytes of its file count is decided by the flusher alone.
#[derive(Debug)]
pub(crate) struct Segment {
    pub base_offset: i64,
    /// 0: the batches are as they were appended, without a gap. Above: they are what compaction has
    /// left, and nothing is ever appended to them.
    pub generation: u32,
    pub log_id: u32,
    directory: PathBuf,
    /// A compacted segment has taken its place.
    is_replaced: AtomicBool,
    state: Mutex<SegmentState>,
}

#[derive(Debug)]
struct SegmentState {
    facts: SegmentFacts,
    /// The file has been found to be the one that was written.
    is_known: bool,
    /// Up to here its batches are known to be sound, as long as they stay in the page cache: this
    /// process has written them there, or has read them and found them right.
    checked_bytes: u64,
    index: Option<SegmentIndex>,
}

/// What is known of a segment without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    /// One above the last offset.
    pub end_offset: i64,
    pub bytes: u64,
    pub max_timestamp: i64,
    /// When the broker began it.
    pub created_ms: i64,
    /// By which it is told from others, if that is known.
    pub ends: Option<SegmentEnds>,
}

/// Why batches cannot be read from a segment.
#[derive(Debug)]
pub(crate) struct SegmentFault {
    pub path: PathBuf,
    pub position: u64,
    pub message: String,
    /// Whether the file does not exist.
    pub is_missing: bool,
    /// Whether the system could not read, which says nothing about what is on disk.
    pub is_device_error: bool,
}

impl Segment {
    pub(crate) fn new(
        log_id: u32,
        directory: PathBuf,
        base_offset: i64,
        generation: u32,
        facts: SegmentFacts,
    ) -> Self {
        Self {
            base_offset,
            generation,
            log_id,
            directory,
            is_replaced: AtomicBool::new(false),
            state: Mutex::new(SegmentState {
                facts,
                is_known: false,
                checked_bytes: 0,
                index: None,
            }),
        }
    }

    /// A segment as a checkpoint lists it.
    pub(crate) fn listed(log_id: u32, directory: PathBuf, listed: &SegmentCheckpoint) -> Self {
        let facts = SegmentFacts {
            end_offset: listed.end_offset,
            bytes: listed.bytes,
            max_timestamp: listed.max_timestamp,
            created_ms: listed.created_ms,
            ends: listed.ends,
        };
        let (base_offset, generation) = (listed.base_offset, listed.generation);
        Self::new(log_id, directory, base_offset, generation, facts)
    }

    /// Whether another segment has taken its place. What is missing in it then is no damage, and
    /// what was read may be older than what is known of the log. Asked under the lock of the log.
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Acquire)
    }

    /// Notes that another segment has taken its place; under the lock of the log.
    pub(crate) fn set_replaced(&self) {
        self.is_replaced.store(true, Ordering::Release);
    }

    pub(crate) fn facts(&self) -> SegmentFacts {
        self.state.lock().facts
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.file(LOG)
    }

    /// Reads all of it; what is wrong with the first batch that is not sound.
    pub(crate) fn check(&self, fs: &dyn Fs, epochs: &[(i32, i64)]) -> Option<SegmentFault> {
        let mut scanner = match self.scanner(fs) {
            Ok(scanner) => scanner,
            Err(fault) => return Some(fault),
        };
        scanner.expect_epochs(epochs.into());
        loop {
            match scanner.next_batch() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(error.into_fault(&self.path())),
            }
        }
    }

    /// What its indexes carry.
    pub(crate) fn index_of(&self) -> IndexOf {
        IndexOf {
            log_id: self.log_id,
            base_offset: self.base_offset,
            generation: self.generation,
        }
    }

    /// The segment's three files.
    pub(crate) fn paths(&self) -> [PathBuf; 3] {
        SUFFIXES.map(|suffix| self.file(suffix))
    }

    fn file(&self, suffix: &str) -> PathBuf {
        let name = segment_file_name(self.base_offset, self.generation, suffix);
        self.directory.join(name)
    }

    /// Steps through all batches.
    pub(crate) fn scanner(&self, fs: &dyn Fs) -> Result<BatchScanner, SegmentFault> {
        let (file, facts) = self.open(fs, OpenMode::Read)?;
        let expected = self.expected_at(&facts, 0, self.base_offset);
        Ok(BatchScanner::new(file, 0, facts.bytes, expected))
    }

    /// Steps through the batches that counted at some moment, from a position to which the index has
    /// led for an offset.
    pub(crate) fn scanner_at(
        &self,
        fs: &dyn Fs,
        facts: &SegmentFacts,
        (position, offset): (u64, i64),
    ) -> Result<BatchScanner, SegmentFault> {
        let (file, _) = self.open(fs, OpenMode::Read)?;
        let expected = self.expected_at(facts, position, offset);
        Ok(BatchScanner::new(file, position, facts.bytes, expected))
    }

    /// What must stand at a position to which the index has led for an offset.
    fn expected_at(&self, facts: &SegmentFacts, position: u64, offset: i64) -> Expected {
        Expected {
            offset,
            end: facts.end_offset,
            is_compacted: self.generation > 0,
            is_exact: self.generation == 0 || position > 0,
            epochs: Arc::default(),
        }
    }

    pub(crate) fn to_checkpoint(&self) -> SegmentCheckpoint {
        let facts = self.facts();
        SegmentCheckpoint {
            base_offset: self.base_offset,
            end_offset: facts.end_offset,
            bytes: facts.bytes,
            max_timestamp: facts.max_timestamp,
            created_ms: facts.created_ms,
            generation: self.generation,
            ends: facts.ends,
        }
    }

    /// Opens the file, and the first time sees that it is the one that was written. With what counts
    /// of it at this moment.
    pub(crate) fn open(
        &self,
        fs: &dyn Fs,
        mode: OpenMode,
    ) -> Result<(Arc<dyn File>, SegmentFacts), SegmentFault> {
        let path = self.path();
        let fault = |error| SegmentFault::io(&path, 0, &error);
        let file = fs.open(&path, mode).map_err(fault)?;
        let (facts, is_known) = {
            let state = self.state.lock();
            (state.facts, state.is_known)
        };
        if !is_known {
            if !identity::is_own(file.as_ref(), &facts).map_err(fault)? {
                return Err(SegmentFault::unsound(
                    &path,
                    0,
                    "this is not the segment that was written here",
                ));
            }
            self.state.lock().is_known = true;
        }
        Ok((file, facts))
    }

    /// Makes forced bytes count, with the index entries that belong to them; whether they are in the page cache.
    pub(crate) fn extend(&self, facts: SegmentFacts, index: Option<SegmentIndex>, is_cached: bool) {
        let mut state = self.state.lock();
        if is_cached && state.checked_bytes == state.facts.bytes {
            state.checked_bytes = facts.bytes;
        }
        state.facts = facts;
        state.index = index;
    }

    /// Notes that the batches from one position to another have been read and found sound.
    fn note_checked(&self, from: u64, to: u64) {
        let mut state = self.state.lock();
        if from <= state.checked_bytes {
            state.checked_bytes = state.checked_bytes.max(to);
        }
    }

    /// The position and the offset of the last batch in the index that begins at or before both, if
    /// the index is in memory.
    fn indexed_before(&self, position: u64, offset: i64) -> Option<(u64, i64)> {
        let state = self.state.lock();
        let index = state.index.as_ref()?;
        index.last_before(self.base_offset, position, offset)
    }

    /// The index, to be handed back by [`Segment::extend`] or [`Segment::put_index`].
    pub(crate) fn take_index(
        &self,
        fs: &dyn Fs,
        interval: u64,
    ) -> Result<SegmentIndex, SegmentFault> {
        let (taken, facts) = {
            let mut state = self.state.lock();
            (state.index.take(), state.facts)
        };
        match taken {
            Some(index) => Ok(index),
            None => SegmentIndex::load(fs, self, facts, interval),
        }
    }

    /// Gives back an index that was taken to be looked into.
    pub(crate) fn put_index(&self, index: SegmentIndex) {
        let mut state = self.state.lock();
        if index.indexed_bytes() <= state.facts.bytes && state.index.is_none() {
            state.index = Some(index);
        }
    }

    /// Drops the index from memory; it is loaded again when it is needed.
    pub(crate) fn forget_index(&self) {
        self.state.lock().index = None;
    }

    /// Where to begin to look for the batch that holds an offset.
    pub(crate) fn position_before(
        &self,
        fs: &dyn Fs,
        offset: i64,
        interval: u64,
    ) -> Result<(u64, i64), SegmentFault> {
        self.with_index(fs, interval, |index| {
            index.position_before(self.base_offset, offset)
        })
    }

    /// Where to begin to look for the first batch with a timestamp that is at least this.
    pub(crate) fn position_before_timestamp(
        &self,
        fs: &dyn Fs,
        timestamp: i64,
        interval: u64,
    ) -> Result<(u64, i64), SegmentFault> {
        self.with_index(fs, interval, |index| {
            let after = index.offset_before_timestamp(self.base_offset, timestamp);
            after.map_or((0, self.base_offset), |offset| {
                index.position_before(self.base_offset, offset)
            })
        })
    }

    fn with_index<T>(
        &self,
        fs: &dyn Fs,
        interval: u64,
        look: impl FnOnce(&SegmentIndex) -> T,
    ) -> Result<T, SegmentFault> {
        {
            let state = self.state.lock();
            if let Some(index) = &state.index {
                return Ok(look(index));
            }
        }
        let index = SegmentIndex::load(fs, self, self.facts(), interval)?;
        let found = look(&index);
        self.put_index(index);
        Ok(found)
    }

    /// Reads whole batches from the one that holds `from`, or the next one if compaction has removed
    /// that, with sound checksums, up to `end` and about `bytes_max`. Appends them to `chunks` and
    /// returns the offset to go on at: the end of the segment, if nothing is left in it. At least one
    /// batch is read if `at_least_one`. With `files`, what the kernel can send is not read.
    pub(crate) fn read(
        &self,
        fs: &dyn Fs,
        buffers: &BufferPool,
        files: Option<&SentFiles>,
        request: &ReadRequest,
        chunks: &mut Vec<Chunk>,
    ) -> Result<i64, SegmentFault> {
        let facts = self.facts();
        let path = self.path();
        let start = self.position_before(fs, request.from, request.index_interval_bytes)?;
        let mut scanner = self.scanner_at(fs, &facts, start)?;
        scanner.expect_epochs(Arc::clone(&request.epochs));
        scanner.use_buffers(buffers);
        let mut budget = request.bytes_max;
        let mut next = request.from;
        let mut is_first = request.at_least_one;
        let end = request.end.min(facts.end_offset);
        let is_compacted = self.generation > 0;
        while next < end && (budget > 0 || is_first) {
            let header = scanner
                .peek()
                .map_err(|error| error.into_fault(&path))?
                .filter(|header| !is_compacted || header.base_offset < end);
            let Some(header) = header else {
                if is_compacted {
                    break;
                }
                return Err(scanner.unsound().into_fault(&path));
            };
            if header.last_offset() < request.from {
                // Past what the index does not know.
                scanner.skip(&header);
                continue;
            }
            if header.last_offset() >= end {
                // Batches end where the log does: a length or a count is wrong.
                return Err(scanner.unsound().into_fault(&path));
            }
            if let Some(files) = files
                && let Some(found) = self.range_to_send(
                    scanner.file(),
                    scanner.position(),
                    &facts,
                    end,
                    budget,
                    files,
                )
            {
                chunks.push(Chunk::File(found.range));
                return Ok(found.next);
            }
            let start = scanner.position();
            let want = (budget as u64).clamp(READ_BYTES_MIN, READ_BYTES_MAX);
            let run = scanner
                .read_run(want, |header, run_bytes| {
                    let is_within = header.last_offset() < end;
                    let fits = run_bytes + header.bytes <= budget || (is_first && run_bytes == 0);
                    is_within && fits
                })
                .map_err(|error| error.into_fault(&path))?;
            let Some(run) = run else {
                break;
            };
            next = run.last_offset + 1;
            budget = budget.saturating_sub(run.bytes.len());
            is_first = false;
            self.note_checked(start, scanner.position());
            chunks.push(self.just_checked(scanner.file(), start, run.bytes, files));
        }
        if is_compacted && scanner.is_at_end() {
            next = facts.end_offset.max(next);
        }
        Ok(next)
    }
}

/// What to read from a segment.
#[derive(Clone, Debug)]
pub(crate) struct ReadRequest {
    pub from: i64,
    pub end: i64,
    pub bytes_max: usize,
    pub at_least_one: bool,
    pub index_interval_bytes: u64,
    /// The leader epochs of the log with their first offsets.
    pub epochs: Arc<[(i32, i64)]>,
}

impl SegmentFault {
    pub(crate) fn io(path: &Path, position: u64, error: &io::Error) -> Self {
        Self {
            path: path.to_owned(),
            position,
            message: error.to_string(),
            is_missing: error.kind() == io::ErrorKind::NotFound,
            is_device_error: error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// The damage that it is; `what` says what it costs.
    pub(crate) fn into_damage(self, what: &str) -> Damage {
        Damage {
            code: match self.is_missing {
                true => DamageCode::SegmentMissing,
                false => DamageCode::SegmentBatch,
            },
            path: self.path,
            position: self.position,
            message: format!("{what}: {}", self.message),
        }
    }

    pub(crate) fn unsound(path: &Path, position: u64, message: &str) -> Self {
        Self {
            path: path.to_owned(),
            position,
            message: message.to_owned(),
            is_missing: false,
            is_device_error: false,
        }
    }
}

/// The suffix of the file that holds the batches.
pub(crate) const LOG: &str = "log";
/// The suffix of the offset index.
pub(crate) const INDEX: &str = "index";
/// The suffix of the time index.
pub(crate) const TIME_INDEX: &str = "timeindex";
/// The suffix of a producer snapshot.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// The suffixes of the files of a segment, the batches first.
pub(crate) const SUFFIXES: [&str; 3] = [LOG, INDEX, TIME_INDEX];

/// The name of a file of a segment.
pub(crate) fn segment_file_name(base_offset: i64, generation: u32, suffix: &str) -> String {
    match generation {
        0 => file_name(base_offset, suffix),
        generation => format!("{base_offset:020}-{generation}.{suffix}"),
    }
}

/// The name of a file of a log.
pub(crate) fn file_name(offset: i64, suffix: &str) -> String {
    format!("{offset:020}.{suffix}")
}
