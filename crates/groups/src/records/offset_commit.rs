//! The value of a committed offset.
//!
//! - v0: offset, metadata, commit timestamp.
//! - v1: adds the expire timestamp, from commits that named a retention (OffsetCommit v2-4).
//! - v2: as v0.
//! - v3: adds the leader epoch after the offset (KIP-320).
//! - v4: flexible; tag 0 is the topic id (KIP-848).

use bytes::Bytes;
use coordination::{Reader, Writer};
use model::TopicId;

use super::RecordError;

/// A committed offset as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitValue {
    /// The next offset the group will read.
    pub offset: i64,
    /// The leader epoch of the last record read; -1 if unknown.
    pub leader_epoch: i32,
    /// What the client stored beside the offset.
    pub metadata: String,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub commit_timestamp_ms: i64,
    /// When it expires whatever the group does; `None` leaves that to the broker's retention.
    pub expire_timestamp_ms: Option<i64>,
    /// The topic's id, if the record has one (read, never written).
    pub topic_id: TopicId,
}

impl OffsetCommitValue {
    /// Reads a value of any version from 0 to 4.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(value);
        let version = reader.i16()?;
        if !(0..=4).contains(&version) {
            return Err(RecordError::UnknownVersion(version));
        }
        let offset = reader.i64()?;
        let leader_epoch = if version >= 3 { reader.i32()? } else { -1 };
        let metadata = if version >= 4 {
            reader.compact_text()?
        } else {
            reader.text()?
        };
        let commit_timestamp_ms = reader.i64()?;
        let expire_timestamp_ms = match version {
            1 => Some(reader.i64()?).filter(|expires| *expires != -1),
            _ => None,
        };
        let mut topic_id = TopicId::ZERO;
        if version >= 4 {
            reader.tags(|tag, mut payload| {
                if tag == 0 {
                    topic_id = TopicId(payload.uuid()?);
                }
                Ok::<_, RecordError>(())
            })?;
        }
        Ok(Self {
            offset,
            leader_epoch,
            metadata: metadata.to_owned(),
            commit_timestamp_ms,
            expire_timestamp_ms,
            topic_id,
        })
    }

    /// Writes version 3, or version 1 if there is an expire timestamp (it has no place for the
    /// leader epoch).
    pub fn encode(&self) -> Bytes {
        encode(
            self.offset,
            self.leader_epoch,
            &self.metadata,
            self.commit_timestamp_ms,
            self.expire_timestamp_ms,
        )
    }
}

/// [`OffsetCommitValue::encode`] from borrowed parts.
pub(crate) fn encode(
    offset: i64,
    leader_epoch: i32,
    metadata: &str,
    commit_timestamp_ms: i64,
    expire_timestamp_ms: Option<i64>,
) -> Bytes {
    let epoch_or_expires_bytes = if expire_timestamp_ms.is_some() { 8 } else { 4 };
    let metadata_bytes = 2 + metadata.len();
    let mut writer = Writer::with_capacity(2 + 8 + metadata_bytes + 8 + epoch_or_expires_bytes);
    writer.i16(if expire_timestamp_ms.is_some() { 1 } else { 3 });
    writer.i64(offset);
    if expire_timestamp_ms.is_none() {
        writer.i32(leader_epoch);
    }
    writer.text(metadata);
    writer.i64(commit_timestamp_ms);
    if let Some(expires) = expire_timestamp_ms {
        writer.i64(expires);
    }
    writer.finish()
}
