//! Looking at the records of a batch, and compressing them in another way.
//!
//! Those of an uncompressed batch are always counted, because that costs a few nanoseconds each. A
//! compressed batch is opened only where the topic demands it: when it is compacted, or when it wants
//! another codec.

use bytes::Bytes;
use model::ErrorCode;
use wire::batch::{BatchView, RecordError, Records, recompress};
use wire::compression::{Codec, DecompressError};

use super::check::{BatchRules, Refusal, refuse};
use crate::limits::{BATCH_OPENED_BYTES_MAX, RECORD_ERRORS_MAX};

/// What is said of a timestamp that the topic does not take.
pub(super) const OUTSIDE_BOUNDS: &str =
    "a timestamp is outside message.timestamp.before.max.ms and after.max.ms";

/// Checks the records; gives the batch anew if the topic wants another codec.
pub(super) fn check(batch: &BatchView<'_>, rules: &BatchRules) -> Result<Option<Bytes>, Refusal> {
    let codec = batch.attributes.codec();
    let other = rules
        .compression()
        .filter(|(wanted, _)| codec != Some(*wanted));
    if codec != Some(Codec::None) && other.is_none() && !rules.is_compacted {
        return Ok(None);
    }
    let opened = batch.decompressed(BATCH_OPENED_BYTES_MAX);
    let opened = opened.map_err(|error| {
        let message = match error {
            DecompressError::Malformed => "the records cannot be decompressed",
            DecompressError::TooLarge => "the records are too large when they are decompressed",
        };
        refuse(ErrorCode::InvalidRecord, message)
    })?;
    check_each(batch, &opened, rules)?;
    Ok(other.map(|(codec, level)| recompress(batch, &opened, codec, level).into()))
}

fn check_each(batch: &BatchView<'_>, opened: &[u8], rules: &BatchRules) -> Result<(), Refusal> {
    let wrong = |message| Err(refuse(ErrorCode::InvalidRecord, message));
    let (mut expected, mut has_gaps) = (0, false);
    let (mut keyless, mut untimely) = (Vec::new(), Vec::new());
    let read = Records::new(opened, batch.record_count).read_all(|record| {
        has_gaps |= record.offset_delta != expected;
        if rules.is_compacted && record.key.is_none() && keyless.len() < RECORD_ERRORS_MAX {
            keyless.push(expected);
        }
        let time = batch.base_timestamp.saturating_add(record.timestamp_delta);
        if !rules.takes_time(time) && untimely.len() < RECORD_ERRORS_MAX {
            untimely.push(expected);
        }
        expected += 1;
    });
    match read {
        Ok(()) if has_gaps => return wrong("the offsets of the records have gaps"),
        Ok(()) => {}
        Err(RecordError::TrailingBytes) => {
            return wrong("the batch does not hold the records that it counts");
        }
        Err(_) => return wrong("the batch holds a malformed record"),
    }
    if !untimely.is_empty() {
        return Err(blame(ErrorCode::InvalidTimestamp, OUTSIDE_BOUNDS, untimely));
    }
    if !keyless.is_empty() {
        let message = "a compacted topic takes no record without a key";
        return Err(blame(ErrorCode::InvalidRecord, message, keyless));
    }
    Ok(())
}

/// Names the records that are to blame.
fn blame(error: ErrorCode, message: &'static str, records: Vec<i32>) -> Refusal {
    Refusal {
        records,
        ..refuse(error, message)
    }
}
