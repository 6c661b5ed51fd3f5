//! What tests need to run the real binary and to talk to it.
//!
//! - [`Connection`] speaks frames over TCP: any bytes at all, or typed requests.
//! - [`BrokerProcess`] starts, watches, kills and restarts the `ottla` binary, and fails a test on
//!   warnings that it did not expect.
//!
//! Everything here blocks, with deadlines: a test reads like the story it tells, and none of it
//! shares a runtime with what is tested.

mod binary;
mod calls;
mod connection;
mod log;
mod port;
mod process;

pub use binary::{ottla_binary, target_directory, workspace_directory};
pub use calls::{batch, fetch_request, produce_request};
pub use connection::{Connection, frame};
pub use log::{LogLine, ProcessLog};
pub use port::quiet_port;
pub use process::{BrokerOptions, BrokerProcess};
