//! The machine itself.

use std::fs::TryLockError;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{Advice, CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::{
    BoxFuture, Clock, DirEntry, Env, File, Fs, Loop, Monotonic, OpenMode, Rng, Spawn, Step,
};

/// The seams of this machine. Tasks run on the tokio runtime that is current when they are spawned.
pub fn env() -> Env {
    Env {
        clock: Arc::new(RealClock::default()),
        rng: Arc::new(RealRng),
        fs: Arc::new(RealFs),
        spawn: Arc::new(RealSpawn),
    }
}

/// The machine's clocks.
#[derive(Debug)]
pub struct RealClock {
    start: Instant,
}

impl Default for RealClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Monotonic {
        Monotonic(self.start.elapsed())
    }

    fn wall_ms(&self) -> i64 {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(_) => 0,
        }
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<()> {
        // A deadline past the range of the timer is one that is never reached.
        let far = Duration::from_secs(60 * 60 * 24 * 365);
        let left = deadline.since(self.now()).min(far);
        Box::pin(tokio::time::sleep(left))
    }
}

/// The kernel's random numbers.
#[derive(Debug)]
pub struct RealRng;

impl Rng for RealRng {
    fn fill(&self, buffer: &mut [u8]) {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                // The call exists since Linux 3.17 and errs only for a bad argument.
                Err(error) => panic!("the kernel gives no random numbers: {error}"),
            }
        }
    }
}

/// Threads of the operating system and tasks of tokio.
#[derive(Debug)]
pub struct RealSpawn;

impl Spawn for RealSpawn {
    fn task(&self, _name: &'static str, future: BoxFuture<()>) {
        tokio::spawn(future);
    }

    fn thread(&self, name: &'static str, mut body: Box<dyn Loop>) {
        let run = move || {
            loop {
                match body.step() {
                    Step::Worked => {}
                    Step::Idle { until } => body.wait(until),
                    Step::Stopped => return,
                }
            }
        };
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        if let Err(error) = started {
            panic!("the system gives no thread for {name}: {error}");
        }
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<()> {
        let handle = tokio::task::spawn_blocking(work);
        Box::pin(async move {
            // It is never aborted, so an error is a panic, which has been reported already.
            let _ = handle.await;
        })
    }
}

/// How far apart the bytes are that tell whether a range of a file is in the page cache. The kernel drops
/// what was used longest ago first, so what is missing of a range is mostly at one of its ends.
const CACHE_SAMPLE_BYTES: usize = 256 << 10;

/// The file system of this machine.
#[derive(Debug)]
pub struct RealFs;

#[derive(Debug)]
struct RealFile {
    file: Arc<std::fs::File>,
    path: PathBuf,
}

impl Fs for RealFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::Write => {
                options.write(true);
            }
            OpenMode::WriteDirect => {
                options.write(true);
                let direct = options
                    .clone()
                    .custom_flags(OFlags::DIRECT.bits().cast_signed())
                    .open(path);
                match direct {
                    Ok(file) => {
                        return Ok(Arc::new(RealFile {
                            file: Arc::new(file),
                            path: path.to_owned(),
                        }));
                    }
                    // Some file systems (tmpfs among them) have no direct writes.
                    Err(error)
                        if error.raw_os_error()
                            == Some(rustix::io::Errno::INVAL.raw_os_error()) => {}
                    Err(error) => return Err(error),
                }
            }
            OpenMode::CreateNew => {
                options.write(true).create_new(true);
            }
            OpenMode::CreateOrTruncate => {
                options.write(true).create(true).truncate(true);
            }
        }
        Ok(Arc::new(RealFile {
            file: Arc::new(options.open(path)?),
            path: path.to_owned(),
        }))
    }

    fn open_at_once(&self, path: &Path) -> Option<Arc<dyn File>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
        Some(Arc::new(RealFile {
            file: Arc::new(opened.ok()?.into()),
            path: path.to_owned(),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            // Names that are not UTF-8 are none of ours.
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(DirEntry {
                    name,
                    is_dir: entry.file_type()?.is_dir(),
                });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_blocks.saturating_mul(stat.f_frsize))
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl File for RealFile {
    fn path(&self) -> &PathBuf {
        &self.path
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, position + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        Ok(rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed)?)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn to_send(&self, position: u64, bytes: usize) -> Option<Arc<std::fs::File>> {
        let last = position + (bytes as u64).checked_sub(1)?;
        let samples = (position..last).step_by(CACHE_SAMPLE_BYTES);
        let is_cached = samples.chain([last]).all(|position| {
            let mut byte = [0];
            let mut into = [IoSliceMut::new(&mut byte)];
            preadv2(&self.file, &mut into, position, ReadWriteFlags::NOWAIT) == Ok(1)
        });
        is_cached.then(|| Arc::clone(&self.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_differ() {
        assert_ne!(RealRng.random_16(), RealRng.random_16());
    }

    #[test]
    fn what_is_on_the_disk_in_part_is_not_to_be_sent_yet() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let bytes = 4 * CACHE_SAMPLE_BYTES;
        let file = RealFs.open(&path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&vec![1; bytes], 0).unwrap();
        assert!(file.to_send(0, bytes).is_some());
        assert!(file.to_send(0, bytes + 1).is_none(), "the file ends");
        file.sync_data().unwrap();
        let is_on_the_disk = |held: &[u64]| {
            file.drop_cache().unwrap();
            for position in held {
                file.read_at(&mut [0], *position).unwrap();
            }
            file.to_send(0, bytes).is_none()
        };
        // The kernel reads around what is read, and begins to read what it is asked for: a quick disk may have it before the
        // kernel says that it would have to wait.
        let last = bytes as u64 - 1;
        for held in [&[0][..], &[last], &[0, last]] {
            assert!((0..1_000).any(|_| is_on_the_disk(held)));
        }
    }
}
