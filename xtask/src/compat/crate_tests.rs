//! The integration tests in a package of crates.io.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::package::Package;
use super::{Outcome, Outcomes, process, say};
use crate::places::{cargo, must_succeed, target};

/// How long one test may take.
const TEST_LIMIT: Duration = Duration::from_secs(120);

/// The tests of a package that speak to a broker.
pub(super) struct CrateTests {
    pub package: Package,
    /// The files they are in.
    pub targets: &'static [&'static str],
    /// Dependencies, each with the version to be built with where the one that the package names does not compile
    /// any more.
    pub replaced: &'static [(&'static str, &'static str)],
    /// Parts of the names of tests that would pass without doing anything, for want of what they test with.
    pub left_out: &'static [&'static str],
    /// How they are told where the broker is, and what it is.
    pub environment: fn(u16) -> Vec<(&'static str, String)>,
}

impl CrateTests {
    pub(super) fn prepare(&self, directory: &Path) -> Result<()> {
        let source = self.package.unpack(directory)?;
        let locked = fs::read_to_string(source.join("Cargo.lock"))?;
        for (name, version) in self.replaced {
            if !locked.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")) {
                must_succeed(
                    cargo()
                        .args(["update", "--quiet", "--package", name, "--precise", version])
                        .arg("--manifest-path")
                        .arg(source.join("Cargo.toml")),
                )?;
            }
        }
        must_succeed(&mut self.build(&source))
    }

    pub(super) fn run(&self, directory: &Path, port: u16) -> Result<Outcomes> {
        let source = self.package.unpack(directory)?;
        let outputs = process::empty_outputs(directory)?;
        let mut outcomes = Outcomes::new();
        for (target, executable) in self.executables(&source)? {
            for test in tests(&executable)? {
                let name = format!("{target}::{test}");
                if self.left_out.iter().any(|part| test.contains(part)) {
                    outcomes.insert(name, Outcome::Skipped);
                    continue;
                }
                let began = Instant::now();
                let ended = process::run(
                    Command::new(&executable)
                        .args(["--exact", &test, "--nocapture"])
                        .current_dir(&source)
                        .envs((self.environment)(port)),
                    &outputs.join(format!("{target}-{}.txt", test.replace("::", "-"))),
                    TEST_LIMIT,
                )?;
                let outcome = outcome(&ended);
                say(outcome, &name, began);
                outcomes.insert(name, outcome);
            }
        }
        ensure!(!outcomes.is_empty(), "there are no tests");
        Ok(outcomes)
    }

    fn build(&self, source: &Path) -> Command {
        let mut build = cargo();
        build
            .args(["test", "--locked", "--no-run", "--manifest-path"])
            .arg(source.join("Cargo.toml"))
            // Other packages are built with the same dependencies.
            .env("CARGO_TARGET_DIR", target().join("compat/crates"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_QUIET", "true");
        for target in self.targets {
            build.args(["--test", target]);
        }
        build
    }

    /// The programs that the tests were built into, by the name of the file they are in.
    fn executables(&self, source: &Path) -> Result<Vec<(String, PathBuf)>> {
        let mut build = self.build(source);
        let output = build
            .args(["--message-format", "json"])
            .stderr(Stdio::null())
            .output()
            .context("run cargo")?;
        ensure!(
            output.status.success(),
            "cargo ended with {}",
            output.status
        );
        let mut executables = Vec::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let message: Value = serde_json::from_str(line)?;
            if let (Some(name), Some(executable)) = (
                message["target"]["name"].as_str(),
                message["executable"].as_str(),
            ) {
                executables.push((name.to_owned(), PathBuf::from(executable)));
            }
        }
        executables.sort();
        Ok(executables)
    }
}

/// The tests in a program.
fn tests(executable: &Path) -> Result<Vec<String>> {
    let output = Command::new(executable)
        .args(["--list", "--format", "terse"])
        .output()
        .with_context(|| format!("run {}", executable.display()))?;
    ensure!(
        output.status.success(),
        "--list ended with {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

/// A program that was asked for one test says that it has run one.
fn outcome(ended: &process::Ended) -> Outcome {
    let says = |words| ended.output.contains(words);
    match ended.is_success {
        true if says("test result: ok. 1 passed; 0 failed; 0 ignored") => Outcome::Passed,
        true if says("test result: ok. 0 passed; 0 failed; 1 ignored") => Outcome::Skipped,
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::process::Ended;
    use super::*;

    fn outcome_of(is_success: bool, result: &str) -> Outcome {
        outcome(&Ended {
            is_success,
            output: format!("running 1 test\ntest a ... \ntest result: {result}; 0 measured\n"),
        })
    }

    #[test]
    fn a_test_that_was_not_run_has_not_passed() {
        let passed = outcome_of(true, "ok. 1 passed; 0 failed; 0 ignored");
        assert_eq!(passed, Outcome::Passed);
        let failed = outcome_of(false, "FAILED. 0 passed; 1 failed; 0 ignored");
        assert_eq!(failed, Outcome::Failed);
        let ignored = outcome_of(true, "ok. 0 passed; 0 failed; 1 ignored");
        assert_eq!(ignored, Outcome::Skipped);
        let unknown = outcome_of(true, "ok. 0 passed; 0 failed; 0 ignored");
        assert_eq!(unknown, Outcome::Failed);
        // It may end badly after all its tests.
        let crashed = outcome_of(false, "ok. 1 passed; 0 failed; 0 ignored");
        assert_eq!(crashed, Outcome::Failed);
    }
}
