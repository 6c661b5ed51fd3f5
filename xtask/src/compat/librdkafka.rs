//! librdkafka's own tests, which are in the package that brings librdkafka to Rust.

mod list;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::package::Package;
use super::{Outcome, Outcomes, Suite, process, say, sources};
use crate::brokers;
use crate::places::{must_succeed, target};
use list::List;

pub(super) const SUITE: Suite = Suite {
    name: "librdkafka",
    settings: SETTINGS,
    port: None,
    prepare: |_| prepare(&directory()),
    run: |outputs, port| run(outputs, port, &list::CLASSIC),
};

/// The same with the newer protocol of groups.
pub(super) const SUITE_CONSUMER: Suite = Suite {
    name: "librdkafka-consumer",
    settings: SETTINGS,
    port: None,
    prepare: |_| prepare(&directory()),
    run: |outputs, port| run(outputs, port, &list::CONSUMER),
};

/// What its authors set.
const SETTINGS: &[(&str, &str)] = &[("num.partitions", "4")];

const PACKAGE: Package = Package {
    name: "rdkafka-sys",
    version: "4.10.0+2.12.1",
    sha256: "e234cf318915c1059d4921ef7f75616b5219b10b46e9f3a511a15eb4b56a3f77",
};

/// The version of Kafka that the tests are told: what both brokers look like to the client.
const KAFKA_VERSION: &str = "4.3.0.0";
/// How long one process may take. Its tests have limits of their own, mostly a minute.
const PROCESS_LIMIT: Duration = Duration::from_secs(300);
/// They mostly wait.
const PROCESSES_AT_ONCE: usize = 6;

/// Where it is built.
fn directory() -> PathBuf {
    target().join("compat/librdkafka")
}

fn prepare(directory: &Path) -> Result<()> {
    let source = PACKAGE.unpack(directory)?.join("librdkafka");
    brokers::fetch_kafka()?;
    let built = directory.join("built.txt");
    // Written last, so what is half-made is made again.
    if built.exists() {
        return Ok(());
    }
    must_succeed(
        Command::new("./configure")
            .args(["--disable-ssl", "--disable-gssapi", "--disable-curl"])
            .args(["--disable-lz4-ext", "--disable-debug-symbols"])
            .current_dir(&source),
    )?;
    for arguments in [&["libs"][..], &["--directory", "tests", "build"]] {
        must_succeed(
            Command::new("make")
                .args(["--silent", "--jobs=2"])
                .args(arguments)
                .current_dir(&source),
        )?;
    }
    // Where a test looks for Kafka's programs.
    let programs = directory.join("kafka/bin");
    fs::create_dir_all(&programs)?;
    fs::copy(
        sources().join("librdkafka/kafka-topics.sh"),
        programs.join("kafka-topics.sh"),
    )?;
    fs::write(built, "")?;
    Ok(())
}

fn run(outputs: &Path, port: u16, list: &List) -> Result<Outcomes> {
    let directory = directory();
    let broker = format!("127.0.0.1:{port}");
    let configuration = outputs.join("test.conf");
    fs::write(&configuration, format!("bootstrap.servers={broker}\n"))?;
    let outputs = process::empty_outputs(outputs)?;
    let source = directory.join("source/librdkafka");
    let libraries = std::env::join_paths([source.join("src"), source.join("src-cpp")])?;
    let command = || {
        let mut command = Command::new(source.join("tests/test-runner"));
        command
            .args(["-p1", "-L", "-V", KAFKA_VERSION])
            .env("RDKAFKA_TEST_CONF", &configuration)
            .env("TEST_CONSUMER_GROUP_PROTOCOL", list.group_protocol)
            .env("LD_LIBRARY_PATH", &libraries)
            .env("KAFKA_PATH", directory.join("kafka"))
            .env("KAFKA_JARS", brokers::kafka_jars())
            .env("BROKERS", &broker)
            // It leaves some out on what it takes for a slow machine.
            .env_remove("CI")
            .current_dir(&outputs);
        command
    };
    let left = Mutex::new(runs(list).into_iter());
    let next = || {
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        left.next()
    };
    let work = || -> Result<Outcomes> {
        let mut outcomes = Outcomes::new();
        while let Some(run) = next() {
            outcomes.extend(run.execute(command(), &outputs)?);
        }
        Ok(outcomes)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..PROCESSES_AT_ONCE).map(|_| scope.spawn(work)).collect();
        let mut outcomes = Outcomes::new();
        for worker in workers {
            let some = worker.join();
            outcomes.extend(some.map_err(|_| anyhow!("a thread has panicked"))??);
        }
        Ok(outcomes)
    })
}

/// What one process is asked for.
struct Run {
    number: &'static str,
    /// Only what has this in its name.
    part: Option<&'static str>,
    tests: Vec<&'static str>,
}

/// The processes that run what is listed.
fn runs(list: &List) -> Vec<Run> {
    let number = |test: &'static str| test.split('_').next().unwrap_or(test);
    // The runner chooses by number, and some tests share one.
    let mut by_number: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for test in list.tests {
        by_number.entry(number(test)).or_default().push(test);
    }
    let whole = by_number.into_iter().map(|(number, tests)| Run {
        number,
        part: None,
        tests,
    });
    let parts = list.parts.iter().flat_map(|(test, parts)| {
        parts.iter().map(|part| Run {
            number: number(test),
            part: Some(part),
            tests: vec![test],
        })
    });
    whole.chain(parts).collect()
}

impl Run {
    fn execute(&self, mut command: Command, outputs: &Path) -> Result<Outcomes> {
        let began = Instant::now();
        command.env("TESTS", self.number);
        let mut file = self.number.to_owned();
        if let Some(part) = self.part {
            command.env("SUBTESTS", part);
            file = format!(
                "{file}-{}",
                part.trim_end_matches(':').replace([' ', ':', ','], "-")
            );
        }
        let output = outputs.join(format!("{file}.txt"));
        let ended = process::run(&mut command, &output, PROCESS_LIMIT)?;
        let outcomes = self.outcomes(&ended.output);
        for (name, outcome) in &outcomes {
            say(*outcome, name, began);
        }
        Ok(outcomes)
    }

    /// What has become of what was asked for.
    fn outcomes(&self, output: &str) -> Outcomes {
        let summary = summary(output);
        let outcome = |test: &str| {
            // What is not in the summary, because it crashed or was killed, has failed.
            let outcome = summary.get(test).copied().unwrap_or(Outcome::Failed);
            match self.part {
                // A test has passed when none of its parts was run.
                Some(_) if outcome == Outcome::Passed && !output.contains(": PASS (") => {
                    Outcome::Skipped
                }
                _ => outcome,
            }
        };
        let name = |test: &str| match self.part {
            Some(part) => format!("{test} {}", part.trim_end_matches(':')),
            None => test.to_owned(),
        };
        let tests = self.tests.iter();
        tests.map(|test| (name(test), outcome(test))).collect()
    }
}

/// Reads lines of the summary such as `|[32m 0001_multiobj   |     PASSED |   3.512s [0m|`.
fn summary(output: &str) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for line in output.lines() {
        let mut columns = line.split('|').skip(1);
        let (Some(name), Some(state)) = (columns.next(), columns.next()) else {
            continue;
        };
        let outcome = match state.trim() {
            "PASSED" => Outcome::Passed,
            "FAILED" | "RUNNING" => Outcome::Failed,
            "SKIPPED" => Outcome::Skipped,
            _ => continue,
        };
        if let Some(name) = name.split_whitespace().last() {
            outcomes.insert(name.to_owned(), outcome);
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_summary_is_read() {
        let text = "\
[0001_multiobj  /  3.512s] duration 3512.000ms
TEST 20261126080000 (bare, scenario default) SUMMARY
#==================================================================#
|\u{1b}[32m <MAIN>                                   |     PASSED |   3.514s \u{1b}[0m|
|\u{1b}[32m 0001_multiobj                            |     PASSED |   3.512s \u{1b}[0m|
|\u{1b}[31m 0002_unkpart                             |     FAILED |   1.000s \u{1b}[0m|\u{1b}[31m why\u{1b}[0m
|\u{1b}[35m 0003_msgmaxsize                          |    RUNNING |  30.000s \u{1b}[0m|
|\u{1b}[36m 0022_consume_batch_local                 |    SKIPPED |   0.000s \u{1b}[0m|\u{1b}[36m Filtered\u{1b}[0m
#==================================================================#
";
        let expected = [
            ("<MAIN>", Outcome::Passed),
            ("0001_multiobj", Outcome::Passed),
            ("0002_unkpart", Outcome::Failed),
            ("0003_msgmaxsize", Outcome::Failed),
            ("0022_consume_batch_local", Outcome::Skipped),
        ];
        let expected = expected.map(|(name, outcome)| (name.to_owned(), outcome));
        assert_eq!(summary(text), Outcomes::from(expected));
    }
    #[test]
    fn a_part_that_was_not_run_has_not_passed() {
        let run = Run {
            number: "0081",
            part: Some("do_test_DescribeTopics:"),
            tests: vec!["0081_admin"],
        };
        let line = "| 0081_admin | PASSED | 3.514s |\n";
        let name = "0081_admin do_test_DescribeTopics".to_owned();
        let outcome = |output: &str| run.outcomes(output).remove(&name);
        assert_eq!(outcome(line), Some(Outcome::Skipped));
        let passed = format!("[ do_test_DescribeTopics:3434: temp queue: PASS (1.01s) ]\n{line}");
        assert_eq!(outcome(&passed), Some(Outcome::Passed));
        assert_eq!(outcome("Assertion `0' failed."), Some(Outcome::Failed));
    }

    #[test]
    fn nothing_is_listed_twice() {
        for list in [&list::CLASSIC, &list::CONSUMER] {
            let runs = runs(list);
            let names = runs.iter().flat_map(|run| run.outcomes("").into_keys());
            let names: Vec<String> = names.collect();
            let different: BTreeSet<&String> = names.iter().collect();
            assert_eq!(different.len(), names.len());
        }
    }
}
