//! Batches that the kernel sends from a segment, without their being read.
//!
//! What is sent so is known to be sound: it was written by this process, or read by it and found
//! right, and has not left the page cache since as far as is known. The rest is read and checked.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use chunks::FileRange;
use parking_lot::Mutex;

use super::{BatchScanner, Segment, SegmentFacts};

/// A shorter range is read: opening the file for it would cost more.
const SENT_BYTES_MIN: usize = 64 << 10;
/// From how many files answers may be sent at once; each is open as long.
const FILES_MAX: usize = 256;

/// The files that answers are sent from.
#[derive(Debug, Default)]
pub(crate) struct SentFiles {
    files: Mutex<HashMap<PathBuf, Weak<File>>>,
}

impl SentFiles {
    /// The file under which a path is open already, or else this one. `None` if too many are open.
    fn share(&self, path: &Path, file: Arc<File>) -> Option<Arc<File>> {
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
pub(super) struct RangeToSend {
    pub range: FileRange,
    pub next: i64,
}

impl Segment {
    /// The batches from the one at which the scanner stands, up to the offset `end` and to `bytes_max`,
    /// as far as the kernel can send them.
    pub(super) fn range_to_send(
        &self,
        scanner: &BatchScanner,
        facts: &SegmentFacts,
        end: i64,
        bytes_max: usize,
        files: &SentFiles,
    ) -> Option<RangeToSend> {
        let start = scanner.position();
        let checked_bytes = self.checked_bytes().min(facts.bytes);
        let through = checked_bytes.min(start.saturating_add(bytes_max as u64));
        let is_all = through == facts.bytes && end == facts.end_offset;
        let (position, next) = match is_all {
            true => (facts.bytes, facts.end_offset),
            false => self.indexed_before(through, end)?,
        };
        let bytes = usize::try_from(position.checked_sub(start)?).ok()?;
        if bytes < SENT_BYTES_MIN || !(is_all || scanner.is_batch_at(position, next)) {
            return None;
        }
        let Some(file) = scanner.file().to_send(start, bytes) else {
            // What comes from the disk again is checked again.
            self.forget_checked_from(start);
            return None;
        };
        Some(RangeToSend {
            range: FileRange {
                file: files.share(&self.path(), file)?,
                position: start,
                bytes,
            },
            next,
        })
    }
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
