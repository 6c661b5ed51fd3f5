//! Long and special runs of the simulation.

use anyhow::Result;

use crate::places::{cargo, must_succeed};

/// Runs many seeds, optimised and with every assertion.
pub(crate) fn soak(arguments: &[&str]) -> Result<()> {
    cargo_run(&["--profile", "soak"], &["seeds"], arguments)
}

/// Runs one seed again.
pub(crate) fn replay(arguments: &[&str]) -> Result<()> {
    cargo_run(&[], &["replay"], arguments)
}

/// Builds the product so that it can be made wrong, and sees every defect found.
pub(crate) fn controls(arguments: &[&str]) -> Result<()> {
    cargo_run(&["--features", "defects"], &["controls"], arguments)
}

/// Mutates data directories, one thing at a time.
pub(crate) fn corrupt(arguments: &[&str]) -> Result<()> {
    cargo_run(&["--profile", "soak"], &["corrupt"], arguments)
}

fn cargo_run(build: &[&str], command: &[&str], arguments: &[&str]) -> Result<()> {
    must_succeed(
        cargo()
            .args(["run", "--quiet", "--locked", "--package", "simulation"])
            .args(build)
            .arg("--")
            .args(command)
            .args(arguments),
    )
}
