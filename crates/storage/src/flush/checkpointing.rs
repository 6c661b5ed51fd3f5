//! Producer snapshots, checkpoints, and removing what no checkpoint lists.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use env::{Defect, Fs, Monotonic, OpenMode, has_defect};

use super::{Flusher, Garbage};
use crate::format::checkpoint::{Checkpoint, FILE_NAMES};
use crate::log::Log;
use crate::marks::{Mark, mark};
use crate::segment::remove_if_there;

impl Flusher {
    /// Writes a snapshot for each log whose segments have grown and that has something to remember.
    pub(super) fn write_snapshots(&mut self, logs: &[Arc<Log>]) -> io::Result<()> {
        let fs = self.engine.env.fs.as_ref();
        let mut written = Vec::new();
        let mut has_first = false;
        for log in logs {
            let Some((snapshot, old)) = log.snapshot_work() else {
                continue;
            };
            let offset = match snapshot {
                Some(snapshot) => {
                    let path = log.snapshot_path(snapshot.offset);
                    let directory = self.engine.log_directory(log.id().0);
                    fs.create_dir_all(&directory)?;
                    write_forced(fs, &path, &snapshot.encode())?;
                    fs.sync_dir(&directory)?;
                    mark(Mark::SnapshotWritten);
                    snapshot.offset
                }
                None => -1,
            };
            has_first |= old.is_none();
            written.push((log, offset, old));
        }
        if has_first {
            // The directory of a log without segments may have been made for its snapshot, now or
            // by a pass that failed after it.
            fs.sync_dir(&self.engine.settings.data_dir.join("logs"))?;
        }
        for (log, offset, old) in written {
            log.finish_snapshot(offset);
            // What only recovery reads need not wait.
            let now = self.engine.env.clock.now();
            self.garbage.extend(old.map(|old| Garbage::file(old, now)));
        }
        Ok(())
    }

    /// Writes down what the segments hold, and frees the rounds that neither checkpoint needs any more.
    pub(super) fn write_checkpoint(
        &mut self,
        logs: &[Arc<Log>],
        durable_seq: u64,
    ) -> io::Result<()> {
        debug_assert!(
            logs.iter().all(|log| log.snapshot_work().is_none()),
            "a checkpoint forgets what no snapshot remembers"
        );
        // Log starts are in the checkpoint as they are shown, so decisions do not keep rounds.
        let oldest = logs
            .iter()
            .filter_map(|log| log.oldest_unflushed_round())
            .min();
        let release_seq = oldest
            .map_or(durable_seq, |oldest| durable_seq.min(oldest - 1))
            .max(self.checkpoint.release_seq);
        let release_crc = if release_seq == self.checkpoint.release_seq {
            self.checkpoint.release_crc
        } else {
            let crc = self.engine.slots.crc_of(release_seq);
            crc.ok_or_else(|| io::Error::other("the checksum of a round is not known"))?
        };
        let generation = self.checkpoint.generation + 1;
        let checkpoint = Checkpoint {
            generation,
            wal_id: self.engine.wal_id,
            release_seq,
            prev_crc: release_crc,
            writer_epoch: self.checkpoint.writer_epoch,
            file_number: self.engine.slots.file_number(),
            next_log_id: self.logs.next_id(),
            attested_seq: self.engine.durable_seq(),
            attested_slot: self.engine.slots.current().unwrap_or(0),
            logs: logs.iter().map(|log| log.to_checkpoint()).collect(),
        };
        let fs = self.engine.env.fs.as_ref();
        let data_dir = &self.engine.settings.data_dir;
        let file = self.checkpoint.next_file;
        let name = FILE_NAMES.get(file).unwrap_or(&FILE_NAMES[0]);
        // A generation is used once, even if writing it fails.
        self.checkpoint.generation = generation;
        if has_defect(Defect::ReleaseBeforeCheckpoint) {
            self.engine.slots.release(release_seq);
        }
        write_forced(fs, &data_dir.join(name), &checkpoint.encode())?;
        fs.sync_dir(data_dir)?;
        mark(match file {
            0 => Mark::CheckpointA,
            _ => Mark::CheckpointB,
        });
        self.checkpoint.next_file = 1 - file;
        self.checkpoint.release_seq = release_seq;
        self.checkpoint.release_crc = release_crc;
        if let Some(released) = self.checkpoint.released_by.get_mut(file) {
            *released = release_seq;
        }
        self.engine.metrics.note_checkpoint();
        let [a, b] = self.checkpoint.released_by;
        self.engine.slots.release(a.min(b));
        for garbage in &mut self.garbage {
            garbage.forgotten_by.get_or_insert(generation);
        }
        Ok(())
    }

    /// Notes the files that the next checkpoint will not list.
    pub(super) fn collect_garbage(&mut self, logs: &[Arc<Log>]) {
        for log in logs {
            for segment in log.take_unneeded_segments() {
                self.give_up(log, segment.paths());
            }
        }
        for log in self.logs.take_deleted() {
            for segment in log.take_all_segments() {
                self.give_up(&log, segment.paths());
            }
            self.give_up(&log, log.snapshot_file());
            let directory = self.engine.log_directory(log.id().0);
            let not_before = self.deletion_time(&log);
            self.garbage.push(Garbage {
                is_directory: true,
                ..Garbage::file(directory, not_before)
            });
        }
    }

    fn give_up(&mut self, log: &Log, paths: impl IntoIterator<Item = PathBuf>) {
        let not_before = self.deletion_time(log);
        let garbage = paths
            .into_iter()
            .map(|path| Garbage::file(path, not_before));
        self.garbage.extend(garbage);
    }

    /// When files of the log that are given up now may go.
    fn deletion_time(&self, log: &Log) -> Monotonic {
        let delay_ms = u64::try_from(log.config().file_delete_delay_ms).unwrap_or(0);
        self.engine.env.clock.now() + Duration::from_millis(delay_ms)
    }

    /// When files can go that only wait for their time to come.
    pub(super) fn next_garbage_due(&self) -> Option<Monotonic> {
        let generation = self.checkpoint.generation;
        let unlisted = self.garbage.iter().filter(|garbage| {
            let forgotten_by = garbage.forgotten_by;
            forgotten_by.is_some_and(|forgotten| forgotten < generation)
        });
        unlisted.map(|garbage| garbage.not_before).min()
    }

    /// Removes what neither checkpoint lists and whose time has come. A full disk does not wait for
    /// it.
    pub(super) fn remove_due_garbage(&mut self) {
        let generation = self.checkpoint.generation;
        let is_needed = self.engine.lacks_space();
        let now = self.engine.env.clock.now();
        let garbage = std::mem::take(&mut self.garbage);
        let (due, kept): (Vec<_>, Vec<_>) = garbage.into_iter().partition(|garbage| {
            let forgotten_by = garbage.forgotten_by;
            let is_unlisted = forgotten_by.is_some_and(|forgotten| forgotten < generation);
            is_unlisted && (garbage.not_before <= now || is_needed)
        });
        if kept.iter().any(|garbage| now < garbage.not_before) {
            mark(Mark::FileKeptForReaders);
        }
        self.garbage = kept;
        for file in due {
            mark(match file.is_directory {
                true => Mark::DirectoryRemoved,
                false => Mark::FileRemoved,
            });
            let removed = if file.is_directory {
                remove_directory(self.engine.env.fs.as_ref(), &file.path)
            } else {
                remove_if_there(self.engine.env.fs.as_ref(), &file.path).map(drop)
            };
            // What stays is found and removed by the next start.
            if let Err(error) = removed {
                tracing::warn!(path = %file.path.display(), %error, "a file cannot be removed");
            }
        }
    }
}

impl Garbage {
    /// A file that may go after some time.
    pub(super) fn file(path: PathBuf, not_before: Monotonic) -> Self {
        Self {
            path,
            is_directory: false,
            forgotten_by: None,
            not_before,
        }
    }
}

/// Removes the directory of a log with whatever is left in it.
fn remove_directory(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    let entries = match fs.list_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        fs.remove_file(&path.join(&entry.name))?;
    }
    fs.remove_dir(path)
}

/// Writes a whole file and forces it.
pub(crate) fn write_forced(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs.open(path, OpenMode::CreateOrTruncate)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()
}
