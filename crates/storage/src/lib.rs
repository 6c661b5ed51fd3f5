//! The storage engine: logs of record batches behind one shared write-ahead log.
//!
//! An append takes a place in its log and in the queue of the write-ahead log, at once and without
//! waiting ([`Log::append`]). The commit loop writes what has gathered as one round, forces it, and
//! only then moves what readers see. A background flusher moves batches from memory to the segment
//! files of their logs and frees the write-ahead log behind them.
//!
//! `docs/ON_DISK_FORMAT.md` describes every file.

mod admission;
mod batch;
mod buffers;
mod compaction;
mod damage;
mod engine;
mod epochs;
mod errors;
mod flush;
mod format;
pub mod inspect;
mod log;
mod marks;
mod metrics;
mod producers;
mod recovery;
mod retention;
mod segment;
mod settings;
mod signal;
mod storage;
mod tail;
mod transactions;
mod verify;
mod views;
mod wal;

pub use admission::Permit;
pub use damage::{Damage, DamageCode};
pub use errors::{
    AppendError, AppendGroupError, CommitError, OpenError, ReadError, SetLogStartError,
};
pub use log::{DiskRead, GroupEntry, Log, LogHoldings, Read, WatchGuard};
pub use marks::{Mark, take_marks};
pub use metrics::{DURATION_BOUNDS_MICROSECONDS, DurationHistogram, StorageMetricsSnapshot};
pub use recovery::{Opened, Recovery, RecoveryReport};
pub use settings::{CompactionSettings, LogConfig, StorageSettings, TimestampType};
pub use storage::{Gathering, Storage, StorageState};
pub use verify::{VerifyReport, verify};
pub use views::{
    AbortedTransaction, Append, Appended, Durability, Isolation, LogView, ProducerView,
    ReadBatches, Sequence, TimestampAndOffset,
};
