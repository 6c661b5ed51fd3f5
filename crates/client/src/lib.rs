//! A client of any Kafka cluster, for the command line and the services around the broker.
//!
//! Records are produced and consumed by librdkafka, the C library behind most Kafka clients
//! ([`Producer`], [`Consumer`]); what administrators ask goes over [`Admin`], a small connection of
//! our own that speaks the messages of the `wire` crate. [`Pipeline`] and [`GroupMember`] are such
//! connections for those who measure a broker: nothing of a library is between them and it. Callers see neither library:
//! `docs/adr/0003-librdkafka-behind-the-client-crate.md` says why.

mod admin;
mod brokers;
mod connection;
mod consumer;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod group_member;
mod offsets;
mod partitioner;
mod pipeline;
mod producer;
mod quiet;

pub use admin::{
    ActiveProducer, ActiveProducers, Admin, Broker, Cluster, ConfigChange, ConfigEntry,
    ConfigOperation, ConfigResource, Group, GroupListing, LogDir, Member, NewTopic, Outcome,
    Partition, ProducerIdentity, Quota, QuotaMatch, QuotaPart, Topic, Transaction,
    TransactionFilter, TransactionListing, Trimmed,
};
pub use brokers::{Address, Brokers, InvalidAddress, PORT_DEFAULT};
pub use consumer::{Consumer, Event, Membership, Record, Trouble};
pub use error::{ClientError, Refusal};
pub use group_member::{GroupMember, Joined};
pub use offsets::{Position, StartAt, TopicPartition};
pub use partitioner::partition_of_key;
pub use pipeline::{Frame, Pipeline};
pub use producer::{Acks, Answer, Compression, NewRecord, Producer, Written};

/// How this client names itself to brokers.
pub(crate) const CLIENT_ID: &str = "ottla-cli";
