//! Seeing from outside that the broker moves batches from its write-ahead log to segments.

use std::fs::{DirEntry, Metadata};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

/// Wakes when a file of a log is written to.
pub(super) struct FlushWatch(OwnedFd);

impl FlushWatch {
    /// Watches the logs that there are now.
    pub(super) fn new(data_dir: &Path) -> anyhow::Result<Self> {
        let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).context("inotify")?;
        let logs = data_dir.join("logs");
        for entry in entries(&logs) {
            // One that is deleted meanwhile need not be watched.
            let _ = add_watch(
                &events,
                entry.path(),
                WatchFlags::MODIFY | WatchFlags::CREATE,
            );
        }
        add_watch(&events, &logs, WatchFlags::CREATE).context("watch the logs")?;
        Ok(Self(events))
    }

    /// Waits for the next write, at most so long; tells whether there was one.
    pub(super) fn wait(&self, limit: Duration) -> anyhow::Result<bool> {
        let limit = Timespec::try_from(limit)?;
        let mut events = [PollFd::new(&self.0, PollFlags::IN)];
        Ok(poll(&mut events, Some(&limit)).context("poll")? > 0)
    }
}

/// Whether a process that was started at `since` and is dead now had begun to write segments and had
/// not yet written the checkpoint that lists them.
pub(super) fn was_flushing(data_dir: &Path, since: SystemTime) -> bool {
    let newest = |entries: Vec<DirEntry>| {
        let metadata = entries.iter().filter_map(|entry| entry.metadata().ok());
        let files = metadata.filter(Metadata::is_file);
        files.filter_map(|file| file.modified().ok()).max()
    };
    let logs = entries(&data_dir.join("logs"));
    let segments = logs
        .iter()
        .filter_map(|log| newest(entries(&log.path())))
        .max();
    let mut checkpoints = entries(data_dir);
    checkpoints.retain(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("checkpoint.")
    });
    let written = newest(checkpoints).unwrap_or(SystemTime::UNIX_EPOCH);
    segments.is_some_and(|segments| segments > written && segments > since)
}

fn entries(directory: &Path) -> Vec<DirEntry> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(Result::ok).collect()
}
