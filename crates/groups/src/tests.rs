//! Scripts of requests, and what follows from them.

mod consumer;
mod harness;
mod join;
mod membership;
mod offsets;
mod random;
mod restart;
mod topics;
mod transactions;

pub(crate) use topics::FakeTopics;
