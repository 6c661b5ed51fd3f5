//! One thing that goes wrong with a data directory at rest.

use std::ops::Range;
use std::path::{Path, PathBuf};

use env::{Fs, OpenMode};
use sim::{Dice, SimFs};

use super::golden::Golden;
use super::layout::{self, DataFile, FileKind, Touched, Wal};

/// In what way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// One bit is flipped.
    Flip,
    /// Some bytes are random.
    Scribble,
    /// A sector, or a part of one, is zero.
    Zero,
    /// A block from elsewhere stands here.
    Misplace,
    /// The file is shorter.
    Cut,
    /// Something stands behind it.
    Append,
    /// The file is gone.
    Lose,
    /// The file and another one have changed places.
    Swap,
    /// Another file stands here too.
    Copy,
    /// The file is as it was earlier.
    Old,
}

impl Way {
    pub(super) const ALL: [Self; 10] = [
        Self::Flip,
        Self::Scribble,
        Self::Zero,
        Self::Misplace,
        Self::Cut,
        Self::Append,
        Self::Lose,
        Self::Swap,
        Self::Copy,
        Self::Old,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flip => "flipped bit",
            Self::Scribble => "random bytes",
            Self::Zero => "zeroed sector",
            Self::Misplace => "misplaced block",
            Self::Cut => "cut",
            Self::Append => "garbage appended",
            Self::Lose => "lost",
            Self::Swap => "swapped",
            Self::Copy => "copied over",
            Self::Old => "older copy",
        }
    }

    fn roll(dice: &mut Dice) -> Self {
        match dice.below(20) {
            0..5 => Self::Flip,
            5..7 => Self::Scribble,
            7..9 => Self::Zero,
            9 => Self::Misplace,
            10..13 => Self::Cut,
            13 => Self::Append,
            14 => Self::Lose,
            15..17 => Self::Swap,
            17 => Self::Copy,
            _ => Self::Old,
        }
    }
}

/// A mutation with all that follows from it.
pub(super) struct Mutation {
    pub kind: FileKind,
    pub way: Way,
    /// What was done, for people.
    pub what: String,
    /// The files with their new contents; `None` is gone.
    pub changes: Vec<(DataFile, Option<Vec<u8>>)>,
    /// The first byte that is different, if the files are as long as before.
    pub position: Option<u64>,
}

/// What to aim at how often.
const AIMS: [(FileKind, u64); 8] = [
    (FileKind::Segment, 26),
    (FileKind::Slot, 26),
    (FileKind::Checkpoint, 14),
    (FileKind::Snapshot, 12),
    (FileKind::OffsetIndex, 8),
    (FileKind::TimeIndex, 8),
    (FileKind::Format, 3),
    (FileKind::Lock, 1),
];

/// Attempts to find something that changes anything.
const ATTEMPTS: usize = 1000;

/// Rolls a mutation that changes something.
pub(super) fn roll(dice: &mut Dice, golden: &Golden, wal: &Wal) -> Mutation {
    let files = layout::files(&golden.fs);
    for _ in 0..ATTEMPTS {
        let kind = roll_kind(dice);
        let of_kind: Vec<&DataFile> = files.iter().filter(|file| file.kind == kind).collect();
        let Some(file) = of_kind.get(dice.index(of_kind.len())) else {
            continue;
        };
        let way = Way::roll(dice);
        let roller = Roller {
            golden,
            wal,
            files: &files,
            file,
        };
        if let Some((changes, detail)) = roller.roll(dice, way) {
            let position = first_difference(&golden.fs, &changes);
            return Mutation {
                kind,
                way,
                what: format!("{} {}{detail}", file.path.display(), way.name()),
                changes,
                position,
            };
        }
    }
    panic!("nothing can be changed");
}

fn roll_kind(dice: &mut Dice) -> FileKind {
    let all: u64 = AIMS.iter().map(|(_, weight)| weight).sum();
    let mut left = dice.below(all);
    for (kind, weight) in AIMS {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => return kind,
        }
    }
    FileKind::Segment
}

fn first_difference(fs: &SimFs, changes: &[(DataFile, Option<Vec<u8>>)]) -> Option<u64> {
    let [(file, Some(new))] = changes else {
        return None;
    };
    let old = fs.read(&file.path).expect("a file");
    if old.len() != new.len() {
        return None;
    }
    let at = old.iter().zip(new).position(|(old, new)| old != new);
    at.map(|at| at as u64)
}

impl Mutation {
    /// Does it.
    pub(super) fn apply(&self, fs: &SimFs) {
        for (file, content) in &self.changes {
            match content {
                None => fs.lose(&file.path),
                Some(bytes) => put(fs, &file.path, bytes),
            }
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.changes.iter().map(|(file, _)| &file.path)
    }

    pub(super) fn has(&self, kind: FileKind) -> bool {
        self.changes.iter().any(|(file, _)| file.kind == kind)
    }

    /// Whose data may be lost by it.
    pub(super) fn touched(&self, fs: &SimFs, wal: &Wal) -> Touched {
        let mut touched = Touched::nothing();
        for (file, content) in &self.changes {
            touched = touched.merge(match file.kind {
                FileKind::Segment => match file.log_id {
                    Some(0) | None => Touched::Everything,
                    Some(log_id) => Touched::Logs([log_id].into()),
                },
                FileKind::Slot => touched_by_slot(fs, wal, &file.path, content.as_deref()),
                FileKind::Format => Touched::Everything,
                // There are two of them, or it can be built anew.
                FileKind::Lock
                | FileKind::Checkpoint
                | FileKind::OffsetIndex
                | FileKind::TimeIndex
                | FileKind::Snapshot => Touched::nothing(),
            });
        }
        touched
    }
}

fn touched_by_slot(fs: &SimFs, wal: &Wal, path: &Path, new: Option<&[u8]>) -> Touched {
    let old = fs.read(path).expect("a slot");
    let new = new.unwrap_or_default();
    let is_used = wal.rounds.iter().any(|round| round.slot == path);
    if new.len() < old.len() {
        return match is_used {
            true => Touched::Everything,
            false => Touched::nothing(),
        };
    }
    let mut touched = Touched::nothing();
    for (at, _) in old.iter().zip(new).enumerate().filter(|(_, (a, b))| a != b) {
        let at = at as u64;
        touched = touched.merge(wal.touched(path, &(at..at + 1)));
        if touched == Touched::Everything {
            break;
        }
    }
    touched
}

/// Puts a whole file onto the medium.
fn put(fs: &SimFs, path: &Path, bytes: &[u8]) {
    let file = fs.open(path, OpenMode::CreateOrTruncate).expect("a file");
    file.write_all_at(bytes, 0).expect("room");
    file.sync_data().expect("a disk");
    let directory = path.parent().expect("a directory");
    fs.sync_dir(directory).expect("a disk");
}

type Changes = Vec<(DataFile, Option<Vec<u8>>)>;

/// What can happen to one file.
struct Roller<'a> {
    golden: &'a Golden,
    wal: &'a Wal,
    files: &'a [DataFile],
    file: &'a DataFile,
}

impl Roller<'_> {
    /// `None` if it would change nothing.
    fn roll(&self, dice: &mut Dice, way: Way) -> Option<(Changes, String)> {
        let old = self.read(&self.file.path);
        let mut new = old.clone();
        let mut detail = String::new();
        match way {
            Way::Flip => {
                let at = self.aim(dice, &old)?;
                let bit = dice.below(8);
                new[at] ^= 1 << bit;
                detail = format!(" at {at}, bit {bit}");
            }
            Way::Scribble => {
                let at = self.aim(dice, &old)?;
                let count = (1 + dice.index(16)).min(old.len() - at);
                new[at..at + count].fill_with(|| dice.number() as u8);
                detail = format!(" at {at}, {count} of them");
            }
            Way::Zero => {
                let at = self.aim(dice, &old)?;
                let sector = [512, 4096][dice.index(2)];
                let start = at / sector * sector;
                let end = (start + sector).min(old.len());
                new[start..end].fill(0);
                detail = format!(" at {start}..{end}");
            }
            Way::Misplace => {
                let block = 4096.min(old.len());
                let at = self.aim(dice, &old)? / block.max(1) * block;
                let (other, bytes) = self.other(dice)?;
                let from = dice.index(bytes.len().div_ceil(4096)) * 4096;
                let count = block
                    .min(old.len() - at)
                    .min(bytes.len().saturating_sub(from));
                new[at..at + count].copy_from_slice(&bytes[from..from + count]);
                let other = other.path.display();
                detail = format!(" at {at}, {count} bytes of {other} from {from}");
            }
            Way::Cut => {
                new.truncate(match dice.below(4) {
                    0 => 0,
                    1 => old.len().saturating_sub(1 + dice.index(16)),
                    _ => self.aim(dice, &old)?,
                });
                detail = format!(" to {} of {}", new.len(), old.len());
            }
            Way::Append => {
                let count = 1 + dice.index(5000);
                match dice.below(3) {
                    0 => new.resize(old.len() + count, 0),
                    1 => new.extend_from_within(old.len().saturating_sub(count)..),
                    _ => new.extend((0..count).map(|_| dice.number() as u8)),
                }
                detail = format!(", {} bytes", new.len() - old.len());
            }
            Way::Lose => return Some((vec![(self.file.clone(), None)], detail)),
            Way::Swap => {
                let (other, bytes) = self.other(dice)?;
                detail = format!(" with {}", other.path.display());
                if bytes == old {
                    return None;
                }
                let changes = vec![(self.file.clone(), Some(bytes)), (other.clone(), Some(old))];
                return Some((changes, detail));
            }
            Way::Copy => {
                let (other, bytes) = self.other(dice)?;
                detail = format!(" by {}", other.path.display());
                new = bytes;
            }
            Way::Old => {
                // A write-ahead log that has never been written to is not told from one that lost it.
                if matches!(self.file.kind, FileKind::Slot) {
                    return None;
                }
                let earlier = &self.golden.earlier;
                let disk = earlier.get(dice.index(earlier.len()))?;
                new = disk.read(&self.file.path).ok()?;
            }
        }
        (new != old).then(|| (vec![(self.file.clone(), Some(new))], detail))
    }

    fn read(&self, path: &Path) -> Vec<u8> {
        self.golden.fs.read(path).expect("a file")
    }

    /// Another file, mostly of the same kind.
    fn other(&self, dice: &mut Dice) -> Option<(&DataFile, Vec<u8>)> {
        let is_any = dice.one_in(6);
        let others: Vec<&DataFile> = self
            .files
            .iter()
            .filter(|other| other.path != self.file.path)
            .filter(|other| is_any || other.kind == self.file.kind)
            .filter(|other| !matches!(other.kind, FileKind::Format | FileKind::Lock))
            .collect();
        let other = others.get(dice.index(others.len()))?;
        Some((other, self.read(&other.path)))
    }

    /// A position, near to what matters as a rule.
    fn aim(&self, dice: &mut Dice, bytes: &[u8]) -> Option<usize> {
        if bytes.is_empty() {
            return None;
        }
        let ranges = match self.file.kind {
            FileKind::Segment => batches(bytes),
            FileKind::Slot => self.rounds(),
            _ => Vec::new(),
        };
        let anywhere = dice.index(bytes.len());
        if ranges.is_empty() || dice.one_in(6) {
            return Some(anywhere);
        }
        let (head, whole) = &ranges[dice.index(ranges.len())];
        let within = if dice.one_in(2) { head } else { whole };
        let at = within.start + dice.below(within.end - within.start);
        Some(usize::try_from(at).ok()?.min(bytes.len() - 1))
    }

    /// Head and whole of every round of the slot that counts.
    fn rounds(&self) -> Vec<(Range<u64>, Range<u64>)> {
        let rounds = self.wal.rounds.iter();
        let here = rounds.filter(|round| round.slot == self.file.path);
        let ranges = here.map(|round| (round.head(), round.position..round.position + round.bytes));
        ranges.collect()
    }
}

/// Head and whole of every batch.
fn batches(bytes: &[u8]) -> Vec<(Range<u64>, Range<u64>)> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at + 8..at + 12) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize + 12;
        let start = at as u64;
        ranges.push((start..start + 61, start..start + length as u64));
        at += length;
    }
    ranges
}
