//! `ottla debug segment` of a segment.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use storage::inspect::{SegmentBatch, SegmentContents};

use super::records::{self, Place};
use super::{File, number};
use crate::cli::table::{Fields, Table};

/// A segment and its batches, as one JSON object.
#[derive(Serialize)]
struct Description {
    segment: Fields,
    batches: Table,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Table>,
}

pub(super) fn print(file: &File) -> anyhow::Result<()> {
    let path = &file.path;
    let fs = env::real::env().fs;
    let contents = storage::inspect::segment(&*fs, path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut description = describe(path, &contents);
    let mut sections = vec![
        ("SEGMENT", description.segment.text()),
        ("BATCHES", description.batches.text()),
    ];
    if file.records {
        let places = contents.batches.iter().map(|batch| Place {
            position: batch.position,
            bytes: batch.bytes,
        });
        let records = records::table(path, places)?;
        sections.push(("RECORDS", records.text()));
        description.records = Some(records);
    }
    file.output.sections(&sections, &description)
}

fn describe(path: &Path, contents: &SegmentContents) -> Description {
    let mut batches = Table::new(&[
        "POSITION",
        "BYTES",
        "BASE-OFFSET",
        "LAST-OFFSET",
        "EPOCH",
        "MAX-TIMESTAMP",
        "CODEC",
        "PRODUCER-ID",
        "PRODUCER-EPOCH",
        "BASE-SEQUENCE",
        "TRANSACTIONAL",
        "CONTROL",
        "SOUND",
    ]);
    for batch in &contents.batches {
        batches.row([
            number(batch.position),
            number(batch.bytes),
            batch.base_offset.get().into(),
            batch.last_offset.get().into(),
            batch.leader_epoch.get().into(),
            batch.max_timestamp_ms.into(),
            codec(batch).into(),
            batch.producer_id.0.into(),
            i32::from(batch.producer_epoch.0).into(),
            batch.base_sequence.into(),
            batch.is_transactional.into(),
            batch.is_control.into(),
            batch.is_sound.into(),
        ]);
    }
    Description {
        segment: Fields::default()
            .field("FILE", path.display().to_string())
            .field("FILE-BYTES", number(contents.file_bytes))
            .field("NO-BATCH-AT", contents.ends_at.map(number)),
        batches,
        records: None,
    }
}

fn codec(batch: &SegmentBatch) -> &'static str {
    match batch.codec {
        0 => "none",
        1 => "gzip",
        2 => "snappy",
        3 => "lz4",
        4 => "zstd",
        _ => "unknown",
    }
}
