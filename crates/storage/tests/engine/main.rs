//! The engine as a whole, on a simulated machine and on the real one.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod basics;
mod checkpoint_damage;
mod compaction;
mod crash;
mod damage;
mod faults;
mod gathering;
mod groups;
mod growing;
mod harness;
mod lifecycle;
mod lookup;
mod marks;
mod memory;
mod model;
mod page_cache;
mod real;
mod round_wait;
mod segment_damage;
mod segment_writes;
mod sending;
mod transactions;
mod versions;
mod wal_damage;
mod wal_writes;
