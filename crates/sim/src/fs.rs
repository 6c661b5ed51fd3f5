//! A file system in memory that forgets like a real one.

mod faults;
mod file;
mod image;
mod inode;
mod losses;
mod medium;
mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use env::{DirEntry, File, Fs, OpenMode, SECTOR_BYTES};
use parking_lot::Mutex;

use crate::SimClock;
pub use faults::{Fault, FaultCounts};
use file::SimFile;
pub use inode::Attributes;
pub use losses::Losses;
pub use state::{Operation, Recorded, Step};
use state::{State, Verdict, not_found};
use tree::{Change, Node};

/// A simulated file system. Clones are handles of the same one.
///
/// Every call that changes or forces something is an *operation* and has a number, counted from 1;
/// reads have none. [`SimFs::crash_at`] makes the power go during an operation: it may or may not
/// have happened, and it and everything after it fails until [`SimFs::crash`] returns the disk as
/// the next start finds it.
#[derive(Clone, Debug)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
}

impl SimFs {
    /// An empty disk of unlimited size. Its slow operations move a clock that nobody sees.
    pub fn new(seed: u64) -> Self {
        Self::with_clock(seed, Arc::default())
    }

    /// An empty disk of unlimited size, and the clock that moves while an operation is slow.
    pub fn with_clock(seed: u64, clock: Arc<SimClock>) -> Self {
        Self::of(State::new(seed, clock))
    }

    fn of(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The operations so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// What was done of one kind so far, also of the kinds whose operations have no number.
    pub fn operations_of(&self, kind: Operation) -> u64 {
        let state = self.state.lock();
        state
            .operations_by_kind
            .get(&kind)
            .copied()
            .unwrap_or_default()
    }

    /// What the loss of power took that made this disk of another one.
    pub fn losses(&self) -> Losses {
        self.state.lock().losses
    }

    /// Lets the power go during the operation with this number (counted as
    /// [`SimFs::operations`] does), if it is still to come.
    pub fn crash_at(&self, operation: u64) {
        self.state.lock().crash_at = Some(operation);
    }

    /// Whether the power has gone.
    pub fn has_crashed(&self) -> bool {
        self.state.lock().is_dead
    }

    /// The disk as it is found after a loss of power: of what was not forced, each sector and each
    /// change of a name is there, or not, or in part. This handle and its files fail from now on.
    pub fn crash(&self) -> Self {
        let mut state = self.state.lock();
        let found = state.crash();
        state.is_dead = true;
        Self::of(found)
    }

    /// The disk as a new process finds it when the old one was killed: everything written is
    /// there, what was not forced still is not. This handle and its files fail from now on.
    pub fn kill(&self) -> Self {
        let mut state = self.state.lock();
        let found = state.copy();
        state.is_dead = true;
        Self::of(found)
    }

    /// An independent copy of the disk, to try the same thing twice. It holds no locks.
    pub fn fork(&self) -> Self {
        Self::of(self.state.lock().copy())
    }

    /// Fails the operation with this number (counted as [`SimFs::operations`] does).
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state.lock().faults.fail_at(operation, fault);
    }

    /// Fails the next `times` operations of a kind on paths that contain `part`. Reads can be
    /// failed this way too.
    pub fn fail_next(&self, kind: Operation, part: &str, fault: Fault, times: u64) {
        let mut state = self.state.lock();
        state.faults.fail_next(kind, part, fault, times);
    }

    /// Lets this time pass during each of the next `times` operations of a kind on paths that
    /// contain `part`, reads included.
    pub fn slow_next(&self, kind: Operation, part: &str, time: Duration, times: u64) {
        let mut state = self.state.lock();
        state.faults.slow_next(kind, part, time, times);
    }

    /// Takes back all troubles that have not happened yet, a coming loss of power included.
    pub fn heal(&self) {
        let mut state = self.state.lock();
        state.faults.clear();
        state.crash_at = None;
    }

    /// The faults that have happened: operations failed by [`SimFs::fail_at`] and
    /// [`SimFs::fail_next`], and writes that found no space.
    pub fn faults(&self) -> u64 {
        self.fault_counts().failed()
    }

    /// How often what has gone wrong.
    pub fn fault_counts(&self) -> FaultCounts {
        self.state.lock().faults.counts
    }

    /// Limits the disk to this many bytes in all, counted in sectors; `None` for no limit.
    pub fn set_space(&self, bytes: Option<u64>) {
        self.state.lock().space = bytes.map(|bytes| bytes / SECTOR_BYTES as u64);
    }

    /// Bytes taken by files, counted in sectors.
    pub fn used_bytes(&self) -> u64 {
        self.state.lock().used * SECTOR_BYTES as u64
    }

    /// Whether a force of this file would have something to do.
    pub fn is_dirty(&self, path: &Path) -> bool {
        let mut state = self.state.lock();
        let id = state.file_id(path);
        id.and_then(|id| state.image(id))
            .is_some_and(|image| image.is_dirty())
    }

    /// The newest operations, the oldest first.
    pub fn trace(&self) -> Vec<Step> {
        self.state.lock().trace.iter().cloned().collect()
    }

    /// Keeps all operations from now on, with their bytes, for [`SimFs::take_recorded`]. What a
    /// crash or a kill makes of the disk does not record until it is told to.
    pub fn record(&self) {
        self.state.lock().recorded.get_or_insert_default();
    }

    /// The operations since the recording began, or since it was last asked for.
    pub fn take_recorded(&self) -> Vec<Recorded> {
        let mut state = self.state.lock();
        state
            .recorded
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// A number that two runs share if all their operations and outcomes were the same.
    pub fn trace_digest(&self) -> u64 {
        self.state.lock().digest
    }

    /// Runs a change of names: it fails as a whole or happens as a whole.
    fn change_names(
        &self,
        kind: Operation,
        path: &Path,
        change: impl FnOnce(&mut State) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        let verdict = state.begin(kind, path, 0, 0)?;
        let result = match &verdict {
            Verdict::Fail(fault) => Err(fault.error()),
            Verdict::Proceed | Verdict::PowerLost => change(&mut state),
        };
        state.end(&verdict, result)
    }

    fn create(&self, path: &Path, mode: OpenMode) -> io::Result<u64> {
        let mut created = 0;
        self.change_names(Operation::Create, path, |state| {
            let (dir, name) = state.tree.place(path).ok_or_else(not_found)?;
            match state.tree.find(path) {
                Some(Node::Dir(_)) => return Err(io::ErrorKind::IsADirectory.into()),
                Some(Node::File(_)) if mode == OpenMode::CreateNew => {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                Some(Node::File(id)) => {
                    created = id;
                    state.used -= state.image(id).map_or(0, |image| image.set_len(0));
                    return Ok(());
                }
                None => {}
            }
            // A full disk may or may not have room for a name.
            if state.free() == 0 && state.dice.one_in(2) {
                return Err(state.no_space(Operation::Create));
            }
            created = state.new_file();
            let node = Some(Node::File(created));
            state.tree.change(vec![Change { dir, name, node }]);
            Ok(())
        })?;
        Ok(created)
    }
}

impl Fs for SimFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let id = match mode {
            OpenMode::CreateNew | OpenMode::CreateOrTruncate => self.create(path, mode)?,
            OpenMode::Read | OpenMode::Write | OpenMode::WriteDirect => {
                let mut state = self.state.lock();
                state.read(Operation::Open, path)?;
                state.file_id(path).ok_or_else(not_found)?
            }
        };
        let mut state = self.state.lock();
        let path = path.to_owned();
        let file = SimFile::open(&self.state, &mut state, id, path, mode);
        Ok(Arc::new(file))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut missing: Vec<PathBuf> = Vec::new();
        {
            let mut state = self.state.lock();
            state.read(Operation::Open, path)?;
            let mut at = Some(path);
            while let Some(dir) = at {
                match state.tree.find(dir) {
                    Some(Node::Dir(_)) => break,
                    Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                    None => missing.push(dir.to_owned()),
                }
                at = dir.parent();
            }
        }
        for path in missing.iter().rev() {
            self.change_names(Operation::Create, path, |state| {
                let (dir, name) = state.tree.place(path).ok_or_else(not_found)?;
                let node = Some(Node::Dir(state.new_id()));
                state.tree.change(vec![Change { dir, name, node }]);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change_names(Operation::Remove, path, |state| {
            let (dir, name) = state.tree.place(path).ok_or_else(not_found)?;
            state.file_id(path).ok_or_else(not_found)?;
            state.unlink(path);
            let node = None;
            state.tree.change(vec![Change { dir, name, node }]);
            Ok(())
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.change_names(Operation::Remove, path, |state| {
            let (dir, name) = state.tree.place(path).ok_or_else(not_found)?;
            let Some(Node::Dir(id)) = state.tree.find(path) else {
                return Err(not_found());
            };
            if state.tree.entries(id).next().is_some() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            let node = None;
            state.tree.change(vec![Change { dir, name, node }]);
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_names(Operation::Rename, from, |state| {
            let (from_dir, from_name) = state.tree.place(from).ok_or_else(not_found)?;
            let (to_dir, to_name) = state.tree.place(to).ok_or_else(not_found)?;
            let node = state.tree.find(from).ok_or_else(not_found)?;
            if (from_dir, &from_name) == (to_dir, &to_name) {
                return Ok(());
            }
            if let Some(Node::Dir(replaced)) = state.tree.find(to)
                && state.tree.entries(replaced).next().is_some()
            {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            state.unlink(to);
            state.tree.change(vec![
                Change {
                    dir: from_dir,
                    name: from_name,
                    node: None,
                },
                Change {
                    dir: to_dir,
                    name: to_name,
                    node: Some(node),
                },
            ]);
            Ok(())
        })
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut state = self.state.lock();
        state.read(Operation::Read, path)?;
        let Some(Node::Dir(dir)) = state.tree.find(path) else {
            return Err(not_found());
        };
        let entries = state.tree.entries(dir);
        Ok(entries
            .map(|(name, node)| DirEntry {
                name: name.clone(),
                is_dir: matches!(node, Node::Dir(_)),
            })
            .collect())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let verdict = state.begin(Operation::ForceDir, path, 0, 0)?;
        let result = match (&verdict, state.tree.find(path)) {
            (Verdict::Fail(fault), _) => Err(fault.error()),
            // A force cut short is no force; the crash decides what survives.
            (Verdict::PowerLost, _) => Ok(()),
            (Verdict::Proceed, Some(Node::Dir(dir))) => {
                state.tree.force(dir);
                state.forget_nameless();
                Ok(())
            }
            (Verdict::Proceed, _) => Err(not_found()),
        };
        state.end(&verdict, result)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        if !self.exists(path)? {
            self.create(path, OpenMode::CreateOrTruncate)?;
        }
        let mut state = self.state.lock();
        if !state.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock {
            state: self.state.clone(),
            path: path.to_owned(),
        }))
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.read(Operation::Read, path)?;
        let sectors = state.free().saturating_add(state.used);
        Ok(sectors.saturating_mul(SECTOR_BYTES as u64))
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.read(Operation::Read, path)?;
        Ok(state.free().saturating_mul(SECTOR_BYTES as u64))
    }
}

struct SimLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.state.lock().locks.remove(&self.path);
    }
}
