//! A file system below real programs that loses in a power cut what was not forced.
//!
//! [`LossyDisk`] is a FUSE mount whose files live in [`sim::SimFs`], the disk of the simulation. A
//! program that runs on it sees an ordinary file system. [`LossyDisk::power_cut`] leaves what a cut
//! may leave: of what was not forced, each sector and each name is there, or not, or in part.
//!
//! ```text
//! let mut disk = LossyDisk::mount(&directory, seed)?;
//! // run a program on disk.path(), kill it
//! disk.power_cut()?;
//! // run it again and see what it still knows
//! println!("{}", disk.report());
//! ```
//!
//! Nothing of it is kept by the kernel: files bypass the page cache, names and attributes are asked
//! for each time, and a power cut takes the whole mount away and makes a new one. Locks of the `flock`
//! kind are the kernel's own and end with their process.

mod mount;
mod report;
mod requests;
mod volume;

pub use report::Report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use sim::SimFs;

use mount::Mount;
use requests::Requests;
use volume::Volume;

/// How large a disk is: more than any test writes, and less than a test machine has of memory.
const DISK_BYTES: u64 = 2 << 30;

/// A mounted disk. It is unmounted, and what is on it is gone, when this value goes.
#[derive(Debug)]
pub struct LossyDisk {
    path: PathBuf,
    seed: u64,
    disk: SimFs,
    forces_count: Arc<AtomicBool>,
    /// Of the lives of this disk that a power cut has ended.
    earlier: Report,
    /// None only after a power cut whose mount has failed.
    mount: Option<Mount>,
}

impl LossyDisk {
    /// Mounts an empty disk of 2 GiB on a directory, which is made if it is missing. What a power cut
    /// leaves follows from the seed and from what programs have done.
    ///
    /// # Errors
    ///
    /// When this user or this machine cannot mount it, and why.
    pub fn mount(path: &Path, seed: u64) -> anyhow::Result<Self> {
        mount::clear(path)?;
        let path = path.canonicalize()?;
        let disk = SimFs::new(seed);
        disk.set_space(Some(DISK_BYTES));
        let forces_count = Arc::new(AtomicBool::new(true));
        let requests = Requests(Volume::new(disk.clone(), forces_count.clone()));
        let mount = Mount::new(&path, requests)?;
        Ok(Self {
            path,
            seed,
            disk,
            forces_count,
            earlier: Report::default(),
            mount: Some(mount),
        })
    }

    /// The directory on which it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Limits the disk to so many bytes in all, counted in sectors.
    pub fn set_space(&self, bytes: u64) {
        self.disk.set_space(Some(bytes));
    }

    /// From now on every force succeeds and does nothing, as on a drive that lies: the negative
    /// control for whoever checks that a program loses nothing.
    pub fn ignore_forces(&self) {
        self.forces_count.store(false, Ordering::Relaxed);
    }

    /// Lets the power go by itself in the n-th operation from now that changes or forces something.
    /// It may or may not have happened, and all that programs ask for after it fails until
    /// [`LossyDisk::power_cut`] gives the power back.
    pub fn lose_power_in(&self, operations: u64) {
        self.disk.crash_at(self.disk.operations() + operations);
    }

    /// Cuts the power and gives it back. The programs that used the disk should have been killed:
    /// whatever is still open answers with errors from now on.
    ///
    /// # Errors
    ///
    /// When it cannot be unmounted or mounted again.
    pub fn power_cut(&mut self) -> anyhow::Result<()> {
        let found = self.disk.crash();
        self.earlier.add_life(&self.disk);
        self.earlier.add_power_cut(&found);
        self.disk = found;
        if let Some(mount) = self.mount.take() {
            mount.end().context("unmount after a power cut")?;
        }
        let requests = Requests(Volume::new(self.disk.clone(), self.forces_count.clone()));
        self.mount = Some(Mount::new(&self.path, requests)?);
        Ok(())
    }

    /// What was done to the disk since it was first mounted, and what power cuts took.
    pub fn report(&self) -> Report {
        let mut report = self.earlier;
        report.seed = self.seed;
        report.add_life(&self.disk);
        report
    }
}

/// Whether this user can mount a [`LossyDisk`] on this machine.
///
/// # Errors
///
/// When not, and why.
pub fn can_mount() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    LossyDisk::mount(scratch.path(), 0).map(drop)
}
