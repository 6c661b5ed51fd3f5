//! Damage: what was found wrong on disk, where, and what it costs.

use std::fmt;
use std::path::{Path, PathBuf};

/// What kind of thing is damaged, and with it what is refused until it is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageCode {
    /// Acknowledged rounds of the write-ahead log cannot be read: the engine is read-only.
    WalChain,
    /// A write or force of the write-ahead log failed: nothing is acknowledged until a restart.
    WalPoisoned,
    /// A batch in the write-ahead log does not have its checksum: its log is quarantined.
    WalPayload,
    /// An entry of the write-ahead log names a log that never existed.
    WalUnknownLog,
    /// Entries of a log do not follow one another: the log is quarantined.
    OffsetGap,
    /// A batch in a segment does not have its checksum or cannot be read.
    SegmentBatch,
    /// A segment that the checkpoint lists is missing or too short.
    SegmentMissing,
    /// An index does not agree with its segment. It is built anew from it.
    Index,
    /// A snapshot of producers cannot be read. It is built anew from the segments.
    ProducerSnapshot,
    /// A checkpoint cannot be read; the other one is used.
    Checkpoint,
    /// The header of a slot of the write-ahead log cannot be read.
    SlotHeader,
}

impl DamageCode {
    const ALL: [Self; 11] = [
        Self::WalChain,
        Self::WalPoisoned,
        Self::WalPayload,
        Self::WalUnknownLog,
        Self::OffsetGap,
        Self::SegmentBatch,
        Self::SegmentMissing,
        Self::Index,
        Self::ProducerSnapshot,
        Self::Checkpoint,
        Self::SlotHeader,
    ];

    /// The name that messages, metrics and the health answer use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WalChain => "wal-chain",
            Self::WalPoisoned => "wal-poisoned",
            Self::WalPayload => "wal-payload",
            Self::WalUnknownLog => "wal-unknown-log",
            Self::OffsetGap => "offset-gap",
            Self::SegmentBatch => "segment-batch",
            Self::SegmentMissing => "segment-missing",
            Self::Index => "index",
            Self::ProducerSnapshot => "producer-snapshot",
            Self::Checkpoint => "checkpoint",
            Self::SlotHeader => "slot-header",
        }
    }

    /// The number that checkpoints know it by; never another's.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::WalChain => 1,
            Self::WalPoisoned => 2,
            Self::WalPayload => 3,
            Self::WalUnknownLog => 4,
            Self::OffsetGap => 5,
            Self::SegmentBatch => 6,
            Self::SegmentMissing => 7,
            Self::Index => 8,
            Self::ProducerSnapshot => 9,
            Self::Checkpoint => 10,
            Self::SlotHeader => 11,
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// Whether the damage was made good from other files, so that nothing is refused for it.
    pub fn is_repaired(self) -> bool {
        matches!(
            self,
            Self::Index | Self::ProducerSnapshot | Self::Checkpoint | Self::SlotHeader
        )
    }
}

/// One damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What kind of thing is damaged.
    pub code: DamageCode,
    /// The file.
    pub path: PathBuf,
    /// The position in the file, in bytes.
    pub position: u64,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl Damage {
    /// The same, as a later start tells it.
    pub(crate) fn found_earlier(&self) -> Self {
        Self {
            message: format!("{} (found by an earlier start)", self.message),
            ..self.clone()
        }
    }

    /// The same with its path below another directory, if it lies below the first one.
    pub(crate) fn moved(&self, from: &Path, to: &Path) -> Self {
        let path = self.path.strip_prefix(from).map(|path| to.join(path));
        Self {
            path: path.unwrap_or_else(|_| self.path.clone()),
            ..self.clone()
        }
    }
}

/// Why a log takes no more batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quarantine {
    /// The first offset that is damaged or follows damage.
    pub from: i64,
    pub cause: Damage,
}

impl Quarantine {
    /// Of two reasons the one that comes first in the log.
    pub(crate) fn earlier(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.from <= self.from => other,
            _ => self,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}:{}: {}",
            self.code.as_str(),
            self.path.display(),
            self.position,
            self.message
        )
    }
}
