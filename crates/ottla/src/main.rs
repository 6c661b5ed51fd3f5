//! The `ottla` binary: the broker and the commands around it.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::run()
}
