//! What the tests of the binary share: programs that use a real client, and where those clients
//! are.

mod client;
mod program;

pub use client::{CLIENTS, Client};
pub use program::{Program, Verdict};
