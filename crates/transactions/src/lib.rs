//! The coordinator of transactions (KIP-98, KIP-890) as a state machine without clock, files or tasks.
//!
//! One [`Coordinator`] answers for the transactional ids of one partition of `__transaction_state`. It is
//! given requests and the time, and says what follows from them: records for that partition's log.
//! The log is the only durable state: [`Coordinator::replay`] folds records back into what a
//! restart must know.
//!
//! A transaction ends in steps that are visible here. What has been decided is a record (the state is
//! [`TransactionState::Prepare`]); each partition of the transaction gets a marker; that all have one is
//! another record ([`TransactionState::Complete`]). [`Coordinator::ending`] tells what is missing, after
//! a call as after a restart, and [`Coordinator::marker_written`] and [`Coordinator::complete`] take in
//! what has been done. Whoever can write all of it at once may do so.
//!
//! # What the caller owes
//!
//! - The records of one call are appended in order before the next call, and no marker without the record
//!   of the decision before it.
//! - No answer leaves before the newest record of this coordinator is durable, also answers of
//!   calls that wrote nothing: they may speak of what an earlier call wrote.
//! - Whatever is [`Coordinator::preparing`] is brought to its end.
//! - [`Coordinator::tick`] is called when [`Coordinator::next_deadline`] has passed.
//!
//! # Reading order
//!
//! `api.rs` (what goes in and comes out), `state.rs`, then `transaction.rs` (what is known of one transactional
//! id) with one file per thing that can happen to it, which says what comes next and changes nothing.
//! `coordinator.rs` makes it so. `records.rs` is the format of the log, Kafka's own.

mod api;
mod coordinator;
mod limits;
mod partitions;
mod records;
mod state;
mod transaction;

#[cfg(test)]
mod tests;

pub use api::{
    Call, EndTransaction, InitProducerId, Producer, ProducerOf, TransactionDescription,
    TransactionError, TransactionListing, TransactionSettings,
};
pub use coordinator::{Coordinator, Ending, Marker};
pub use limits::TRANSACTION_RECORD_BYTES_MAX;
pub use partitions::{Partitions, TopicPartition};
pub use records::{RecordError, TransactionKey, TransactionRecord};
pub use state::{ClientVersion, Outcome, TransactionState};
pub use transaction::TransactionValue;
