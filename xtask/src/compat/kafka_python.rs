//! The integration tests in the source package of kafka-python.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Outcome, Outcomes, Suite, sources};
use crate::places::must_succeed;

pub(super) const SUITE: Suite = Suite {
    name: "kafka-python",
    // Its groups are to notice quickly who has gone.
    settings: &[("group.min.session.timeout.ms", "1000")],
    port: None,
    prepare,
    run,
};

/// The version of Kafka that the tests are told: what both brokers look like to the client.
const KAFKA_VERSION: &str = "4.3";
/// How long one test may take, in seconds.
const TEST_LIMIT_SECONDS: &str = "60";

fn prepare(directory: &Path) -> Result<()> {
    let requirements = sources().join("kafka-python/requirements.txt");
    let wanted = fs::read_to_string(&requirements)?;
    let installed = directory.join("installed.txt");
    // Written last, so what is half-made is made again.
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    fs::remove_dir_all(directory)?;
    fs::create_dir_all(directory)?;
    let environment = directory.join("environment");
    must_succeed(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )?;
    let pip = |command: &str| {
        let mut pip = Command::new(environment.join("bin/pip"));
        pip.args([command, "--quiet", "--disable-pip-version-check"]);
        pip
    };
    must_succeed(pip("install").arg("--requirement").arg(&requirements))?;
    let package = wanted.lines().next().context("the requirements")?;
    must_succeed(
        pip("download")
            .args(["--no-deps", "--no-binary", ":all:", package, "--dest"])
            .arg(directory),
    )?;
    let archive = format!(
        "{}.tar.gz",
        package
            .replace("==", "-")
            .replace("kafka-python", "kafka_python")
    );
    let source = directory.join("source");
    fs::create_dir_all(&source)?;
    must_succeed(
        Command::new("tar")
            .args(["--strip-components=1", "-xzf"])
            .arg(directory.join(archive))
            .arg("-C")
            .arg(&source),
    )?;
    // The package leaves out what makes a module of its tests, what starts brokers, and the directory
    // that their programs would be in.
    fs::write(source.join("test/__init__.py"), "")?;
    fs::copy(
        sources().join("kafka-python/service.py"),
        source.join("test/service.py"),
    )?;
    let programs = source.join("servers").join(KAFKA_VERSION).join("kafka-bin");
    fs::create_dir_all(programs.join("bin"))?;
    fs::create_dir_all(programs.join("libs"))?;
    fs::write(&installed, wanted)?;
    Ok(())
}

fn run(directory: &Path, port: u16) -> Result<Outcomes> {
    let source = directory.join("source");
    let path = std::env::join_paths([&source, &sources().join("kafka-python")])?;
    let output = Command::new(directory.join("environment/bin/python"))
        .args([
            "-m",
            "pytest",
            "test/integration",
            "-v",
            "--no-header",
            "--color=no",
        ])
        .args(["-p", "no:cacheprovider", "--tb=short", "--show-capture=no"])
        .args(["--timeout-method=signal", "--timeout", TEST_LIMIT_SECONDS])
        .args(["-p", "refresh"])
        .current_dir(&source)
        .env("KAFKA_VERSION", KAFKA_VERSION)
        .env("KAFKA_URI", format!("kafka://127.0.0.1:{port}"))
        .env("PYTHONPATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONWARNINGS", "ignore")
        .output()
        .context("run pytest")?;
    let text = String::from_utf8_lossy(&output.stdout);
    fs::write(directory.join("output.txt"), text.as_bytes())?;
    // 1: some have failed. Anything else: not all were run.
    let has_run_all = matches!(output.status.code(), Some(0 | 1));
    ensure!(has_run_all, "pytest ended with {}", output.status);
    let outcomes = outcomes(&text);
    ensure!(!outcomes.is_empty(), "pytest has run nothing: {text}");
    for (name, outcome) in &outcomes {
        println!("{outcome:?} {name}");
    }
    Ok(outcomes)
}

/// Reads lines such as `test/integration/test_a.py::test_b[c] PASSED [ 10%]`, and those of the summary in the
/// end: a test may have said something between its name and what became of it.
fn outcomes(text: &str) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(word)) = (words.next(), words.next()) else {
            continue;
        };
        let (name, word) = match name {
            "FAILED" | "ERROR" => (word, name),
            _ => (name, word),
        };
        let Some(name) = name.strip_prefix("test/integration/") else {
            continue;
        };
        let outcome = match word {
            "PASSED" => Outcome::Passed,
            "FAILED" | "ERROR" => Outcome::Failed,
            "SKIPPED" => Outcome::Skipped,
            _ => continue,
        };
        // A test that has passed and whose cleaning up fails is there twice.
        let known = outcomes.entry(name.to_owned()).or_insert(outcome);
        if outcome == Outcome::Failed {
            *known = outcome;
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read() {
        let text = "\
test/integration/test_a.py::test_one PASSED                     [ 25%]
test/integration/test_a.py::test_one ERROR                      [ 25%]
test/integration/test_a.py::test_two[None] FAILED [ 50%]
test/integration/test_b.py::C::test_three SKIPPED (needs ACLs)  [ 75%]
test/integration/test_b.py::test_four[gzip] PASSED [ 90%]
test/integration/test_b.py::test_five makes a key
ERROR                                                                    [100%]

=== FAILURES ===
test/integration/test_a.py:12: in test_two
FAILED test/integration/test_a.py::test_two[None] - AssertionError
ERROR test/integration/test_b.py::test_five - FileNotFoundError
";
        let expected = [
            ("test_a.py::test_one", Outcome::Failed),
            ("test_a.py::test_two[None]", Outcome::Failed),
            ("test_b.py::C::test_three", Outcome::Skipped),
            ("test_b.py::test_four[gzip]", Outcome::Passed),
            ("test_b.py::test_five", Outcome::Failed),
        ];
        let expected = expected.map(|(name, outcome)| (name.to_owned(), outcome));
        assert_eq!(outcomes(text), Outcomes::from(expected));
    }
}
