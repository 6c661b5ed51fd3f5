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
//!
//! Version 3 of both is read by every tool and every Kafka since 2.3. Records of other types are
//! skipped, as Kafka does; a version above 4 of a known type is an error, since nothing may be
//! guessed about it.

mod codec;
mod group_metadata;
mod offset_commit;

use std::fmt;

use bytes::Bytes;

pub(crate) use codec::{Reader, Writer};
pub use group_metadata::{GroupMetadataValue, MemberValue};
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
            other => Ok(Self::Other(other)),
        }
    }
}

/// The key of a committed offset.
pub(crate) fn offset_commit_key(group_id: &str, topic: &str, partition: i32) -> Bytes {
    let mut writer = Writer::default();
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
    /// A group has a member or an instance twice, or a negative generation.
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
        }
    }
}

impl std::error::Error for RecordError {}

#[cfg(test)]
mod tests;
