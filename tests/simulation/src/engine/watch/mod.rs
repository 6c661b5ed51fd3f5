//! What the operations of the disk say about the promises of the engine, one after the other.
//!
//! The watch reads each write with its own readers of the formats, and knows from writes and forces
//! alone what is written, what is sure to be on disk, and what is released. So it can tell at the
//! very operation that no round is written over while it is needed, that a checkpoint lists only
//! what is forced, and that no file goes that a checkpoint lists; and whoever was shown or told
//! something can be asked whether it was on disk then.

mod files;
mod formats;
mod rounds;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sim::{Operation, Recorded, SimFs};

use crate::engine::world::{Checked, ensure};
use files::Files;
use formats::{Checkpoint, CheckpointSegment, Content};
use rounds::Rounds;
pub(crate) use rounds::WrittenBatch;

fn segment_name(segment: &CheckpointSegment) -> String {
    let base_offset = segment.base_offset;
    match segment.generation {
        0 => format!("{base_offset:020}.log"),
        generation => format!("{base_offset:020}-{generation}.log"),
    }
}

fn snapshot_name(offset: i64) -> String {
    format!("{offset:020}.snapshot")
}

const CHECKPOINTS: [&str; 2] = ["checkpoint.a", "checkpoint.b"];

/// What is known of a checkpoint file.
#[derive(Clone, Debug, Default)]
struct CheckpointFile {
    /// What was written last; a power cut may leave it.
    cached: Option<Checkpoint>,
    /// What is on the medium.
    forced: Option<Checkpoint>,
}

/// What is on disk, as the operations tell it.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    data_dir: PathBuf,
    files: Files,
    rounds: Rounds,
    checkpoints: [CheckpointFile; 2],
    written: Vec<WrittenBatch>,
    /// Logs with released rounds that no checkpoint lists: they must have been deleted.
    forgotten: BTreeSet<u32>,
}

impl Watch {
    /// An empty disk.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            files: Files::default(),
            rounds: Rounds::default(),
            checkpoints: Default::default(),
            written: Vec::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// Takes note of operations.
    pub(crate) fn note(&mut self, operations: &[Recorded]) -> Checked {
        for recorded in operations {
            self.note_one(recorded)
                .map_err(|error| format!("operation {}: {error}", recorded.step.number))?;
        }
        Ok(())
    }

    fn note_one(&mut self, recorded: &Recorded) -> Checked {
        let step = &recorded.step;
        let path = &*step.path;
        let is_slot = path.parent() == Some(&*self.data_dir.join("wal"));
        let checkpoint = CHECKPOINTS
            .iter()
            .position(|name| path == self.data_dir.join(name));
        match step.operation {
            Operation::Create => {
                if is_slot {
                    self.rounds.write_over(path, 0, u64::MAX)?;
                }
                if let Some(number) = checkpoint {
                    self.begin_checkpoint(number)?;
                }
                self.files.create(path);
            }
            Operation::Write => {
                if is_slot {
                    let (position, bytes) = (step.position, &recorded.bytes);
                    let written = self.rounds.write(path, position, bytes, step.is_ok)?;
                    self.written.extend(written);
                }
                if let Some(number) = checkpoint {
                    self.write_checkpoint(number, &recorded.bytes)?;
                }
                self.files.write(path, step.position, step.bytes);
            }
            Operation::SetLength => self.files.set_length(path, step.bytes),
            Operation::Force => {
                self.files.force(path, step.is_ok);
                if is_slot && step.is_ok {
                    self.rounds.force(path, &recorded.bytes);
                }
                if let (Some(number), true) = (checkpoint, step.is_ok) {
                    let forced = formats::checkpoint(&recorded.bytes);
                    self.checkpoints[number].cached = forced.clone();
                    self.checkpoints[number].forced = forced;
                    self.release()?;
                }
            }
            Operation::ForceDir if step.is_ok => {
                self.files.force_directory(path);
                self.release()?;
            }
            Operation::Remove => {
                if is_slot {
                    self.rounds.write_over(path, 0, u64::MAX)?;
                }
                self.check_unlisted(path)?;
                self.files.remove(path);
            }
            Operation::ForceDir
            | Operation::Rename
            | Operation::DropCache
            | Operation::Read
            | Operation::Open => {}
        }
        Ok(())
    }

    /// A checkpoint file is emptied to be written. The other one must be enough.
    fn begin_checkpoint(&mut self, number: usize) -> Checked {
        self.checkpoints[number].forced = None;
        let listed = self
            .newest_durable()
            .map_or(Ok(()), |newest| self.check_listed(newest));
        listed
            .and_then(|()| self.release())
            .map_err(|error| format!("{} is written over: {error}", CHECKPOINTS[number]))
    }

    /// The checkpoint that counts after a power cut.
    fn newest_durable(&self) -> Option<&Checkpoint> {
        let files = self.checkpoints.iter().zip(CHECKPOINTS);
        let durable = files.filter_map(|(file, name)| {
            let is_named = self.files.is_named(&self.data_dir.join(name));
            file.forced.as_ref().filter(|_| is_named)
        });
        durable.max_by_key(|checkpoint| checkpoint.generation)
    }

    /// What a checkpoint says must be true on disk before it is written: a power cut may leave it.
    fn write_checkpoint(&mut self, number: usize, bytes: &[u8]) -> Checked {
        let name = CHECKPOINTS[number];
        let checkpoint =
            formats::checkpoint(bytes).ok_or_else(|| format!("{name} is not sound"))?;
        ensure!(
            (self.rounds.released_seq..=self.rounds.durable_seq).contains(&checkpoint.release_seq),
            "{name} releases round {}, after {}, and {} is durable",
            checkpoint.release_seq,
            self.rounds.released_seq,
            self.rounds.durable_seq
        );
        ensure!(
            self.rounds.crc_of(checkpoint.release_seq) == Some(checkpoint.prev_crc),
            "{name} has a wrong checksum of round {}",
            checkpoint.release_seq
        );
        self.check_listed(&checkpoint)
            .and_then(|()| self.check_released(&checkpoint))
            .map_err(|error| format!("{name}: {error}"))?;
        self.checkpoints[number].cached = Some(checkpoint);
        Ok(())
    }

    /// Segments and snapshots are forced, under names that are, and have no gaps.
    fn check_listed(&self, checkpoint: &Checkpoint) -> Checked {
        for log in &checkpoint.logs {
            let directory = self.log_directory(log.log_id);
            let mut end = None;
            for segment in &log.segments {
                let path = directory.join(segment_name(segment));
                ensure!(
                    self.files.holds(&path, segment.bytes),
                    "{} bytes of {} are not forced",
                    segment.bytes,
                    path.display()
                );
                let follows = end.is_none_or(|end| {
                    // What lay below the start of the log is left out.
                    segment.base_offset == end
                        || (end..=log.log_start).contains(&segment.base_offset)
                });
                ensure!(
                    follows && segment.base_offset < segment.end_offset,
                    "log {}: {segment:?} after {end:?}",
                    log.log_id
                );
                end = Some(segment.end_offset);
            }
            let first = log.segments.first().map(|segment| segment.base_offset);
            ensure!(
                log.flushed_end <= log.log_start
                    || (end == Some(log.flushed_end) && first <= Some(log.log_start)),
                "log {}: {:?} do not hold {}..{}",
                log.log_id,
                log.segments,
                log.log_start,
                log.flushed_end
            );
            if log.snapshot_offset >= 0 {
                let path = directory.join(snapshot_name(log.snapshot_offset));
                ensure!(
                    self.files.holds(&path, 1),
                    "{} is not forced",
                    path.display()
                );
            }
        }
        Ok(())
    }

    /// What the released rounds say is in the checkpoint, or in segments.
    fn check_released(&mut self, checkpoint: &Checkpoint) -> Checked {
        for (log_id, content) in self.rounds.entries_up_to(checkpoint.release_seq) {
            if matches!(content, Content::OfNoLog) {
                continue;
            }
            let Some(log) = checkpoint.logs.iter().find(|log| log.log_id == log_id) else {
                self.forgotten.insert(log_id);
                continue;
            };
            let is_kept = match content {
                Content::Batch { base, .. } => *base < log.flushed_end,
                Content::LogStart(start) => *start <= log.log_start,
                Content::OfNoLog => true,
            };
            ensure!(
                is_kept,
                "{content:?} of log {log_id} is released and nowhere else"
            );
        }
        Ok(())
    }

    fn release(&mut self) -> Checked {
        let newest = self.newest_durable();
        let (seq, crc) = newest.map_or((0, 0), |newest| (newest.release_seq, newest.prev_crc));
        self.rounds.release(seq, crc)
    }

    /// No checkpoint that counts, or might, lists a file that goes.
    fn check_unlisted(&self, path: &Path) -> Checked {
        let files = self.checkpoints.iter();
        let checkpoints = files.flat_map(|file| file.cached.iter().chain(&file.forced));
        for log in checkpoints.flat_map(|checkpoint| &checkpoint.logs) {
            let directory = self.log_directory(log.log_id);
            let segments = log.segments.iter();
            let mut listed = segments
                .map(segment_name)
                .chain((log.snapshot_offset >= 0).then(|| snapshot_name(log.snapshot_offset)));
            ensure!(
                !listed.any(|name| directory.join(name) == path),
                "{} is removed while a checkpoint lists it",
                path.display()
            );
        }
        Ok(())
    }

    fn log_directory(&self, log_id: u32) -> PathBuf {
        self.data_dir.join("logs").join(format!("{log_id:010}"))
    }

    /// The process has ended, by a power cut or otherwise; this is the disk that the next one finds.
    pub(crate) fn restart(&mut self, fs: &SimFs, is_power_cut: bool) -> Checked {
        self.rounds.restart();
        self.files.look(fs, is_power_cut)?;
        for (file, name) in self.checkpoints.iter_mut().zip(CHECKPOINTS) {
            let path = self.data_dir.join(name);
            let medium = fs.durable_bytes(&path);
            file.forced = medium.and_then(|bytes| formats::checkpoint(&bytes));
            if is_power_cut {
                file.cached = None;
            }
        }
        self.release()
    }

    /// A start is over.
    pub(crate) fn started(&mut self) {
        self.rounds.cut();
    }

    /// The batches that were written since this was last asked.
    pub(crate) fn take_written(&mut self) -> Vec<WrittenBatch> {
        std::mem::take(&mut self.written)
    }

    /// Logs whose rounds were released and that no checkpoint lists.
    pub(crate) fn take_forgotten(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.forgotten)
    }

    /// Rounds up to which have been released, are durable, and are written.
    pub(crate) fn positions(&self) -> (u64, u64, u64) {
        let rounds = &self.rounds;
        (rounds.released_seq, rounds.durable_seq, rounds.written_seq)
    }

    /// Where the batches of a log end that are sure to be on disk.
    pub(crate) fn durable_end(&self, log_id: u32) -> i64 {
        self.rounds.durable_end(log_id)
    }

    /// Where the batches of a log end that were written.
    pub(crate) fn written_end(&self, log_id: u32) -> i64 {
        self.rounds.written_end(log_id)
    }

    /// The start of a log that is sure to be on disk.
    pub(crate) fn durable_start(&self, log_id: u32) -> i64 {
        self.rounds.durable_start(log_id)
    }

    /// Whether the slot of this number holds rounds that are needed.
    pub(crate) fn is_slot_needed(&self, number: u32) -> bool {
        let path = self.data_dir.join("wal").join(format!("slot-{number:02}"));
        self.rounds.is_needed(&path)
    }
}
