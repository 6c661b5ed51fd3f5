//! The `ottla` binary: the broker and the commands around it.

use std::process::ExitCode;

mod cli;
mod serve;
mod settings;

fn main() -> ExitCode {
    cli::run()
}
