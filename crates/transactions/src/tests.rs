//! Tests of the coordinator as a whole.

mod ending;
mod harness;
mod init;
mod membership;
mod random;
mod restart;
mod timeouts;
