//! `torture run` and `torture check`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use torture::check::{CheckOptions, check, write_report};
use torture::run::{RunOptions, run};

/// Kills the real broker under load and checks that nothing acknowledged is lost, doubled, changed
/// or reordered.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Runs a broker, a workload and kills, then the check.
    Run(RunArguments),
    /// Compares the journal of a run with a broker that has its data.
    Check(CheckArguments),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Kills under load.
    #[arg(long, default_value_t = 30)]
    kills: u32,
    /// What decides contents, places and aims [default: the time of day].
    #[arg(long)]
    seed: Option<u64>,
    /// The `ottla` binary.
    #[arg(long, value_name = "PATH")]
    binary: PathBuf,
    /// A variable of the broker's environment; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// A setting of the broker besides those that make it busy; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Where data and journal are kept while it runs, and afterwards if something was found.
    #[arg(long, value_name = "DIR", default_value = "target/torture")]
    directory: PathBuf,
    /// Where the result goes [default: result.json in the directory].
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Checks after so many kills, and in the end.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    check_every: u32,
    /// Mean time from an answer of the broker to the next kill, in milliseconds.
    #[arg(long, default_value_t = 1_200)]
    interval_ms: u64,
    /// Mean rate of each producer.
    #[arg(long, default_value_t = 200)]
    records_per_second: u32,
    /// No kill begins after so many seconds [default: 60 and 6 for each kill].
    #[arg(long)]
    time_limit_s: Option<u64>,
    /// Cuts the power with each kill: the data is on a disk, mounted for the run, that then loses what
    /// was not forced. It is in memory and takes 2 GiB at most.
    #[arg(long)]
    power_loss: bool,
    /// Keeps data and journal of a run in which nothing was found.
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// The journal's directory.
    journal: PathBuf,
    /// A broker that has the data of the run.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: String,
    /// Its data directory, to look for what got lost.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Writes what was found there, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Prints nothing.
    #[arg(long)]
    quiet: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// 0: nothing was found, 1: something was, 2: the run proves nothing.
fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Action::Run(arguments) => run_and_tell(arguments),
        Action::Check(arguments) => check_and_tell(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run_and_tell(arguments: RunArguments) -> anyhow::Result<bool> {
    let seed = arguments.seed.unwrap_or_else(seed_of_the_day);
    let default_s = 60 + 6 * u64::from(arguments.kills);
    let options = RunOptions {
        kills: arguments.kills,
        seed,
        binary: arguments.binary,
        environment: arguments.environment,
        settings: arguments.set,
        result: arguments
            .result
            .unwrap_or_else(|| arguments.directory.join("result.json")),
        directory: arguments.directory,
        check_every: arguments.check_every,
        interval_ms: arguments.interval_ms,
        records_per_second: f64::from(arguments.records_per_second.max(1)),
        time_limit: Duration::from_secs(arguments.time_limit_s.unwrap_or(default_s)),
        power_loss: arguments.power_loss,
        keep: arguments.keep,
    };
    println!("torture: seed {seed}, {} kills", options.kills);
    let summary = run(&options)?;
    println!("{summary}");
    Ok(summary.passed())
}

fn seed_of_the_day() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

fn check_and_tell(arguments: &CheckArguments) -> anyhow::Result<bool> {
    let report = check(&CheckOptions {
        journal: arguments.journal.clone(),
        bootstrap: arguments.bootstrap.clone(),
        data_dir: arguments.data_dir.clone(),
    })?;
    if let Some(path) = &arguments.report {
        write_report(path, &report)?;
    }
    if !arguments.quiet {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(report.findings.is_empty())
}
