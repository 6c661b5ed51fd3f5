//! What the metadata log says.

use std::collections::BTreeMap;

use crate::quotas::{QuotaEntity, Quotas};
use model::{LogId, TopicId, TopicName};

/// One fact of the metadata log. Records are facts, not wishes: what they say was checked before
/// they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataRecord {
    /// The cluster has this id; the first record of a new data directory.
    Cluster {
        /// The cluster's id.
        cluster_id: [u8; 16],
    },
    /// A topic exists, with all its partitions.
    TopicCreated {
        /// The topic's id, never used before.
        id: TopicId,
        /// The topic's name.
        name: TopicName,
        /// The log of each partition, by partition index; none was used before.
        partitions: Vec<LogId>,
        /// The topic's own settings.
        configs: BTreeMap<String, String>,
    },
    /// A topic is gone, and its logs with it.
    TopicDeleted {
        /// The topic's id.
        id: TopicId,
    },
    /// A topic's own settings are these now; they replace the ones before.
    TopicConfigs {
        /// The topic's id.
        id: TopicId,
        /// The topic's own settings.
        configs: BTreeMap<String, String>,
    },
    /// A topic has these partitions too, behind those that it had.
    PartitionsAdded {
        /// The topic's id.
        id: TopicId,
        /// The log of each new partition, by partition index; none was used before.
        partitions: Vec<LogId>,
    },
    /// What requests have set of the broker's settings; it replaces what they had set before.
    BrokerConfigs {
        /// The broker's node id; `None` for what is set for all brokers.
        node_id: Option<i32>,
        /// The settings.
        configs: BTreeMap<String, String>,
    },
    /// A group's own settings are these now; they replace the ones before. The group need not exist.
    GroupConfigs {
        /// The group's id.
        group_id: String,
        /// The settings.
        configs: BTreeMap<String, String>,
    },
    /// The quotas of an entity are these now; they replace the ones before.
    ClientQuotas {
        /// Whom they are set for.
        entity: QuotaEntity,
        /// The quotas.
        quotas: Quotas,
    },
    /// Producer ids below this one may have been given out.
    ProducerIds {
        /// The first id that was not.
        next: i64,
    },
    /// Log ids below this one may have been given out. Only snapshots need it: there, the topics
    /// that had the highest ids may be gone.
    LogIds {
        /// The first id that was not.
        next: LogId,
    },
}
