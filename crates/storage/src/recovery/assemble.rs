//! Putting the engine together from what was recovered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use model::LogId;
use tracing::warn;

use super::scan::ScannedRound;
use super::{Opened, Recovery, RecoveryReport};
use crate::engine::Engine;
use crate::errors::OpenError;
use crate::flush::{CheckpointState, Flusher, Logs};
use crate::log::{Log, RestoredLog};
use crate::marks::{Mark, mark};
use crate::settings::{LogConfig, StorageSettings};
use crate::storage::Storage;
use crate::wal::CommitStart;
use crate::wal::committer::Committer;
use crate::wal::slots::{NoSlot, SlotState, Slots};

impl Recovery {
    /// Puts the engine together and begins the new epoch.
    pub(super) fn build(
        self,
        live: BTreeMap<LogId, LogConfig>,
        mut restored: HashMap<u32, RestoredLog>,
        next_id: u32,
        mut report: RecoveryReport,
        unlisted: Vec<(PathBuf, bool)>,
    ) -> Result<Opened, OpenError> {
        let newest = self.checkpoints.newest.as_ref();
        let highest_epoch = self
            .chain
            .writer_epoch
            .max(newest.map(|newest| newest.writer_epoch));
        let writer_epoch = highest_epoch.map_or(0, |highest| highest.saturating_add(1));
        let slots = self.build_slots()?;
        let engine = Arc::new(Engine::new(
            self.env.clone(),
            self.settings.clone(),
            self.wal_id,
            writer_epoch.cast_signed(),
            slots,
            self.chain.end_seq,
            self.is_read_only,
            self.has_lost_rounds,
            self.damages,
        ));
        let logs: HashMap<u32, Arc<Log>> = live
            .into_iter()
            .map(|(id, config)| {
                let log = restored.remove(&id.0).unwrap_or_default();
                report.replayed_bytes += log
                    .tail
                    .iter()
                    .map(|batch| batch.bytes.len() as u64)
                    .sum::<u64>();
                (id.0, Log::restore(id, Arc::clone(&engine), config, log))
            })
            .collect();
        let logs = Arc::new(Logs::new(logs, next_id));
        let has_unlisted = !unlisted.is_empty();
        let release_seq = self.chain.origin.release_seq;
        let mut released_by = [release_seq; 2];
        if let (Some(older), Some(released)) = (
            &self.checkpoints.older,
            released_by.get_mut(self.checkpoints.next_file),
        ) {
            *released = older.release_seq;
        }
        let checkpoint = CheckpointState {
            generation: newest.map_or(0, |newest| newest.generation),
            next_file: self.checkpoints.next_file,
            writer_epoch: highest_epoch.unwrap_or(0),
            release_seq,
            release_crc: self.chain.origin.release_crc,
            released_by,
        };
        let mut flusher =
            Flusher::new(Arc::clone(&engine), Arc::clone(&logs), checkpoint, unlisted);
        let start = CommitStart {
            writer_epoch,
            seq: self.chain.end_seq,
            prev_crc: self.chain.end_crc,
        };
        let mut committer = Committer::new(Arc::clone(&engine), start);
        if !self.is_read_only {
            begin_epoch(&engine, &mut flusher, &mut committer, &self.settings)?;
            flusher.set_writer_epoch(writer_epoch);
            flusher
                .attest_epoch()
                .map_err(OpenError::io(&self.settings.data_dir))?;
        }
        if has_unlisted {
            engine.ask_for_chores();
        }
        let storage = Storage::new(engine, logs, committer, flusher, self.lock);
        Ok(Opened { storage, report })
    }

    /// The slots that can be used. Those with rounds of the chain are in use, and so is the one with
    /// the last round, released or not, until the next checkpoint; the others are free.
    fn build_slots(&self) -> Result<Slots, OpenError> {
        let fs = self.env.fs.as_ref();
        let mut states = Vec::with_capacity(self.slots.len());
        for (number, slot) in self.slots.iter().enumerate() {
            let end = (self.chain.end_seq, self.chain.end_crc);
            let is_end = |round: &&ScannedRound| (round.header.seq, round.header_crc) == end;
            let in_chain = self
                .chain
                .rounds
                .iter()
                .filter_map(|index| self.rounds.get(*index))
                .chain(self.rounds.iter().filter(is_end))
                .filter(|round| round.slot == number)
                .map(|round| (round.header.seq, round.header.file_number));
            let highest = in_chain.max();
            if highest.is_none() && !slot.has_sound_header {
                // Making it was cut short; it has never been used.
                if !self.is_read_only {
                    mark(Mark::UnfinishedSlotRemoved);
                    fs.remove_file(&slot.path)
                        .map_err(OpenError::io(&slot.path))?;
                }
                continue;
            }
            states.push(SlotState {
                index: slot.index,
                bytes: slot.usable_bytes(),
                highest_seq: highest.map(|(seq, _)| seq),
                file_number: highest.map_or(0, |(_, file_number)| file_number),
            });
        }
        let listed = self
            .checkpoints
            .newest
            .as_ref()
            .map_or(0, |newest| newest.file_number);
        let in_chain = self
            .chain
            .rounds
            .iter()
            .filter_map(|index| self.rounds.get(*index));
        let origin = self.chain.origin;
        let crcs: VecDeque<u32> = std::iter::once(origin.release_crc)
            .chain(in_chain.map(|round| round.header_crc))
            .collect();
        Ok(Slots::new(
            self.env.clone(),
            self.settings.data_dir.join("wal"),
            self.wal_id,
            u64::from(self.settings.wal_slot_bytes),
            self.settings.wal_bytes_max,
            states,
            listed.max(self.chain.file_number),
            (origin.release_seq, crcs),
        ))
    }
}

/// Writes the first round of the new epoch to a free slot. If there is none and there may not be
/// another, the rounds are moved to segments first. On a full disk the commit loop begins it later;
/// until then there are only readers.
fn begin_epoch(
    engine: &Engine,
    flusher: &mut Flusher,
    committer: &mut Committer,
    settings: &StorageSettings,
) -> Result<(), OpenError> {
    let directory = settings.data_dir.join("wal");
    let mut begun = Ok(());
    if engine.slots.has_free() {
        mark(Mark::OpenInFreeSlot);
    } else {
        let made = engine.slots.make(u64::from(settings.wal_first_slot_bytes));
        if matches!(made, Ok(true)) {
            mark(Mark::OpenInNewSlot);
        } else {
            mark(Mark::OpenAfterFlush);
            // What fails here is tried again by the flusher; what counts is whether a slot is free.
            let flushed = flusher.flush_everything();
            begun = match (made, flushed) {
                (Err(no_slot), _) => Err(no_slot),
                (Ok(_), flushed) => flushed.map_err(NoSlot::Io),
            };
        }
    }
    if engine.slots.has_free() {
        begun = committer.open();
    }
    match begun {
        Ok(()) => Ok(()),
        Err(NoSlot::Io(error)) if error.kind() == io::ErrorKind::StorageFull => {
            mark(Mark::StartOnFullDisk);
            warn!(%error, "the disk is full: appends are refused until there is space");
            engine.set_disk_full(true);
            Ok(())
        }
        Err(NoSlot::Io(error)) => Err(OpenError::io(directory)(error)),
        Err(NoSlot::AllInUse) => {
            let error = io::Error::other("all slots are in use");
            Err(OpenError::io(directory)(error))
        }
    }
}
