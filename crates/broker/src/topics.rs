//! Topics as requests see them: looked up by name or id, with their settings and their logs.

use std::collections::HashMap;
use std::sync::Arc;

use config::{BrokerSettings, CompressionType, TopicConfig};
use groups::TopicShape;
use metadata::Image;
use model::{ErrorCode, LeaderEpoch, TopicId, TopicName};
use storage::{Isolation, Log, LogConfig, Storage};

use crate::log_configs;

/// One topic. A change makes a new one; who holds an old one sees the old state.
#[derive(Debug)]
pub(crate) struct Topic {
    /// The metadata that it is made of.
    pub(crate) metadata: Arc<metadata::Topic>,
    /// Its settings over the broker's.
    pub(crate) config: TopicConfig,
    /// What these settings mean for its logs.
    log_config: LogConfig,
    /// The logs of its partitions, by index.
    logs: Vec<Option<Arc<Log>>>,
    /// What is said of a partition that is not among them.
    missing: ErrorCode,
}

impl Topic {
    fn new(metadata: &Arc<metadata::Topic>, settings: &BrokerSettings, storage: &Storage) -> Self {
        Self {
            metadata: Arc::clone(metadata),
            config: settings.topic_config(&metadata.configs),
            log_config: log_configs::of(&metadata.name, &metadata.configs, settings),
            logs: metadata
                .partitions
                .iter()
                .map(|id| storage.log(*id))
                .collect(),
            missing: if storage.is_read_only() {
                ErrorCode::KafkaStorageError
            } else {
                ErrorCode::UnknownTopicOrPartition
            },
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &TopicName {
        &self.metadata.name
    }

    /// Its id.
    pub(crate) fn id(&self) -> TopicId {
        self.metadata.id
    }

    /// Whether the broker keeps its own state in it.
    pub(crate) fn is_internal(&self) -> bool {
        self.metadata.is_internal()
    }

    /// Whether its batches are compressed in another way than their producers do it.
    pub(crate) fn recompresses(&self) -> bool {
        self.config.compression_type != CompressionType::Producer
    }

    /// How many partitions it has.
    pub(crate) fn partition_count(&self) -> usize {
        self.logs.len()
    }

    /// The log of a partition. Without one UNKNOWN_TOPIC_OR_PARTITION, or KAFKA_STORAGE_ERROR if
    /// partitions may be missing because of damage.
    pub(crate) fn log(&self, partition_index: i32) -> Result<&Arc<Log>, ErrorCode> {
        usize::try_from(partition_index)
            .ok()
            .and_then(|index| self.logs.get(index)?.as_ref())
            .ok_or(self.missing)
    }
}

/// All topics at one moment.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    /// Counts the changes since the start of the broker.
    version: u64,
    /// The broker's settings, which give the topics' defaults.
    settings: Arc<BrokerSettings>,
    by_name: HashMap<TopicName, Arc<Topic>>,
    by_id: HashMap<TopicId, Arc<Topic>>,
    /// Whether topics may be missing because of damage.
    may_lack: bool,
    /// Whether batches of any of them are compressed in another way than their producers do it.
    recompresses: bool,
}

impl Topics {
    /// The topics of an image; those that have not changed are taken over from the last time.
    pub(crate) fn of(
        image: &Image,
        before: &Self,
        settings: &Arc<BrokerSettings>,
        storage: &Storage,
    ) -> Self {
        let mut topics = Self {
            settings: Arc::clone(settings),
            version: before.version + 1,
            may_lack: storage.is_read_only(),
            ..Self::default()
        };
        let has_same_defaults = Arc::ptr_eq(settings, &before.settings);
        for metadata in image.topics() {
            let is_same = |topic: &Topic| Arc::ptr_eq(&topic.metadata, metadata);
            let topic = match before.by_id.get(&metadata.id) {
                Some(topic) if has_same_defaults && is_same(topic) => Arc::clone(topic),
                _ => Arc::new(Topic::new(metadata, settings, storage)),
            };
            topics.recompresses |= topic.recompresses();
            topics
                .by_name
                .insert(metadata.name.clone(), Arc::clone(&topic));
            topics.by_id.insert(metadata.id, topic);
        }
        topics
    }

    /// Hands settings that have changed since `before`, be it the topics' own or the broker's, to the
    /// logs.
    pub(crate) fn apply_changed_configs(&self, before: &Self) {
        for (id, topic) in &self.by_id {
            let Some(old) = before.by_id.get(id) else {
                continue;
            };
            if topic.log_config != old.log_config {
                for log in topic.logs.iter().flatten() {
                    log.set_config(topic.log_config.clone());
                }
            }
        }
    }

    /// The topic with this name. Without one UNKNOWN_TOPIC_OR_PARTITION, or KAFKA_STORAGE_ERROR if it
    /// may be missing because of damage: nobody is to take it for deleted.
    pub(crate) fn by_name(&self, name: &str) -> Result<&Arc<Topic>, ErrorCode> {
        let missing = self.missing(ErrorCode::UnknownTopicOrPartition);
        self.by_name.get(name).ok_or(missing)
    }

    /// The topic with this id. Without one UNKNOWN_TOPIC_ID, or KAFKA_STORAGE_ERROR as by name.
    pub(crate) fn by_id(&self, id: TopicId) -> Result<&Arc<Topic>, ErrorCode> {
        let missing = self.missing(ErrorCode::UnknownTopicId);
        self.by_id.get(&id).ok_or(missing)
    }

    /// Whether batches of any topic are compressed in another way than their producers do it.
    pub(crate) fn recompresses(&self) -> bool {
        self.recompresses
    }

    /// Whether topics may be missing because of damage.
    pub(crate) fn may_lack(&self) -> bool {
        self.may_lack
    }

    fn missing(&self, unknown: ErrorCode) -> ErrorCode {
        match self.may_lack {
            true => ErrorCode::KafkaStorageError,
            false => unknown,
        }
    }

    /// Every topic, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    /// How many partitions all topics have together.
    pub(crate) fn partition_count(&self) -> usize {
        self.iter().map(|topic| topic.partition_count()).sum()
    }
}

impl groups::Topics for Topics {
    fn version(&self) -> u64 {
        self.version
    }

    fn by_name(&self, name: &str) -> Option<TopicShape> {
        let topic = self.by_name.get(name)?;
        Some(TopicShape {
            id: topic.id(),
            partition_count: i32::try_from(topic.partition_count()).unwrap_or(i32::MAX),
        })
    }

    fn name(&self, id: TopicId) -> Option<&TopicName> {
        self.by_id.get(&id).map(|topic| topic.name())
    }
}

/// Compares the leader epoch that a client knows with ours (KIP-320); an unknown one is not compared.
pub(crate) fn check_leader_epoch(client: LeaderEpoch, ours: LeaderEpoch) -> Result<(), ErrorCode> {
    if client.0 < 0 || client == ours {
        Ok(())
    } else if client < ours {
        Err(ErrorCode::FencedLeaderEpoch)
    } else {
        Err(ErrorCode::UnknownLeaderEpoch)
    }
}

/// What an isolation level on the wire means: 1 is read_committed, anything else is not.
pub(crate) fn isolation(level: i8) -> Isolation {
    if level == 1 {
        Isolation::ReadCommitted
    } else {
        Isolation::ReadUncommitted
    }
}
