//! Record batches that the broker writes for itself, and reads back at its start.

use std::borrow::Borrow;

use bytes::Bytes;
use model::{ProducerId, TimestampMs};
use transactions::{Outcome, Producer};
use wire::batch::{BatchBuilder, BatchView, NewRecord};

/// The version of a marker's key, and of its value.
const MARKER_VERSION: i16 = 0;
/// "No sequence number", as record batches write it.
const NO_SEQUENCE: i32 = -1;

/// The key and the value of a record.
pub(crate) type KeyAndValue = (Option<Bytes>, Option<Bytes>);

/// One uncompressed batch of these records, all of the same time. There must be at least one.
pub(crate) fn build(
    records: impl IntoIterator<Item = impl Borrow<KeyAndValue>>,
    now_ms: TimestampMs,
) -> Bytes {
    filled(BatchBuilder::new(), records, now_ms)
}

/// The same as a part of a producer's transaction.
pub(crate) fn build_in_transaction(
    producer: Producer,
    records: impl IntoIterator<Item = impl Borrow<KeyAndValue>>,
    now_ms: TimestampMs,
) -> Bytes {
    let builder = BatchBuilder::new().producer(producer.id, producer.epoch, NO_SEQUENCE);
    filled(builder.transactional(), records, now_ms)
}

fn filled(
    mut builder: BatchBuilder,
    records: impl IntoIterator<Item = impl Borrow<KeyAndValue>>,
    now_ms: TimestampMs,
) -> Bytes {
    for record in records {
        let (key, value) = record.borrow();
        builder.push(NewRecord {
            timestamp: now_ms,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &[],
        });
    }
    builder.build().into()
}

/// What a batch is to the transactions of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// None.
    Plain,
    /// It is part of this producer's.
    Part(ProducerId),
    /// It ends this producer's.
    Marker(ProducerId, Outcome),
    /// It holds records that are for nobody here.
    Control,
}

/// What a batch is to the transactions of its log. Errs with what is wrong with it.
pub(crate) fn role(batch: &Bytes) -> Result<Role, String> {
    let (view, _) = BatchView::parse(batch).map_err(|error| error.to_string())?;
    let (producer_id, attributes) = (view.producer_id, view.attributes);
    Ok(
        match (attributes.is_transactional(), attributes.is_control()) {
            (false, false) => Role::Plain,
            (true, false) => Role::Part(producer_id),
            (false, true) => Role::Control,
            (true, true) => {
                let record = view.records().next().transpose();
                let record = record.map_err(|error| error.to_string())?;
                // The version of the key, and then what it is.
                match record.and_then(|record| record.key) {
                    Some([_, _, 0, 0, ..]) => Role::Marker(producer_id, Outcome::Abort),
                    Some([_, _, 0, 1, ..]) => Role::Marker(producer_id, Outcome::Commit),
                    // Compaction leaves a marker without its record when nothing of its transaction is left.
                    _ => Role::Control,
                }
            }
        },
    )
}

/// The batch that ends a producer's transaction (KIP-98).
pub(crate) fn marker(
    producer: Producer,
    outcome: Outcome,
    coordinator_epoch: i32,
    now_ms: TimestampMs,
) -> Bytes {
    let kind: i16 = match outcome {
        Outcome::Abort => 0,
        Outcome::Commit => 1,
    };
    let key = [MARKER_VERSION.to_be_bytes(), kind.to_be_bytes()].concat();
    let version = MARKER_VERSION.to_be_bytes();
    let value = [version.as_slice(), &coordinator_epoch.to_be_bytes()].concat();
    let mut builder = BatchBuilder::new()
        .producer(producer.id, producer.epoch, NO_SEQUENCE)
        .transactional()
        .control();
    builder.push(NewRecord {
        timestamp: now_ms,
        key: Some(&key),
        value: Some(&value),
        headers: &[],
    });
    builder.build().into()
}

/// The keys and values of one uncompressed batch. Errs with what is wrong with it.
pub(crate) fn records(batch: &Bytes) -> Result<Vec<KeyAndValue>, String> {
    let (view, _) = BatchView::parse(batch).map_err(|error| error.to_string())?;
    let mut records = Vec::new();
    for record in view.records() {
        let record = record.map_err(|error| error.to_string())?;
        let share = |bytes: &[u8]| batch.slice_ref(bytes);
        records.push((record.key.map(share), record.value.map(share)));
    }
    Ok(records)
}
