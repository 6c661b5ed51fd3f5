//! The product's own code on a simulated machine: one seed gives the actions, what the disk and the
//! clock make of them, and with them every outcome. What comes of it is compared with naive models
//! that share no code with the product.
//!
//! [`runner`] runs seeds and counts; [`broker`] is the whole of it, [`engine`] the storage engine
//! alone, close up, and [`compaction`] what becomes of logs of keyed records in it. A failing seed
//! prints the command that replays it; its actions become a test with a name.

mod batch;
pub mod broker;
pub mod compaction;
#[cfg(feature = "defects")]
pub mod controls;
pub mod corruption;
pub mod engine;
pub mod runner;
mod tally;

pub use tally::Tally;
