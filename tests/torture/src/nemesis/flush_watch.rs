//! Seeing from outside that the broker moves batches from its write-ahead log to segments.

use std::fs::DirEntry;
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
    let segments = entries(&data_dir.join("logs")).into_iter();
    let segments = segments.filter_map(|log| newest(&log.path(), |name| name.ends_with(".log")));
    let checkpoint = newest(data_dir, |name| name.starts_with("checkpoint."));
    let written = checkpoint.unwrap_or(SystemTime::UNIX_EPOCH);
    segments
        .max()
        .is_some_and(|begun| begun > written && begun > since)
}

/// When a file of a directory with such a name was last written to.
fn newest(directory: &Path, is_wanted: impl Fn(&str) -> bool) -> Option<SystemTime> {
    let mut entries = entries(directory);
    entries.retain(|entry| is_wanted(&entry.file_name().to_string_lossy()));
    let times = entries
        .iter()
        .filter_map(|entry| entry.metadata().ok()?.modified().ok());
    times.max()
}

fn entries(directory: &Path) -> Vec<DirEntry> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(Result::ok).collect()
}
