//! What goes into a coordinator and what comes out of it.

use std::fmt;

use coordination::Now;
use model::{ProducerEpoch, ProducerId, TimestampMs, TransactionalId};

use crate::partitions::Partitions;
use crate::records::TransactionRecord;
use crate::state::{ClientVersion, Outcome, TransactionState};

/// What coordinators go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionSettings {
    /// The longest timeout that a producer may ask for, in ms.
    pub timeout_ms_max: i32,
    /// How long an id that is not used is remembered, in ms.
    pub expiration_ms: i64,
    /// The time between two looks for transactions whose timeout has passed, in ms.
    pub timeout_check_interval_ms: i32,
    /// The time between two looks for ids to forget, in ms.
    pub expiration_check_interval_ms: i32,
}

impl Default for TransactionSettings {
    fn default() -> Self {
        Self {
            timeout_ms_max: 900_000,
            expiration_ms: 604_800_000,
            timeout_check_interval_ms: 10_000,
            expiration_check_interval_ms: 3_600_000,
        }
    }
}

/// When a call is made, and where its records go.
#[derive(Debug)]
pub struct Call<'a> {
    /// When it is.
    pub now: Now,
    /// The records to append to the coordinator's log, in order.
    pub records: &'a mut Vec<TransactionRecord>,
}

/// A producer in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Producer {
    /// Its id.
    pub id: ProducerId,
    /// How often the id has been taken over.
    pub epoch: ProducerEpoch,
}

/// An InitProducerId request with a transactional id.
#[derive(Clone, Copy, Debug)]
pub struct InitProducerId<'a> {
    /// The transactional id.
    pub transactional_id: &'a str,
    /// How old a transaction of this producer may become, in ms.
    pub timeout_ms: i32,
    /// Who the producer was before, if it goes on with an error behind it (v3, KIP-360).
    pub producer: Option<Producer>,
    /// A producer id that nobody has had, in case that one is needed.
    pub fresh_id: Option<ProducerId>,
}

/// Who says that a transaction is its own.
#[derive(Clone, Copy, Debug)]
pub struct ProducerOf<'a> {
    /// The transactional id.
    pub transactional_id: &'a str,
    /// The producer.
    pub producer: Producer,
}

/// An EndTxn request.
#[derive(Clone, Copy, Debug)]
pub struct EndTransaction<'a> {
    /// Whose transaction it is.
    pub of: ProducerOf<'a>,
    /// How it ends.
    pub outcome: Outcome,
    /// The rules that the client goes by: the second from v5 on.
    pub version: ClientVersion,
    /// A producer id that nobody has had, in case that one is needed.
    pub fresh_id: Option<ProducerId>,
}

/// Why a coordinator refuses, as the caller must tell it to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionError {
    /// The transactional id is empty, or longer than a record can hold.
    InvalidTransactionalId,
    /// The timeout is not within the bounds of the settings.
    InvalidTimeout,
    /// The transactional id is not known, or belongs to another producer id.
    InvalidProducerIdMapping,
    /// Another instance of the producer has taken over.
    ProducerFenced,
    /// The last transaction has not come to its end: ask again soon.
    ConcurrentTransactions,
    /// There is no transaction that could end so.
    InvalidState,
    /// The transaction has more partitions than a record can hold.
    TransactionTooLarge,
    /// Not for the client: the call is to be made once more with a fresh producer id.
    ProducerIdNeeded,
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidTransactionalId => "the transactional id is empty or too long",
            Self::InvalidTimeout => "the transaction timeout is not within the broker's bounds",
            Self::InvalidProducerIdMapping => "the transactional id is not that producer's",
            Self::ProducerFenced => "another instance of the producer has taken over",
            Self::ConcurrentTransactions => "the last transaction is still being ended",
            Self::InvalidState => "there is no transaction that could end so",
            Self::TransactionTooLarge => "the transaction has too many partitions",
            Self::ProducerIdNeeded => "there is no producer id to go on with",
        })
    }
}

impl std::error::Error for TransactionError {}

/// One transactional id as DescribeTransactions shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDescription {
    /// Where its newest transaction stands.
    pub state: TransactionState,
    /// How old it may become, in ms.
    pub timeout_ms: i32,
    /// When it began; -1 if there is none.
    pub started_ms: TimestampMs,
    /// The producer.
    pub producer: Producer,
    /// Its partitions; those without a marker once it ends.
    pub partitions: Partitions,
}

/// One transactional id as ListTransactions shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionListing {
    /// The id.
    pub transactional_id: TransactionalId,
    /// The producer's id.
    pub producer_id: ProducerId,
    /// Where its newest transaction stands.
    pub state: TransactionState,
    /// When it began; -1 if there is none.
    pub started_ms: TimestampMs,
}
