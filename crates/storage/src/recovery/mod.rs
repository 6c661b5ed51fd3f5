//! Opening a data directory: the newest checkpoint, then the chain of rounds behind it.
//!
//! Two steps, because which logs exist is what log 0 says: [`Recovery::open`] reads the write-ahead
//! log and gives the batches of log 0, [`Recovery::finish`] is told which logs are alive and
//! restores them. Damage at or below the last round that is known to have been durable is a loss
//! of acknowledged bytes: it is named and never skipped. Damage above it is a torn tail, and is cut.

mod assemble;
pub(crate) mod chain;
pub(crate) mod directory;
mod fold;
pub(crate) mod payloads;
mod restore;
pub(crate) mod scan;
mod unlisted;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use env::{Env, OpenMode, SECTOR_BYTES};
use model::LogId;

use crate::damage::{Damage, DamageCode};
use crate::errors::OpenError;
use crate::format::checkpoint::LogCheckpoint;
use crate::log::{Flushed, RestoredLog};
use crate::marks::{Mark, mark};
use crate::segment::{ScanError, SegmentFault};
use crate::settings::{LogConfig, StorageSettings};
use crate::storage::Storage;
use chain::{Chain, Origin};
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
    /// Acknowledged rounds cannot be read.
    has_lost_rounds: bool,
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
            has_lost_rounds: false,
            damages: Vec::new(),
            now_ms,
            settings,
        };
        recovery.read_wal()?;
        recovery.fold_metadata()?;
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
        let origin = Origin::of(self.checkpoints.newest.as_ref());
        let paths = scan::list_slots(fs, &directory).map_err(OpenError::io(&directory))?;
        for (number, slot) in paths.iter().enumerate() {
            let options = ScanOptions {
                number,
                wal_id: Some(self.wal_id),
                release_seq: origin.release_seq,
                repairs: true,
            };
            let scanned = scan::scan_slot(fs, slot, options, &mut self.rounds);
            self.slots.push(scanned.map_err(OpenError::io(&slot.1))?);
        }
        self.chain = chain::build(&self.rounds, &self.slots, origin);
        let newest = self.checkpoints.newest.as_ref();
        self.replay = payloads::read(fs, &self.slots, &self.rounds, &mut self.chain, newest)
            .map_err(OpenError::io(&directory))?;
        self.drop_large_pages();
        if let Some(damage) = chain::damage(&directory, &self.slots, &self.rounds, &self.chain) {
            mark(Mark::AcknowledgedRoundsDamaged);
            self.has_lost_rounds = true;
            self.damages.push(damage);
        }
        let lost = self.checkpoints.unsound.first();
        if let (None, Some(path)) = (newest, lost)
            && self.chain.rounds.is_empty()
        {
            mark(Mark::FirstRoundMissing);
            self.has_lost_rounds = true;
            self.damages.push(Damage {
                code: DamageCode::WalChain,
                path: path.clone(),
                position: 0,
                message: "no checkpoint can be read, and the write-ahead log does not begin with \
                          its first round"
                    .to_owned(),
            });
        }
        self.is_read_only = self.has_lost_rounds;
        Ok(())
    }

    /// What was read stands in the page cache in large pages, all of whose blocks the kernel looks at when a small
    /// round is written to one of them.
    fn drop_large_pages(&self) {
        for slot in &self.slots {
            let file = self.env.fs.open(&slot.path, OpenMode::Read);
            // That it is slower without is no reason not to start.
            let _ = file.and_then(|file| file.drop_cache());
        }
    }

    fn listed(&self, log_id: u32) -> Option<&LogCheckpoint> {
        let logs = &self.checkpoints.newest.as_ref()?.logs;
        logs.iter().find(|log| log.log_id == log_id)
    }

    /// Folds log 0 and gathers its batches.
    fn fold_metadata(&mut self) -> Result<(), OpenError> {
        let listed = self.listed(0).cloned();
        let entries: Vec<_> = self
            .replay
            .iter()
            .filter(|replayed| replayed.entry.log_id == 0)
            .cloned()
            .collect();
        let (log, mut damages) = self.restore_log(listed.as_ref(), entries)?;
        // Up to the first damage: what follows rests on what is missing.
        match self.segment_batches(&log)? {
            (batches, None) => {
                self.metadata_batches = batches;
                let tail = log.tail.iter().map(|batch| batch.bytes.clone());
                self.metadata_batches.extend(tail);
            }
            (batches, Some(fault)) => {
                self.metadata_batches = batches;
                if !fault.is_missing {
                    damages.push(Damage {
                        code: DamageCode::SegmentBatch,
                        path: fault.path,
                        position: fault.position,
                        message: fault.message,
                    });
                }
            }
        }
        if !self.metadata_batches.is_empty() {
            mark(Mark::MetadataFolded);
        }
        // Without the metadata log nobody knows which log is whose.
        self.is_read_only |= damages.iter().any(|damage| !damage.code.is_repaired());
        self.damages.extend(damages);
        self.metadata = log;
        Ok(())
    }

    /// The batches in the segments of a log, and why there are no more. Errs when the device does.
    fn segment_batches(
        &self,
        log: &RestoredLog,
    ) -> Result<(Vec<Bytes>, Option<SegmentFault>), OpenError> {
        let fs = self.env.fs.as_ref();
        let mut batches = Vec::new();
        for segment in &log.segments {
            let path = segment.path();
            let mut scanner = match segment.scanner(fs) {
                Ok(scanner) => scanner,
                Err(fault) => {
                    restore::not_of_the_device(&fault)?;
                    return Ok((batches, Some(fault)));
                }
            };
            scanner.expect_epochs(log.epochs.below(i64::MAX).into());
            loop {
                match scanner.next_batch() {
                    Ok(Some((_, batch))) => batches.push(batch),
                    Ok(None) => break,
                    Err(ScanError::Io(_, error)) => return Err(OpenError::io(&path)(error)),
                    Err(error @ ScanError::Unsound(_)) => {
                        return Ok((batches, Some(error.into_fault(&path))));
                    }
                }
            }
        }
        Ok((batches, None))
    }

    fn restore_log(
        &self,
        listed: Option<&LogCheckpoint>,
        entries: Vec<ReplayEntry>,
    ) -> Result<(RestoredLog, Vec<Damage>), OpenError> {
        let mut damages = Vec::new();
        let fs = self.env.fs.as_ref();
        let data_dir = &self.settings.data_dir;
        let mut log = match listed {
            Some(listed) => restore::restore(fs, data_dir, listed, self.now_ms, &mut damages)?,
            None => RestoredLog {
                flushed: Flushed::nothing(),
                ..RestoredLog::default()
            },
        };
        for replayed in &entries {
            damages.extend(fold::apply(&mut log, replayed, self.now_ms));
        }
        if let Some(listed) = listed {
            damages.extend(fold::end_at_start(&mut log, listed.log_id, data_dir));
        }
        // The checkpoint may know a later start than the rounds that were replayed after it.
        log.transactions.forget_below(log.log_start);
        log.epochs.forget_below(log.log_start);
        Ok((log, damages))
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
                let (log, damages) = self.restore_log(self.listed(id.0), entries)?;
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
            } else if log_id < next_id {
                mark(Mark::DeletedLogEntryDropped);
            } else if unknown.insert(log_id) {
                mark(Mark::UnknownLogEntry);
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
        if cut_rounds > 0 {
            mark(Mark::TailCut);
        }
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
