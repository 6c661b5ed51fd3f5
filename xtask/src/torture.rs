//! The real binary under `kill -9`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Builds the harness and, if the arguments name no other binary, the release `ottla`, and runs them.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let names_binary = arguments
        .iter()
        .any(|argument| *argument == "--binary" || argument.starts_with("--binary="));
    let mut packages = vec!["--package", "torture"];
    if !names_binary {
        packages.extend(["--package", "ottla"]);
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked"])
        .args(packages)
        .status()
        .context("run cargo")?;
    ensure!(status.success(), "the build ended with {status}");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| super::codegen::workspace().join("target"), PathBuf::from);
    let built = target.join("release");
    let mut command = Command::new(built.join("torture"));
    command.arg("run");
    if !names_binary {
        command.arg("--binary").arg(built.join("ottla"));
    }
    let status = command
        .args(arguments)
        .status()
        .context("run the harness")?;
    ensure!(status.success(), "torture ended with {status}");
    Ok(())
}
