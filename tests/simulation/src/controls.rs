//! Checking the checkers: the product, made wrong in one way after the other, must be found out.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use env::Defect;
use serde_json::{Value, json};

/// How one defect was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was wrong.
    pub defect: Defect,
    /// Seeds that were run until one failed, that one included.
    pub seeds: u64,
    /// What was run with it.
    pub kind: String,
    /// What the simulation said.
    pub error: String,
}

/// Runs seeds with each defect, a process for each, until one fails. Errs if a defect is not found
/// within `seeds`, or if anything is found without one.
pub fn run(seeds: u64) -> Result<Vec<Found>> {
    if let Some(found) = first_failure(None, seeds)? {
        bail!("without a defect: {}", found.2);
    }
    let mut all = Vec::new();
    let mut missed = Vec::new();
    for defect in Defect::ALL {
        let Some((kind, seed, error)) = first_failure(Some(defect), seeds)? else {
            println!("{:<28} not found", defect.name());
            missed.push(defect.name());
            continue;
        };
        println!("{:<28} {:>4} seeds, {kind}", defect.name(), seed + 1);
        all.push(Found {
            defect,
            seeds: seed + 1,
            kind,
            error,
        });
    }
    ensure!(
        missed.is_empty(),
        "not found in {seeds} seeds: {}",
        missed.join(", ")
    );
    Ok(all)
}

/// What was found, as JSON.
pub fn to_json(found: &[Found]) -> Value {
    let rows = found.iter().map(|found| {
        json!({
            "defect": found.defect.name(),
            "seeds": found.seeds,
            "kind": found.kind,
            "error": found.error,
        })
    });
    rows.collect()
}

/// Kind, seed and words of the first failure.
fn first_failure(defect: Option<Defect>, seeds: u64) -> Result<Option<(String, u64, String)>> {
    let program = std::env::current_exe().context("the path of this program")?;
    let mut command = Command::new(program);
    command
        .args(["seeds", "--json", "--threads", "1", "--seeds"])
        .arg(seeds.to_string())
        .stderr(Stdio::null());
    match defect {
        Some(defect) => command.env("DEFECT", defect.name()),
        None => command.env_remove("DEFECT"),
    };
    let output = command.output().context("run the seeds")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value: Value = serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
    let failure = &value["failure"];
    if failure.is_null() {
        ensure!(
            output.status.success(),
            "seeds ended with {}",
            output.status
        );
        return Ok(None);
    }
    let word = |name: &str| failure[name].as_str().unwrap_or_default().to_owned();
    let seed = failure["seed"].as_u64().context("a failure has a seed")?;
    let error = word("error").lines().next().unwrap_or_default().to_owned();
    Ok(Some((word("kind"), seed, error)))
}
