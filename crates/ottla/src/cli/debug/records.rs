//! The records inside the batches of a file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use wire::batch::{BatchView, Headers, RecordView, Records};

use super::number;
use crate::cli::table::{Cell, Table};

/// Largest size to which the records of one batch are decompressed, in bytes.
const BATCH_BYTES_MAX: usize = 256 << 20;

const COLUMNS: &[&str] = &[
    "BATCH",
    "OFFSET",
    "TIMESTAMP",
    "KEY",
    "VALUE",
    "HEADERS",
    "ERROR",
];

/// Where a batch is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Where it begins in the file, in bytes.
    pub(super) position: u64,
    /// Its length in bytes, which the file has been seen to have.
    pub(super) bytes: u64,
}

/// A row for each record. What cannot be read is skipped and said in the row of its batch.
pub(super) fn table(path: &Path, batches: impl Iterator<Item = Place>) -> anyhow::Result<Table> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut table = Table::new(COLUMNS);
    for place in batches {
        let length = usize::try_from(place.bytes)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, place.position)
            .with_context(|| format!("cannot read {}", path.display()))?;
        if let Err(error) = add_records(&mut table, place, &bytes) {
            let nothing = || Cell::Nothing;
            table.row([
                number(place.position),
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                error.into(),
            ]);
        }
    }
    Ok(table)
}

fn add_records(table: &mut Table, place: Place, bytes: &[u8]) -> Result<(), String> {
    let (batch, _) = BatchView::parse(bytes).map_err(|error| error.to_string())?;
    let records = batch
        .decompressed(BATCH_BYTES_MAX)
        .map_err(|error| error.to_string())?;
    for record in Records::new(&records, batch.record_count) {
        let record = record.map_err(|error| error.to_string())?;
        table.row(row(place, &batch, &record));
    }
    Ok(())
}

fn row(place: Place, batch: &BatchView<'_>, record: &RecordView<'_>) -> Vec<Cell> {
    let offset = batch
        .base_offset
        .get()
        .saturating_add(record.offset_delta.into());
    let timestamp = match batch.attributes.is_log_append_time() {
        true => batch.max_timestamp,
        false => batch.base_timestamp.saturating_add(record.timestamp_delta),
    };
    vec![
        number(place.position),
        offset.into(),
        timestamp.into(),
        record.key.into(),
        record.value.into(),
        headers(record.headers).into(),
        Cell::Nothing,
    ]
}

/// `name=value`, separated by commas; what is not UTF-8 is replaced.
fn headers(headers: Headers<'_>) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let headers = headers.map(|(name, value)| {
        let value = value.map(text).unwrap_or_default();
        format!("{}={value}", text(name))
    });
    headers.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Offset, TimestampMs};
    use wire::batch::{BatchBuilder, NewRecord, stamp_log_append_time};
    use wire::compression::Codec;

    const TIME: TimestampMs = 1_700_000_000_000;

    fn batch() -> Vec<u8> {
        let mut batch = BatchBuilder::new()
            .base_offset(Offset(40))
            .codec(Codec::Zstd);
        batch.push(NewRecord {
            timestamp: TIME,
            key: Some(b"key1"),
            value: None,
            headers: &[],
        });
        batch.push(NewRecord {
            timestamp: TIME + 5,
            key: None,
            value: Some(b"\xff\n"),
            headers: &[("a", Some(b"1")), ("b", None)],
        });
        batch.build()
    }

    fn text(bytes: &[u8]) -> Result<String, String> {
        let mut table = Table::new(COLUMNS);
        let place = Place {
            position: 4096,
            bytes: bytes.len() as u64,
        };
        add_records(&mut table, place, bytes).map(|()| table.text())
    }

    #[test]
    fn records_are_shown_with_their_own_offsets_and_times() {
        assert_eq!(
            text(&batch()).as_deref(),
            Ok(
                "BATCH  OFFSET  TIMESTAMP      KEY   VALUE  HEADERS  ERROR\n\
                4096   40      1700000000000  key1  -               -\n\
                4096   41      1700000000005  -     \u{fffd}\u{fffd}     a=1,b=   -\n"
            )
        );
    }

    #[test]
    fn append_time_counts_for_every_record() {
        let mut batch = batch();
        stamp_log_append_time(&mut batch, TIME + 1000);
        let text = text(&batch).unwrap();
        assert_eq!(text.matches("1700000001000").count(), 2, "{text}");
    }

    #[test]
    fn a_batch_that_cannot_be_opened_says_why() {
        let mut broken = batch();
        let middle = broken.len() - 10;
        broken[middle..].fill(0);
        assert!(text(&broken).is_err());
        assert!(text(&batch()[..70]).is_err());
    }
}
