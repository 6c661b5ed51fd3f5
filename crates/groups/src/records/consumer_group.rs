//! The records of consumer groups (KIP-848).
//!
//! Each is about one thing, and all of a group together are the group: the newest record of each key
//! counts, whatever the order.

use bytes::Bytes;
use coordination::{Reader, Writer};

use super::assignment::{CurrentAssignment, decode_target, encode_target};
use super::member_metadata::MemberMetadata;
use super::{GroupRecord, RecordError, decode_version_0};
use crate::partitions::Partitions;

const TYPE_GROUP: i16 = 3;
const TYPE_PARTITION_METADATA: i16 = 4;
const TYPE_MEMBER: i16 = 5;
const TYPE_TARGET_EPOCH: i16 = 6;
const TYPE_TARGET: i16 = 7;
const TYPE_CURRENT: i16 = 8;
const TYPE_PATTERN: i16 = 16;

/// What a record of a consumer group is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsumerKey {
    /// The group's epoch (type 3).
    Group,
    /// The topics that Kafka 4.0 kept beside the group (type 4); of no use to anybody now.
    PartitionMetadata,
    /// What a member has said of itself (type 5).
    Member(String),
    /// The epoch that the target assignment was made for (type 6).
    TargetEpoch,
    /// The target assignment of a member (type 7).
    Target(String),
    /// What a member has been given (type 8).
    Current(String),
    /// The topics of a pattern (type 16).
    Pattern(String),
}

/// A record of a consumer group; `None` is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConsumerRecord {
    Group(Option<GroupEpoch>),
    Member(String, Option<MemberMetadata>),
    TargetEpoch(Option<i32>),
    Target(String, Option<Partitions>),
    Current(String, Option<CurrentAssignment>),
    Pattern(String, Option<ResolvedPattern>),
}

/// The group's epoch, and what it was counted up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupEpoch {
    /// Counts changes of members, subscriptions and topics.
    pub(crate) epoch: i32,
    /// A number that changes when a subscribed topic does; 0 without topics.
    pub(crate) topics_hash: i64,
}

/// The topics that a pattern matched when it was last looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResolvedPattern {
    /// Their names, in order.
    pub(crate) topics: Vec<String>,
    /// When that was, in milliseconds since the Unix epoch.
    pub(crate) timestamp_ms: i64,
}

impl ConsumerKey {
    /// Reads what follows the record type; `None` for a type that is none of a consumer group's.
    pub(super) fn decode(
        record_type: i16,
        reader: &mut Reader<'_>,
    ) -> Result<Option<(String, Self)>, RecordError> {
        if !matches!(record_type, TYPE_GROUP..=TYPE_CURRENT | TYPE_PATTERN) {
            return Ok(None);
        }
        let group_id = reader.text()?.to_owned();
        let about = match record_type {
            TYPE_GROUP => Self::Group,
            TYPE_PARTITION_METADATA => Self::PartitionMetadata,
            TYPE_TARGET_EPOCH => Self::TargetEpoch,
            TYPE_MEMBER => Self::Member(reader.text()?.to_owned()),
            TYPE_TARGET => Self::Target(reader.text()?.to_owned()),
            TYPE_CURRENT => Self::Current(reader.text()?.to_owned()),
            _ => Self::Pattern(reader.text()?.to_owned()),
        };
        Ok(Some((group_id, about)))
    }
}

impl ConsumerRecord {
    /// Reads the value that belongs to a key; `None` for a record of no use.
    pub(crate) fn decode(
        key: ConsumerKey,
        value: Option<&[u8]>,
    ) -> Result<Option<Self>, RecordError> {
        Ok(Some(match key {
            ConsumerKey::Group => Self::Group(value.map(GroupEpoch::decode).transpose()?),
            ConsumerKey::PartitionMetadata => return Ok(None),
            ConsumerKey::Member(id) => {
                Self::Member(id, value.map(MemberMetadata::decode).transpose()?)
            }
            ConsumerKey::TargetEpoch => {
                Self::TargetEpoch(value.map(decode_target_epoch).transpose()?)
            }
            ConsumerKey::Target(id) => Self::Target(id, value.map(decode_target).transpose()?),
            ConsumerKey::Current(id) => {
                Self::Current(id, value.map(CurrentAssignment::decode).transpose()?)
            }
            ConsumerKey::Pattern(pattern) => {
                Self::Pattern(pattern, value.map(ResolvedPattern::decode).transpose()?)
            }
        }))
    }

    /// Whether the record says that something is gone.
    pub(crate) fn is_tombstone(&self) -> bool {
        match self {
            Self::Group(value) => value.is_none(),
            Self::Member(_, value) => value.is_none(),
            Self::TargetEpoch(value) => value.is_none(),
            Self::Target(_, value) => value.is_none(),
            Self::Current(_, value) => value.is_none(),
            Self::Pattern(_, value) => value.is_none(),
        }
    }

    /// The record as the log has it.
    pub(crate) fn encode(&self, group_id: &str) -> GroupRecord {
        let (record_type, about, value) = match self {
            Self::Group(value) => (TYPE_GROUP, None, value.map(GroupEpoch::encode)),
            Self::Member(id, value) => (
                TYPE_MEMBER,
                Some(id),
                value.as_ref().map(MemberMetadata::encode),
            ),
            Self::TargetEpoch(value) => (TYPE_TARGET_EPOCH, None, value.map(encode_target_epoch)),
            Self::Target(id, value) => (TYPE_TARGET, Some(id), value.as_ref().map(encode_target)),
            Self::Current(id, value) => (
                TYPE_CURRENT,
                Some(id),
                value.as_ref().map(CurrentAssignment::encode),
            ),
            Self::Pattern(pattern, value) => (
                TYPE_PATTERN,
                Some(pattern),
                value.as_ref().map(ResolvedPattern::encode),
            ),
        };
        let mut key = Writer::default();
        key.i16(record_type);
        key.text(group_id);
        if let Some(about) = about {
            key.text(about);
        }
        GroupRecord {
            key: key.finish(),
            value,
        }
    }
}

impl GroupEpoch {
    fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = decode_version_0(value)?;
        let epoch = reader.i32()?;
        let mut topics_hash = 0;
        reader.tags(|tag, mut payload| {
            if tag == 0 {
                topics_hash = payload.i64()?;
            }
            Ok::<_, RecordError>(())
        })?;
        if epoch < 0 {
            return Err(RecordError::ImpossibleGroup);
        }
        Ok(Self { epoch, topics_hash })
    }

    fn encode(self) -> Bytes {
        let mut writer = Writer::default();
        writer.i16(0);
        writer.i32(self.epoch);
        if self.topics_hash == 0 {
            writer.no_tags();
        } else {
            let mut payload = Writer::default();
            payload.i64(self.topics_hash);
            writer.tag_0(payload);
        }
        writer.finish()
    }
}

impl ResolvedPattern {
    fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = decode_version_0(value)?;
        let topics = reader.compact_texts()?;
        // Which state of the metadata it was looked up in; it says nothing after a restart.
        let _version = reader.i64()?;
        let timestamp_ms = reader.i64()?;
        reader.skip_tags()?;
        Ok(Self {
            topics,
            timestamp_ms,
        })
    }

    fn encode(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.i16(0);
        writer.compact_texts(&self.topics);
        writer.i64(0);
        writer.i64(self.timestamp_ms);
        writer.no_tags();
        writer.finish()
    }
}

fn decode_target_epoch(value: &[u8]) -> Result<i32, RecordError> {
    let mut reader = decode_version_0(value)?;
    let epoch = reader.i32()?;
    reader.skip_tags()?;
    Ok(epoch)
}

fn encode_target_epoch(epoch: i32) -> Bytes {
    let mut writer = Writer::default();
    writer.i16(0);
    writer.i32(epoch);
    writer.no_tags();
    writer.finish()
}
