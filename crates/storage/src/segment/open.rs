//! Writing a segment: batch behind batch, then the force, then the index files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use env::{File, Fs, OpenMode};

use super::appender::Appender;
use super::{Segment, SegmentFacts, SegmentFault, SegmentIndex};
use crate::batch::BatchHeader;
use crate::buffers::BufferPool;
use crate::format::checkpoint::SegmentEnds;
use crate::marks::{Mark, mark};

/// A segment being written to. What is written counts for readers when [`Segment::extend`] is told.
pub(crate) struct OpenSegment {
    pub segment: Arc<Segment>,
    /// What it has, that which is not yet written included.
    pub facts: SegmentFacts,
    pub index: SegmentIndex,
    appender: Appender,
    /// How many bytes lie between two entries of the index.
    interval: u64,
}

impl OpenSegment {
    /// Makes the file of a new segment, whose directory exists. What is pushed goes past the page cache, through buffers
    /// of the pool if there is one (`direct`), and else into it.
    pub(crate) fn create(
        fs: &dyn Fs,
        segment: Segment,
        interval: u64,
        direct: Option<&BufferPool>,
    ) -> io::Result<Self> {
        // Files of that name are what an attempt that failed has left.
        for path in segment.paths() {
            if remove_if_there(fs, &path)? {
                mark(Mark::LeftoverRemoved);
            }
        }
        let file = fs.open(&segment.path(), OpenMode::CreateNew)?;
        mark(Mark::SegmentNew);
        Ok(Self {
            appender: appender(fs, &segment, file, 0, direct)?,
            facts: segment.facts(),
            segment: Arc::new(segment),
            index: SegmentIndex::empty(),
            interval,
        })
    }

    /// Goes on in a segment behind what counts of it; `direct` as in [`OpenSegment::create`].
    pub(crate) fn reopen(
        fs: &dyn Fs,
        segment: &Arc<Segment>,
        interval: u64,
        direct: Option<&BufferPool>,
    ) -> io::Result<Self> {
        assert_eq!(
            segment.generation, 0,
            "nothing is appended to what compaction has made"
        );
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
        let index = segment.take_index(fs, interval).map_err(into_io)?;
        if index.indexed_bytes() != facts.bytes {
            return Err(io::Error::other("the segment is damaged"));
        }
        Ok(Self {
            appender: appender(fs, segment, file, facts.bytes, direct)?,
            segment: Arc::clone(segment),
            facts,
            index,
            interval,
        })
    }

    /// Adds a batch behind the others.
    pub(crate) fn push(&mut self, header: &BatchHeader, batch: &[u8]) -> io::Result<()> {
        self.index
            .add(self.segment.base_offset, header, self.interval);
        self.facts.ends = match self.facts.bytes {
            0 => Some(SegmentEnds::first(header)),
            // Those of a segment that an earlier version began are not known.
            _ => self.facts.ends.map(|ends| ends.with_last(header)),
        };
        self.facts.end_offset = header.last_offset() + 1;
        self.facts.max_timestamp = self.facts.max_timestamp.max(header.max_timestamp);
        self.facts.bytes += batch.len() as u64;
        self.appender.push(batch)
    }

    /// Writes what has been gathered.
    pub(crate) fn write_gathered(&mut self) -> io::Result<()> {
        self.appender.write_gathered()
    }

    /// Forces what was written.
    pub(crate) fn force(&self) -> io::Result<()> {
        self.appender.force()
    }

    /// Whether all that was written went into the page cache.
    pub(crate) fn is_cached(&self) -> bool {
        self.appender.is_cached()
    }

    /// Writes what the index files lack. They are not forced.
    pub(crate) fn write_indexes(&mut self, fs: &dyn Fs) -> io::Result<()> {
        let paths = self.segment.paths();
        let unstored = self.index.take_unstored(self.segment.index_of());
        for (path, (position, bytes)) in paths.iter().skip(1).zip(unstored) {
            write_index(fs, path, position, &bytes)?;
        }
        Ok(())
    }
}

fn appender(
    fs: &dyn Fs,
    segment: &Segment,
    file: Arc<dyn File>,
    position: u64,
    direct: Option<&BufferPool>,
) -> io::Result<Appender> {
    Ok(match direct {
        None => Appender::cached(file, position),
        Some(buffers) => {
            let direct = fs.open(&segment.path(), OpenMode::WriteDirect)?;
            mark(Mark::SegmentDirect);
            Appender::direct(file, direct, position, buffers)
        }
    })
}

fn write_index(fs: &dyn Fs, path: &Path, position: u64, bytes: &[u8]) -> io::Result<()> {
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
pub(crate) fn remove_if_there(fs: &dyn Fs, path: &Path) -> io::Result<bool> {
    match fs.remove_file(path) {
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
