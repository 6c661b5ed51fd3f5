//! Whether a batch may be appended: everything that can be told without the log.

use config::{TimestampType, TopicConfig};
use model::{ErrorCode, Offset, TimestampMs};
use wire::batch::{BatchError, BatchView};
use wire::compression::Codec;

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
}

const fn refuse(error: ErrorCode, message: &'static str) -> Refusal {
    Refusal { error, message }
}

/// Checks that `bytes` is exactly one batch that may be appended under these rules.
pub(super) fn check_batch(bytes: &[u8], rules: &BatchRules) -> Result<(), Refusal> {
    let batch = parse_one(bytes)?;
    check_size(bytes.len(), rules)?;
    if !batch.crc_is_valid() {
        return Err(refuse(ErrorCode::CorruptMessage, "the CRC does not match"));
    }
    check_attributes(&batch, rules)?;
    check_producer(&batch)?;
    check_offsets(&batch)?;
    check_timestamps(&batch, rules)
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
    if batch.attributes.is_transactional() {
        return Err(refuse(
            ErrorCode::InvalidTxnState,
            "this broker has no transactions",
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
    Ok(())
}

/// Offsets begin at 0 and have no gaps. What a compressed batch holds is what its header says; what
/// an uncompressed one holds is counted, because that costs a few nanoseconds per record.
fn check_offsets(batch: &BatchView<'_>) -> Result<(), Refusal> {
    let wrong = |message| Err(refuse(ErrorCode::InvalidRecord, message));
    if batch.base_offset != Offset::ZERO {
        return wrong("the base offset of a new batch is 0");
    }
    let count = batch.record_count;
    if count < 1 || batch.last_offset_delta != count - 1 {
        return wrong("the record count does not fit the last offset");
    }
    if batch.attributes.codec() != Some(Codec::None) {
        return Ok(());
    }
    let mut expected = 0;
    for record in batch.records() {
        let Ok(record) = record else {
            return wrong("the batch holds a malformed record");
        };
        if record.offset_delta != expected {
            return wrong("the offsets of the records have gaps");
        }
        expected += 1;
    }
    if expected != count {
        return wrong("the batch does not hold the records that it counts");
    }
    Ok(())
}

/// The bounds of the batch's times stand in its header; the records are not opened for it.
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
    let earliest = rules.now_ms.saturating_sub(rules.timestamp_before_max_ms);
    let latest = rules.now_ms.saturating_add(rules.timestamp_after_max_ms);
    let times = [batch.base_timestamp, batch.max_timestamp];
    // -1 is "no timestamp", which no bound applies to.
    let outside = |time: &i64| *time != -1 && !(earliest..=latest).contains(time);
    if times.iter().any(outside) {
        return Err(refuse(
            ErrorCode::InvalidTimestamp,
            "a timestamp is outside message.timestamp.before.max.ms and after.max.ms",
        ));
    }
    Ok(())
}
