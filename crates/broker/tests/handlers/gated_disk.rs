//! A disk whose forces wait, or fail, when a test says so.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use env::{DirEntry, File, Fs, OpenMode};
use parking_lot::{Condvar, Mutex};

/// What forces do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forces {
    /// They go through.
    Pass,
    /// They wait until this changes.
    Wait,
    /// They fail, as on a dying disk.
    Fail,
}

/// The file system of this machine behind a gate.
#[derive(Clone)]
pub(crate) struct GatedDisk {
    fs: Arc<dyn Fs>,
    gate: Arc<Gate>,
}

struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    forces: Forces,
    /// Forces that have begun and not ended.
    begun: usize,
}

impl Gate {
    fn pass(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begun += 1;
        self.changed.notify_all();
        while state.forces == Forces::Wait {
            self.changed.wait(&mut state);
        }
        state.begun -= 1;
        match state.forces {
            Forces::Fail => Err(io::Error::other("the disk does not force")),
            Forces::Pass | Forces::Wait => Ok(()),
        }
    }
}

impl GatedDisk {
    /// A disk that lets forces through.
    pub(crate) fn new(fs: Arc<dyn Fs>) -> Self {
        let state = State {
            forces: Forces::Pass,
            begun: 0,
        };
        let gate = Gate {
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        Self {
            fs,
            gate: Arc::new(gate),
        }
    }

    /// Says what forces do from now on; those that wait do it too.
    pub(crate) fn set(&self, forces: Forces) {
        self.gate.state.lock().forces = forces;
        self.gate.changed.notify_all();
    }

    /// Returns when somebody wants to force.
    pub(crate) fn wait_until_forcing(&self) {
        let mut state = self.gate.state.lock();
        while state.begun == 0 {
            self.gate.changed.wait(&mut state);
        }
    }
}

struct GatedFile {
    file: Arc<dyn File>,
    gate: Arc<Gate>,
}

impl Fs for GatedDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(GatedFile {
            file: self.fs.open(path, mode)?,
            gate: Arc::clone(&self.gate),
        }))
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
        self.gate.pass()?;
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

impl File for GatedFile {
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
        self.gate.pass()?;
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
}
