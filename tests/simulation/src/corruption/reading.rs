//! Reading partitions as consumers do, and holding what comes against the order that records have.

use super::asks::NONE;
use super::client::Node;
use super::promise::Batch;
use crate::batch;

/// What reading on from an offset gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// The batches with their base offsets, in order and without a gap between them.
    pub batches: Vec<(i64, Batch)>,
    /// Where the next record would be.
    pub next: i64,
    /// The code that ended it; none if nothing came any more.
    pub error: Option<i16>,
    /// The end of the log by the last answer without an error.
    pub high_watermark: Option<i64>,
}

/// Reads from an offset until nothing comes any more. Errs if what comes is no sequence of sound
/// batches from there on.
pub(super) fn read_from(
    node: &mut Node,
    topic: &str,
    partition: i32,
    from: i64,
) -> Result<Reading, String> {
    let mut reading = Reading {
        next: from,
        ..Reading::default()
    };
    loop {
        let fetched = node.fetch(topic, partition, reading.next)?;
        if fetched.error != NONE {
            if !fetched.records.is_empty() {
                return Err(format!("records come with error {}", fetched.error));
            }
            reading.error = Some(fetched.error);
            return Ok(reading);
        }
        reading.high_watermark = Some(fetched.high_watermark);
        let before = reading.next;
        for (base, last, bytes) in batch::split(&fetched.records)? {
            let is_next = base == reading.next;
            let is_first = reading.batches.is_empty() && base <= from && from <= last;
            if !is_next && !is_first {
                return Err(format!("offset {base} comes where {} should", reading.next));
            }
            let bytes = bytes.to_vec();
            reading.batches.push((base, Batch { last, bytes }));
            reading.next = last + 1;
        }
        if reading.next == before {
            return Ok(reading);
        }
    }
}
