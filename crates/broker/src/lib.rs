//! The broker: it turns requests into decisions, runs what follows from them, and answers.
//!
//! How a request travels:
//!
//! 1. [`KafkaService`] takes a frame from the network and hands it to `dispatch`;
//! 2. `dispatch` reads the header and finds the row of the API in `apis`, the only list of what is
//!    served; what has no row, or a version outside it, closes the connection;
//! 3. the row's handler (one file per API in `handlers`) decides and answers, at once or later;
//! 4. what must wait, waits for a round of the write-ahead log ([`storage::Storage::wait`]) or in
//!    `purgatory` for a partition to move;
//! 5. `dispatch` encodes the answer and counts it.
//!
//! `throttling` holds back the clients that use more than their quotas, by the arithmetic of `quotas`.
//!
//! State has one owner each: `metadata_store` the topics, `producer_ids` the producer ids,
//! `coordinator` the groups, `transactions` the transactions (both in `coordinator_partitions`), `quotas` what clients use,
//! `deadlines` until when requests wait, `storage` everything else.

mod apis;
mod broker;
mod compatibility;
mod context;
mod coordinator;
mod coordinator_partitions;
mod deadline_timer;
mod deadlines;
mod dispatch;
mod egress;
mod errors;
mod handlers;
mod journal;
mod limits;
mod log_configs;
mod log_fold;
mod metadata_store;
mod metrics;
mod producer_ids;
mod purgatory;
mod quotas;
mod record_batches;
mod settings;
mod throttling;
mod timers;
mod topic_creation;
mod topics;
mod transactions;

pub use broker::{Broker, OpenError, Reason};
pub use compatibility::compatibility_page;
pub use context::Connection;
pub use dispatch::KafkaService;
pub use metadata_store::MetadataFoldError;
pub use settings::Settings;
