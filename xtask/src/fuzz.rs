//! Runs the fuzz targets of `tests/fuzz` under libFuzzer, one after the other.

mod build;
mod report;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use report::{Outcome, Report};

/// How long all targets together are fuzzed when nothing else is said: what CI has for it.
const SECONDS: u64 = 300;

/// How long one input may take, in seconds, before libFuzzer calls it a hang. The targets themselves
/// allow one second of a thread's time; this is for what waits, on a machine that is busy.
const HANG_SECONDS: u64 = 10;

/// How large the process may become, in MiB: what is allocated outside of Rust counts too.
const MEMORY_MIB_MAX: u64 = 1024;

/// What was asked for.
#[derive(Debug)]
struct Options {
    seconds: u64,
    /// Decides what is tried, together with the inputs there are; 0: the time of day does.
    seed: u32,
    /// None: all of them.
    targets: Vec<String>,
    keep: bool,
}

impl Options {
    fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self {
            seconds: SECONDS,
            seed: 0,
            targets: Vec::new(),
            keep: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.with_context(|| format!("{argument} wants a value"))
            };
            match *argument {
                "--seconds" => options.seconds = value()?.parse().context("--seconds")?,
                "--seed" => options.seed = value()?.parse().context("--seed")?,
                "--target" => options.targets.push((*value()?).to_owned()),
                "--keep" => options.keep = true,
                other => bail!("fuzz: what is {other}?"),
            }
        }
        Ok(options)
    }
}

/// Builds the fuzzer and runs what was asked for; fails if anything was found.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let fuzzer = build::fuzzer()?;
    let targets = chosen(&fuzzer, &options.targets)?;
    let seconds = (options.seconds / targets.len() as u64).max(1);
    let mut reports = Vec::new();
    for target in &targets {
        println!("{}: {seconds} s", target.name);
        let report = target.fuzz(&fuzzer, seconds, options.seed)?;
        if let Outcome::Failed = report.outcome {
            println!("{}", report.evidence);
        }
        reports.push(report);
    }
    println!("{}", report::table(&reports));
    if options.keep {
        for target in &targets {
            target.keep(&fuzzer)?;
        }
    }
    let failed = reports
        .iter()
        .filter(|report| report.outcome == Outcome::Failed);
    let failed: Vec<&str> = failed.map(|report| report.target.as_str()).collect();
    ensure!(failed.is_empty(), "something is wrong with {failed:?}");
    Ok(())
}

/// A target as the fuzzer lists it.
#[derive(Debug)]
struct Target {
    name: String,
    input_bytes_max: String,
}

fn chosen(fuzzer: &Path, names: &[String]) -> Result<Vec<Target>> {
    let output = Command::new(fuzzer)
        .env("OTTLA_FUZZ_TARGET", "list")
        .output()?;
    let list = String::from_utf8(output.stdout)?;
    let all = list.lines().filter_map(|line| {
        let (name, input_bytes_max) = line.split_once('\t')?;
        Some(Target {
            name: name.to_owned(),
            input_bytes_max: input_bytes_max.to_owned(),
        })
    });
    let all: Vec<Target> = all.collect();
    ensure!(!all.is_empty(), "the fuzzer lists no targets");
    for name in names {
        let known = all.iter().any(|target| target.name == *name);
        ensure!(known, "there is no target {name}; there are:\n{list}");
    }
    let wanted = |target: &Target| names.is_empty() || names.contains(&target.name);
    Ok(all.into_iter().filter(wanted).collect())
}

impl Target {
    /// Runs libFuzzer on this target. What it learns stays under `target/fuzz` for the next time.
    fn fuzz(&self, fuzzer: &Path, seconds: u64, seed: u32) -> Result<Report> {
        let [work, artifacts] = ["corpus", "artifacts"].map(|kind| self.directory(kind));
        for directory in [&work, &artifacts] {
            fs::create_dir_all(directory)?;
        }
        let log = build::directory()
            .join("logs")
            .join(format!("{}.log", self.name));
        fs::create_dir_all(log.parent().context("a directory")?)?;
        let mut command = self.command(fuzzer);
        command
            .env("OTTLA_FUZZ_SEEDS", &work)
            .arg(&work)
            .args(self.committed().iter().filter(|path| path.is_dir()))
            .args([
                format!("-max_total_time={seconds}"),
                format!("-seed={seed}"),
                format!("-timeout={HANG_SECONDS}"),
                format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
                format!("-artifact_prefix={}/", artifacts.display()),
                "-print_final_stats=1".to_owned(),
            ])
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        let status = command.status()?;
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let corpus = fs::read_dir(&work)?.count();
        Ok(report::read(&self.name, &text, status.success(), corpus))
    }

    /// Adds to the committed corpus what reaches something that it does not reach yet.
    fn keep(&self, fuzzer: &Path) -> Result<()> {
        let [committed, _] = self.committed();
        let added = build::directory().join("added").join(&self.name);
        if added.exists() {
            fs::remove_dir_all(&added)?;
        }
        for directory in [&committed, &added] {
            fs::create_dir_all(directory)?;
        }
        let before = fs::read_dir(&committed)?.count();
        let output = self
            .command(fuzzer)
            .arg("-merge=1")
            .arg(&committed)
            .arg(self.directory("corpus"))
            .output()?;
        ensure!(
            output.status.success(),
            "{}: cannot be merged:\n{}",
            self.name,
            String::from_utf8_lossy(&output.stderr)
        );
        let after = fs::read_dir(&committed)?.count();
        println!("{}: {} inputs more", self.name, after - before);
        Ok(())
    }

    fn command(&self, fuzzer: &Path) -> Command {
        let mut command = Command::new(fuzzer);
        command
            .env("OTTLA_FUZZ_TARGET", &self.name)
            .arg(format!("-max_len={}", self.input_bytes_max));
        command
    }

    fn directory(&self, kind: &str) -> PathBuf {
        build::directory().join(kind).join(&self.name)
    }

    /// Where the repository has inputs for the target.
    fn committed(&self) -> [PathBuf; 2] {
        ["corpus", "regressions"].map(|kind| {
            crate::places::workspace()
                .join("tests/fuzz")
                .join(kind)
                .join(&self.name)
        })
    }
}
