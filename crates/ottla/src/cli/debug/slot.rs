//! `ottla debug segment` of a slot of the write-ahead log.

use anyhow::Context as _;
use serde::Serialize;
use storage::inspect::{WalEntryKind, WalSlotContents};

use super::records::{self, Place};
use super::{File, number};
use crate::cli::table::{Cell, Fields, Table};

/// A slot, its rounds and their entries, as one JSON object.
#[derive(Serialize)]
struct Description {
    slot: Fields,
    rounds: Table,
    entries: Table,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Table>,
}

pub(super) fn print(file: &File) -> anyhow::Result<()> {
    let path = &file.path;
    let fs = env::real::env().fs;
    let contents = storage::inspect::wal_slot(&*fs, path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut description = Description {
        slot: Fields::default()
            .field("FILE", path.display().to_string())
            .field("FILE-BYTES", number(contents.file_bytes))
            .field("WAL-ID", contents.wal_id.map(|id| format!("{id:016x}"))),
        rounds: rounds(&contents),
        entries: entries(&contents),
        records: None,
    };
    let mut sections = vec![
        ("SLOT", description.slot.text()),
        ("ROUNDS", description.rounds.text()),
        ("ENTRIES", description.entries.text()),
    ];
    if file.records {
        let entries = contents
            .rounds
            .iter()
            .flat_map(|round| round.entries.iter().flatten());
        let batches = entries.filter(|entry| entry.kind == WalEntryKind::Batch);
        let places = batches.map(|entry| Place {
            position: entry.position,
            bytes: entry.bytes,
        });
        let records = records::table(path, places)?;
        sections.push(("RECORDS", records.text()));
        description.records = Some(records);
    }
    file.output.sections(&sections, &description)
}

fn rounds(contents: &WalSlotContents) -> Table {
    let mut table = Table::new(&[
        "POSITION",
        "BYTES",
        "SEQ",
        "DURABLE-SEQ",
        "WRITER-EPOCH",
        "FILE-NUMBER",
        "PREV-CRC",
        "HEADER-CRC",
        "ENTRIES",
    ]);
    for round in &contents.rounds {
        let entries = round.entries.as_ref().map(|entries| entries.len() as u64);
        table.row([
            number(round.position),
            number(round.bytes),
            number(round.seq),
            number(round.durable_seq),
            i64::from(round.writer_epoch).into(),
            number(round.file_number),
            format!("{:08x}", round.prev_crc).into(),
            format!("{:08x}", round.header_crc).into(),
            entries.map_or_else(|| "damaged".into(), number),
        ]);
    }
    table
}

fn entries(contents: &WalSlotContents) -> Table {
    let mut table = Table::new(&[
        "SEQ",
        "POSITION",
        "BYTES",
        "KIND",
        "LOG",
        "BASE-OFFSET",
        "LAST-OFFSET",
        "EPOCH",
        "MAX-TIMESTAMP",
        "SOUND",
    ]);
    for round in &contents.rounds {
        for entry in round.entries.iter().flatten() {
            let is_batch = entry.kind == WalEntryKind::Batch;
            let of_batch = |value: i64| match is_batch {
                true => Cell::from(value),
                false => Cell::Nothing,
            };
            table.row([
                number(round.seq),
                number(entry.position),
                number(entry.bytes),
                kind(entry.kind).into(),
                i64::from(entry.log_id.0).into(),
                entry.base_offset.get().into(),
                of_batch(entry.last_offset.get()),
                entry.leader_epoch.get().into(),
                of_batch(entry.max_timestamp_ms),
                entry.is_sound.into(),
            ]);
        }
    }
    table
}

fn kind(kind: WalEntryKind) -> &'static str {
    match kind {
        WalEntryKind::Batch => "batch",
        WalEntryKind::SetLogStart => "set-log-start",
        WalEntryKind::Open => "open",
        WalEntryKind::Handover => "handover",
    }
}
