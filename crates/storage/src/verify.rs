//! Checking a data directory without changing it: every round, batch, index and snapshot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use env::{Fs, OpenMode};

use crate::damage::{Damage, DamageCode};
use crate::engine::log_directory;
use crate::errors::OpenError;
use crate::format::checkpoint::{Checkpoint, LogCheckpoint};
use crate::format::data_format;
use crate::format::offset_index;
use crate::format::producer_snapshot::ProducerSnapshot;
use crate::recovery::chain::Origin;
use crate::recovery::scan::{ScanOptions, ScannedRound, ScannedSlot};
use crate::recovery::{chain, directory, payloads, scan};
use crate::segment::{SNAPSHOT, Segment, file_name};

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Files that were read.
    pub files: u64,
    /// Rounds of the write-ahead log that count.
    pub rounds: u64,
    /// Batches whose checksums were computed, in the write-ahead log and in segments.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rounds behind the end of the log; the next start cuts them, as they were never acknowledged.
    pub cut_rounds: u64,
    /// Everything that is wrong. Damage that the next start repairs by itself is listed too
    /// ([`DamageCode::is_repaired`]).
    pub damages: Vec<Damage>,
}

impl VerifyReport {
    /// Whether something is wrong that no start repairs.
    pub fn is_damaged(&self) -> bool {
        self.damages.iter().any(|damage| !damage.code.is_repaired())
    }
}

/// Checks a data directory. Nothing is changed and nothing is locked: of a broker that runs, what
/// is written meanwhile may be reported as damaged.
pub fn verify(fs: &dyn Fs, data_dir: &Path) -> Result<VerifyReport, OpenError> {
    let path = data_dir.join(data_format::FILE_NAME);
    let bytes = fs.read(&path).map_err(OpenError::io(&path))?;
    let format = directory::decode_format(&path, &bytes)?;
    let checkpoints = directory::read_checkpoints(fs, data_dir, format.wal_id, false)?;
    let mut verifier = Verifier {
        fs,
        data_dir,
        report: VerifyReport::default(),
    };
    verifier.report.files = 1 + u64::from(checkpoints.newest.is_some());
    for path in &checkpoints.unsound {
        verifier.note(
            DamageCode::Checkpoint,
            path.clone(),
            0,
            "the checkpoint is not sound; a crash while it was written leaves it so",
        );
    }
    let newest = checkpoints.newest.as_ref();
    verifier.check_wal(format.wal_id, newest)?;
    for log in newest.map_or(&[][..], |newest| &newest.logs) {
        verifier.check_log(log);
    }
    Ok(verifier.report)
}

/// How far the entries of a log have been followed.
#[derive(Clone, Copy, Debug, Default)]
struct LogEnd {
    offset: i64,
    /// Something is missing, and has been named: what follows cannot follow.
    is_cut_off: bool,
}

struct Verifier<'a> {
    fs: &'a dyn Fs,
    data_dir: &'a Path,
    report: VerifyReport,
}

impl Verifier<'_> {
    fn note(&mut self, code: DamageCode, path: PathBuf, position: u64, message: &str) {
        self.report.damages.push(Damage {
            code,
            path,
            position,
            message: message.to_owned(),
        });
    }

    fn check_wal(&mut self, wal_id: u64, newest: Option<&Checkpoint>) -> Result<(), OpenError> {
        let directory = self.data_dir.join("wal");
        let origin = Origin::of(newest);
        let paths = scan::list_slots(self.fs, &directory).map_err(OpenError::io(&directory))?;
        let mut slots: Vec<ScannedSlot> = Vec::new();
        let mut rounds: Vec<ScannedRound> = Vec::new();
        for (number, slot) in paths.iter().enumerate() {
            let options = ScanOptions {
                number,
                wal_id: Some(wal_id),
                release_seq: origin.release_seq,
                repairs: false,
            };
            let scanned = scan::scan_slot(self.fs, slot, options, &mut rounds)
                .map_err(OpenError::io(&slot.1))?;
            if !scanned.has_sound_header {
                let what = "the header of the slot is not sound";
                self.note(DamageCode::SlotHeader, slot.1.clone(), 0, what);
            }
            slots.push(scanned);
            self.report.files += 1;
        }
        let mut chain = chain::build(&rounds, &slots, origin);
        let damage = chain::damage(&directory, &slots, &rounds, &chain);
        self.report.damages.extend(damage);
        let entries = payloads::read(self.fs, &slots, &rounds, &mut chain, newest)
            .map_err(OpenError::io(&directory))?;
        self.report.rounds = chain.rounds.len() as u64;
        self.report.cut_rounds = chain.cut_rounds(&rounds).0;
        let logs = newest.map_or(&[][..], |newest| &newest.logs).iter();
        let mut ends: BTreeMap<u32, LogEnd> = logs
            .map(|log| {
                let quarantine = log.quarantine.as_ref();
                let end = LogEnd {
                    offset: log.flushed_end,
                    is_cut_off: quarantine.is_some_and(|found| found.from >= log.flushed_end),
                };
                (log.log_id, end)
            })
            .collect();
        for replayed in &entries {
            let end = ends.entry(replayed.entry.log_id).or_default();
            self.check_entry(replayed, end);
        }
        Ok(())
    }

    fn check_entry(&mut self, replayed: &payloads::ReplayEntry, end: &mut LogEnd) {
        let entry = &replayed.entry;
        let Some(payload) = &replayed.payload else {
            let what = format!(
                "the batch at offset {} of log {:010} does not have its checksum",
                entry.base_offset, entry.log_id
            );
            self.note(
                DamageCode::WalPayload,
                replayed.path.clone(),
                replayed.position,
                &what,
            );
            end.is_cut_off = true;
            return;
        };
        if payload.is_empty() {
            return;
        }
        self.report.batches += 1;
        self.report.bytes += payload.len() as u64;
        let expected = end.offset;
        end.offset = entry.base_offset + i64::from(entry.last_offset_delta) + 1;
        if entry.base_offset != expected && !end.is_cut_off {
            let what = format!(
                "log {:010} goes on at offset {}, not at {expected}",
                entry.log_id, entry.base_offset
            );
            self.note(
                DamageCode::OffsetGap,
                replayed.path.clone(),
                replayed.position,
                &what,
            );
        }
    }

    fn check_log(&mut self, log: &LogCheckpoint) {
        let directory = log_directory(self.data_dir, log.log_id);
        let epochs: Arc<[(i32, i64)]> = log.epochs.as_slice().into();
        for segment in &log.segments {
            let listed = Segment::listed(log.log_id, directory.clone(), segment);
            self.check_segment(&listed, &epochs);
        }
        if let Some(quarantine) = &log.quarantine
            && quarantine.from >= log.flushed_end
        {
            // The rounds that had it may have been released since.
            let earlier = quarantine.cause.moved(Path::new(""), self.data_dir);
            let place = |damage: &Damage| (damage.path.clone(), damage.position);
            let mut damages = self.report.damages.iter();
            if !damages.any(|damage| place(damage) == place(&earlier)) {
                self.report.damages.push(earlier.found_earlier());
            }
        }
        if log.snapshot_offset >= 0 {
            let path = directory.join(file_name(log.snapshot_offset, SNAPSHOT));
            self.report.files += 1;
            let decode =
                |bytes: &[u8]| ProducerSnapshot::decode_of(bytes, log.log_id, log.snapshot_offset);
            let snapshot = self.fs.read(&path).ok();
            if snapshot.as_deref().and_then(decode).is_none() {
                let what = "this is not the snapshot of the log; it will be built anew";
                self.note(DamageCode::ProducerSnapshot, path, 0, what);
            }
        }
    }

    fn check_segment(&mut self, segment: &Segment, epochs: &Arc<[(i32, i64)]>) {
        let path = segment.path();
        let bytes = segment.facts().bytes;
        self.report.files += 1;
        match self
            .fs
            .open(&path, OpenMode::Read)
            .and_then(|file| file.len())
        {
            Ok(length) if length < bytes => {
                let what = format!("the segment ends here, {bytes} bytes were forced");
                self.note(DamageCode::SegmentMissing, path, length, &what);
                return;
            }
            Ok(_) => {}
            Err(error) => {
                self.note(DamageCode::SegmentMissing, path, 0, &error.to_string());
                return;
            }
        }
        let mut scanner = match segment.scanner(self.fs) {
            Ok(scanner) => scanner,
            Err(fault) => {
                self.note(
                    DamageCode::SegmentBatch,
                    path,
                    fault.position,
                    &fault.message,
                );
                return;
            }
        };
        scanner.expect_epochs(Arc::clone(epochs));
        let mut end_offset = segment.base_offset;
        let mut batch_at = BTreeMap::new();
        let mut position = 0;
        loop {
            match scanner.next_batch() {
                Ok(Some((header, batch))) => {
                    end_offset = header.last_offset() + 1;
                    batch_at.insert(position, header.base_offset);
                    position += batch.len() as u64;
                    self.report.batches += 1;
                    self.report.bytes += batch.len() as u64;
                }
                Ok(None) => break,
                Err(error) => {
                    let fault = error.into_fault(&path);
                    self.note(
                        DamageCode::SegmentBatch,
                        fault.path,
                        fault.position,
                        &fault.message,
                    );
                    return;
                }
            }
        }
        let expected = segment.facts().end_offset;
        if segment.generation == 0 && end_offset != expected {
            let what = format!("the segment ends at offset {end_offset}, not at {expected}");
            self.note(DamageCode::SegmentBatch, path, position, &what);
        }
        self.check_index(segment, &batch_at);
    }

    /// An index may lack entries, but must not lead to a wrong place.
    fn check_index(&mut self, segment: &Segment, batch_at: &BTreeMap<u64, i64>) {
        let [_, path, _] = segment.paths();
        let segment_bytes = segment.facts().bytes;
        self.report.files += 1;
        let Ok(bytes) = self.fs.read(&path) else {
            self.note(
                DamageCode::Index,
                path,
                0,
                "the index is missing; it will be built anew",
            );
            return;
        };
        let entries = offset_index::decode(&bytes, segment.index_of());
        let sound = offset_index::HEADER_BYTES + entries.len() * offset_index::ENTRY_BYTES;
        if sound < bytes.len() || bytes.len() < offset_index::HEADER_BYTES {
            let what = "the index ends here; the rest will be built anew";
            self.note(
                DamageCode::Index,
                path.clone(),
                sound.min(bytes.len()) as u64,
                what,
            );
        }
        for (number, entry) in entries.iter().enumerate() {
            let position = u64::from(entry.position);
            let expected = segment.base_offset + i64::from(entry.offset_delta);
            if position < segment_bytes && batch_at.get(&position) != Some(&expected) {
                let at = offset_index::HEADER_BYTES + number * offset_index::ENTRY_BYTES;
                let what = "the entry leads to no batch of that offset";
                self.note(DamageCode::Index, path.clone(), at as u64, what);
            }
        }
    }
}
