//! The records of `__consumer_offsets`, in Kafka's own format.
//!
//! A key is the record type (i16) followed by fields in the non-flexible encoding. A value is its
//! version (i16) followed by its fields. A null value is a tombstone. Known here:
//!
//! | type | record | key | value versions read | written |
//! |---|---|---|---|---|
//! | 0 | legacy offset commit | group, topic, partition | 0-4 | never |
//! | 1 | offset commit | group, topic, partition | 0-4 | 3; 1 with an explicit retention |
//! | 2 | group metadata | group | 0-4 | 3 |
//! | 3 | consumer group | group | 0 | 0 |
//! | 4 | consumer group's partition metadata | group | skipped | never |
//! | 5 | consumer group member | group, member | 0 | 0 |
//! | 6 | target assignment | group | 0 | 0 |
//! | 7 | target assignment of a member | group, member | 0 | 0 |
//! | 8 | current assignment of a member | group, member | 0 | 0 |
//! | 16 | consumer group's pattern | group, pattern | 0 | 0 |
//!
//! Version 3 of types 1 and 2 is read by every tool and every Kafka since 2.3. Records of other types
//! are skipped, as Kafka does; a higher version of a known type is an error, since nothing may be
//! guessed about it.

mod assignment;
mod consumer_group;
mod group_metadata;
mod member_metadata;
mod offset_commit;

use std::fmt;

use bytes::Bytes;
use coordination::{FieldError, Reader, Writer};

pub(crate) use assignment::{CurrentAssignment, LEFT_EPOCH, MemberState};
pub use consumer_group::ConsumerKey;
pub(crate) use consumer_group::{ConsumerRecord, GroupEpoch, ResolvedPattern};
pub use group_metadata::{GroupMetadataValue, MemberValue};
pub(crate) use member_metadata::{ClassicMetadata, MemberMetadata};
pub use offset_commit::OffsetCommitValue;
pub(crate) use offset_commit::encode as encode_offset_commit;

const TYPE_LEGACY_OFFSET_COMMIT: i16 = 0;
const TYPE_OFFSET_COMMIT: i16 = 1;
const TYPE_GROUP_METADATA: i16 = 2;

/// One record for the log of a coordinator. The timestamp is the time of the call that made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupRecord {
    /// The encoded [`RecordKey`].
    pub key: Bytes,
    /// The encoded value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKey {
    /// A committed offset (types 0 and 1).
    OffsetCommit {
        /// The group that committed it.
        group_id: String,
        /// The topic.
        topic: String,
        /// The partition's index.
        partition: i32,
    },
    /// The members and generation of a classic group (type 2).
    GroupMetadata {
        /// The group.
        group_id: String,
    },
    /// Something of a consumer group (types 3 to 8 and 16).
    Consumer {
        /// The group.
        group_id: String,
        /// What of it.
        about: ConsumerKey,
    },
    /// A record of a type that is not known here.
    Other(i16),
}

impl RecordKey {
    /// Reads a key. Bytes behind it are ignored, as Kafka does.
    pub fn decode(key: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(key);
        match reader.i16()? {
            TYPE_LEGACY_OFFSET_COMMIT | TYPE_OFFSET_COMMIT => Ok(Self::OffsetCommit {
                group_id: reader.text()?.to_owned(),
                topic: reader.text()?.to_owned(),
                partition: reader.i32()?,
            }),
            TYPE_GROUP_METADATA => Ok(Self::GroupMetadata {
                group_id: reader.text()?.to_owned(),
            }),
            other => Ok(match ConsumerKey::decode(other, &mut reader)? {
                Some((group_id, about)) => Self::Consumer { group_id, about },
                None => Self::Other(other),
            }),
        }
    }
}

/// The key of a committed offset.
pub(crate) fn offset_commit_key(group_id: &str, topic: &str, partition: i32) -> Bytes {
    let mut writer = Writer::with_capacity(2 + 2 + group_id.len() + 2 + topic.len() + 4);
    writer.i16(TYPE_OFFSET_COMMIT);
    writer.text(group_id);
    writer.text(topic);
    writer.i32(partition);
    writer.finish()
}

/// The key of a group's metadata.
pub(crate) fn group_metadata_key(group_id: &str) -> Bytes {
    let mut writer = Writer::default();
    writer.i16(TYPE_GROUP_METADATA);
    writer.text(group_id);
    writer.finish()
}

/// The fields of a value that exists in version 0 only.
fn decode_version_0(value: &[u8]) -> Result<Reader<'_>, RecordError> {
    let mut reader = Reader::new(value);
    match reader.i16()? {
        0 => Ok(reader),
        version => Err(RecordError::UnknownVersion(version)),
    }
}

/// Why a record of `__consumer_offsets` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes end within a field.
    Truncated,
    /// A text is not UTF-8.
    NotUtf8,
    /// A field that must be there is null, or a length is negative.
    BadLength,
    /// A topic name in a key is not a legal one.
    BadTopicName,
    /// The value's version is not known.
    UnknownVersion(i16),
    /// The group is a classic group and a consumer group at once.
    TwoKinds,
    /// A group has a member, an instance or a partition twice, or a generation or an epoch that no group
    /// can have.
    ImpossibleGroup,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the record ends within a field"),
            Self::NotUtf8 => f.write_str("a text in the record is not UTF-8"),
            Self::BadLength => f.write_str("a length in the record is negative or not allowed"),
            Self::BadTopicName => f.write_str("the record's key has no legal topic name"),
            Self::ImpossibleGroup => f.write_str("the record describes a group that cannot be"),
            Self::UnknownVersion(version) => {
                write!(f, "the record's value has the unknown version {version}")
            }
            Self::TwoKinds => f.write_str("the record makes a group one of two kinds"),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<FieldError> for RecordError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Truncated => Self::Truncated,
            FieldError::NotUtf8 => Self::NotUtf8,
            FieldError::BadLength => Self::BadLength,
        }
    }
}

#[cfg(test)]
mod tests;
