//! One case, measured: a process of its own sends the requests, and callgrind looks at it.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use wire::Chunks;

use crate::allocation::Allocated;
use crate::cases::{CASES, Case, Sent};
use crate::door::Door;
use crate::figures::Figures;
use crate::machine::Machine;

/// Requests before those that count, which find what the first ones have made.
pub(crate) const WARM_UP: usize = 200;
/// Requests that count.
pub(crate) const COUNTED: usize = 1_000;

/// Where callgrind counts: in [`counted_section`] and in all that it calls.
const SECTION: &str = "*counted_section*";

/// The case of this name.
pub(crate) fn find(name: &str) -> Result<&'static Case> {
    let found = CASES.iter().find(|case| case.name == name);
    found.with_context(|| format!("there is no case {name:?}"))
}

/// Sends the requests of a case, in this process, and prints what they have allocated.
pub(crate) fn send(case: &Case) -> Result<()> {
    let directory = tempfile::tempdir().context("a directory")?;
    let mut machine = Machine::open(directory.path())?;
    let mut sent = (case.prepare)(&mut machine, WARM_UP + COUNTED)?;
    machine.rest()?;
    let counted = sent.split_off(WARM_UP);
    for Sent { frame, check } in sent {
        check(machine.exchange(frame)?)?;
    }
    machine.rest()?;

    let (frames, checks): (Vec<_>, Vec<_>) = counted
        .into_iter()
        .map(|sent| (sent.frame, sent.check))
        .unzip();
    ensure!(frames.len() == COUNTED, "{} requests", frames.len());
    let mut answers = Vec::with_capacity(COUNTED);
    let before = Allocated::now();
    counted_section(&mut machine, frames, &mut answers)?;
    let Allocated { allocations, bytes } = Allocated::now().since(before);
    for (answer, check) in answers.into_iter().zip(checks) {
        check(answer)?;
    }
    println!("{}", json!({ "allocations": allocations, "bytes": bytes }));
    Ok(())
}

/// What is counted: from the frame to the answer, and what is left to do then.
#[inline(never)]
fn counted_section(
    machine: &mut Machine,
    frames: Vec<Bytes>,
    answers: &mut Vec<Chunks>,
) -> Result<()> {
    for frame in frames {
        answers.push(machine.exchange(frame)?);
    }
    machine.rest()
}

/// Runs a case under callgrind.
pub(crate) fn measure(case: &Case) -> Result<Figures> {
    let directory = tempfile::tempdir().context("a directory")?;
    let profile = directory.path().join("callgrind.out");
    let program = std::env::current_exe().context("the path of this program")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={SECTION}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(["send", case.name])
        .stderr(Stdio::inherit())
        .output()
        .context("run valgrind, which is to be installed")?;
    ensure!(output.status.success(), "it ended with {}", output.status);
    let told: Value = serde_json::from_slice(&output.stdout).context("what it has allocated")?;
    let number = |name: &str| told[name].as_u64().with_context(|| format!("no {name}"));
    let (allocations, bytes) = (number("allocations")?, number("bytes")?);
    let profile = fs::read_to_string(&profile).context("what callgrind has counted")?;
    let per_request = |count: u64| count as f64 / COUNTED as f64;
    Ok(Figures {
        instructions: per_request(instructions(&profile)?).round(),
        allocations: per_request(allocations),
        allocated_bytes: per_request(bytes).round(),
    })
}

/// The sum in a profile of callgrind.
fn instructions(profile: &str) -> Result<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "));
    let total: u64 = line
        .context("no totals")?
        .trim()
        .parse()
        .context("a number")?;
    ensure!(total > 0, "nothing was counted: where is {SECTION}?");
    Ok(total)
}
