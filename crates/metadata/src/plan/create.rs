//! Creating topics.

use std::collections::BTreeMap;
use std::fmt;

use config::{BrokerSettings, ConfigError, TOPIC_PARTITIONS_MAX};
use model::{InvalidTopicName, TopicId, TopicName};

use super::partitions::next_logs;
use super::{PARTITIONS_MAX, checked_config, is_internal};
use crate::image::Image;
use crate::record::MetadataRecord;

/// The replicas that a client wants a partition to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The partition.
    pub partition_index: i32,
    /// The brokers that are to hold it.
    pub broker_ids: Vec<i32>,
}

/// A topic that a client wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 for the broker's `num.partitions`.
    pub num_partitions: i32,
    /// How many replicas; -1 for the broker's default, which is 1.
    pub replication_factor: i16,
    /// Where each partition shall be; empty to leave it to the broker.
    pub assignments: Vec<Assignment>,
    /// Its own settings; a value that is missing is refused.
    pub configs: Vec<(String, Option<String>)>,
}

/// Why a topic cannot be created. The text is meant for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateTopicError {
    /// The name is no topic name.
    InvalidName(InvalidTopicName),
    /// The name is reserved for the broker itself.
    InternalName,
    /// A topic has this name already.
    Exists,
    /// A topic has a name that metrics could not tell from this one.
    Collides(TopicName),
    /// The number of partitions is not positive or too large.
    InvalidPartitions(i32),
    /// The replication factor is not positive, or there are not so many brokers.
    InvalidReplicationFactor(i16),
    /// The replicas that the client wants are not possible.
    InvalidReplicaAssignment(String),
    /// Both a number and a list of partitions.
    AssignmentAndCount(&'static str),
    /// A setting is refused.
    InvalidConfig(ConfigError),
    /// Settings without a value.
    NullConfigs(String),
    /// The broker would have more partitions than it can hold, or all log ids are used up.
    TooManyPartitions,
}

impl fmt::Display for CreateTopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(error) => error.fmt(f),
            Self::InternalName => f.write_str("the name is reserved for the broker itself"),
            Self::Exists => f.write_str("a topic with this name exists"),
            Self::Collides(other) => write!(
                f,
                "the name collides with that of the topic '{other}': they differ only in '.' and '_'"
            ),
            Self::InvalidPartitions(count) => write!(
                f,
                "a topic has 1 to {TOPIC_PARTITIONS_MAX} partitions, or -1 for the broker's default, not {count}"
            ),
            Self::InvalidReplicationFactor(count) => write!(
                f,
                "the replication factor is 1, or -1 for the default, because there is one broker; not {count}"
            ),
            Self::InvalidReplicaAssignment(message) => f.write_str(message),
            Self::AssignmentAndCount(what) => {
                write!(f, "with an assignment of replicas, the {what} has to be -1")
            }
            Self::InvalidConfig(error) => error.fmt(f),
            Self::NullConfigs(names) => write!(f, "settings without a value: {names}"),
            Self::TooManyPartitions => {
                write!(
                    f,
                    "this broker holds at most {PARTITIONS_MAX} partitions in all"
                )
            }
        }
    }
}

/// Creates a topic with this id, for a client.
pub fn plan_create_topic(
    image: &Image,
    settings: &BrokerSettings,
    topic: &NewTopic,
    id: TopicId,
) -> Result<MetadataRecord, CreateTopicError> {
    let name = TopicName::new(&topic.name).map_err(CreateTopicError::InvalidName)?;
    if is_internal(&name) {
        return Err(CreateTopicError::InternalName);
    }
    check_free(image, &name)?;
    let configs = checked_configs(&topic.configs)?;
    settings
        .check_topic(&configs)
        .map_err(CreateTopicError::InvalidConfig)?;
    let partitions = partition_count(settings, topic)?;
    created(image, id, name, partitions, configs)
}

/// Creates one of the broker's own topics, with settings that are not checked: they are the
/// broker's. Refuses only a topic that exists.
pub fn plan_create_internal_topic(
    image: &Image,
    name: &TopicName,
    partitions: i32,
    configs: BTreeMap<String, String>,
    id: TopicId,
) -> Result<MetadataRecord, CreateTopicError> {
    check_free(image, name)?;
    created(image, id, name.clone(), checked_count(partitions)?, configs)
}

fn check_free(image: &Image, name: &TopicName) -> Result<(), CreateTopicError> {
    match image.topic_colliding_with(name) {
        None => Ok(()),
        Some(other) if other == name => Err(CreateTopicError::Exists),
        Some(other) => Err(CreateTopicError::Collides(other.clone())),
    }
}

fn created(
    image: &Image,
    id: TopicId,
    name: TopicName,
    partitions: u32,
    configs: BTreeMap<String, String>,
) -> Result<MetadataRecord, CreateTopicError> {
    Ok(MetadataRecord::TopicCreated {
        id,
        name,
        partitions: next_logs(image, partitions as usize)
            .ok_or(CreateTopicError::TooManyPartitions)?,
        configs,
    })
}

fn checked_configs(
    configs: &[(String, Option<String>)],
) -> Result<BTreeMap<String, String>, CreateTopicError> {
    let without_value: Vec<_> = configs
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if !without_value.is_empty() {
        return Err(CreateTopicError::NullConfigs(without_value.join(", ")));
    }
    configs
        .iter()
        .map(|(name, value)| checked_config(name, value.as_deref().unwrap_or_default()))
        .collect::<Result<_, _>>()
        .map_err(CreateTopicError::InvalidConfig)
}

fn checked_count(partitions: i32) -> Result<u32, CreateTopicError> {
    match u32::try_from(partitions) {
        Ok(count) if (1..=TOPIC_PARTITIONS_MAX).contains(&partitions) => Ok(count),
        _ => Err(CreateTopicError::InvalidPartitions(partitions)),
    }
}

fn partition_count(settings: &BrokerSettings, topic: &NewTopic) -> Result<u32, CreateTopicError> {
    if !topic.assignments.is_empty() {
        return assigned_count(settings, topic);
    }
    if !matches!(topic.replication_factor, -1 | 1) {
        return Err(CreateTopicError::InvalidReplicationFactor(
            topic.replication_factor,
        ));
    }
    match topic.num_partitions {
        -1 => checked_count(settings.num_partitions),
        count => checked_count(count),
    }
}

/// The number of partitions in a client's own assignment: they must run from 0 without a gap, each
/// on the one broker there is.
fn assigned_count(settings: &BrokerSettings, topic: &NewTopic) -> Result<u32, CreateTopicError> {
    if topic.replication_factor != -1 {
        return Err(CreateTopicError::AssignmentAndCount("replication factor"));
    }
    if topic.num_partitions != -1 {
        return Err(CreateTopicError::AssignmentAndCount("number of partitions"));
    }
    let refuse = |message: String| Err(CreateTopicError::InvalidReplicaAssignment(message));
    let mut indexes = std::collections::BTreeSet::new();
    for Assignment {
        partition_index,
        broker_ids,
    } in &topic.assignments
    {
        if !indexes.insert(*partition_index) {
            return refuse(format!("partition {partition_index} is assigned twice"));
        }
        if broker_ids != &[settings.node_id] {
            return refuse(format!(
                "partition {partition_index} can only be assigned to the one broker there is, {}",
                settings.node_id
            ));
        }
    }
    if let Some(missing) = (0..)
        .zip(&indexes)
        .find(|(expected, index)| expected != *index)
    {
        return refuse(format!(
            "the assigned partitions must run from 0, but {} is missing",
            missing.0
        ));
    }
    checked_count(i32::try_from(indexes.len()).unwrap_or(i32::MAX))
}
