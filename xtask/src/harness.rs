//! Harnesses that kill the release binary.

use std::process::Command;

use anyhow::Result;

use crate::places::{cargo, must_succeed, target};

/// The real binary under load.
pub(crate) fn torture(arguments: &[&str]) -> Result<()> {
    run("torture", &["run"], arguments)
}

/// The real binary under Kafka Streams and Kafka Connect.
pub(crate) fn exactly_once(arguments: &[&str]) -> Result<()> {
    run("exactly-once", &[], arguments)
}

/// Builds a harness and, if the arguments name no other binary, the release `ottla`, and runs them.
fn run(package: &str, command: &[&str], arguments: &[&str]) -> Result<()> {
    let names_binary = arguments
        .iter()
        .any(|argument| *argument == "--binary" || argument.starts_with("--binary="));
    let mut packages = vec!["--package", package];
    if !names_binary {
        packages.extend(["--package", "ottla"]);
    }
    must_succeed(
        cargo()
            .args(["build", "--release", "--locked"])
            .args(packages),
    )?;
    let built = target().join("release");
    let mut harness = Command::new(built.join(package));
    harness.args(command);
    if !names_binary {
        harness.arg("--binary").arg(built.join("ottla"));
    }
    must_succeed(harness.args(arguments))
}
