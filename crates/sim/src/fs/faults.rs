//! What goes wrong on a disk: the faults to come, and how often which has happened.

use std::collections::BTreeMap;
use std::io;
use std::ops::AddAssign;
use std::path::Path;
use std::time::Duration;

use super::Operation;

/// What an operation fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device reports an error (EIO). A write may have happened in part. A force leaves what
    /// was not on disk in the cache and calls it clean.
    Device,
    /// No space is left (ENOSPC); otherwise like [`Fault::Device`].
    NoSpace,
}

impl Fault {
    pub(crate) fn error(self) -> io::Error {
        match self {
            Self::Device => io::Error::from_raw_os_error(5),
            Self::NoSpace => io::Error::from_raw_os_error(28),
        }
    }
}

/// How often what has gone wrong, so that a run can tell that it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Writes that the device failed.
    pub writes_failed: u64,
    /// Writes and new names for which there was no space.
    pub without_space: u64,
    /// Forces of files that failed.
    pub forces_failed: u64,
    /// Those of them after which the cache says something else than the disk.
    pub forces_lying: u64,
    /// Reads that failed, of bytes or of names.
    pub reads_failed: u64,
    /// Names that could not be made, removed, changed or forced.
    pub names_failed: u64,
    /// Changes of a length and drops of a cache that failed.
    pub others_failed: u64,
    /// Operations during which time passed. They are no failures.
    pub slow: u64,
}

impl FaultCounts {
    /// The operations that have failed.
    pub fn failed(&self) -> u64 {
        self.writes_failed
            + self.without_space
            + self.forces_failed
            + self.reads_failed
            + self.names_failed
            + self.others_failed
    }

    pub(crate) fn note(&mut self, operation: Operation, fault: Fault) {
        let count = match (fault, operation) {
            (Fault::NoSpace, _) => &mut self.without_space,
            (Fault::Device, Operation::Write) => &mut self.writes_failed,
            (Fault::Device, Operation::Force) => &mut self.forces_failed,
            (Fault::Device, Operation::Read | Operation::Open) => &mut self.reads_failed,
            (
                Fault::Device,
                Operation::Create | Operation::Remove | Operation::Rename | Operation::ForceDir,
            ) => &mut self.names_failed,
            (Fault::Device, Operation::SetLength | Operation::DropCache) => &mut self.others_failed,
        };
        *count += 1;
    }
}

impl AddAssign for FaultCounts {
    fn add_assign(&mut self, other: Self) {
        self.writes_failed += other.writes_failed;
        self.without_space += other.without_space;
        self.forces_failed += other.forces_failed;
        self.forces_lying += other.forces_lying;
        self.reads_failed += other.reads_failed;
        self.names_failed += other.names_failed;
        self.others_failed += other.others_failed;
        self.slow += other.slow;
    }
}

/// Something that awaits the next operations of a kind on some paths.
#[derive(Debug)]
struct Armed<T> {
    operation: Operation,
    part: String,
    what: T,
    times: u64,
}

/// What awaits the operations of a disk.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    at: BTreeMap<u64, Fault>,
    next: Vec<Armed<Fault>>,
    slow: Vec<Armed<Duration>>,
    pub(crate) counts: FaultCounts,
}

impl Faults {
    pub(crate) fn fail_at(&mut self, number: u64, fault: Fault) {
        self.at.insert(number, fault);
    }

    pub(crate) fn fail_next(&mut self, operation: Operation, part: &str, what: Fault, times: u64) {
        let part = part.to_owned();
        self.next.push(Armed {
            operation,
            part,
            what,
            times,
        });
    }

    pub(crate) fn slow_next(
        &mut self,
        operation: Operation,
        part: &str,
        what: Duration,
        times: u64,
    ) {
        let part = part.to_owned();
        self.slow.push(Armed {
            operation,
            part,
            what,
            times,
        });
    }

    /// Takes back what has not happened yet.
    pub(crate) fn clear(&mut self) {
        self.at.clear();
        self.next.clear();
        self.slow.clear();
    }

    /// What an operation fails with. One that is only counted by its kind has no number.
    pub(crate) fn take(
        &mut self,
        number: Option<u64>,
        operation: Operation,
        path: &Path,
    ) -> Option<Fault> {
        let by_number = number.and_then(|number| self.at.remove(&number));
        let fault = by_number.or_else(|| take(&mut self.next, operation, path))?;
        self.counts.note(operation, fault);
        Some(fault)
    }

    /// How long an operation takes.
    pub(crate) fn take_delay(&mut self, operation: Operation, path: &Path) -> Option<Duration> {
        let delay = take(&mut self.slow, operation, path)?;
        self.counts.slow += 1;
        Some(delay)
    }
}

fn take<T: Copy>(armed: &mut [Armed<T>], operation: Operation, path: &Path) -> Option<T> {
    let path = path.to_string_lossy();
    let found = armed.iter_mut().find(|armed| {
        armed.operation == operation && armed.times > 0 && path.contains(armed.part.as_str())
    })?;
    found.times -= 1;
    Some(found.what)
}
