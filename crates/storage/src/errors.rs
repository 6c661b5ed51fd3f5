//! One small error type per operation; its variants are what a caller may do differently.

use std::fmt;
use std::io;
use std::path::PathBuf;

use model::Offset;

use crate::views::Appended;

/// The data directory cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has the data directory open.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The data was written by a newer version.
    NewerFormat {
        /// The format file.
        path: PathBuf,
        /// The version it names.
        found: u16,
        /// The newest version that can be read.
        supported: u16,
    },
    /// The directory holds data, yet what says which data it is cannot be read.
    NotOurs {
        /// The file in question.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The settings contradict each other.
    Settings(String),
    /// A file cannot be read or written.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl OpenError {
    /// Names the file in an error of the system.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path } => {
                write!(
                    f,
                    "{} is locked: another broker uses this data directory",
                    path.display()
                )
            }
            Self::NewerFormat {
                path,
                found,
                supported,
            } => write!(
                f,
                "{} was written by a newer version of Ottla (format {found}, this one reads up to \
                 {supported}): start that version, or name another directory with --data-dir",
                path.display()
            ),
            Self::NotOurs { path, message } => write!(f, "{}: {message}", path.display()),
            Self::Settings(message) => f.write_str(message),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// A batch was not appended; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The batch does not follow the producer's last one (`OUT_OF_ORDER_SEQUENCE_NUMBER`).
    OutOfOrderSequence,
    /// A newer instance of the producer has taken over (`INVALID_PRODUCER_EPOCH`).
    InvalidProducerEpoch,
    /// The producer has an open transaction, and the batch is not part of it (`INVALID_TXN_STATE`).
    InvalidTransactionState,
    /// A newer coordinator has ended a transaction of the producer (`TRANSACTION_COORDINATOR_FENCED`).
    CoordinatorFenced,
    /// The batch is malformed; the caller should have refused it.
    InvalidBatch,
    /// The batch is larger than half a slot of the write-ahead log.
    TooLarge,
    /// A write failed earlier, or the log was opened read-only for damage: nothing can be appended
    /// until a restart has recovered.
    Poisoned,
    /// The log is damaged; it can be read up to the damage.
    Quarantined,
    /// The disk is full. Appends go on by themselves when there is space again.
    DiskFull,
    /// The log has been deleted.
    Deleted,
    /// The engine is shutting down.
    ShuttingDown,
}

/// A group was not appended; nothing has changed in any log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendGroupError {
    /// A batch cannot be appended; the first one if it is not for a reason of its own.
    Entry {
        /// Which one.
        index: usize,
        /// Why not.
        error: AppendError,
    },
    /// A producer's batch is in its log already.
    Duplicate {
        /// Which one.
        index: usize,
        /// Where it is.
        original: Appended,
    },
    /// The group does not fit into one round of the write-ahead log, or has more than 10,000 batches.
    /// They can be appended one by one.
    TooLarge,
}

/// What was appended will not be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// A write or a force failed. The batch may or may not be there after a restart.
    Poisoned,
    /// The disk is full. The batch will be written when there is space again.
    DiskFull,
    /// The engine stopped before the batch was written.
    ShuttingDown,
}

/// Records cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The offset is below the start or above the end of the log (`OFFSET_OUT_OF_RANGE`).
    OutOfRange {
        /// Where the log starts.
        log_start: Offset,
        /// Where the log ends for readers.
        high_watermark: Offset,
    },
    /// The records are damaged on disk.
    Damaged,
    /// The log has been deleted.
    Deleted,
}

/// The start of a log cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetLogStartError {
    /// The offset is above the high watermark.
    OutOfRange {
        /// Where the log ends for readers.
        high_watermark: Offset,
    },
    /// As for [`AppendError::Poisoned`].
    Poisoned,
    /// As for [`AppendError::Quarantined`].
    Quarantined,
    /// The log has been deleted.
    Deleted,
    /// The engine is shutting down.
    ShuttingDown,
}

macro_rules! error_text {
    ($($name:ident { $($pattern:pat => $text:expr),+ $(,)? })+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($pattern => $text),+ })
            }
        }

        impl std::error::Error for $name {}
    )+};
}

error_text! {
    AppendError {
        Self::OutOfOrderSequence => "the batch does not follow the producer's last one",
        Self::InvalidProducerEpoch => "a newer instance of the producer has taken over",
        Self::InvalidTransactionState => "the batch is not part of the producer's open transaction",
        Self::CoordinatorFenced => "a newer coordinator has taken over",
        Self::InvalidBatch => "the batch is malformed",
        Self::TooLarge => "the batch is larger than half a slot of the write-ahead log",
        Self::Poisoned => "a write failed earlier; a restart is needed",
        Self::Quarantined => "the log is damaged",
        Self::DiskFull => "the disk is full",
        Self::Deleted => "the log has been deleted",
        Self::ShuttingDown => "the broker is shutting down",
    }
    AppendGroupError {
        Self::Entry { .. } => "a batch of the group cannot be appended",
        Self::Duplicate { .. } => "a batch of the group is there already",
        Self::TooLarge => "the group does not fit into one round of the write-ahead log",
    }
    CommitError {
        Self::Poisoned => "a write failed; a restart is needed",
        Self::DiskFull => "the disk is full",
        Self::ShuttingDown => "the broker is shutting down",
    }
    ReadError {
        Self::OutOfRange { .. } => "the offset is not in the log",
        Self::Damaged => "the records are damaged on disk",
        Self::Deleted => "the log has been deleted",
    }
    SetLogStartError {
        Self::OutOfRange { .. } => "the offset is above the high watermark",
        Self::Poisoned => "a write failed earlier; a restart is needed",
        Self::Quarantined => "the log is damaged",
        Self::Deleted => "the log has been deleted",
        Self::ShuttingDown => "the broker is shutting down",
    }
}
