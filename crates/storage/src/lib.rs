//! The storage engine: logs of record batches behind one shared write-ahead log.

mod damage;
mod errors;
mod settings;
mod views;

pub use damage::{Damage, DamageCode};
pub use errors::{AppendError, CommitError, OpenError, ReadError, SetLogStartError};
pub use settings::{LogConfig, StorageSettings, TimestampType};
pub use views::{
    AbortedTransaction, Append, Appended, Durability, Isolation, LogView, ProducerView,
    ReadBatches, Sequence, TimestampAndOffset,
};
