//! Whether a batch may be appended, and in which form: everything that can be told without the log.

use bytes::Bytes;
use config::{CompressionType, TimestampType, TopicConfig};
use model::{ErrorCode, Offset, TimestampMs};
use transactions::Producer;
use wire::batch::{BatchError, BatchView};
use wire::compression::Codec;

use super::records::{self, OUTSIDE_BOUNDS};

/// First version of Produce whose batches may be compressed with zstd (KIP-110).
const ZSTD_SINCE: i16 = 7;

/// What the topic and the request ask of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchRules {
    /// The version of the request.
    pub(super) version: i16,
    /// Now, in ms since the epoch.
    pub(super) now_ms: TimestampMs,
    /// The largest batch, header included.
    pub(super) max_message_bytes: i32,
    /// The largest segment; a batch cannot be larger.
    pub(super) segment_bytes: i64,
    /// Whose time counts.
    pub(super) timestamp_type: TimestampType,
    /// How far in the past a timestamp may lie, in ms.
    pub(super) timestamp_before_max_ms: i64,
    /// How far in the future a timestamp may lie, in ms.
    pub(super) timestamp_after_max_ms: i64,
    /// Whether the topic is compacted, so that every record needs a key.
    pub(super) is_compacted: bool,
    /// How the batch is to be compressed.
    pub(super) compression_type: CompressionType,
}

impl BatchRules {
    /// The rules of a topic for a request of this version.
    pub(super) fn of(config: &TopicConfig, version: i16, now_ms: TimestampMs) -> Self {
        Self {
            version,
            now_ms,
            max_message_bytes: config.max_message_bytes,
            segment_bytes: i64::from(config.segment_bytes),
            timestamp_type: config.timestamp_type,
            timestamp_before_max_ms: config.timestamp_before_max_ms,
            timestamp_after_max_ms: config.timestamp_after_max_ms,
            is_compacted: config.cleanup_compact,
            compression_type: config.compression_type,
        }
    }

    /// Whether the topic takes records of this time.
    pub(super) fn takes_time(&self, timestamp_ms: TimestampMs) -> bool {
        let earliest = self.now_ms.saturating_sub(self.timestamp_before_max_ms);
        let latest = self.now_ms.saturating_add(self.timestamp_after_max_ms);
        // -1 is "no timestamp", which no bound applies to.
        self.timestamp_type == TimestampType::LogAppendTime
            || timestamp_ms == -1
            || (earliest..=latest).contains(&timestamp_ms)
    }

    /// The codec and the level that the topic wants; `None` for those of the producer.
    pub(super) fn compression(&self) -> Option<(Codec, Option<i32>)> {
        let usual = |level: i32| (level != -1).then_some(level);
        match self.compression_type {
            CompressionType::Producer => None,
            CompressionType::Uncompressed => Some((Codec::None, None)),
            CompressionType::Gzip { level } => Some((Codec::Gzip, usual(level))),
            CompressionType::Snappy => Some((Codec::Snappy, None)),
            CompressionType::Lz4 => Some((Codec::Lz4, None)),
            CompressionType::Zstd { level } => Some((Codec::Zstd, Some(level))),
        }
    }
}

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The code for the partition.
    pub(super) error: ErrorCode,
    /// The reason in words, for v8 and above.
    pub(super) message: &'static str,
    /// The records that are to blame, by their number in the batch, for v8 and above.
    pub(super) records: Vec<i32>,
}

pub(super) const fn refuse(error: ErrorCode, message: &'static str) -> Refusal {
    Refusal {
        error,
        message,
        records: Vec::new(),
    }
}

/// A batch that may be appended as far as it can be told without the log.
#[derive(Debug)]
pub(super) struct Checked {
    /// The batch in the form that the topic wants.
    pub(super) bytes: Bytes,
    /// Its producer, if it belongs to a transaction.
    pub(super) transactional: Option<Producer>,
}

/// Checks that `bytes` is exactly one batch that may be appended under these rules, and gives it in
/// the form that the topic wants: as it is, or compressed in another way.
pub(super) fn checked_batch(bytes: Bytes, rules: &BatchRules) -> Result<Checked, Refusal> {
    let batch = parse_one(&bytes)?;
    check_size(bytes.len(), rules)?;
    if !batch.crc_is_valid() {
        return Err(refuse(ErrorCode::CorruptMessage, "the CRC does not match"));
    }
    check_attributes(&batch, rules)?;
    check_producer(&batch)?;
    check_offsets(&batch)?;
    check_timestamps(&batch, rules)?;
    let transactional = batch.attributes.is_transactional().then(|| Producer {
        id: batch.producer_id,
        epoch: batch.producer_epoch,
    });
    let converted = records::check(&batch, rules)?;
    if let Some(converted) = &converted {
        check_size(converted.len(), rules)?;
    }
    Ok(Checked {
        bytes: converted.unwrap_or(bytes),
        transactional,
    })
}

fn parse_one(bytes: &[u8]) -> Result<BatchView<'_>, Refusal> {
    if bytes.is_empty() {
        return Err(refuse(ErrorCode::InvalidRecord, "there is no record batch"));
    }
    let (batch, rest) = BatchView::parse(bytes).map_err(|error| match error {
        BatchError::Magic(_) => refuse(
            ErrorCode::InvalidRecord,
            "only record batches of magic 2 are accepted",
        ),
        BatchError::Truncated | BatchError::Length(_) => {
            refuse(ErrorCode::CorruptMessage, "the batch is cut or malformed")
        }
    })?;
    if !rest.is_empty() {
        return Err(refuse(
            ErrorCode::InvalidRecord,
            "a partition takes exactly one record batch",
        ));
    }
    Ok(batch)
}

fn check_size(batch_bytes: usize, rules: &BatchRules) -> Result<(), Refusal> {
    let batch_bytes = i64::try_from(batch_bytes).unwrap_or(i64::MAX);
    if batch_bytes > i64::from(rules.max_message_bytes) {
        return Err(refuse(
            ErrorCode::MessageTooLarge,
            "the batch is larger than max.message.bytes",
        ));
    }
    if batch_bytes > rules.segment_bytes {
        return Err(refuse(
            ErrorCode::RecordListTooLarge,
            "the batch is larger than segment.bytes",
        ));
    }
    Ok(())
}

fn check_attributes(batch: &BatchView<'_>, rules: &BatchRules) -> Result<(), Refusal> {
    if batch.attributes.is_control() {
        return Err(refuse(
            ErrorCode::InvalidRecord,
            "clients cannot write control batches",
        ));
    }
    // Its base timestamp would let compaction take a tombstone at once.
    if batch.attributes.has_delete_horizon() {
        return Err(refuse(
            ErrorCode::InvalidRecord,
            "only the broker can set a delete horizon",
        ));
    }
    match batch.attributes.codec() {
        Some(Codec::Zstd) if rules.version < ZSTD_SINCE => Err(refuse(
            ErrorCode::UnsupportedCompressionType,
            "zstd needs version 7 of Produce",
        )),
        Some(_) => Ok(()),
        None => Err(refuse(
            ErrorCode::UnsupportedCompressionType,
            "the batch is compressed in an unknown way",
        )),
    }
}

fn check_producer(batch: &BatchView<'_>) -> Result<(), Refusal> {
    if batch.has_producer() && (batch.base_sequence < 0 || batch.producer_epoch.0 < 0) {
        return Err(refuse(
            ErrorCode::InvalidRecord,
            "a producer id needs an epoch and a sequence",
        ));
    }
    if batch.attributes.is_transactional() && !batch.has_producer() {
        return Err(refuse(
            ErrorCode::InvalidRecord,
            "a transactional batch needs a producer id",
        ));
    }
    Ok(())
}

/// Offsets begin at 0 and, as far as the header tells, have no gaps.
fn check_offsets(batch: &BatchView<'_>) -> Result<(), Refusal> {
    let wrong = |message| Err(refuse(ErrorCode::InvalidRecord, message));
    if batch.base_offset != Offset::ZERO {
        return wrong("the base offset of a new batch is 0");
    }
    let count = batch.record_count;
    if count < 1 || batch.last_offset_delta != count - 1 {
        return wrong("the record count does not fit the last offset");
    }
    Ok(())
}

/// The bounds of the batch's times stand in its header; for batches that are not opened that is all
/// that is looked at.
fn check_timestamps(batch: &BatchView<'_>, rules: &BatchRules) -> Result<(), Refusal> {
    if rules.timestamp_type == TimestampType::LogAppendTime {
        return Ok(());
    }
    if batch.attributes.is_log_append_time() {
        return Err(refuse(
            ErrorCode::InvalidTimestamp,
            "only the broker can set LogAppendTime",
        ));
    }
    let times = [batch.base_timestamp, batch.max_timestamp];
    if !times.iter().all(|time| rules.takes_time(*time)) {
        return Err(refuse(ErrorCode::InvalidTimestamp, OUTSIDE_BOUNDS));
    }
    Ok(())
}
