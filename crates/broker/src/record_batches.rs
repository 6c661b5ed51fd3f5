//! Record batches that the broker writes for itself, and reads back at its start.

use bytes::Bytes;
use model::TimestampMs;
use wire::batch::{BatchBuilder, BatchView, NewRecord};

/// The key and the value of a record.
pub(crate) type KeyAndValue = (Option<Bytes>, Option<Bytes>);

/// One uncompressed batch of these records, all of the same time. There must be at least one.
pub(crate) fn build(records: impl IntoIterator<Item = KeyAndValue>, now_ms: TimestampMs) -> Bytes {
    let mut builder = BatchBuilder::new();
    for (key, value) in records {
        builder.push(NewRecord {
            timestamp: now_ms,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &[],
        });
    }
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
