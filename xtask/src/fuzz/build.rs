//! The fuzzer's program: `tests/fuzz` with libFuzzer, and with counters of what is reached in all the
//! code that it calls.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::places::{cargo, target, workspace};

/// What `cargo fuzz` asks of a nightly compiler under one name: the pass of LLVM that counts edges and
/// reports comparisons is in every compiler.
const RUSTFLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Where everything about fuzzing is kept that is not committed.
pub(super) fn directory() -> PathBuf {
    target().join("fuzz")
}

/// Builds the fuzzer and answers where it is.
pub(super) fn fuzzer() -> Result<PathBuf> {
    // With a target named, the flags are not for build scripts and procedural macros.
    let host = host()?;
    let status = cargo()
        .current_dir(workspace())
        .args(["build", "--package", "fuzz", "--bin", "libfuzzer"])
        .args(["--features", "libfuzzer", "--profile", "fuzz", "--locked"])
        .args(["--target", &host])
        .arg("--target-dir")
        .arg(directory())
        .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\u{1f}"))
        .status()?;
    ensure!(
        status.success(),
        "the fuzzer cannot be built; it needs a C++ compiler"
    );
    Ok(directory().join(host).join("fuzz").join("libfuzzer"))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not say its host")
}
