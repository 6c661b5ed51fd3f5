//! The `ottla` binary. Everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ottla::run()
}
