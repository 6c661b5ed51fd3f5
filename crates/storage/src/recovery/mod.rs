//! Opening a data directory: the newest checkpoint, then the chain of rounds behind it.
//!
//! Two steps, because which logs exist is what log 0 says: [`Recovery::open`] reads the write-ahead
//! log and gives the batches of log 0, [`Recovery::finish`] is told which logs are alive and
//! restores them. Damage at or below the last round that is known to have been durable is a loss
//! of acknowledged bytes: it is named and never skipped. Damage above it is a torn tail, and is cut.

pub(crate) mod chain;
pub(crate) mod directory;
mod fold;
pub(crate) mod payloads;
mod restore;
pub(crate) mod scan;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use env::{Env, OpenMode, SECTOR_BYTES};
use model::LogId;
use tracing::warn;

use crate::damage::{Damage, DamageCode};
use crate::engine::Engine;
use crate::errors::OpenError;
use crate::flush::{CheckpointState, Flusher, Logs};
use crate::format::checkpoint::LogCheckpoint;
use crate::log::{Log, RestoredLog};
use crate::segment::{BatchScanner, Expected};
use crate::settings::{LogConfig, StorageSettings};
use crate::storage::Storage;
use crate::wal::committer::{CommitStart, Committer};
use crate::wal::slots::{NoSlot, SlotState, Slots};
use chain::{BreakReason, Chain};
use directory::Checkpoints;
use payloads::ReplayEntry;
use scan::{ScanOptions, ScannedRound, ScannedSlot};

/// A data directory whose write-ahead log has been read.
pub struct Recovery {
    env: Env,
    settings: StorageSettings,
    lock: Box<dyn Send + Sync>,
    wal_id: u64,
    checkpoints: Checkpoints,
    slots: Vec<ScannedSlot>,
    rounds: Vec<ScannedRound>,
    chain: Chain,
    replay: Vec<ReplayEntry>,
    metadata: RestoredLog,
    metadata_batches: Vec<Bytes>,
    is_read_only: bool,
    damages: Vec<Damage>,
    now_ms: i64,
}

/// An engine that is ready to be started.
#[derive(Debug)]
pub struct Opened {
    /// The engine.
    pub storage: Arc<Storage>,
    /// What was found.
    pub report: RecoveryReport,
}

/// What recovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Rounds of the write-ahead log that were replayed.
    pub replayed_rounds: u64,
    /// Bytes of batches that were replayed.
    pub replayed_bytes: u64,
    /// Rounds behind the end of the log that were cut: they were never acknowledged.
    pub cut_rounds: u64,
    /// Their bytes.
    pub cut_bytes: u64,
    /// Whether the log ended as a shutdown in good order leaves it.
    pub was_clean: bool,
    /// Whether nothing can be appended because of damage.
    pub is_read_only: bool,
    /// What is damaged.
    pub damages: Vec<Damage>,
}

impl Recovery {
    /// Opens a data directory, making it if it does not exist, and reads its write-ahead log.
    pub fn open(env: &Env, settings: StorageSettings) -> Result<Self, OpenError> {
        check_settings(&settings)?;
        let data_dir = &settings.data_dir;
        let fs = env.fs.as_ref();
        fs.create_dir_all(data_dir)
            .map_err(OpenError::io(data_dir))?;
        let lock_path = data_dir.join("lock");
        let lock = fs.lock(&lock_path).map_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                OpenError::Locked {
                    path: lock_path.clone(),
                }
            } else {
                OpenError::Io {
                    path: lock_path.clone(),
                    error,
                }
            }
        })?;
        let format = directory::open_format(env, data_dir)?;
        let checkpoints = directory::read_checkpoints(fs, data_dir, format.wal_id, true)?;
        let now_ms = env.clock.wall_ms();
        let mut recovery = Self {
            env: env.clone(),
            lock,
            wal_id: format.wal_id,
            checkpoints,
            slots: Vec::new(),
            rounds: Vec::new(),
            chain: Chain::default(),
            replay: Vec::new(),
            metadata: RestoredLog::default(),
            metadata_batches: Vec::new(),
            is_read_only: false,
            damages: Vec::new(),
            now_ms,
            settings,
        };
        recovery.read_wal()?;
        recovery.fold_metadata();
        Ok(recovery)
    }

    /// The batches of log 0 in offset order, whole and with their checksums.
    pub fn metadata_batches(&self) -> &[Bytes] {
        &self.metadata_batches
    }

    fn read_wal(&mut self) -> Result<(), OpenError> {
        let fs = self.env.fs.as_ref();
        let directory = self.settings.data_dir.join("wal");
        // The name of a slot that was just made may be in the cache only.
        fs.sync_dir(&directory).map_err(OpenError::io(&directory))?;
        let (release_seq, release_crc) = self.release();
        let paths = scan::list_slots(fs, &directory).map_err(OpenError::io(&directory))?;
        for (number, slot) in paths.iter().enumerate() {
            let options = ScanOptions {
                number,
                wal_id: Some(self.wal_id),
                release_seq,
                repairs: true,
            };
            let scanned = scan::scan_slot(fs, slot, options, &mut self.rounds);
            self.slots.push(scanned.map_err(OpenError::io(&slot.1))?);
        }
        self.chain = chain::build(&self.rounds, release_seq, release_crc);
        let newest = self.checkpoints.newest.as_ref();
        self.replay = payloads::read(fs, &self.slots, &self.rounds, &mut self.chain, newest)
            .map_err(OpenError::io(&directory))?;
        if let Some(damage) = chain_damage(&directory, &self.slots, &self.rounds, &self.chain) {
            self.is_read_only = true;
            self.damages.push(damage);
        }
        let lost = self.checkpoints.unsound.first();
        if let (None, Some(path)) = (newest, lost)
            && self.chain.rounds.is_empty()
        {
            self.is_read_only = true;
            self.damages.push(Damage {
                code: DamageCode::WalChain,
                path: path.clone(),
                position: 0,
                message: "no checkpoint can be read, and the write-ahead log does not begin with \
                          its first round"
                    .to_owned(),
            });
        }
        Ok(())
    }

    fn release(&self) -> (u64, u32) {
        self.checkpoints
            .newest
            .as_ref()
            .map_or((0, 0), |newest| (newest.release_seq, newest.prev_crc))
    }

    fn listed(&self, log_id: u32) -> Option<&LogCheckpoint> {
        let logs = &self.checkpoints.newest.as_ref()?.logs;
        logs.iter().find(|log| log.log_id == log_id)
    }

    /// Folds log 0 and gathers its batches.
    fn fold_metadata(&mut self) {
        let listed = self.listed(0).cloned();
        let entries: Vec<_> = self
            .replay
            .iter()
            .filter(|replayed| replayed.entry.log_id == 0)
            .cloned()
            .collect();
        let (log, mut damages) = self.restore_log(listed.as_ref(), entries);
        let fs = self.env.fs.as_ref();
        for segment in &log.segments {
            let path = segment.path();
            let Ok(file) = fs.open(&path, OpenMode::Read) else {
                continue;
            };
            let expected = Expected {
                offset: segment.base_offset,
                epochs: log.epochs.below(i64::MAX).into(),
            };
            let mut scanner = BatchScanner::new(file, 0, segment.facts().bytes, expected);
            loop {
                match scanner.next_batch() {
                    Ok(Some((_, batch))) => self.metadata_batches.push(batch),
                    Ok(None) => break,
                    Err(error) => {
                        let fault = error.into_fault(&path);
                        damages.push(Damage {
                            code: DamageCode::SegmentBatch,
                            path: fault.path,
                            position: fault.position,
                            message: fault.message,
                        });
                        break;
                    }
                }
            }
        }
        self.metadata_batches
            .extend(log.tail.iter().map(|batch| batch.bytes.clone()));
        // Without the metadata log nobody knows which log is whose.
        self.is_read_only |= damages.iter().any(|damage| !damage.code.is_repaired());
        self.damages.extend(damages);
        self.metadata = log;
    }

    fn restore_log(
        &self,
        listed: Option<&LogCheckpoint>,
        entries: Vec<ReplayEntry>,
    ) -> (RestoredLog, Vec<Damage>) {
        let mut damages = Vec::new();
        let fs = self.env.fs.as_ref();
        let data_dir = &self.settings.data_dir;
        let mut log = match listed {
            Some(listed) => restore::restore(fs, data_dir, listed, self.now_ms, &mut damages),
            None => {
                let mut log = RestoredLog::default();
                log.flushed.snapshot_offset = -1;
                log
            }
        };
        for replayed in &entries {
            damages.extend(fold::apply(&mut log, replayed, self.now_ms));
        }
        (log, damages)
    }

    /// Restores the logs that are alive and makes the engine ready: a new epoch has begun, durably,
    /// when this returns. `next_log_id` is the first id that no log has ever had. Log 0 is always
    /// alive; without a configuration it gets that of an internal log.
    pub fn finish(
        mut self,
        mut live: BTreeMap<LogId, LogConfig>,
        next_log_id: LogId,
    ) -> Result<Opened, OpenError> {
        live.entry(LogId::METADATA)
            .or_insert_with(LogConfig::internal);
        let listed_next = self
            .checkpoints
            .newest
            .as_ref()
            .map_or(1, |newest| newest.next_log_id);
        let next_id = next_log_id.0.max(listed_next).max(1);
        let mut by_log = self.split_replay(&live, next_id);
        let mut restored = HashMap::new();
        for id in live.keys() {
            let log = if *id == LogId::METADATA {
                std::mem::take(&mut self.metadata)
            } else {
                let entries = by_log.remove(&id.0).unwrap_or_default();
                let (log, damages) = self.restore_log(self.listed(id.0), entries);
                self.damages.extend(damages);
                log
            };
            restored.insert(id.0, log);
        }
        let report = self.report();
        let unlisted = self.remove_unlisted(&live)?;
        self.build(live, restored, next_id, report, unlisted)
    }

    /// The entries to replay by log. Those of deleted logs are dropped.
    fn split_replay(
        &mut self,
        live: &BTreeMap<LogId, LogConfig>,
        next_id: u32,
    ) -> HashMap<u32, Vec<ReplayEntry>> {
        let mut by_log: HashMap<u32, Vec<ReplayEntry>> = HashMap::new();
        let mut unknown = BTreeSet::new();
        for replayed in std::mem::take(&mut self.replay) {
            let log_id = replayed.entry.log_id;
            if live.contains_key(&LogId(log_id)) {
                by_log.entry(log_id).or_default().push(replayed);
            } else if log_id >= next_id && unknown.insert(log_id) {
                self.damages.push(Damage {
                    code: DamageCode::WalUnknownLog,
                    path: replayed.path,
                    position: replayed.position,
                    message: format!("there are entries of log {log_id}, which never existed"),
                });
            }
        }
        by_log
    }

    fn report(&self) -> RecoveryReport {
        let (cut_rounds, cut_bytes) = if self.is_read_only {
            (0, 0)
        } else {
            self.chain.cut_rounds(&self.rounds)
        };
        RecoveryReport {
            replayed_rounds: self.chain.rounds.len() as u64,
            replayed_bytes: 0,
            cut_rounds,
            cut_bytes,
            was_clean: cut_rounds == 0
                && self.damages.is_empty()
                && self.chain.end_seq <= self.chain.attested_seq + 1,
            is_read_only: self.is_read_only,
            damages: self.damages.clone(),
        }
    }

    /// Removes files that no checkpoint lists. Returns those that only the older one lists, and the
    /// directories of logs that are gone, for the flusher.
    fn remove_unlisted(
        &self,
        live: &BTreeMap<LogId, LogConfig>,
    ) -> Result<Vec<(PathBuf, bool)>, OpenError> {
        let has_damage = self.damages.iter().any(|damage| !damage.code.is_repaired());
        if self.is_read_only || has_damage {
            // What looks superfluous may be what is left of something.
            return Ok(Vec::new());
        }
        let fs = self.env.fs.as_ref();
        let logs = self.settings.data_dir.join("logs");
        let listed_by = |checkpoint: Option<&crate::format::checkpoint::Checkpoint>| {
            let logs = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.logs);
            logs.iter()
                .map(|log| (log.log_id, directory::listed_files(log)))
                .collect::<HashMap<_, _>>()
        };
        let newest = listed_by(self.checkpoints.newest.as_ref());
        let older = listed_by(self.checkpoints.older.as_ref());
        let mut later = Vec::new();
        for entry in fs.list_dir(&logs).map_err(OpenError::io(&logs))? {
            let id = entry.name.parse::<u32>().ok();
            let Some(id) = id.filter(|id| entry.is_dir && format!("{id:010}") == entry.name) else {
                continue;
            };
            let path = logs.join(&entry.name);
            if !live.contains_key(&LogId(id)) {
                later.push((path, true));
                continue;
            }
            let is_in = |listed: &HashMap<u32, BTreeSet<String>>, name: &str| {
                listed.get(&id).is_some_and(|names| names.contains(name))
            };
            for file in fs.list_dir(&path).map_err(OpenError::io(&path))? {
                let file_path = path.join(&file.name);
                if is_in(&newest, &file.name) || file.is_dir {
                    continue;
                }
                if is_in(&older, &file.name) {
                    later.push((file_path, false));
                } else {
                    fs.remove_file(&file_path)
                        .map_err(OpenError::io(&file_path))?;
                }
            }
        }
        Ok(later)
    }

    /// Puts the engine together and begins the new epoch.
    fn build(
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
        let (release_seq, release_crc) = self.release();
        let slots = self.build_slots(release_seq, release_crc)?;
        let engine = Arc::new(Engine::new(
            self.env.clone(),
            self.settings.clone(),
            self.wal_id,
            writer_epoch.cast_signed(),
            slots,
            self.chain.end_seq,
            self.is_read_only,
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
        let checkpoint = CheckpointState {
            generation: newest.map_or(0, |newest| newest.generation),
            next_file: self.checkpoints.next_file,
            writer_epoch: highest_epoch.unwrap_or(0),
            release_seq,
            release_crc,
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
        }
        if has_unlisted {
            engine.ask_for_chores();
        }
        let storage = Storage::new(engine, logs, committer, flusher, self.lock);
        Ok(Opened { storage, report })
    }

    /// The slots that can be used: those with rounds of the chain are in use, the others are free.
    fn build_slots(&self, release_seq: u64, release_crc: u32) -> Result<Slots, OpenError> {
        let fs = self.env.fs.as_ref();
        let mut states = Vec::with_capacity(self.slots.len());
        for (number, slot) in self.slots.iter().enumerate() {
            let in_chain = self
                .chain
                .rounds
                .iter()
                .filter_map(|index| self.rounds.get(*index))
                .filter(|round| round.slot == number)
                .map(|round| (round.header.seq, round.header.file_number));
            let highest = in_chain.max();
            if highest.is_none() && !slot.has_sound_header {
                // Making it was cut short; it has never been used.
                if !self.is_read_only {
                    fs.remove_file(&slot.path)
                        .map_err(OpenError::io(&slot.path))?;
                }
                continue;
            }
            states.push(SlotState {
                index: slot.index,
                bytes: slot.bytes,
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
        let crcs: VecDeque<u32> = std::iter::once(release_crc)
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
            (release_seq, crcs),
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
    if !engine.slots.has_free() {
        let made = engine.slots.make(u64::from(settings.wal_first_slot_bytes));
        if !matches!(made, Ok(true)) {
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

/// The damage that a broken chain is.
pub(crate) fn chain_damage(
    directory: &Path,
    slots: &[ScannedSlot],
    rounds: &[ScannedRound],
    chain: &Chain,
) -> Option<Damage> {
    let broken = chain.broken?;
    let at = |index: usize| {
        let round = rounds.get(index)?;
        Some((slots.get(round.slot)?.path.clone(), round.position, round))
    };
    let reason = match broken.reason {
        BreakReason::Missing => "is missing",
        BreakReason::OtherPredecessor => "does not follow the one before",
        BreakReason::OlderEpoch => "was written by an earlier start than the one before",
        BreakReason::DamagedTable => "has a damaged table",
    };
    // A round that is missing should stand behind the last one, or at the front of a slot.
    let behind_last = || {
        let (path, position, round) = at(*chain.rounds.last()?)?;
        Some((path, position + round.header.padded_bytes()))
    };
    let found = broken
        .found
        .and_then(at)
        .map(|(path, position, _)| (path, position));
    let (path, position) = found
        .or_else(behind_last)
        .unwrap_or_else(|| (directory.to_owned(), SECTOR_BYTES as u64));
    Some(Damage {
        code: DamageCode::WalChain,
        path,
        position,
        message: format!(
            "round {} {reason}, yet rounds up to {} were acknowledged",
            broken.seq, chain.attested_seq
        ),
    })
}

fn check_settings(settings: &StorageSettings) -> Result<(), OpenError> {
    let sector = SECTOR_BYTES as u32;
    let slots = [settings.wal_slot_bytes, settings.wal_first_slot_bytes];
    if slots
        .iter()
        .any(|bytes| bytes % sector != 0 || *bytes < 4 * sector)
    {
        let message = "the size of a slot is a multiple of 4096 and at least 16384 bytes";
        return Err(OpenError::Settings(message.to_owned()));
    }
    let largest = u64::from(settings.wal_slot_bytes.max(settings.wal_first_slot_bytes));
    if settings.wal_bytes_max < 4 * largest {
        let message = "the write-ahead log has room for at least four slots";
        return Err(OpenError::Settings(message.to_owned()));
    }
    Ok(())
}

impl std::fmt::Debug for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery")
            .field("data_dir", &self.settings.data_dir)
            .field("rounds", &self.chain.rounds.len())
            .finish_non_exhaustive()
    }
}
