//! The write-ahead log: one sequence of rounds for all logs.

pub(crate) mod committer;
mod copies;
mod growing;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod round_builder;
mod round_wait;
pub(crate) mod shown;
pub(crate) mod slots;
mod unforced;

/// Where the log stands when the commit loop begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitStart {
    pub writer_epoch: u32,
    /// The last round of the chain; all of it is durable.
    pub seq: u64,
    pub prev_crc: u32,
}
