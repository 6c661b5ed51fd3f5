//! The data directory as `docs/ON_DISK_FORMAT.md` describes it: what kind each file is, and what the
//! bytes of the write-ahead log mean. Shares no code with the product.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use env::Fs;
use sim::SimFs;

use super::client::DATA_DIR;
use crate::batch::crc32c;

const SECTOR: u64 = 4096;
const ROUND_HEADER: usize = 64;
const ENTRY: usize = 40;
const BATCH_ENTRY: u8 = 1;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKind {
    Format,
    Lock,
    Checkpoint,
    Slot,
    Segment,
    OffsetIndex,
    TimeIndex,
    Snapshot,
}

impl FileKind {
    pub(super) const ALL: [Self; 8] = [
        Self::Format,
        Self::Lock,
        Self::Checkpoint,
        Self::Slot,
        Self::Segment,
        Self::OffsetIndex,
        Self::TimeIndex,
        Self::Snapshot,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lock => "lock",
            Self::Checkpoint => "checkpoint",
            Self::Slot => "slot",
            Self::Segment => "segment",
            Self::OffsetIndex => "index",
            Self::TimeIndex => "timeindex",
            Self::Snapshot => "snapshot",
        }
    }
}

/// One file of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataFile {
    pub path: PathBuf,
    pub kind: FileKind,
    /// The log that it belongs to.
    pub log_id: Option<u32>,
}

/// Every file of the data directory.
pub(super) fn files(fs: &SimFs) -> Vec<DataFile> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(DATA_DIR)];
    while let Some(directory) = open.pop() {
        for entry in fs.list_dir(&directory).expect("a directory") {
            let path = directory.join(entry.name);
            if entry.is_dir {
                open.push(path);
            } else {
                found.push(classify(path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn classify(path: PathBuf) -> DataFile {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let kind = match (&*name, &*extension) {
        ("format", _) => FileKind::Format,
        ("lock", _) => FileKind::Lock,
        (_, "a" | "b") => FileKind::Checkpoint,
        (_, "log") => FileKind::Segment,
        (_, "index") => FileKind::OffsetIndex,
        (_, "timeindex") => FileKind::TimeIndex,
        (_, "snapshot") => FileKind::Snapshot,
        _ if name.starts_with("slot-") => FileKind::Slot,
        _ => panic!("{} is described nowhere", path.display()),
    };
    let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
    DataFile {
        log_id: directory.to_string_lossy().parse().ok(),
        kind,
        path,
    }
}

/// One round of the write-ahead log.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub slot: PathBuf,
    pub position: u64,
    /// With its padding.
    pub bytes: u64,
    pub seq: u64,
    pub durable_seq: u64,
    writer_epoch: u32,
    pub entries: Vec<Entry>,
}

/// One entry of a round.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub is_batch: bool,
    pub log_id: u32,
    pub base_offset: i64,
    /// Where its payload lies in the slot.
    pub payload: Range<u64>,
}

impl Round {
    /// Header and table.
    pub(super) fn head(&self) -> Range<u64> {
        let head = ROUND_HEADER + self.entries.len() * ENTRY;
        self.position..self.position + head as u64
    }
}

/// The write-ahead log as it counts: the rounds behind the newest checkpoint, in order.
#[derive(Clone, Debug)]
pub(super) struct Wal {
    pub rounds: Vec<Round>,
    /// The last round that another one, or a checkpoint, calls durable.
    pub attested_seq: u64,
}

impl Wal {
    pub(super) fn read(fs: &SimFs) -> Self {
        let release_seq = newest_release(fs);
        let mut attested_seq = release_seq;
        let mut by_seq: BTreeMap<u64, Round> = BTreeMap::new();
        for file in files(fs).iter().filter(|file| file.kind == FileKind::Slot) {
            for round in rounds_of(&file.path, &fs.read(&file.path).expect("a slot")) {
                attested_seq = attested_seq.max(round.durable_seq);
                let is_newer = by_seq
                    .get(&round.seq)
                    .is_none_or(|other| other.writer_epoch < round.writer_epoch);
                if round.seq > release_seq && is_newer {
                    by_seq.insert(round.seq, round);
                }
            }
        }
        let chain = by_seq.into_iter().zip(release_seq + 1..);
        let rounds = chain
            .take_while(|((seq, _), expected)| seq == expected)
            .map(|((_, round), _)| round)
            .collect();
        Self {
            rounds,
            attested_seq,
        }
    }

    /// For each log, the first offset that nothing calls durable, if there is one.
    pub(super) fn unproven(&self) -> BTreeMap<u32, i64> {
        let mut first = BTreeMap::new();
        let rounds = self.rounds.iter().rev();
        for round in rounds.take_while(|round| round.seq > self.attested_seq) {
            for entry in round.entries.iter().rev().filter(|entry| entry.is_batch) {
                first.insert(entry.log_id, entry.base_offset);
            }
        }
        first
    }

    /// Whose data some bytes of a slot hold.
    pub(super) fn touched(&self, slot: &Path, range: &Range<u64>) -> Touched {
        let meets = |other: &Range<u64>| range.start < other.end && other.start < range.end;
        let mut logs = BTreeSet::new();
        for round in self.rounds.iter().filter(|round| round.slot == slot) {
            if meets(&round.head()) {
                return Touched::Everything;
            }
            let hit = round.entries.iter().filter(|entry| meets(&entry.payload));
            logs.extend(hit.map(|entry| entry.log_id));
        }
        Touched::Logs(logs)
    }
}

/// What may be lost by a mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    Logs(BTreeSet<u32>),
    Everything,
}

impl Touched {
    pub(super) fn nothing() -> Self {
        Self::Logs(BTreeSet::new())
    }

    pub(super) fn has(&self, log_id: u32) -> bool {
        match self {
            Self::Everything => true,
            Self::Logs(logs) => logs.contains(&log_id),
        }
    }

    pub(super) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Logs(mut one), Self::Logs(two)) => {
                one.extend(two);
                Self::Logs(one)
            }
            _ => Self::Everything,
        }
    }
}

/// The checkpoints that are sound: path, generation, and what they release.
pub(super) fn checkpoints(fs: &SimFs) -> Vec<(PathBuf, u64, u64)> {
    let mut sound = Vec::new();
    for name in ["checkpoint.a", "checkpoint.b"] {
        let path = Path::new(DATA_DIR).join(name);
        let Ok(bytes) = fs.read(&path) else { continue };
        let Some((body, crc)) = bytes.split_last_chunk::<4>() else {
            continue;
        };
        if u32::from_le_bytes(*crc) == crc32c(body) {
            sound.push((path, u64_at(&bytes, 8), u64_at(&bytes, 24)));
        }
    }
    sound.sort_by_key(|(_, generation, _)| *generation);
    sound
}

fn newest_release(fs: &SimFs) -> u64 {
    checkpoints(fs)
        .last()
        .map_or(0, |(_, _, release_seq)| *release_seq)
}

/// The rounds in the bytes of a slot.
fn rounds_of(slot: &Path, bytes: &[u8]) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut position = SECTOR;
    while position < bytes.len() as u64 {
        let block = &bytes[usize::try_from(position).expect("small")..];
        let found = round_at(slot, position, block);
        position += found.as_ref().map_or(SECTOR, |round| round.bytes);
        rounds.extend(found);
    }
    rounds
}

fn round_at(slot: &Path, position: u64, block: &[u8]) -> Option<Round> {
    let header = block.get(..ROUND_HEADER)?;
    let is_sound = header.starts_with(b"OTRD") && u32_at(header, 60) == crc32c(&header[..60]);
    if !is_sound {
        return None;
    }
    let count = usize::try_from(u32_at(header, 44)).ok()?;
    let body = u64::from(u32_at(header, 48));
    let mut payload = position + (ROUND_HEADER + count * ENTRY) as u64;
    let table = block.get(ROUND_HEADER..ROUND_HEADER + count * ENTRY)?;
    let entries = table.chunks_exact(ENTRY).map(|entry| {
        let start = payload;
        payload += u64::from(u32_at(entry, 8));
        Entry {
            is_batch: entry[0] == BATCH_ENTRY,
            log_id: u32_at(entry, 4),
            base_offset: u64_at(entry, 16).cast_signed(),
            payload: start..payload,
        }
    });
    Some(Round {
        slot: slot.to_owned(),
        position,
        entries: entries.collect(),
        bytes: (ROUND_HEADER as u64 + body).next_multiple_of(SECTOR),
        seq: u64_at(header, 24),
        durable_seq: u64_at(header, 32),
        writer_epoch: u32_at(header, 40),
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
