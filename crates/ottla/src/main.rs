//! The `ottla` binary: the broker and the commands around it.

use std::process::ExitCode;

mod cli;
#[allow(dead_code, reason = "`serve` is what uses them")]
mod settings;

fn main() -> ExitCode {
    cli::run()
}
