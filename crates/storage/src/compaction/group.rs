//! Neighbouring segments that become one, so that they do not stay small; a few, if what stays grows
//! beyond what one can hold.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use env::{Defect, Fs, has_defect};

use super::filter::Kept;
use super::reader::Reader;
use super::round::RoundError;
use crate::batch::BatchHeader;
use crate::engine::Engine;
use crate::flush::SEGMENT_BYTES_MAX;
use crate::log::Log;
use crate::marks::{Mark, mark};
use crate::segment::{OpenSegment, Segment, SegmentFacts, remove_if_there};

pub(super) struct Group {
    old: Vec<Arc<Segment>>,
    unread: VecDeque<Arc<Segment>>,
    reader: Option<Reader>,
    directory: PathBuf,
    interval: u64,
    /// Those that are full.
    full: Vec<OpenSegment>,
    open: OpenSegment,
    /// Whether anything is not as it was.
    is_changed: bool,
}

impl Group {
    pub(super) fn begin(
        fs: &dyn Fs,
        directory: PathBuf,
        interval: u64,
        old: Vec<Arc<Segment>>,
    ) -> io::Result<Self> {
        let base_offset = old.first().map_or(0, |first| first.base_offset);
        let segment = successor(&old, &directory, base_offset);
        Ok(Self {
            open: OpenSegment::create(fs, segment, interval, None)?,
            unread: old.iter().cloned().collect(),
            old,
            reader: None,
            directory,
            interval,
            full: Vec::new(),
            is_changed: false,
        })
    }

    /// The next batches of the old segments; `None` between two of them and at the end.
    pub(super) fn read(&mut self, engine: &Engine) -> Result<Option<Bytes>, RoundError> {
        if self.reader.is_none()
            && let Some(segment) = self.unread.pop_front()
        {
            let fs = engine.env.fs.as_ref();
            let from = segment.base_offset;
            self.reader = Some(Reader::open(fs, &segment, from, self.interval)?);
        }
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        let batches = reader.read(engine.compaction_settings().io_bytes)?;
        if batches.is_none() {
            self.reader = None;
        }
        Ok(batches)
    }

    /// Whether all old segments have been read.
    pub(super) fn is_read(&self) -> bool {
        self.reader.is_none() && self.unread.is_empty()
    }

    pub(super) fn written_bytes(&self) -> u64 {
        let full: u64 = self.full.iter().map(|open| open.facts.bytes).sum();
        full + self.open.facts.bytes
    }

    /// Adds what stays of a batch.
    pub(super) fn write(
        &mut self,
        fs: &dyn Fs,
        header: &BatchHeader,
        batch: &[u8],
        kept: Kept,
    ) -> io::Result<()> {
        match kept {
            Kept::Whole => self.push(fs, header, batch),
            Kept::Nothing => {
                self.is_changed = true;
                Ok(())
            }
            Kept::Rewritten(batch) => {
                self.is_changed = true;
                let header = BatchHeader::parse(&batch)
                    .ok_or_else(|| io::Error::other("a batch was made without a header"))?;
                self.push(fs, &header, &batch)
            }
        }
    }

    fn push(&mut self, fs: &dyn Fs, header: &BatchHeader, batch: &[u8]) -> io::Result<()> {
        let bytes = self.open.facts.bytes;
        if bytes > 0 && bytes + batch.len() as u64 > SEGMENT_BYTES_MAX {
            self.open.write_gathered()?;
            let segment = successor(&self.old, &self.directory, header.base_offset);
            let next = OpenSegment::create(fs, segment, self.interval, None)?;
            let mut full = std::mem::replace(&mut self.open, next);
            full.facts.end_offset = header.base_offset;
            self.full.push(full);
        }
        self.open.push(header, batch)
    }

    pub(super) fn write_gathered(&mut self) -> io::Result<()> {
        self.open.write_gathered()
    }

    /// Forces what was written, and puts it in the place of the old segments. If nothing has changed,
    /// the old one stays.
    pub(super) fn finish(&mut self, engine: &Engine, log: &Log) -> Result<(), RoundError> {
        if !self.is_changed && self.old.len() == 1 {
            mark(Mark::SegmentLeftAlone);
            self.remove(engine);
            return Ok(());
        }
        let fs = engine.env.fs.as_ref();
        self.open.facts.end_offset = self.old.last().map_or(0, |last| last.facts().end_offset);
        let mut new = Vec::with_capacity(self.full.len() + 1);
        for open in self.full.iter_mut().chain([&mut self.open]) {
            if !has_defect(Defect::ReplaceBeforeForce) {
                open.force()?;
            }
            open.write_indexes(fs)?;
            // Loaded when somebody reads it.
            open.segment.extend(open.facts, None, open.is_cached());
            new.push(Arc::clone(&open.segment));
        }
        fs.sync_dir(&self.directory)?;
        if !log.replace_segments(&self.old, new) {
            return Err(RoundError::NotWanted);
        }
        mark(Mark::SegmentsReplaced);
        if has_defect(Defect::RemoveReplacedEarly) {
            for path in self.old.iter().flat_map(|old| old.paths()) {
                let _ = remove_if_there(fs, &path);
            }
        }
        // The next checkpoint makes it a fact.
        engine.ask_for_chores();
        Ok(())
    }

    /// Removes what was written. What cannot be removed, the next attempt or the next start removes.
    pub(super) fn remove(&mut self, engine: &Engine) {
        for open in self.full.iter().chain([&self.open]) {
            for path in open.segment.paths() {
                let _ = remove_if_there(engine.env.fs.as_ref(), &path);
            }
        }
    }
}

/// The segment that takes the place of others, or a part of it from an offset on.
fn successor(old: &[Arc<Segment>], directory: &Path, base_offset: i64) -> Segment {
    let log_id = old.first().map_or(0, |segment| segment.log_id);
    let generation = old.iter().map(|segment| segment.generation).max();
    let generation = generation.map_or(1, |highest| highest + 1);
    let created_ms = old.iter().map(|segment| segment.facts().created_ms).max();
    let facts = SegmentFacts {
        end_offset: base_offset,
        bytes: 0,
        max_timestamp: -1,
        // Retention must not take records without a time before theirs has come.
        created_ms: created_ms.unwrap_or(0),
        ends: None,
    };
    Segment::new(log_id, directory.to_owned(), base_offset, generation, facts)
}
