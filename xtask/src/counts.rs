//! What requests cost, by counts.

use anyhow::Result;

use crate::places::{cargo, must_succeed, target};

/// Counts, optimised as a release is, and compares with what is committed.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    must_succeed(cargo().args([
        "build",
        "--quiet",
        "--locked",
        "--release",
        "--package",
        "ottla",
    ]))?;
    must_succeed(
        cargo()
            .args([
                "run",
                "--quiet",
                "--locked",
                "--release",
                "--package",
                "counts",
            ])
            .args(["--", "compare"])
            .arg(target().join("release/ottla"))
            .args(arguments),
    )
}
