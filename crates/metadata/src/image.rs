//! The fold of the metadata log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::{LogId, TopicId, TopicName};

use crate::plan::is_internal;
use crate::quotas::ClientQuotas;
use crate::record::MetadataRecord;

/// The identity of a cluster; shown as Kafka shows it, in 22 characters of URL-safe base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterId(pub [u8; 16]);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TopicId(self.0).fmt(f)
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The topic's id.
    pub id: TopicId,
    /// The topic's name.
    pub name: TopicName,
    /// The log of each partition, by partition index; never empty.
    pub partitions: Vec<LogId>,
    /// The topic's own settings; the broker's defaults apply where it has none.
    pub configs: BTreeMap<String, String>,
}

impl Topic {
    /// Whether the topic is the broker's own: clients neither write, alter nor delete it.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// Why a record contradicts the records before it. Planned records never do; a damaged log may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// A second cluster id.
    ClusterExists,
    /// A topic with this id or name is there already.
    TopicExists,
    /// No topic has this id.
    UnknownTopic,
    /// A topic without partitions, or none that are added.
    NoPartitions,
    /// A log that belongs to another partition, or to the metadata log itself.
    LogInUse,
    /// A number that should only rise has fallen.
    NotRising,
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClusterExists => "the metadata log gives the cluster a second id",
            Self::TopicExists => "the metadata log creates a topic that exists",
            Self::UnknownTopic => "the metadata log changes a topic that does not exist",
            Self::NoPartitions => "the metadata log gives a topic no partitions",
            Self::LogInUse => "the metadata log gives a log to two partitions",
            Self::NotRising => "the metadata log gives out ids for a second time",
        })
    }
}

impl std::error::Error for ApplyError {}

/// What the metadata log says, folded. Cheap enough to clone for every change: topics are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    cluster_id: Option<ClusterId>,
    topics: BTreeMap<TopicName, Arc<Topic>>,
    names: BTreeMap<TopicId, TopicName>,
    /// Names as metrics write them; no two topics share one.
    collision_keys: BTreeMap<String, TopicName>,
    /// What requests have set of brokers: of all of them, and of one by its node id. Never empty.
    broker_configs: BTreeMap<Option<i32>, Arc<BTreeMap<String, String>>>,
    /// What requests have set of groups, by group id. Never empty.
    group_configs: BTreeMap<String, Arc<BTreeMap<String, String>>>,
    /// The quotas of clients. Never empty for an entity.
    client_quotas: Arc<ClientQuotas>,
    /// Logs that partitions have.
    logs: BTreeSet<LogId>,
    next_log_id: LogId,
    next_producer_id: i64,
}

impl Default for Image {
    fn default() -> Self {
        Self::new()
    }
}

impl Image {
    /// The image of an empty metadata log.
    pub fn new() -> Self {
        Self {
            cluster_id: None,
            topics: BTreeMap::new(),
            names: BTreeMap::new(),
            collision_keys: BTreeMap::new(),
            broker_configs: BTreeMap::new(),
            group_configs: BTreeMap::new(),
            client_quotas: Arc::default(),
            logs: BTreeSet::new(),
            next_log_id: LogId(LogId::METADATA.0 + 1),
            next_producer_id: 0,
        }
    }

    /// The cluster's id; `None` before the first start has written it.
    pub fn cluster_id(&self) -> Option<ClusterId> {
        self.cluster_id
    }

    /// All topics, in the order of their names.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.topics.values()
    }

    /// The topic with this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The topic with this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(self.names.get(&id)?)
    }

    /// What requests have set of the broker with this node id; `None` for all brokers.
    pub fn broker_configs(&self, node_id: Option<i32>) -> &BTreeMap<String, String> {
        self.broker_configs
            .get(&node_id)
            .map_or(&NOTHING, |set| set)
    }

    /// What requests have set of the group with this id.
    pub fn group_configs(&self, group_id: &str) -> &BTreeMap<String, String> {
        self.group_configs.get(group_id).map_or(&NOTHING, |set| set)
    }

    /// The ids of all groups of which something is set, in order.
    pub fn groups_with_configs(&self) -> impl Iterator<Item = &str> {
        self.group_configs.keys().map(String::as_str)
    }

    /// The quotas of clients; the same allocation as long as nothing of them changes.
    pub fn client_quotas(&self) -> &Arc<ClientQuotas> {
        &self.client_quotas
    }

    /// The topic whose name differs from this one only in `.` and `_`, itself included.
    pub(crate) fn topic_colliding_with(&self, name: &TopicName) -> Option<&TopicName> {
        self.collision_keys.get(&name.collision_key())
    }

    /// All logs of partitions, ascending; the metadata log is not among them.
    pub fn logs(&self) -> impl ExactSizeIterator<Item = LogId> {
        self.logs.iter().copied()
    }

    /// The first log id that was never given out.
    pub fn next_log_id(&self) -> LogId {
        self.next_log_id
    }

    /// The first producer id that was never given out.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// Takes a record in. On an error the image is as before.
    pub fn apply(&mut self, record: &MetadataRecord) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::Cluster { cluster_id } => {
                if self.cluster_id.is_some() {
                    return Err(ApplyError::ClusterExists);
                }
                self.cluster_id = Some(ClusterId(*cluster_id));
            }
            MetadataRecord::TopicCreated {
                id,
                name,
                partitions,
                configs,
            } => {
                self.create_topic(Topic {
                    id: *id,
                    name: name.clone(),
                    partitions: partitions.clone(),
                    configs: configs.clone(),
                })?;
            }
            MetadataRecord::TopicDeleted { id } => self.delete_topic(*id)?,
            MetadataRecord::TopicConfigs { id, configs } => {
                self.topic_mut(*id)?.configs = configs.clone();
            }
            MetadataRecord::PartitionsAdded { id, partitions } => {
                self.add_partitions(*id, partitions)?;
            }
            MetadataRecord::BrokerConfigs { node_id, configs } => {
                keep_if_any(&mut self.broker_configs, *node_id, configs);
            }
            MetadataRecord::GroupConfigs { group_id, configs } => {
                keep_if_any(&mut self.group_configs, group_id.clone(), configs);
            }
            MetadataRecord::ClientQuotas { entity, quotas } => {
                let all = Arc::make_mut(&mut self.client_quotas);
                match quotas.is_empty() {
                    true => all.remove(entity),
                    false => all.insert(entity.clone(), quotas.clone()),
                };
            }
            MetadataRecord::ProducerIds { next } => {
                if *next < self.next_producer_id {
                    return Err(ApplyError::NotRising);
                }
                self.next_producer_id = *next;
            }
            MetadataRecord::LogIds { next } => {
                if *next < self.next_log_id {
                    return Err(ApplyError::NotRising);
                }
                self.next_log_id = *next;
            }
        }
        Ok(())
    }

    fn create_topic(&mut self, topic: Topic) -> Result<(), ApplyError> {
        let collision_key = topic.name.collision_key();
        if self.names.contains_key(&topic.id) || self.collision_keys.contains_key(&collision_key) {
            return Err(ApplyError::TopicExists);
        }
        if topic.partitions.is_empty() {
            return Err(ApplyError::NoPartitions);
        }
        self.take_logs(&topic.partitions)?;
        self.names.insert(topic.id, topic.name.clone());
        self.collision_keys
            .insert(collision_key, topic.name.clone());
        self.topics.insert(topic.name.clone(), Arc::new(topic));
        Ok(())
    }

    fn add_partitions(&mut self, id: TopicId, partitions: &[LogId]) -> Result<(), ApplyError> {
        self.topic_mut(id)?;
        if partitions.is_empty() {
            return Err(ApplyError::NoPartitions);
        }
        self.take_logs(partitions)?;
        self.topic_mut(id)?.partitions.extend(partitions);
        Ok(())
    }

    fn topic_mut(&mut self, id: TopicId) -> Result<&mut Topic, ApplyError> {
        let topic = self
            .names
            .get(&id)
            .and_then(|name| self.topics.get_mut(name))
            .ok_or(ApplyError::UnknownTopic)?;
        Ok(Arc::make_mut(topic))
    }

    /// Gives logs to partitions: all of them, or none if one is not free.
    fn take_logs(&mut self, partitions: &[LogId]) -> Result<(), ApplyError> {
        // Checked in whole before anything changes, also against a log named twice in this record.
        let mut logs = partitions.to_vec();
        logs.sort_unstable();
        let twice = logs.windows(2).any(|pair| pair[0] == pair[1]);
        let in_use = |log: &LogId| *log == LogId::METADATA || self.logs.contains(log);
        if twice || logs.iter().any(in_use) || logs.last() == Some(&LogId(u32::MAX)) {
            return Err(ApplyError::LogInUse);
        }
        for log in partitions {
            self.logs.insert(*log);
            self.next_log_id = self.next_log_id.max(LogId(log.0 + 1));
        }
        Ok(())
    }

    fn delete_topic(&mut self, id: TopicId) -> Result<(), ApplyError> {
        let name = self.names.remove(&id).ok_or(ApplyError::UnknownTopic)?;
        self.collision_keys.remove(&name.collision_key());
        if let Some(topic) = self.topics.remove(&name) {
            for log in &topic.partitions {
                self.logs.remove(log);
            }
        }
        Ok(())
    }

    /// The shortest list of records whose fold is this image.
    pub fn snapshot(&self) -> Vec<MetadataRecord> {
        let mut records = Vec::with_capacity(self.topics.len() + 3);
        if let Some(ClusterId(cluster_id)) = self.cluster_id {
            records.push(MetadataRecord::Cluster { cluster_id });
        }
        records.extend(
            self.topics
                .values()
                .map(|topic| MetadataRecord::TopicCreated {
                    id: topic.id,
                    name: topic.name.clone(),
                    partitions: topic.partitions.clone(),
                    configs: topic.configs.clone(),
                }),
        );
        let brokers = self.broker_configs.iter();
        records.extend(
            brokers.map(|(node_id, configs)| MetadataRecord::BrokerConfigs {
                node_id: *node_id,
                configs: (**configs).clone(),
            }),
        );
        let groups = self.group_configs.iter();
        records.extend(
            groups.map(|(group_id, configs)| MetadataRecord::GroupConfigs {
                group_id: group_id.clone(),
                configs: (**configs).clone(),
            }),
        );
        let quotas = self.client_quotas.iter();
        records.extend(quotas.map(|(entity, quotas)| MetadataRecord::ClientQuotas {
            entity: entity.clone(),
            quotas: quotas.clone(),
        }));
        records.push(MetadataRecord::ProducerIds {
            next: self.next_producer_id,
        });
        records.push(MetadataRecord::LogIds {
            next: self.next_log_id,
        });
        records
    }

    /// Panics if the parts of the image contradict each other. For tests and simulations.
    pub fn check_invariants(&self) {
        assert_eq!(self.names.len(), self.topics.len());
        assert_eq!(self.collision_keys.len(), self.topics.len());
        let mut partitions = 0;
        for (name, topic) in &self.topics {
            assert_eq!(&topic.name, name);
            assert_eq!(self.names.get(&topic.id), Some(name));
            assert_eq!(self.collision_keys.get(&name.collision_key()), Some(name));
            assert!(!topic.partitions.is_empty());
            for log in &topic.partitions {
                assert!(self.logs.contains(log));
                assert!(*log < self.next_log_id && *log != LogId::METADATA);
                partitions += 1;
            }
        }
        assert_eq!(self.logs.len(), partitions);
        for (entity, quotas) in self.client_quotas.iter() {
            assert!(!entity.is_nobody() && !quotas.is_empty());
        }
        assert!(self.broker_configs.values().all(|set| !set.is_empty()));
        assert!(self.group_configs.values().all(|set| !set.is_empty()));
    }
}

/// What is set where nothing is.
static NOTHING: BTreeMap<String, String> = BTreeMap::new();

fn keep_if_any<K: Ord>(
    all: &mut BTreeMap<K, Arc<BTreeMap<String, String>>>,
    key: K,
    configs: &BTreeMap<String, String>,
) {
    if configs.is_empty() {
        all.remove(&key);
    } else {
        all.insert(key, Arc::new(configs.clone()));
    }
}
