//! Topics: what there is, creation, deletion.

use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponsePartition, MetadataResponseTopic,
};

use super::{ANY_VERSION, Admin, Outcome, Patience};
use crate::error::{ClientError, Refusal};

/// Longest wait of the controller for a topic to exist or to be gone everywhere, in ms.
const CONTROLLER_TIMEOUT_MS: i32 = 20_000;

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Topic name.
    pub name: String,
    /// Partitions; `None` leaves the number to the broker.
    pub partitions: Option<i32>,
    /// Copies of each partition; `None` leaves the number to the broker.
    pub replication_factor: Option<i16>,
    /// Settings that differ from the broker's.
    pub configs: Vec<(String, String)>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Topic name.
    pub name: String,
    /// Its identity (KIP-516), if the broker knows such.
    pub id: Option<TopicId>,
    /// Whether brokers keep their own state in it.
    pub is_internal: bool,
    /// Its partitions, by index.
    pub partitions: Vec<Partition>,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Partition index.
    pub index: i32,
    /// Node id of its leader; `None` while it has none.
    pub leader: Option<i32>,
    /// Leader epoch, if the broker says it.
    pub leader_epoch: Option<i32>,
    /// Nodes that hold it.
    pub replicas: Vec<i32>,
    /// Nodes that hold it and are in sync.
    pub in_sync_replicas: Vec<i32>,
}

impl Admin {
    /// Every topic, by name.
    pub async fn all_topics(&mut self) -> Result<Vec<Topic>, ClientError> {
        let request = MetadataRequest {
            topics: None,
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let response = self.metadata(&request).await?;
        let topics = response.topics.iter().filter(|topic| topic.name.is_some());
        let mut topics: Vec<Topic> = topics.map(topic).collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(topics)
    }

    /// The topics of these names, or why there is none, in the order asked. Never creates one.
    pub async fn topics(
        &mut self,
        names: &[String],
    ) -> Result<Vec<(String, Result<Topic, Refusal>)>, ClientError> {
        let asked = |name: &String| MetadataRequestTopic {
            name: Some(Text::from(name)),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: Some(names.iter().map(asked).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let response = self.metadata(&request).await?;
        let find = |name: &String| {
            let mut topics = response.topics.iter();
            match topics.find(|topic| topic.name.as_deref() == Some(name.as_str())) {
                Some(found) => topic_or_refusal(found),
                None => Err(Refusal::of(ErrorCode::UnknownTopicOrPartition)),
            }
        };
        Ok(names
            .iter()
            .map(|name| (name.clone(), find(name)))
            .collect())
    }

    /// Creates topics and waits until they can be used. The outcomes are in the order of `topics`.
    pub async fn create_topics(
        &mut self,
        topics: &[NewTopic],
    ) -> Result<Vec<(String, Outcome)>, ClientError> {
        let request = CreateTopicsRequest {
            topics: topics.iter().map(creatable).collect(),
            timeout_ms: CONTROLLER_TIMEOUT_MS,
            validate_only: false,
        };
        let leaves_choice =
            |topic: &NewTopic| topic.partitions.is_none() || topic.replication_factor.is_none();
        // Before version 4 the broker has no defaults to fall back on.
        let usable = match topics.iter().any(leaves_choice) {
            true => 4..=i16::MAX,
            false => ANY_VERSION,
        };
        let response = self.call_controller(&request, usable).await?;
        let outcome = |topic: &NewTopic| {
            let mut results = response.topics.iter();
            match results.find(|result| result.name == topic.name.as_str()) {
                Some(result) => Refusal::check(result.error_code, result.error_message.as_deref()),
                None => Err(Refusal::of(ErrorCode::UnknownServerError)),
            }
        };
        let outcomes: Vec<(String, Outcome)> = topics
            .iter()
            .map(|topic| (topic.name.clone(), outcome(topic)))
            .collect();
        let created = outcomes.iter().filter(|(_, outcome)| outcome.is_ok());
        self.await_topics(created.map(|(name, _)| name.clone()).collect())
            .await?;
        Ok(outcomes)
    }

    /// Waits until the broker we talk to knows new topics and their leaders: in a cluster it hears
    /// of them a little after the controller has answered.
    async fn await_topics(&mut self, names: Vec<String>) -> Result<(), ClientError> {
        let patience = Patience::new();
        loop {
            let topics = self.topics(&names).await?;
            let is_usable = |topic: &Topic| topic.partitions.iter().all(|p| p.leader.is_some());
            let mut found = topics.iter().map(|(_, topic)| topic);
            if found.all(|topic| topic.as_ref().is_ok_and(is_usable)) || !patience.wait().await {
                return Ok(());
            }
        }
    }

    /// Gives topics so many partitions in all, or with `validate_only` just checks whether that would
    /// succeed. The outcomes are in the order of `topics`.
    pub async fn create_partitions(
        &mut self,
        topics: &[(String, i32)],
        validate_only: bool,
    ) -> Result<Vec<(String, Outcome)>, ClientError> {
        let topic = |(name, count): &(String, i32)| CreatePartitionsTopic {
            name: Text::from(name),
            count: *count,
            assignments: None,
        };
        let request = CreatePartitionsRequest {
            topics: topics.iter().map(topic).collect(),
            timeout_ms: CONTROLLER_TIMEOUT_MS,
            validate_only,
        };
        let response = self.call_controller(&request, ANY_VERSION).await?;
        let outcome = |name: &String| {
            let mut results = response.results.iter();
            match results.find(|result| result.name == name.as_str()) {
                Some(result) => Refusal::check(result.error_code, result.error_message.as_deref()),
                None => Err(Refusal::of(ErrorCode::UnknownServerError)),
            }
        };
        Ok(topics
            .iter()
            .map(|(name, _)| (name.clone(), outcome(name)))
            .collect())
    }

    /// Deletes topics with all their records. The outcomes are in the order of `names`.
    pub async fn delete_topics(
        &mut self,
        names: &[String],
    ) -> Result<Vec<(String, Outcome)>, ClientError> {
        let state = |name: &String| DeleteTopicState {
            name: Some(Text::from(name)),
            ..DeleteTopicState::default()
        };
        let request = DeleteTopicsRequest {
            topics: names.iter().map(state).collect(),
            topic_names: names.iter().map(Text::from).collect(),
            timeout_ms: CONTROLLER_TIMEOUT_MS,
        };
        let response = self.call_controller(&request, ANY_VERSION).await?;
        let outcome = |name: &String| {
            let mut results = response.responses.iter();
            match results.find(|result| result.name.as_deref() == Some(name.as_str())) {
                Some(result) => Refusal::check(result.error_code, result.error_message.as_deref()),
                None => Err(Refusal::of(ErrorCode::UnknownServerError)),
            }
        };
        Ok(names
            .iter()
            .map(|name| (name.clone(), outcome(name)))
            .collect())
    }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let config = |(name, value): &(String, String)| CreatableTopicConfig {
        name: Text::from(name),
        value: Some(Text::from(value)),
    };
    CreatableTopic {
        name: Text::from(&topic.name),
        num_partitions: topic.partitions.unwrap_or(-1),
        replication_factor: topic.replication_factor.unwrap_or(-1),
        assignments: Vec::new(),
        configs: topic.configs.iter().map(config).collect(),
    }
}

/// A topic whose partitions partly lack a leader is a topic all the same.
fn topic_or_refusal(found: &MetadataResponseTopic) -> Result<Topic, Refusal> {
    match Refusal::check(found.error_code, None) {
        Err(refusal) if !refusal.is(ErrorCode::LeaderNotAvailable) => Err(refusal),
        _ => Ok(topic(found)),
    }
}

fn topic(found: &MetadataResponseTopic) -> Topic {
    let mut partitions: Vec<Partition> = found.partitions.iter().map(partition).collect();
    partitions.sort_by_key(|partition| partition.index);
    Topic {
        name: found.name.as_deref().unwrap_or_default().to_owned(),
        id: (!found.topic_id.is_zero()).then_some(found.topic_id),
        is_internal: found.is_internal,
        partitions,
    }
}

fn partition(found: &MetadataResponsePartition) -> Partition {
    Partition {
        index: found.partition_index,
        leader: (found.leader_id >= 0).then_some(found.leader_id),
        leader_epoch: (found.leader_epoch >= 0).then_some(found.leader_epoch),
        replicas: found.replica_nodes.clone(),
        in_sync_replicas: found.isr_nodes.clone(),
    }
}
