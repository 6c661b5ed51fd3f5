//! Batches that the kernel sends from a segment, without their being read.
//!
//! What is sent so is known to be sound: it was written by this process, or read by it and found
//! right, and has not left the page cache since as far as is known. The rest is read and checked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use chunks::{Chunk, FileRange};
use env::{File, Fs};
use parking_lot::Mutex;

use super::{ReadRequest, Segment, SegmentFacts};
use crate::batch::{BatchHeader, HEADER_BYTES};

/// A shorter range is read: opening the file for it would cost more.
const SENT_BYTES_MIN: usize = 64 << 10;
/// From how many files answers may be sent at once; each is open as long.
const FILES_MAX: usize = 256;

/// The files that answers are sent from.
#[derive(Debug, Default)]
pub(crate) struct SentFiles {
    files: Mutex<HashMap<PathBuf, Weak<std::fs::File>>>,
}

impl SentFiles {
    /// The file under which a path is open already, or else this one. `None` if too many are open.
    fn share(&self, path: &Path, file: Arc<std::fs::File>) -> Option<Arc<std::fs::File>> {
        let mut files = self.files.lock();
        if let Some(open) = files.get(path).and_then(Weak::upgrade) {
            return Some(open);
        }
        if files.len() >= FILES_MAX {
            files.retain(|_, file| file.strong_count() > 0);
        }
        if files.len() >= FILES_MAX {
            return None;
        }
        files.insert(path.to_owned(), Arc::downgrade(&file));
        Some(file)
    }
}

/// Whole batches in a file, and the offset behind them.
pub(crate) struct RangeToSend {
    pub range: FileRange,
    pub next: i64,
}

impl Segment {
    /// The batches from an offset on, as far as the kernel can send them and that is found out without
    /// waiting for the disk: one begins there that is in the index, and all that is looked at is in
    /// memory.
    pub(crate) fn range_at_once(
        &self,
        fs: &dyn Fs,
        files: &SentFiles,
        request: &ReadRequest,
    ) -> Option<RangeToSend> {
        let (facts, start) = self.known_position(request.from)?;
        let file = fs.open_at_once(&self.path())?;
        let end = request.end.min(facts.end_offset);
        self.range_to_send(file.as_ref(), start, &facts, end, request.bytes_max, files)
    }

    /// Batches that have just been read from a position and found sound. They are in the page cache now, and the
    /// kernel sends them from there for less than copying them costs.
    pub(super) fn just_checked(
        &self,
        file: &dyn File,
        position: u64,
        batches: Bytes,
        files: Option<&SentFiles>,
    ) -> Chunk {
        let bytes = batches.len();
        let sent = files
            .filter(|_| bytes >= SENT_BYTES_MIN)
            .and_then(|files| files.share(&self.path(), file.to_send(position, bytes)?));
        match sent {
            Some(file) => Chunk::File(FileRange {
                file,
                position,
                bytes,
            }),
            None => batches.into(),
        }
    }

    fn forget_checked_from(&self, position: u64) {
        let mut state = self.state.lock();
        state.checked_bytes = state.checked_bytes.min(position);
    }

    /// Where the batch begins that has this base offset, if the index is in memory and has it, and the
    /// batch is known to be sound.
    fn known_position(&self, base_offset: i64) -> Option<(SegmentFacts, u64)> {
        let state = self.state.lock();
        let index = state.index.as_ref()?;
        let (position, begins) = index.position_before(self.base_offset, base_offset);
        let is_found = begins == base_offset && position < state.checked_bytes;
        is_found.then_some((state.facts, position))
    }

    /// The batches from the one that begins at a position, up to the offset `end` and to `bytes_max`, as
    /// far as the kernel can send them.
    pub(super) fn range_to_send(
        &self,
        file: &dyn File,
        start: u64,
        facts: &SegmentFacts,
        end: i64,
        bytes_max: usize,
        files: &SentFiles,
    ) -> Option<RangeToSend> {
        let checked_bytes = self.state.lock().checked_bytes.min(facts.bytes);
        let through = checked_bytes.min(start.saturating_add(bytes_max as u64));
        let is_all = through == facts.bytes && end == facts.end_offset;
        let (position, next) = match is_all {
            true => (facts.bytes, facts.end_offset),
            false => self.indexed_before(through, end)?,
        };
        let bytes = usize::try_from(position.checked_sub(start)?).ok()?;
        if bytes < SENT_BYTES_MIN {
            return None;
        }
        let looked_at_bytes = match is_all {
            true => bytes,
            false => bytes + HEADER_BYTES,
        };
        let Some(sent) = file.to_send(start, looked_at_bytes) else {
            // What comes from the disk again is checked again.
            self.forget_checked_from(start);
            return None;
        };
        if !(is_all || is_batch_at(file, position, next)) {
            return None;
        }
        Some(RangeToSend {
            range: FileRange {
                file: files.share(&self.path(), sent)?,
                position: start,
                bytes,
            },
            next,
        })
    }
}

/// Whether a batch with this base offset begins at a position.
fn is_batch_at(file: &dyn File, position: u64, base_offset: i64) -> bool {
    let mut bytes = [0; HEADER_BYTES];
    let read = file.read_at(&mut bytes, position);
    let header = BatchHeader::parse(&bytes);
    read.is_ok() && header.is_some_and(|header| header.base_offset == base_offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_open_once_and_only_so_many_are() {
        let files = SentFiles::default();
        let open = |number: usize| {
            let file = Arc::new(tempfile::tempfile().unwrap());
            files.share(Path::new(&format!("{number}")), file)
        };
        let held: Vec<_> = (0..FILES_MAX).map(|number| open(number).unwrap()).collect();
        assert!(Arc::ptr_eq(&held[7], &open(7).unwrap()));
        assert!(open(FILES_MAX).is_none());
        drop(held);
        assert!(open(FILES_MAX).is_some());
        assert_eq!(files.files.lock().len(), 1);
    }
}
