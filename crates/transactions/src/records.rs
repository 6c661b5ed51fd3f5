//! The records of `__transaction_state`, in Kafka's own format.
//!
//! A key is the record type (i16), 0, followed by the transactional id. A value is its version (i16)
//! followed by its fields; a null value is a tombstone. Versions 0 and 1 are read, 1 is written. It has
//! tagged fields, written where they say something:
//!
//! | tag | field |
//! |---|---|
//! | 0 | the producer id at the change before |
//! | 1 | the producer id to go on with after the transaction |
//! | 2 | the version of the client's rules; 0 is the first |
//! | 3 | an epoch of two-phase commit (KIP-939), which is not served; not written |
//! | 4 | the epoch before, whose holder may ask again |
//!
//! Other tags are skipped. Records of other types are skipped, as Kafka does; a higher version of the value is
//! an error, since nothing may be guessed about it.

use std::fmt;

use bytes::Bytes;
use coordination::{FieldError, Reader, Writer};
use model::{ProducerEpoch, ProducerId, TopicName};

use crate::api::Producer;
use crate::partitions::Partitions;
use crate::state::{ClientVersion, TransactionState};
use crate::transaction::TransactionValue;

const TYPE_TRANSACTION: i16 = 0;

const TAG_PREVIOUS_PRODUCER_ID: u32 = 0;
const TAG_NEXT_PRODUCER_ID: u32 = 1;
const TAG_CLIENT_VERSION: u32 = 2;
const TAG_LAST_EPOCH: u32 = 4;

/// What stands in records for a client that goes by the second version of the rules.
const CLIENT_VERSION_TWO: i16 = 2;

/// One record for the log of a coordinator. The timestamp is the time of the call that made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionRecord {
    /// The encoded [`TransactionKey`].
    pub key: Bytes,
    /// The encoded [`TransactionValue`]; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionKey {
    /// A transactional id.
    Transaction(String),
    /// A record of a type that is not known here.
    Other(i16),
}

impl TransactionKey {
    /// Reads a key. Bytes behind it are ignored, as Kafka does.
    pub fn decode(key: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(key);
        match reader.i16()? {
            TYPE_TRANSACTION => Ok(Self::Transaction(reader.text()?.to_owned())),
            other => Ok(Self::Other(other)),
        }
    }
}

/// The record of a transactional id; a tombstone without a value.
pub(crate) fn record(
    transactional_id: &str,
    value: Option<&TransactionValue>,
) -> TransactionRecord {
    let mut key = Writer::default();
    key.i16(TYPE_TRANSACTION);
    key.text(transactional_id);
    TransactionRecord {
        key: key.finish(),
        value: value.map(TransactionValue::encode),
    }
}

impl TransactionValue {
    /// Reads a value.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(value);
        let is_flexible = match reader.i16()? {
            0 => false,
            1 => true,
            version => return Err(RecordError::UnknownVersion(version)),
        };
        let id = ProducerId(reader.i64()?);
        let epoch = ProducerEpoch(reader.i16()?);
        let timeout_ms = reader.i32()?;
        let number = reader.i8()?;
        let state = TransactionState::from_number(number);
        let state = state.ok_or(RecordError::UnknownState(number))?;
        let mut partitions = match is_flexible {
            true => partitions_flexible(&mut reader)?,
            false => partitions_fixed(&mut reader)?,
        };
        if state == TransactionState::Empty {
            // Kafka does not look at them either.
            partitions = Partitions::default();
        }
        let mut value = Self {
            producer: Producer { id, epoch },
            last_epoch: ProducerEpoch::NONE,
            previous_producer_id: ProducerId::NONE,
            next_producer_id: ProducerId::NONE,
            timeout_ms,
            state,
            partitions,
            updated_ms: reader.i64()?,
            started_ms: reader.i64()?,
            version: ClientVersion::One,
        };
        if is_flexible {
            reader.tags(|tag, mut field| value.decode_tag(tag, &mut field))?;
        }
        value.check()?;
        Ok(value)
    }

    fn decode_tag(&mut self, tag: u32, field: &mut Reader<'_>) -> Result<(), RecordError> {
        match tag {
            TAG_PREVIOUS_PRODUCER_ID => self.previous_producer_id = ProducerId(field.i64()?),
            TAG_NEXT_PRODUCER_ID => self.next_producer_id = ProducerId(field.i64()?),
            TAG_CLIENT_VERSION => {
                self.version = match field.i16()? {
                    ..CLIENT_VERSION_TWO => ClientVersion::One,
                    _ => ClientVersion::Two,
                }
            }
            TAG_LAST_EPOCH => self.last_epoch = ProducerEpoch(field.i16()?),
            _ => {}
        }
        Ok(())
    }

    /// Refuses what no coordinator can have written.
    fn check(&self) -> Result<(), RecordError> {
        let has_producer = self.producer.id.0 >= 0 && self.producer.epoch.0 >= 0;
        let has_ids = self.previous_producer_id.0 >= -1 && self.next_producer_id.0 >= -1;
        let has_start = match self.state {
            TransactionState::Empty => self.started_ms == -1,
            _ => self.started_ms >= 0,
        };
        let is_complete = matches!(self.state, TransactionState::Complete(_));
        let is_ending = matches!(self.state, TransactionState::Prepare(_));
        let is_possible = has_producer
            && has_ids
            && has_start
            && self.last_epoch.0 >= -1
            && (!is_complete || self.partitions.is_empty())
            && (is_ending || self.next_producer_id == ProducerId::NONE);
        is_possible
            .then_some(())
            .ok_or(RecordError::ImpossibleTransaction)
    }

    /// Writes a value.
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.i16(1);
        writer.i64(self.producer.id.0);
        writer.i16(self.producer.epoch.0);
        writer.i32(self.timeout_ms);
        writer.i8(self.state.number());
        match self.state {
            TransactionState::Empty => writer.uvarint(0),
            _ => encode_partitions(&mut writer, &self.partitions),
        }
        writer.i64(self.updated_ms);
        writer.i64(self.started_ms);
        self.encode_tags(&mut writer);
        writer.finish()
    }

    fn encode_tags(&self, writer: &mut Writer) {
        let long = |tag, id: ProducerId| {
            let is_set = id != ProducerId::NONE;
            is_set.then(|| (tag, id.0.to_be_bytes().to_vec()))
        };
        let short =
            |tag, is_set: bool, value: i16| is_set.then(|| (tag, value.to_be_bytes().to_vec()));
        let is_two = self.version == ClientVersion::Two;
        let has_last = self.last_epoch != ProducerEpoch::NONE;
        let tags = [
            long(TAG_PREVIOUS_PRODUCER_ID, self.previous_producer_id),
            long(TAG_NEXT_PRODUCER_ID, self.next_producer_id),
            short(TAG_CLIENT_VERSION, is_two, CLIENT_VERSION_TWO),
            short(TAG_LAST_EPOCH, has_last, self.last_epoch.0),
        ];
        writer.tags(tags.into_iter().flatten());
    }
}

fn partitions_fixed(reader: &mut Reader<'_>) -> Result<Partitions, RecordError> {
    let mut partitions = Partitions::default();
    for _ in 0..reader.nullable_count()?.unwrap_or(0) {
        let topic = topic_name(reader.text()?)?;
        for _ in 0..reader.count()? {
            partitions.insert(&topic, reader.i32()?);
        }
    }
    Ok(partitions)
}

fn partitions_flexible(reader: &mut Reader<'_>) -> Result<Partitions, RecordError> {
    let mut partitions = Partitions::default();
    for _ in 0..reader.compact_length()?.unwrap_or(0) {
        let topic = topic_name(reader.compact_text()?)?;
        for _ in 0..reader.compact_length()?.ok_or(FieldError::BadLength)? {
            partitions.insert(&topic, reader.i32()?);
        }
        reader.skip_tags()?;
    }
    Ok(partitions)
}

fn topic_name(name: &str) -> Result<TopicName, RecordError> {
    TopicName::new(name).map_err(|_| RecordError::BadTopicName)
}

fn encode_partitions(writer: &mut Writer, partitions: &Partitions) {
    let topics = partitions.topics();
    writer.compact_count(topics.len());
    for (topic, indexes) in topics {
        writer.compact_text(topic);
        writer.compact_count(indexes.len());
        for index in indexes {
            writer.i32(*index);
        }
        writer.no_tags();
    }
}

/// Why a record of `__transaction_state` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// A field cannot be read.
    Field(FieldError),
    /// A topic's name is not a legal one.
    BadTopicName,
    /// The value's version is not known.
    UnknownVersion(i16),
    /// The state is none that stands in a log.
    UnknownState(i8),
    /// No transaction can be as the record says.
    ImpossibleTransaction,
}

impl From<FieldError> for RecordError {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(error) => error.fmt(f),
            Self::BadTopicName => f.write_str("the record names an illegal topic"),
            Self::UnknownVersion(version) => {
                write!(f, "the record's value has the unknown version {version}")
            }
            Self::UnknownState(state) => {
                write!(f, "the record's transaction has the unknown state {state}")
            }
            Self::ImpossibleTransaction => {
                f.write_str("the record describes a transaction that cannot be")
            }
        }
    }
}

impl std::error::Error for RecordError {}

#[cfg(test)]
mod tests;
