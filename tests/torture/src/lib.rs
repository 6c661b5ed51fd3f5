//! The real binary under `kill -9`.
//!
//! A [`workload`] of librdkafka's producers, groups and admin requests runs against the broker
//! while a [`nemesis`] kills it. Every actor keeps a [`journal`]. Another process, the checker
//! ([`check`]), then compares the journal with what it reads from the broker. None of this knows
//! a line of the broker's code.

pub mod check;
pub mod content;
pub mod findings;
pub mod journal;
pub mod nemesis;
pub mod plan;
pub mod random;
pub mod reading;
pub mod run;
pub mod workload;
