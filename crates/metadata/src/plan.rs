//! From what a client asks for to the records that carry it out, by Kafka's rules.

mod configs;
mod create;
mod partitions;
mod quotas;

use std::fmt;

use config::ConfigError;
use model::{TopicId, TopicName};

use crate::image::Image;
use crate::record::MetadataRecord;

pub use configs::{
    AlterConfig, AlterConfigsError, AlterOperation, Resource, plan_alter_configs,
    plan_replace_configs,
};
pub use create::{
    Assignment, CreateTopicError, NewTopic, plan_create_internal_topic, plan_create_topic,
};
pub use partitions::{AddPartitionsError, MorePartitions, plan_add_partitions};
pub use quotas::plan_alter_client_quotas;

/// Most partitions of one broker, so that no request makes it hold more than memory can.
pub const PARTITIONS_MAX: usize = 100_000;

/// How many producer ids are taken at a time: one record for this many new producers.
pub const PRODUCER_ID_BLOCK: i64 = 1000;

/// The topics that a broker keeps for itself.
const INTERNAL_TOPICS: [&str; 4] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
    "__cluster_metadata",
];

/// Whether a name is reserved for the broker itself.
pub fn is_internal(name: &str) -> bool {
    INTERNAL_TOPICS.contains(&name)
}

/// The record that gives a new cluster its id; `None` if it has one.
pub fn plan_cluster(image: &Image, random: [u8; 16]) -> Option<MetadataRecord> {
    match image.cluster_id() {
        Some(_) => None,
        None => Some(MetadataRecord::Cluster {
            cluster_id: TopicId::from_random(random).0,
        }),
    }
}

/// The next block of producer ids, and the record that takes it. The ids may be given out when the
/// record is durable. `None` when there are no more ids.
pub fn plan_producer_ids(image: &Image) -> Option<(std::ops::Range<i64>, MetadataRecord)> {
    let first = image.next_producer_id();
    let next = first.checked_add(PRODUCER_ID_BLOCK)?;
    Some((first..next, MetadataRecord::ProducerIds { next }))
}

/// How a request names a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicReference<'a> {
    /// By name.
    Name(&'a str),
    /// By id (KIP-516).
    Id(TopicId),
}

/// Why a topic cannot be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteTopicError {
    /// No topic has this name.
    UnknownName,
    /// No topic has this id.
    UnknownId,
    /// The topic is the broker's own.
    Internal(TopicName),
}

impl fmt::Display for DeleteTopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName => f.write_str("there is no topic with this name"),
            Self::UnknownId => f.write_str("there is no topic with this id"),
            Self::Internal(name) => write!(f, "{name} is the broker's own topic"),
        }
    }
}

/// Deletes a topic. Its logs are those that [`crate::Topic::partitions`] lists before.
pub fn plan_delete_topic(
    image: &Image,
    topic: TopicReference<'_>,
) -> Result<MetadataRecord, DeleteTopicError> {
    let topic = match topic {
        TopicReference::Name(name) => image.topic(name).ok_or(DeleteTopicError::UnknownName)?,
        TopicReference::Id(id) => image.topic_by_id(id).ok_or(DeleteTopicError::UnknownId)?,
    };
    if topic.is_internal() {
        return Err(DeleteTopicError::Internal(topic.name.clone()));
    }
    Ok(MetadataRecord::TopicDeleted { id: topic.id })
}

/// Checks a topic's setting and gives its name and value in the form that is kept.
fn checked_config(name: &str, value: &str) -> Result<(String, String), ConfigError> {
    let definition = config::lookup(config::Scope::Topic, name)?;
    Ok((definition.name.to_owned(), definition.check(value)?))
}
