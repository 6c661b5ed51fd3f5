//! Making a batch anew out of one that exists: with fewer records, as compaction leaves it, or
//! compressed in another way.

use model::TimestampMs;

use super::builder::{put, seal};
use super::{Attributes, BatchHeader, BatchView, RecordView, varint};
use crate::compression::{Codec, compress, compress_at};

/// The batch with these of its records only, compressed as before. Offsets, producer and sequence
/// numbers stay as they were, also where records are gone: the header goes on to say which offsets
/// and sequence numbers were used. A batch without records has no timestamps either.
///
/// A delete horizon, given or had before, is the time from which tombstones and markers of the batch
/// may go; it takes the place of the base timestamp (KIP-534).
///
/// # Panics
///
/// If the batch becomes larger than 2 GiB, which its length field cannot say.
pub fn retain<'a>(
    batch: &BatchView<'_>,
    kept: impl Iterator<Item = RecordView<'a>> + Clone,
    delete_horizon_ms: Option<TimestampMs>,
) -> Vec<u8> {
    let mut header = *batch.header();
    header.record_count = kept.clone().count() as i32;
    if header.record_count == 0 {
        return empty(header);
    }
    if let Some(horizon_ms) = delete_horizon_ms {
        header.base_timestamp = horizon_ms;
        header.attributes.0 |= Attributes::DELETE_HORIZON;
    }
    let time = |record: &RecordView<'_>| {
        let delta = record.timestamp_delta;
        batch.base_timestamp.wrapping_add(delta)
    };
    if !header.attributes.is_log_append_time() {
        header.max_timestamp = kept.clone().map(|record| time(&record)).max().unwrap_or(-1);
    }
    let mut records = Vec::with_capacity(batch.payload().len());
    let mut body = Vec::new();
    for record in kept {
        body.clear();
        body.push(0);
        varint::write(&mut body, time(&record).wrapping_sub(header.base_timestamp));
        varint::write(&mut body, i64::from(record.offset_delta));
        put(&mut body, record.key);
        put(&mut body, record.value);
        varint::write(&mut body, record.headers.len() as i64);
        body.extend_from_slice(record.headers.bytes());
        varint::write(&mut records, body.len() as i64);
        records.extend_from_slice(&body);
    }
    match header.attributes.codec() {
        None | Some(Codec::None) => seal(header, &records),
        Some(codec) => seal(header, &compress(codec, &records)),
    }
}

fn empty(mut header: BatchHeader) -> Vec<u8> {
    header.attributes.0 &= !(Attributes::DELETE_HORIZON | Attributes::CODEC);
    header.base_timestamp = -1;
    header.max_timestamp = -1;
    seal(header, &[])
}

/// The batch with its records compressed in another way. `opened` is what
/// [`BatchView::decompressed`] gives, `level` as for [`compress_at`].
///
/// # Panics
///
/// If the batch becomes larger than 2 GiB, which its length field cannot say.
pub fn recompress(
    batch: &BatchView<'_>,
    opened: &[u8],
    codec: Codec,
    level: Option<i32>,
) -> Vec<u8> {
    let mut header = *batch.header();
    header.attributes.0 &= !Attributes::CODEC;
    header.attributes.0 |= i16::from(codec.bits());
    match codec {
        Codec::None => seal(header, opened),
        codec => seal(header, &compress_at(codec, level, opened)),
    }
}

#[cfg(test)]
mod tests;
