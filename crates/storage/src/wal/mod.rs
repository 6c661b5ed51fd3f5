//! The write-ahead log: one sequence of rounds for all logs.

pub(crate) mod committer;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod round_builder;
mod round_wait;
pub(crate) mod shown;
pub(crate) mod slots;
mod unforced;
