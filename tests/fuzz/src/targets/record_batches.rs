//! Record batches one after the other, as they stand in a Produce request, in the answer to a Fetch and
//! in a segment.

use wire::batch::{BatchBuilder, BatchView, Batches, NewRecord, Records, stamp_log_append_time};
use wire::compression::Codec;

use super::compression::{OPENED_BYTES_MAX, opened_limits};
use crate::Target;

pub(super) const TARGET: Target = Target {
    seeds,
    memory_limits: opened_limits,
    ..Target::new(
        "record_batches",
        "batches, their records, their codecs",
        run,
    )
};

/// A batch of each codec.
fn seeds() -> Vec<Vec<u8>> {
    let batch = |codec| {
        let mut builder = BatchBuilder::new().codec(codec);
        for key in [None, Some(b"key".as_slice())] {
            builder.push(NewRecord {
                timestamp: 1_767_225_600_000,
                key,
                value: Some(b"value value value value"),
                headers: &[("name", Some(b"header")), ("null", None)],
            });
        }
        builder.build()
    };
    Codec::ALL.map(batch).to_vec()
}

fn run(input: &[u8]) {
    for batch in Batches::new(input).map_while(Result::ok) {
        read_records(batch.records());
        if let Ok(opened) = batch.decompressed(OPENED_BYTES_MAX) {
            read_records(Records::new(&opened, batch.record_count));
        }
        stamped_is_the_same_batch(&batch);
    }
}

fn read_records(records: Records<'_>) {
    let mut one_by_one = records.clone();
    let read = records.clone().read_all(|record| {
        assert_eq!(one_by_one.next(), Some(Ok(record)), "the same in both ways");
    });
    assert_eq!(one_by_one.next(), read.err().map(Err), "the same end");
    for record in records.map_while(Result::ok) {
        // Counted when the record was read, so none of them can be missing.
        assert_eq!(record.headers.count(), record.headers.len());
    }
}

/// What the broker writes into a batch changes nothing else, and leaves it whole.
fn stamped_is_the_same_batch(batch: &BatchView<'_>) {
    let header = batch.header().to_bytes();
    assert!(batch.bytes().starts_with(&header), "a header is read whole");
    let mut bytes = batch.bytes().to_vec();
    stamp_log_append_time(&mut bytes, 7);
    let (stamped, rest) = BatchView::parse(&bytes).expect("a batch stays one");
    assert!(rest.is_empty() && stamped.crc_is_valid());
    assert_eq!(stamped.payload(), batch.payload());
    assert_eq!(stamped.max_timestamp, 7);
}
