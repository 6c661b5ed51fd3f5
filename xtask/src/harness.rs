//! Harnesses that kill the release binary.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::places::{cargo, must_succeed, target};

/// The real binary under load.
pub(crate) fn torture(arguments: &[&str]) -> Result<()> {
    let binary = build(&["torture"], arguments)?;
    must_succeed(
        Command::new(target().join("release/torture"))
            .arg("run")
            .args(binary)
            .args(arguments),
    )
}

/// The real binary under Kafka Streams and Kafka Connect.
pub(crate) fn exactly_once(arguments: &[&str]) -> Result<()> {
    let binary = build(&[], arguments)?;
    // Not optimised: it mostly waits, and in a release build a panic would leave its processes behind.
    must_succeed(
        cargo()
            .args(["run", "--quiet", "--locked", "--package", "exactly-once"])
            .arg("--")
            .args(binary)
            .args(arguments),
    )
}

/// Builds packages, and `ottla` if the arguments name no other binary; gives the arguments that then
/// name the one that was built.
fn build(packages: &[&str], arguments: &[&str]) -> Result<Vec<OsString>> {
    let names_binary = arguments
        .iter()
        .any(|argument| *argument == "--binary" || argument.starts_with("--binary="));
    let mut packages = packages.to_vec();
    if !names_binary {
        packages.push("ottla");
    }
    if !packages.is_empty() {
        let packages = packages.iter().flat_map(|package| ["--package", package]);
        must_succeed(
            cargo()
                .args(["build", "--release", "--locked"])
                .args(packages),
        )?;
    }
    if names_binary {
        return Ok(Vec::new());
    }
    let binary = target().join("release/ottla");
    Ok(vec!["--binary".into(), binary.into()])
}
