//! Reading a segment from front to back.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use env::File;

use super::SegmentFault;
use crate::batch::{self, BatchHeader};
use crate::buffers::BufferPool;

/// How much is read at once to look at headers: first little, and more for who goes on.
const WINDOW_BYTES: std::ops::RangeInclusive<u64> = 4 << 10..=64 << 10;

/// Steps through the batches of a file up to a length.
pub(crate) struct BatchScanner {
    file: Arc<dyn File>,
    position: u64,
    end: u64,
    expected: Expected,
    window: Vec<u8>,
    window_start: u64,
    window_bytes: u64,
    buffers: BufferPool,
}

/// What a batch's own checksum does not cover, and what is known of it from elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The base offset of the batch at the position; where compaction may have left gaps, the least
    /// that it can be.
    pub offset: i64,
    /// Where the offsets of the segment end.
    pub end: i64,
    /// Whether compaction may have left gaps.
    pub is_compacted: bool,
    /// Whether the next batch is known to begin at `offset`, gaps or not.
    pub is_exact: bool,
    /// Leader epochs with the offsets of their first batches; none: not looked at.
    pub epochs: Arc<[(i32, i64)]>,
}

impl Expected {
    /// Whether this is the batch, and if so what is expected next.
    fn accept(&mut self, header: &BatchHeader) -> bool {
        let fits = self.fits(header);
        if fits {
            self.pass(header);
        }
        fits
    }

    fn fits(&self, header: &BatchHeader) -> bool {
        let is_in_place = if self.is_exact {
            header.base_offset == self.offset
        } else {
            header.base_offset >= self.offset
        };
        is_in_place && header.last_offset() < self.end && self.is_epoch_right(header)
    }

    /// Expects what comes behind a batch.
    fn pass(&mut self, header: &BatchHeader) {
        self.offset = header.last_offset() + 1;
        self.is_exact = !self.is_compacted;
    }

    fn is_epoch_right(&self, header: &BatchHeader) -> bool {
        // The first epoch's start moves with the start of the log. What lies wholly below is not
        // served, and the epochs of it are forgotten.
        let above = self
            .epochs
            .partition_point(|(_, start)| *start <= header.last_offset());
        let known = above.checked_sub(1).and_then(|at| self.epochs.get(at));
        known.is_none_or(|(epoch, _)| *epoch == header.leader_epoch)
    }
}

/// Batches that follow one another.
pub(crate) struct Run {
    pub bytes: Bytes,
    pub last_offset: i64,
}

#[derive(Debug)]
pub(crate) enum ScanError {
    /// There is no sound batch at this position.
    Unsound(u64),
    Io(u64, io::Error),
}

impl ScanError {
    pub(crate) fn into_fault(self, path: &Path) -> SegmentFault {
        match self {
            Self::Unsound(position) => {
                let what = "there is no batch with a right checksum";
                SegmentFault::unsound(path, position, what)
            }
            Self::Io(position, error) => SegmentFault::io(path, position, &error),
        }
    }
}

impl BatchScanner {
    pub(crate) fn new(file: Arc<dyn File>, position: u64, end: u64, expected: Expected) -> Self {
        Self {
            file,
            position,
            end,
            expected,
            window: Vec::new(),
            window_start: 0,
            window_bytes: *WINDOW_BYTES.start(),
            buffers: BufferPool::new(0),
        }
    }

    /// Looks at the leader epochs of the batches too.
    pub(crate) fn expect_epochs(&mut self, epochs: Arc<[(i32, i64)]>) {
        self.expected.epochs = epochs;
    }

    /// Reads into buffers of this pool, instead of fresh ones.
    pub(crate) fn use_buffers(&mut self, buffers: &BufferPool) {
        self.buffers = buffers.clone();
    }

    /// The least offset that the next batch can have.
    pub(crate) fn expected_offset(&self) -> i64 {
        self.expected.offset
    }

    /// Where the next batch begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// What is read.
    pub(super) fn file(&self) -> &dyn File {
        self.file.as_ref()
    }

    /// Whether all batches have been passed.
    pub(crate) fn is_at_end(&self) -> bool {
        self.position >= self.end
    }

    /// The header at the position, `None` at the end. Its batch lies within the end.
    pub(crate) fn peek(&mut self) -> Result<Option<BatchHeader>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let header_bytes = batch::HEADER_BYTES as u64;
        let is_inside = self.position >= self.window_start
            && self.position + header_bytes <= self.window_start + self.window.len() as u64;
        if !is_inside {
            self.fill()?;
        }
        let skip = usize::try_from(self.position - self.window_start).unwrap_or(usize::MAX);
        let header = self
            .window
            .get(skip..)
            .and_then(BatchHeader::parse)
            .filter(|header| {
                self.position + header.bytes as u64 <= self.end && self.expected.fits(header)
            })
            .ok_or(ScanError::Unsound(self.position))?;
        Ok(Some(header))
    }

    fn fill(&mut self) -> Result<(), ScanError> {
        let bytes = (self.end - self.position).min(self.window_bytes);
        self.window_bytes = (bytes * 2).min(*WINDOW_BYTES.end());
        self.window.resize(bytes as usize, 0);
        self.window_start = self.position;
        let read = self
            .file
            .read_at(&mut self.window, self.position)
            .map_err(|error| ScanError::Io(self.position, error))?;
        self.window.truncate(read);
        Ok(())
    }

    /// Says that what stands at the position cannot be what belongs there.
    pub(crate) fn unsound(&self) -> ScanError {
        ScanError::Unsound(self.position)
    }

    /// Goes past the batch whose header was peeked at.
    pub(crate) fn skip(&mut self, header: &BatchHeader) {
        self.expected.pass(header);
        self.position += header.bytes as u64;
    }

    /// Reads the next batches, about `want` bytes of them and at least one, as long as `takes`
    /// (given the header and the bytes taken so far) wants them. Every one has a right checksum.
    pub(crate) fn read_run(
        &mut self,
        want: u64,
        takes: impl Fn(&BatchHeader, usize) -> bool,
    ) -> Result<Option<Run>, ScanError> {
        let Some(first) = self.peek()? else {
            return Ok(None);
        };
        if !takes(&first, 0) {
            return Ok(None);
        }
        let wanted = want.max(first.bytes as u64).min(self.end - self.position);
        let mut buffer = self.buffers.take(wanted as usize);
        let read_bytes = self
            .file
            .read_at(buffer.extend_blank(wanted as usize), self.position)
            .map_err(|error| ScanError::Io(self.position, error))?;
        let read = buffer.as_slice().get(..read_bytes).unwrap_or(&[]);
        let mut taken = 0;
        let mut last_offset = -1;
        while let Some(header) = read.get(taken..).and_then(BatchHeader::parse) {
            let is_whole = taken + header.bytes <= read.len();
            if !is_whole || !takes(&header, taken) {
                break;
            }
            let sound = read.get(taken..).and_then(BatchHeader::parse_sound);
            if !sound.is_some_and(|header| self.expected.accept(&header)) {
                // What was sound before it is served; the next read finds it at the front.
                break;
            }
            taken += header.bytes;
            last_offset = header.last_offset();
        }
        if taken == 0 {
            return Err(ScanError::Unsound(self.position));
        }
        self.position += taken as u64;
        buffer.truncate(taken);
        Ok(Some(Run {
            bytes: buffer.freeze(),
            last_offset,
        }))
    }

    /// The next batch with a right checksum, `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<(BatchHeader, Bytes)>, ScanError> {
        let Some(header) = self.peek()? else {
            return Ok(None);
        };
        let only_one = |_: &BatchHeader, taken: usize| taken == 0;
        let run = self.read_run(header.bytes as u64, only_one)?;
        Ok(run.map(|run| (header, run.bytes)))
    }
}
