//! Metadata records as bytes: the values of the records in log 0.
//!
//! A value is `kind: u8`, `version: u8` (0 so far), then the fields in the order below, numbers in
//! little-endian. A text is its length in bytes as `u32` and its UTF-8. Settings are a count as
//! `u32` and that many pairs of texts, ascending by name.
//!
//! | kind | record | fields |
//! |---|---|---|
//! | 1 | Cluster | cluster_id: 16 bytes |
//! | 2 | TopicCreated | id: 16 bytes, name: text, count: u32, count times log_id: u32, settings |
//! | 3 | TopicDeleted | id: 16 bytes |
//! | 4 | TopicConfigs | id: 16 bytes, settings |
//! | 5 | ProducerIds | next: i64 |
//! | 6 | LogIds | next: u32 |
//! | 7 | PartitionsAdded | id: 16 bytes, count: u32, count times log_id: u32 |
//! | 8 | BrokerConfigs | node_id: i32, -1 for all brokers, settings |
//! | 9 | GroupConfigs | group_id: text, settings |
//! | 10 | ClientQuotas | user: name, client_id: name, count: u32, count times key: u8 and limit: f64 |
//!
//! The name of an entity of quotas is a byte, 0 for none, 1 for the default, 2 before a text. The keys
//! are 1 producer_byte_rate, 2 consumer_byte_rate, 3 request_percentage, 4 controller_mutation_rate;
//! they ascend.
//!
//! A kind or version that is not listed was written by a newer broker: it is refused, never skipped.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use model::{LogId, TopicId, TopicName};

use crate::quotas::{EntityName, QuotaEntity, QuotaKey, QuotaLimit, Quotas};
use crate::record::MetadataRecord;

const CLUSTER: u8 = 1;
const TOPIC_CREATED: u8 = 2;
const TOPIC_DELETED: u8 = 3;
const TOPIC_CONFIGS: u8 = 4;
const PRODUCER_IDS: u8 = 5;
const LOG_IDS: u8 = 6;
const PARTITIONS_ADDED: u8 = 7;
const BROKER_CONFIGS: u8 = 8;
const GROUP_CONFIGS: u8 = 9;
const CLIENT_QUOTAS: u8 = 10;

/// What stands for all brokers where a node id is expected.
const ALL_BROKERS: i32 = -1;

const VERSION: u8 = 0;

/// Why bytes are no metadata record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end within a field.
    Truncated,
    /// Bytes are left after the last field.
    TrailingBytes(usize),
    /// A kind of record, or a version of it, that only a newer broker writes.
    Newer {
        /// The record's kind.
        kind: u8,
        /// The record's version.
        version: u8,
    },
    /// A text is not UTF-8, or a name is no topic name.
    Text,
    /// A quota is none.
    Quota,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the metadata record ends within a field"),
            Self::TrailingBytes(count) => {
                write!(f, "{count} bytes are left after the metadata record")
            }
            Self::Newer { kind, version } => write!(
                f,
                "the metadata record (kind {kind}, version {version}) was written by a newer version of Ottla"
            ),
            Self::Text => f.write_str("the metadata record holds a text that is none"),
            Self::Quota => f.write_str("the metadata record holds a quota that is none"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl MetadataRecord {
    /// The record as bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Cluster { cluster_id } => {
                out.extend([CLUSTER, VERSION]);
                out.extend(cluster_id);
            }
            Self::TopicCreated {
                id,
                name,
                partitions,
                configs,
            } => {
                out.extend([TOPIC_CREATED, VERSION]);
                out.extend(id.0);
                put_text(&mut out, name.as_str());
                put_logs(&mut out, partitions);
                put_configs(&mut out, configs);
            }
            Self::TopicDeleted { id } => {
                out.extend([TOPIC_DELETED, VERSION]);
                out.extend(id.0);
            }
            Self::TopicConfigs { id, configs } => {
                out.extend([TOPIC_CONFIGS, VERSION]);
                out.extend(id.0);
                put_configs(&mut out, configs);
            }
            Self::ProducerIds { next } => {
                out.extend([PRODUCER_IDS, VERSION]);
                out.extend(next.to_le_bytes());
            }
            Self::LogIds { next } => {
                out.extend([LOG_IDS, VERSION]);
                out.extend(next.0.to_le_bytes());
            }
            Self::PartitionsAdded { id, partitions } => {
                out.extend([PARTITIONS_ADDED, VERSION]);
                out.extend(id.0);
                put_logs(&mut out, partitions);
            }
            Self::BrokerConfigs { node_id, configs } => {
                out.extend([BROKER_CONFIGS, VERSION]);
                out.extend(node_id.unwrap_or(ALL_BROKERS).to_le_bytes());
                put_configs(&mut out, configs);
            }
            Self::GroupConfigs { group_id, configs } => {
                out.extend([GROUP_CONFIGS, VERSION]);
                put_text(&mut out, group_id);
                put_configs(&mut out, configs);
            }
            Self::ClientQuotas { entity, quotas } => {
                out.extend([CLIENT_QUOTAS, VERSION]);
                put_entity_name(&mut out, entity.user.as_ref());
                put_entity_name(&mut out, entity.client_id.as_ref());
                put_count(&mut out, quotas.len());
                for (key, limit) in quotas {
                    out.push(quota_key_byte(*key));
                    out.extend(limit.get().to_le_bytes());
                }
            }
        }
        out.into()
    }

    /// Reads a record; the bytes must hold it and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { rest: bytes };
        let [kind, version] = reader.array()?;
        let record = match (kind, version) {
            (CLUSTER, VERSION) => Self::Cluster {
                cluster_id: reader.array()?,
            },
            (TOPIC_CREATED, VERSION) => Self::TopicCreated {
                id: TopicId(reader.array()?),
                name: TopicName::new(reader.text()?).map_err(|_| DecodeError::Text)?,
                partitions: reader.logs()?,
                configs: reader.configs()?,
            },
            (TOPIC_DELETED, VERSION) => Self::TopicDeleted {
                id: TopicId(reader.array()?),
            },
            (TOPIC_CONFIGS, VERSION) => Self::TopicConfigs {
                id: TopicId(reader.array()?),
                configs: reader.configs()?,
            },
            (PRODUCER_IDS, VERSION) => Self::ProducerIds {
                next: i64::from_le_bytes(reader.array()?),
            },
            (LOG_IDS, VERSION) => Self::LogIds {
                next: LogId(reader.number()?),
            },
            (PARTITIONS_ADDED, VERSION) => Self::PartitionsAdded {
                id: TopicId(reader.array()?),
                partitions: reader.logs()?,
            },
            (BROKER_CONFIGS, VERSION) => Self::BrokerConfigs {
                node_id: Some(i32::from_le_bytes(reader.array()?)).filter(|id| *id != ALL_BROKERS),
                configs: reader.configs()?,
            },
            (GROUP_CONFIGS, VERSION) => Self::GroupConfigs {
                group_id: reader.text()?.to_owned(),
                configs: reader.configs()?,
            },
            (CLIENT_QUOTAS, VERSION) => Self::ClientQuotas {
                entity: reader.entity()?,
                quotas: reader.quotas()?,
            },
            (kind, version) => return Err(DecodeError::Newer { kind, version }),
        };
        match reader.rest.len() {
            0 => Ok(record),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    // Everything that is counted here was limited when it was planned, far below 2^32.
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    out.extend(count.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend(text.as_bytes());
}

fn put_logs(out: &mut Vec<u8>, logs: &[LogId]) {
    put_count(out, logs.len());
    for log in logs {
        out.extend(log.0.to_le_bytes());
    }
}

fn put_configs(out: &mut Vec<u8>, configs: &BTreeMap<String, String>) {
    put_count(out, configs.len());
    for (name, value) in configs {
        put_text(out, name);
        put_text(out, value);
    }
}

fn put_entity_name(out: &mut Vec<u8>, name: Option<&EntityName>) {
    match name {
        None => out.push(0),
        Some(EntityName::Default) => out.push(1),
        Some(EntityName::Named(name)) => {
            out.push(2);
            put_text(out, name);
        }
    }
}

fn quota_key_byte(key: QuotaKey) -> u8 {
    match key {
        QuotaKey::ProducerByteRate => 1,
        QuotaKey::ConsumerByteRate => 2,
        QuotaKey::RequestPercentage => 3,
        QuotaKey::ControllerMutationRate => 4,
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    fn number(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.number()? as usize;
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| DecodeError::Text)
    }

    fn entity(&mut self) -> Result<QuotaEntity, DecodeError> {
        let entity = QuotaEntity {
            user: self.entity_name()?,
            client_id: self.entity_name()?,
        };
        match entity.is_nobody() {
            true => Err(DecodeError::Quota),
            false => Ok(entity),
        }
    }

    fn entity_name(&mut self) -> Result<Option<EntityName>, DecodeError> {
        match self.array()? {
            [0] => Ok(None),
            [1] => Ok(Some(EntityName::Default)),
            [2] => Ok(Some(EntityName::Named(self.text()?.to_owned()))),
            [_] => Err(DecodeError::Quota),
        }
    }

    fn quotas(&mut self) -> Result<Quotas, DecodeError> {
        let mut quotas = Quotas::new();
        for _ in 0..self.number()? {
            let [byte] = self.array()?;
            let mut keys = QuotaKey::ALL.into_iter();
            let key = keys.find(|key| quota_key_byte(*key) == byte);
            let key = key.ok_or(DecodeError::Quota)?;
            let limit = QuotaLimit::new(f64::from_le_bytes(self.array()?));
            let is_ascending = quotas.last_key_value().is_none_or(|(last, _)| *last < key);
            match limit.filter(|_| is_ascending) {
                Some(limit) => quotas.insert(key, limit),
                None => return Err(DecodeError::Quota),
            };
        }
        Ok(quotas)
    }

    // Neither list is given room by its count: a damaged count ends where the bytes end.
    fn logs(&mut self) -> Result<Vec<LogId>, DecodeError> {
        let count = self.number()?;
        (0..count).map(|_| Ok(LogId(self.number()?))).collect()
    }

    fn configs(&mut self) -> Result<BTreeMap<String, String>, DecodeError> {
        let count = self.number()?;
        (0..count)
            .map(|_| Ok((self.text()?.to_owned(), self.text()?.to_owned())))
            .collect()
    }
}
