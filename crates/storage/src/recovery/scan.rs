//! Finding the rounds in a slot.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use env::{Defect, File, Fs, OpenMode, SECTOR_BYTES, has_defect};

use crate::format::bytes::crc32c;
use crate::format::entry::{Entry, decode_table};
use crate::format::round::{self, RoundHeader};
use crate::format::slot_header::SlotHeader;
use crate::marks::{Mark, mark};
use crate::wal::slots;

/// How much is read at once.
const WINDOW_BYTES: usize = 1 << 20;

/// A sound round header, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScannedRound {
    /// The slot, as an index into what was scanned.
    pub slot: usize,
    pub position: u64,
    pub header: RoundHeader,
    pub header_crc: u32,
    /// The entry table; `None` if it is damaged, empty if the round is released and not the last one
    /// that is.
    pub entries: Option<Vec<Entry>>,
}

impl ScannedRound {
    /// The number and the length of the slot in which the log goes on, if this is the last round of
    /// its slot.
    pub(crate) fn next_slot(&self) -> Option<(u32, u64)> {
        self.entries.as_ref()?.last()?.next_slot()
    }
}

/// A slot that was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScannedSlot {
    pub index: u32,
    pub path: PathBuf,
    pub bytes: u64,
    /// Whether block 0 is as it was made, and the file as long.
    pub has_sound_header: bool,
    /// What block 0 says, if it can be read and is of this log.
    pub header: Option<SlotHeader>,
}

impl ScannedSlot {
    /// The number that the slot was made with.
    pub(crate) fn made_as(&self) -> u32 {
        self.header
            .and_then(|header| header.index)
            .unwrap_or(self.index)
    }

    /// The blocks that can be written to.
    pub(crate) fn usable_bytes(&self) -> u64 {
        let made = self.header.map_or(self.bytes, |header| header.slot_bytes);
        let block = SECTOR_BYTES as u64;
        made.min(self.bytes) / block * block
    }

    /// Whether the file has become shorter.
    pub(crate) fn is_cut(&self) -> bool {
        self.header
            .is_some_and(|header| self.bytes < header.slot_bytes)
    }
}

/// The slots in a directory, in the order of their names.
pub(crate) fn list_slots(fs: &dyn Fs, directory: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let entries = match fs.list_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(entries
        .iter()
        .filter_map(|entry| Some((slots::index_of(&entry.name)?, directory.join(&entry.name))))
        .collect())
}

/// What is looked for in a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanOptions {
    /// The number of the slot among those that are scanned.
    pub number: usize,
    /// The log whose rounds count; `None` for any.
    pub wal_id: Option<u64>,
    /// The tables of rounds below this one are not needed.
    pub release_seq: u64,
    /// What the cache may hold and the disk may not is forced and dropped first, so that only what
    /// is on disk is found.
    pub repairs: bool,
}

/// Scans one slot.
pub(crate) fn scan_slot(
    fs: &dyn Fs,
    (index, path): &(u32, PathBuf),
    options: ScanOptions,
    rounds: &mut Vec<ScannedRound>,
) -> io::Result<ScannedSlot> {
    let ScanOptions {
        number,
        wal_id,
        release_seq,
        repairs,
    } = options;
    let file = if repairs {
        let file = fs.open(path, OpenMode::Write)?;
        file.sync_data()?;
        if !has_defect(Defect::KeepCacheAtRecovery) {
            file.drop_cache()?;
        }
        mark(Mark::SlotForcedAndDropped);
        file
    } else {
        fs.open(path, OpenMode::Read)?
    };
    let bytes = file.len()?;
    let mut window = Window::new(file, bytes);
    let slot_header = SlotHeader::decode(window.at(0, SECTOR_BYTES)?)
        .filter(|header| wal_id.is_none_or(|wal_id| header.wal_id == wal_id));
    let has_sound_header = slot_header.is_some_and(|header| {
        header.slot_bytes == bytes && header.index.is_none_or(|made_as| made_as == *index)
    });
    let mut position = SECTOR_BYTES as u64;
    while position < bytes {
        let found = RoundHeader::decode(window.at(position, round::BYTES)?);
        let fitting = found.filter(|(header, _)| {
            wal_id.is_none_or(|wal_id| header.wal_id == wal_id)
                && position + header.padded_bytes() <= bytes
        });
        let Some((header, header_crc)) = fitting else {
            mark(Mark::InvalidBlockSteppedOver);
            position += SECTOR_BYTES as u64;
            continue;
        };
        let entries = if header.seq >= release_seq {
            let table_bytes = usize::try_from(header.table_bytes()).unwrap_or(usize::MAX);
            let table = window.at(position + round::BYTES as u64, table_bytes)?;
            let payload_bytes = u64::from(header.body_bytes) - header.table_bytes();
            (crc32c(table) == header.table_crc)
                .then(|| decode_table(table, payload_bytes))
                .flatten()
        } else {
            Some(Vec::new())
        };
        rounds.push(ScannedRound {
            slot: number,
            position,
            header,
            header_crc,
            entries,
        });
        position += header.padded_bytes();
        if header.padded_bytes() > SECTOR_BYTES as u64 {
            mark(Mark::BodyJumpedOver);
        }
    }
    Ok(ScannedSlot {
        index: *index,
        path: path.clone(),
        bytes,
        has_sound_header,
        header: slot_header,
    })
}

/// A file read through a window that moves forward.
struct Window {
    file: Arc<dyn File>,
    file_bytes: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn new(file: Arc<dyn File>, file_bytes: u64) -> Self {
        Self {
            file,
            file_bytes,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// Bytes at a position; fewer if the file ends.
    fn at(&mut self, position: u64, bytes: usize) -> io::Result<&[u8]> {
        let end = position + bytes as u64;
        if position < self.start || end > self.start + self.bytes.len() as u64 {
            let left = self.file_bytes.saturating_sub(position);
            let want = (bytes.max(WINDOW_BYTES) as u64).min(left);
            self.bytes.resize(want as usize, 0);
            let read = self.file.read_at(&mut self.bytes, position)?;
            self.bytes.truncate(read);
            self.start = position;
        }
        let skip = (position - self.start) as usize;
        let end = (skip + bytes).min(self.bytes.len());
        Ok(self.bytes.get(skip..end).unwrap_or(&[]))
    }
}
