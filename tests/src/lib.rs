//! What the tests of the binary share: its commands, programs that use a real client, and where
//! those clients are.

mod client;
mod command;
mod http;
mod kills;
mod program;

pub use client::{CLIENTS, Client, GroupProtocol};
pub use command::{Finished, finish, ottla};
pub use http::http_get;
pub use kills::Kills;
pub use program::{Program, Verdict};
