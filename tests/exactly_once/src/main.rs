//! Applications that rely on exactly once, made by others, while what they run on is killed: a word
//! count on Kafka Streams, and Kafka's own Connect worker between two files.
//!
//! What they leave behind is read by a consumer of committed records and judged here by plain
//! functions: [`counts`] and [`lines`].

mod connect;
mod counts;
mod kills;
mod lines;
mod outcome;
mod programs;
mod records;
mod rest;
mod stage;
mod streams;
mod worker;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

use crate::outcome::{Outcome, Verdict};
use crate::programs::Programs;
use crate::stage::{Guarantee, Options};

/// The applications by their names in the result.
const APPLICATIONS: [(Application, &str, Run); 2] = [
    (Application::Streams, "streams", streams::run),
    (Application::Connect, "connect", connect::run),
];

type Run = fn(&Options, &Programs) -> Result<Outcome>;

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

/// 0: everything was there once. 1: something was found, and that is everything that goes wrong once an
/// application is set up: a broker that stands still, ends or warns as well. 2: nothing was found, but an
/// application could not be set up, or the result not be written: the run proves nothing.
fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(verdict) => verdict.exit_code().into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<Verdict> {
    let directory = std::path::absolute(&arguments.directory)?;
    let file = match &arguments.result {
        Some(file) => file.clone(),
        None => directory.join("result.json"),
    };
    // What an earlier run has shown must not be taken for this one's.
    remove_file_if_there(&file)?;
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
    let mut verdict = Verdict::new(json!({
        "seed": seed,
        "versions": versions(&options, &programs)?,
    }));
    for (application, name, run) in APPLICATIONS {
        let wanted = arguments.application;
        if wanted.is_none_or(|wanted| wanted == application) {
            let began = Instant::now();
            verdict.add(name, run(&options, &programs), began.elapsed());
        }
    }
    let written = fs::write(&file, format!("{:#}\n", verdict.result()));
    if let Err(error) = written.with_context(|| file.display().to_string()) {
        verdict.add_error(error);
    }
    verdict.tell();
    println!(
        "exactly-once: seed {seed}, {} findings, {}",
        verdict.found(),
        file.display()
    );
    Ok(verdict)
}

fn remove_file_if_there(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
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
