//! What the data directory stands on, and what happens to it when the process has died.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lossy_disk::LossyDisk;
use serde_json::Value;

use crate::random::Random;

/// In which of the next operations the power goes at the latest.
const OPERATIONS_MAX: u64 = 60;

/// The ground below the broker.
pub trait Ground: Send {
    /// The directory for its data.
    fn data_dir(&self) -> &Path;

    /// Called before a kill. True if the ground gives way by itself within the next milliseconds,
    /// while the process is still alive: it gets errors then, which it may log.
    fn before_kill(&mut self, random: &mut Random) -> bool;

    /// Called when the process is dead and before it is started again: a power cut happens here.
    ///
    /// # Errors
    ///
    /// When the ground cannot be used any more.
    fn after_kill(&mut self) -> anyhow::Result<()>;

    /// Brings the data to a directory that stays, if it is not in one.
    ///
    /// # Errors
    ///
    /// When it cannot be written there.
    fn keep(&self, directory: &Path) -> anyhow::Result<()>;

    /// What it did, for the result.
    fn report(&self) -> Value;
}

/// A directory of the machine: what was written stays.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// Data in this directory.
    pub fn new(path: &Path) -> Self {
        Self(path.to_path_buf())
    }
}

impl Ground for Directory {
    fn data_dir(&self) -> &Path {
        &self.0
    }

    fn before_kill(&mut self, _random: &mut Random) -> bool {
        false
    }

    fn after_kill(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn keep(&self, _directory: &Path) -> anyhow::Result<()> {
        Ok(())
    }

    fn report(&self) -> Value {
        Value::Null
    }
}

/// A disk whose power goes with each kill: it loses what was not forced.
#[derive(Debug)]
pub struct PowerLoss {
    disk: LossyDisk,
    data_dir: PathBuf,
}

impl PowerLoss {
    /// Mounts a disk on a directory.
    ///
    /// # Errors
    ///
    /// When this user or this machine cannot mount it.
    pub fn mount(path: &Path, seed: u64) -> anyhow::Result<Self> {
        let disk = LossyDisk::mount(path, seed).context("a disk that loses power")?;
        let data_dir = disk.path().join("data");
        Ok(Self { disk, data_dir })
    }
}

impl Ground for PowerLoss {
    fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    fn before_kill(&mut self, random: &mut Random) -> bool {
        // Else the power goes between two operations, when the process is dead.
        let is_within = random.percent(60);
        if is_within {
            self.disk.lose_power_in(random.between(1, OPERATIONS_MAX));
        }
        is_within
    }

    fn after_kill(&mut self) -> anyhow::Result<()> {
        self.disk.power_cut()
    }

    fn keep(&self, directory: &Path) -> anyhow::Result<()> {
        copy(&self.data_dir, &directory.join("data"))
    }

    fn report(&self) -> Value {
        Value::String(self.disk.report().to_string())
    }
}

/// Copies a directory with all that is in it.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}
