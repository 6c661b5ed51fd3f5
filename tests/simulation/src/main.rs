//! Runs seeds of the simulation from the command line; `cargo xtask soak`, `replay` and `controls`
//! call it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use simulation::runner::{self, Failure, Kind};
use simulation::{Tally, corruption};

#[derive(Debug, Parser)]
#[command(about = "Simulates the product from seeds")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs many seeds and counts what happened.
    Seeds(Seeds),
    /// Runs one seed again.
    Replay {
        /// What is simulated, as a failure names it.
        kind: Kind,
        /// The seed.
        seed: u64,
    },
    /// Mutates data directories, one thing at a time.
    Corrupt(Corrupt),
    /// Makes the product wrong in one way after the other; each must be found.
    #[cfg(feature = "defects")]
    Controls {
        /// In how many seeds each must be found.
        #[arg(long, default_value_t = 200)]
        seeds: u64,
        /// Where the table goes, as JSON.
        #[arg(long)]
        result: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct Seeds {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds.
    #[arg(long)]
    seeds: u64,
    /// On how many threads.
    #[arg(long, default_value_t = 2)]
    threads: u32,
    /// Where the counts go, as JSON.
    #[arg(long)]
    result: Option<PathBuf>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Corrupt {
    /// The seed that all of it follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first mutation of the seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many mutations.
    #[arg(long)]
    mutations: u64,
    /// On how many threads.
    #[arg(long, default_value_t = 2)]
    threads: u32,
    /// Where the counts go, as JSON.
    #[arg(long)]
    result: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Seeds(seeds) => run_seeds(&seeds),
        Command::Replay { kind, seed } => {
            let tally = runner::run(kind, seed).map_err(|failure| anyhow!("{failure}"))?;
            print(&tally);
            Ok(())
        }
        Command::Corrupt(corrupt) => run_corruption(&corrupt),
        #[cfg(feature = "defects")]
        Command::Controls { seeds, result } => {
            let found = simulation::controls::run(seeds)?;
            println!("all {} defects were found", found.len());
            result.map_or(Ok(()), |path| {
                write(&path, &simulation::controls::to_json(&found))
            })
        }
    }
}

fn run_seeds(arguments: &Seeds) -> Result<()> {
    let started = Instant::now();
    // What goes wrong is reported once, with the seed.
    std::panic::set_hook(Box::new(|_| {}));
    let ran = runner::run_seeds(arguments.from, arguments.seeds, arguments.threads);
    let seconds = started.elapsed().as_secs();
    let value = json!({
        "from": arguments.from,
        "seeds": arguments.seeds,
        "seconds": seconds,
        "counts": ran.as_ref().map(counts).unwrap_or_default(),
        "failure": ran.as_ref().err().map(failure),
    });
    if let Some(path) = &arguments.result {
        write(path, &value)?;
    }
    if arguments.json {
        println!("{value}");
    }
    let tally = ran.map_err(|failure| anyhow!("{failure}"))?;
    if !arguments.json {
        print(&tally);
        let Seeds { seeds, from, .. } = arguments;
        println!("{seeds} seeds from {from} in {seconds} s: nothing wrong");
    }
    Ok(())
}

fn run_corruption(arguments: &Corrupt) -> Result<()> {
    let Corrupt {
        seed,
        from,
        mutations,
        threads,
        ..
    } = *arguments;
    let started = Instant::now();
    // What goes wrong is reported once, with its number.
    std::panic::set_hook(Box::new(|_| {}));
    let report = corruption::run(seed, from, mutations, threads);
    let seconds = started.elapsed().as_secs();
    let failures = report.failures.iter().map(|failure| {
        let corruption::Failure { number, error } = failure;
        println!("mutation {number}: {error}\n");
        json!({ "number": number, "error": error })
    });
    let value = json!({
        "seed": seed,
        "from": from,
        "mutations": mutations,
        "seconds": seconds,
        "failures": failures.collect::<Value>(),
        "counts": counts(&report.tally),
    });
    if let Some(path) = &arguments.result {
        write(path, &value)?;
    }
    print(&report.tally);
    println!("{mutations} mutations from {from} of seed {seed} in {seconds} s");
    ensure!(
        report.failures.is_empty(),
        "{} found something; again with: cargo xtask corrupt --seed {seed} --mutations 1 --from NUMBER",
        report.failures.len()
    );
    Ok(())
}

fn counts(tally: &Tally) -> Value {
    let counts = tally
        .iter()
        .map(|(name, times)| (name.to_owned(), times.into()));
    Value::Object(counts.collect())
}

fn failure(failure: &Failure) -> Value {
    json!({
        "kind": failure.kind.to_string(),
        "seed": failure.seed,
        "error": failure.error,
    })
}

fn write(path: &Path, value: &Value) -> Result<()> {
    std::fs::write(path, format!("{value:#}\n")).with_context(|| path.display().to_string())
}

fn print(tally: &Tally) {
    for (name, times) in tally.iter() {
        println!("{times:>12}  {name}");
    }
}
