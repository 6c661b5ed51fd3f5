//! What receives bytes from outside, fed with bytes that nobody honest sends.
//!
//! A [`Target`] is a function of bytes that may refuse them and may do nothing else wrong: no panic, no
//! broken promise of the code that it calls, no allocation that the bytes received so far do not
//! justify, no long work ([`check`]). The same targets are run by libFuzzer, guided by coverage (`cargo
//! xtask fuzz`), and by an ordinary test over the committed inputs (`tests/replay.rs`).
//!
//! `docs/TESTING.md` says how to use and extend this.

mod allocation;
mod check;
pub mod corpus;
mod input;
mod targets;

pub use allocation::{MemoryLimits, WatchingAllocator};
pub use check::{ALLOCATION_BYTES_MIN, check, times_received, twice_received};
pub use targets::TARGETS;

/// Something that is fed with bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also of the directories with its inputs.
    pub name: &'static str,
    /// What it feeds, in a few words.
    pub about: &'static str,
    /// Feeds it; panics if anything goes wrong.
    pub run: fn(&[u8]),
    /// Makes what all runs share; not held against the first input.
    pub prepare: fn(),
    /// Inputs to begin with besides those in files, made where a file would say less.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The largest input that is worth trying, in bytes.
    pub input_bytes_max: usize,
    /// What an input of so many bytes justifies.
    pub memory_limits: fn(usize) -> MemoryLimits,
}

impl Target {
    /// A target without anything special: [`twice_received`] and inputs of 16 KiB.
    const fn new(name: &'static str, about: &'static str, run: fn(&[u8])) -> Self {
        Self {
            name,
            about,
            run,
            prepare: || (),
            seeds: Vec::new,
            input_bytes_max: 16 * 1024,
            memory_limits: twice_received,
        }
    }

    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}
