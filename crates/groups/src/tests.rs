//! Scripts of requests, and what follows from them.

mod harness;
mod join;
mod membership;
mod offsets;
mod random;
mod restart;
