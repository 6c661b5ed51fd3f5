//! The values of assignments in a consumer group.
//!
//! - Target assignment of a member, v0, flexible: its partitions by topic id.
//! - Current assignment of a member, v0, flexible: epoch, previous epoch, state, assigned partitions,
//!   partitions to be given up.

use std::collections::BTreeSet;

use bytes::Bytes;
use coordination::{Reader, Writer};
use model::TopicId;

use super::{RecordError, decode_version_0};
use crate::partitions::Partitions;

/// How far a member is on its way to its target assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// It has arrived.
    Stable,
    /// It must give partitions up first.
    Unrevoked,
    /// It waits for partitions that others have not given up yet.
    Unreleased,
    /// A state of a later version.
    Unknown,
}

/// What a member has been given, and in which epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CurrentAssignment {
    /// The member's epoch; 0 before it has any, [`LEFT_EPOCH`] while a static member is away.
    pub(crate) epoch: i32,
    /// The epoch before this one.
    pub(crate) previous_epoch: i32,
    /// How far it is.
    pub(crate) state: MemberState,
    /// What it may read.
    pub(crate) assigned: Partitions,
    /// What it has been told to give up and has not confirmed.
    pub(crate) revoking: Partitions,
}

/// The epoch of a static member that has left and will be back (KIP-848).
pub(crate) const LEFT_EPOCH: i32 = -2;

impl MemberState {
    fn from_byte(byte: i8) -> Self {
        match byte {
            0 => Self::Stable,
            1 => Self::Unrevoked,
            2 => Self::Unreleased,
            _ => Self::Unknown,
        }
    }

    fn byte(self) -> i8 {
        match self {
            Self::Stable => 0,
            Self::Unrevoked => 1,
            Self::Unreleased => 2,
            Self::Unknown => 127,
        }
    }
}

impl CurrentAssignment {
    /// What a member has when it comes.
    pub(crate) const NEWCOMER: Self = Self {
        epoch: 0,
        previous_epoch: 0,
        state: MemberState::Stable,
        assigned: Partitions::new(),
        revoking: Partitions::new(),
    };

    pub(crate) fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = decode_version_0(value)?;
        let current = Self {
            epoch: reader.i32()?,
            previous_epoch: reader.i32()?,
            state: MemberState::from_byte(reader.i8()?),
            assigned: decode_partitions(&mut reader)?,
            revoking: decode_partitions(&mut reader)?,
        };
        reader.skip_tags()?;
        if current.is_possible() {
            Ok(current)
        } else {
            Err(RecordError::ImpossibleGroup)
        }
    }

    /// Whether a coordinator can have led a member there.
    fn is_possible(&self) -> bool {
        let is_epoch = self.epoch >= 0 || self.epoch == LEFT_EPOCH;
        is_epoch && (self.state == MemberState::Unrevoked) != self.revoking.is_empty()
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.i16(0);
        writer.i32(self.epoch);
        writer.i32(self.previous_epoch);
        writer.i8(self.state.byte());
        encode_partitions(&mut writer, &self.assigned);
        encode_partitions(&mut writer, &self.revoking);
        writer.no_tags();
        writer.finish()
    }
}

/// Reads the value of a member's target assignment.
pub(crate) fn decode_target(value: &[u8]) -> Result<Partitions, RecordError> {
    let mut reader = decode_version_0(value)?;
    let target = decode_partitions(&mut reader)?;
    reader.skip_tags()?;
    Ok(target)
}

/// The value of a member's target assignment.
pub(crate) fn encode_target(target: &Partitions) -> Bytes {
    let mut writer = Writer::default();
    writer.i16(0);
    encode_partitions(&mut writer, target);
    writer.no_tags();
    writer.finish()
}

fn decode_partitions(reader: &mut Reader<'_>) -> Result<Partitions, RecordError> {
    let topics = reader.compact_length()?.ok_or(RecordError::BadLength)?;
    let mut partitions = Partitions::new();
    for _ in 0..topics {
        let topic = TopicId(reader.uuid()?);
        let count = reader.compact_length()?.ok_or(RecordError::BadLength)?;
        for _ in 0..count {
            partitions.insert(topic, reader.i32()?);
        }
        reader.skip_tags()?;
    }
    Ok(partitions)
}

fn encode_partitions(writer: &mut Writer, partitions: &Partitions) {
    writer.compact_count(partitions.topics().len());
    for (topic, indexes) in partitions.topics() {
        encode_topic(writer, topic, indexes);
    }
}

fn encode_topic(writer: &mut Writer, topic: TopicId, indexes: &BTreeSet<i32>) {
    writer.uuid(topic.0);
    writer.compact_count(indexes.len());
    for index in indexes {
        writer.i32(*index);
    }
    writer.no_tags();
}
