//! The file system of this machine with a page cache that holds what a test says. What the kernel keeps is not for a test to
//! know: it drops pages when memory is short, and a quick disk has a page read while it is asked whether it is there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use env::{DirEntry, Env, File, Fs, OpenMode};

/// The page cache: it holds the beginning of each file, up to a position.
#[derive(Clone)]
pub(crate) struct PageCache {
    fs: Arc<dyn Fs>,
    held_bytes: Arc<AtomicU64>,
}

impl PageCache {
    /// One that holds everything, and what an engine with it runs on.
    pub(crate) fn new() -> (Self, Env) {
        let mut env = env::real::env();
        let cache = Self {
            fs: env.fs,
            held_bytes: Arc::new(AtomicU64::new(u64::MAX)),
        };
        env.fs = Arc::new(cache.clone());
        (cache, env)
    }

    /// How much of each file it holds from now on.
    pub(crate) fn hold(&self, bytes: u64) {
        self.held_bytes.store(bytes, Ordering::Relaxed);
    }
}

struct CachedFile {
    file: Arc<dyn File>,
    held_bytes: Arc<AtomicU64>,
}

impl Fs for PageCache {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(CachedFile {
            file: self.fs.open(path, mode)?,
            held_bytes: Arc::clone(&self.held_bytes),
        }))
    }

    fn open_at_once(&self, path: &Path) -> Option<Arc<dyn File>> {
        self.open(path, OpenMode::Read).ok()
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.fs.create_dir_all(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.fs.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.rename(from, to)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.fs.list_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        self.fs.lock(path)
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        self.fs.total_bytes(path)
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        self.fs.available_bytes(path)
    }
}

impl File for CachedFile {
    fn path(&self) -> &PathBuf {
        self.file.path()
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.file.read_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn to_send(&self, position: u64, bytes: usize) -> Option<Arc<std::fs::File>> {
        let end = position + bytes as u64;
        let is_held = end
            <= self
                .held_bytes
                .load(Ordering::Relaxed)
                .min(self.len().ok()?);
        is_held.then(|| Arc::new(std::fs::File::open(self.path()).unwrap()))
    }
}
