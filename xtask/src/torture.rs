//! The real binary under `kill -9`.

use std::process::Command;

use anyhow::Result;

use crate::places::{cargo, must_succeed, target};

/// Builds the harness and, if the arguments name no other binary, the release `ottla`, and runs them.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let names_binary = arguments
        .iter()
        .any(|argument| *argument == "--binary" || argument.starts_with("--binary="));
    let mut packages = vec!["--package", "torture"];
    if !names_binary {
        packages.extend(["--package", "ottla"]);
    }
    must_succeed(
        cargo()
            .args(["build", "--release", "--locked"])
            .args(packages),
    )?;
    let built = target().join("release");
    let mut command = Command::new(built.join("torture"));
    command.arg("run");
    if !names_binary {
        command.arg("--binary").arg(built.join("ottla"));
    }
    must_succeed(command.args(arguments))
}
