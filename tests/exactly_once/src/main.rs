//! Applications that rely on exactly once, made by others, while what they run on is killed: a word
//! count on Kafka Streams, and Kafka's own Connect worker between two files.
//!
//! What they leave behind is read by a consumer of committed records and judged here by plain
//! functions: [`counts`] and [`lines`].

mod connect;
mod counts;
mod kills;
mod lines;
mod programs;
mod records;
mod rest;
mod stage;
mod streams;
mod worker;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

use crate::programs::Programs;
use crate::stage::{Guarantee, Options};

/// Kills a broker under Kafka Streams and Kafka Connect, and checks that nothing is lost or doubled.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only this application.
    application: Option<Application>,
    /// Kills of the broker in each application; one in three is followed by one of the application.
    #[arg(long, default_value_t = 10)]
    kills: u64,
    /// What decides when and whom to kill, and the contents [default: the time of day].
    #[arg(long)]
    seed: Option<u64>,
    /// The `ottla` binary.
    #[arg(long, value_name = "PATH")]
    binary: PathBuf,
    /// Asks Streams and Connect for no more than at least once, to see the check fail.
    #[arg(long)]
    at_least_once: bool,
    /// Where programs, data and logs are kept.
    #[arg(long, value_name = "DIR", default_value = "target/exactly-once")]
    directory: PathBuf,
    /// Where the result goes [default: result.json in the directory].
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Application {
    /// A word count on Kafka Streams.
    Streams,
    /// A Connect worker with a file source and a file sink.
    Connect,
}

/// 0: everything was there once, 1: it was not, 2: the run proves nothing.
fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let directory = std::path::absolute(&arguments.directory)?;
    let seed = arguments.seed.unwrap_or_else(seed_of_the_day);
    let programs = Programs::build(&directory)?;
    let options = Options {
        directory,
        binary: arguments.binary.clone(),
        seed,
        kills: arguments.kills,
        guarantee: match arguments.at_least_once {
            true => Guarantee::AtLeastOnce,
            false => Guarantee::ExactlyOnce,
        },
    };
    let wants = |application| {
        arguments
            .application
            .is_none_or(|wanted| wanted == application)
    };
    let mut result = json!({
        "seed": seed,
        "versions": versions(&options, &programs)?,
    });
    let mut findings = Vec::new();
    let mut tell = |name: &str, outcome: Outcome, began: Instant| {
        println!("{name}: {}", outcome.report);
        let mut report = outcome.report;
        report["seconds"] = began.elapsed().as_secs().into();
        report["findings"] = outcome.findings.iter().take(20).cloned().collect();
        result[name] = report;
        findings.extend(outcome.findings);
    };
    if wants(Application::Streams) {
        let began = Instant::now();
        let outcome = streams::run(&options, &programs).context("streams")?;
        tell("streams", outcome, began);
    }
    if wants(Application::Connect) {
        let began = Instant::now();
        let outcome = connect::run(&options, &programs).context("connect")?;
        tell("connect", outcome, began);
    }
    result["passed"] = findings.is_empty().into();
    let file = arguments
        .result
        .clone()
        .unwrap_or_else(|| options.directory.join("result.json"));
    fs::write(&file, format!("{result:#}\n")).with_context(|| file.display().to_string())?;
    for finding in findings.iter().take(20) {
        println!("FOUND {finding}");
    }
    println!(
        "exactly-once: seed {seed}, {} findings, {}",
        findings.len(),
        file.display()
    );
    Ok(findings.is_empty())
}

/// What a run with one application has shown.
struct Outcome {
    /// Counts for the result.
    report: Value,
    /// What is wrong, a sentence each.
    findings: Vec<String>,
}

fn versions(options: &Options, programs: &Programs) -> Result<Value> {
    let mut versions = programs.versions()?;
    versions["ottla"] = options.ottla(&["version"])?.trim().into();
    Ok(versions)
}

fn seed_of_the_day() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
