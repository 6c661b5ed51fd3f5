//! The seams between the broker and the machine: [`Clock`], [`Rng`], [`Fs`] and [`Spawn`].
//!
//! Everything that could make two runs with the same input differ goes through here, so that a
//! simulation can put a disk that tears writes and a clock that jumps in place of the real ones.
//! The real ones are in [`real`].

mod clock;
mod defect;
mod fs;
pub mod real;
mod rng;
mod spawn;

pub use clock::{Clock, Monotonic};
pub use defect::{Defect, has_defect};
pub use fs::{DirEntry, File, Fs, OpenMode, SECTOR_BYTES};
pub use rng::Rng;
pub use spawn::{BoxFuture, Loop, Spawn, Step};

use std::sync::Arc;

/// The four seams together, as they are handed from the binary down. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Files.
    pub fs: Arc<dyn Fs>,
    /// Threads and tasks.
    pub spawn: Arc<dyn Spawn>,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}
