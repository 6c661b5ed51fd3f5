//! What all handles of a file system share: the images, the faults to come, and the record of what
//! happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Losses;
use super::faults::{Fault, Faults};
use super::image::{Image, Survival};
use super::tree::{self, Node, Tree};
use crate::{Dice, SimClock};

/// Steps that [`super::SimFs::trace`] remembers.
const TRACE_STEPS: usize = 1000;

/// What is done to a file system. All but the last two are counted as operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A file or directory is made, or a file emptied.
    Create,
    /// A file or directory is removed.
    Remove,
    /// A file gets another name.
    Rename,
    /// Bytes are written.
    Write,
    /// The length is set.
    SetLength,
    /// A file is forced.
    Force,
    /// A directory is forced.
    ForceDir,
    /// The cache of a file is dropped.
    DropCache,
    /// Bytes, names or free space are read.
    Read,
    /// A file is opened or its length asked for.
    Open,
}

/// One operation and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub number: u64,
    /// What was done.
    pub operation: Operation,
    /// To what; the old name for a rename.
    pub path: PathBuf,
    /// Where, for a write.
    pub position: u64,
    /// Bytes written, or the length set.
    pub bytes: u64,
    /// Whether a write went past the page cache.
    pub is_direct: bool,
    /// Whether it succeeded.
    pub is_ok: bool,
}

/// An operation and the bytes that it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The operation.
    pub step: Step,
    /// What a write had to write; what the medium holds of a file after a force; else nothing.
    pub bytes: Vec<u8>,
}

/// What becomes of an operation.
#[derive(Debug)]
pub(crate) enum Verdict {
    Proceed,
    Fail(Fault),
    PowerLost,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) dice: Dice,
    pub(crate) tree: Tree,
    pub(crate) files: BTreeMap<u64, Image>,
    next_id: u64,
    /// How often a file is open.
    handles: BTreeMap<u64, u64>,
    /// Files that have lost their name and are kept for who has them open, or because the power may
    /// go before the loss of the name is on disk.
    nameless: BTreeSet<u64>,
    pub(crate) locks: BTreeSet<PathBuf>,
    pub(crate) operations: u64,
    pub(crate) operations_by_kind: BTreeMap<Operation, u64>,
    /// What the loss of power took that made this disk.
    pub(crate) losses: Losses,
    pub(crate) crash_at: Option<u64>,
    pub(crate) is_dead: bool,
    pub(crate) faults: Faults,
    /// Moves while an operation is slow.
    pub(crate) clock: Arc<SimClock>,
    /// Sectors in all; `None` without limit.
    pub(crate) space: Option<u64>,
    /// Sectors taken.
    pub(crate) used: u64,
    pub(crate) trace: VecDeque<Step>,
    pub(crate) digest: u64,
    /// All operations since somebody asked for them.
    pub(crate) recorded: Option<Vec<Recorded>>,
    bytes_under_way: Vec<u8>,
}

impl State {
    pub(crate) fn new(seed: u64, clock: Arc<SimClock>) -> Self {
        Self {
            dice: Dice::new(seed),
            tree: Tree::default(),
            files: BTreeMap::new(),
            next_id: tree::ROOT,
            handles: BTreeMap::new(),
            nameless: BTreeSet::new(),
            locks: BTreeSet::new(),
            operations: 0,
            operations_by_kind: BTreeMap::new(),
            losses: Losses::default(),
            crash_at: None,
            is_dead: false,
            faults: Faults::default(),
            clock,
            space: None,
            used: 0,
            trace: VecDeque::new(),
            digest: 0,
            recorded: None,
            bytes_under_way: Vec::new(),
        }
    }

    /// The same disk without locks and coming faults; its own dice, counters from zero.
    pub(crate) fn copy(&mut self) -> Self {
        Self {
            tree: self.tree.clone(),
            files: self.files.clone(),
            next_id: self.next_id,
            nameless: self.nameless.clone(),
            space: self.space,
            used: self.used,
            ..Self::new(self.dice.number(), Arc::clone(&self.clock))
        }
    }

    /// The disk as it is found after a loss of power. How much survives is rolled for the whole
    /// disk at once, then for each part of it.
    pub(crate) fn crash(&mut self) -> Self {
        let survival = Survival::roll(&mut self.dice);
        let mut found = self.copy();
        found.nameless.clear();
        found.tree = found
            .tree
            .crash(survival, &mut found.dice, &mut found.losses);
        let (_, named) = found.tree.reachable();
        found.used = 0;
        for (id, image) in std::mem::take(&mut found.files) {
            if named.contains(&id) {
                let image = image.crash(survival, &mut found.dice, &mut found.losses);
                found.used += image.sectors();
                found.files.insert(id, image);
            }
        }
        found
    }

    pub(crate) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn new_file(&mut self) -> u64 {
        let id = self.new_id();
        self.files.insert(id, Image::default());
        id
    }

    pub(crate) fn file_id(&self, path: &Path) -> Option<u64> {
        match self.tree.find(path)? {
            Node::File(id) => Some(id),
            Node::Dir(_) => None,
        }
    }

    pub(crate) fn image(&mut self, id: u64) -> Option<&mut Image> {
        self.files.get_mut(&id)
    }

    /// Gives back the space of a file that loses its name.
    pub(crate) fn unlink(&mut self, path: &Path) {
        let Some(id) = self.file_id(path) else { return };
        let freed = self.image(id).map_or(0, |image| image.sectors());
        self.used = self.used.saturating_sub(freed);
        self.nameless.insert(id);
    }

    /// Counts a handle of a file.
    pub(crate) fn opened(&mut self, id: u64) {
        *self.handles.entry(id).or_default() += 1;
    }

    /// Forgets a handle of a file, and the file if it was the last that led there.
    pub(crate) fn closed(&mut self, id: u64) {
        if let Some(left) = self.handles.get_mut(&id) {
            *left -= 1;
            if *left == 0 {
                self.handles.remove(&id);
                self.forget_nameless();
            }
        }
    }

    /// Forgets the files that nothing leads to any more, for their memory.
    pub(crate) fn forget_nameless(&mut self) {
        let is_closed = |id: &&u64| !self.handles.contains_key(*id);
        let mut gone: BTreeSet<u64> = self.nameless.iter().filter(is_closed).copied().collect();
        if !gone.is_empty() {
            self.tree.keep_nameless(&mut gone);
        }
        for id in gone {
            self.nameless.remove(&id);
            self.files.remove(&id);
        }
    }

    /// Sectors that can still be written.
    pub(crate) fn free(&self) -> u64 {
        match self.space {
            Some(space) => space.saturating_sub(self.used),
            None => u64::MAX - self.used,
        }
    }

    /// Writes as much as there is space for; returns the bytes written.
    pub(crate) fn write(&mut self, id: u64, bytes: &[u8], position: u64) -> usize {
        let free = self.free();
        let mut left = free;
        let written = self
            .image(id)
            .map_or(0, |image| image.write(bytes, position, &mut left));
        self.used += free - left;
        written
    }

    /// Errs if the power has gone.
    pub(crate) fn check_power(&self) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("the simulated machine has lost its power"));
        }
        Ok(())
    }

    /// The error for which there is no room.
    pub(crate) fn no_space(&mut self, operation: Operation) -> io::Error {
        self.faults.counts.note(operation, Fault::NoSpace);
        Fault::NoSpace.error()
    }

    /// What is on the medium of a file.
    pub(crate) fn on_medium(&self, id: u64) -> Vec<u8> {
        let image = self.files.get(&id);
        image.map_or_else(Vec::new, Image::durable_bytes)
    }

    /// Checks an access that changes nothing.
    pub(crate) fn read(&mut self, kind: Operation, path: &Path) -> io::Result<()> {
        self.check_power()?;
        *self.operations_by_kind.entry(kind).or_default() += 1;
        self.let_time_pass(kind, path);
        match self.faults.take(None, kind, path) {
            Some(fault) => Err(fault.error()),
            None => Ok(()),
        }
    }

    /// The time that a slow operation takes passes before anything comes of it. Who is woken by it
    /// runs later: a wake is only a note.
    fn let_time_pass(&mut self, kind: Operation, path: &Path) {
        if let Some(delay) = self.faults.take_delay(kind, path) {
            self.clock.advance(delay);
        }
    }

    /// Counts an operation and says what becomes of it; [`State::end`] must follow.
    pub(crate) fn begin(
        &mut self,
        operation: Operation,
        path: &Path,
        position: u64,
        bytes: u64,
    ) -> io::Result<Verdict> {
        self.check_power()?;
        self.let_time_pass(operation, path);
        self.operations += 1;
        *self.operations_by_kind.entry(operation).or_default() += 1;
        if self.trace.len() == TRACE_STEPS {
            self.trace.pop_front();
        }
        self.trace.push_back(Step {
            number: self.operations,
            operation,
            path: path.to_owned(),
            position,
            bytes,
            is_direct: false,
            is_ok: true,
        });
        if self.crash_at.is_some_and(|at| self.operations >= at) {
            self.is_dead = true;
            return Ok(Verdict::PowerLost);
        }
        let fault = self.faults.take(Some(self.operations), operation, path);
        Ok(fault.map_or(Verdict::Proceed, Verdict::Fail))
    }

    /// Notes what the operation under way is about, for who records.
    pub(crate) fn note_bytes(&mut self, bytes: impl FnOnce(&Self) -> Vec<u8>) {
        if self.recorded.is_some() {
            self.bytes_under_way = bytes(self);
        }
    }

    /// Records how an operation ended. Nobody hears of a success after the power has gone.
    pub(crate) fn end(&mut self, verdict: &Verdict, result: io::Result<()>) -> io::Result<()> {
        let result = match verdict {
            Verdict::PowerLost => self.check_power(),
            Verdict::Proceed | Verdict::Fail(_) => result,
        };
        let Some(step) = self.trace.back_mut() else {
            return result;
        };
        step.is_ok = result.is_ok();
        for byte in format!("{step:?}").bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(recorded) = &mut self.recorded {
            let bytes = std::mem::take(&mut self.bytes_under_way);
            let step = step.clone();
            recorded.push(Recorded { step, bytes });
        }
        result
    }
}

pub(crate) fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}
