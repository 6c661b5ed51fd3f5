//! Transactions, from the first request of a producer to what readers see.

mod client;
mod ending;
mod fencing;
mod membership;
mod offsets;
pub(crate) mod readers;
mod tools;
