//! What the data directory stands on, and what happens to it when the process has died.

use std::path::{Path, PathBuf};

/// The ground below the broker.
pub trait Ground: Send {
    /// The directory for its data.
    fn data_dir(&self) -> &Path;

    /// Called when the process is dead and before it is started again: a power cut happens here.
    ///
    /// # Errors
    ///
    /// When the ground cannot be used any more.
    fn after_kill(&mut self) -> anyhow::Result<()>;

    /// What it did, for the result.
    fn report(&self) -> serde_json::Value;
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

    fn after_kill(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn report(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
