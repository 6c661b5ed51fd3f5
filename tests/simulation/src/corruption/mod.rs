//! Single mutations over every file of a data directory: what is acknowledged is served as it was, or
//! refused with an error and named; nothing else is harmed.
//!
//! A golden directory is what whole brokers leave behind after some work, restarts and losses of
//! power ([`golden`]). Each mutation ([`mutation`]) is done to a copy of it at rest; a broker opens
//! it, is read and worked with, and is started once more ([`check`]). What the files are and which
//! bytes matter, [`layout`] knows from the documentation of the format alone.

mod asks;
mod check;
mod client;
mod golden;
mod layout;
mod look;
mod mutation;
mod promise;
mod reading;
mod records;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use check::Outcome;
use golden::Golden;
use layout::{FileKind, Wal};
use mutation::Way;
use sim::Dice;

use crate::Tally;
use crate::runner::panic_text;

/// How many mutations one golden directory gets.
const PER_GOLDEN: u64 = 250;
/// How many failures are gathered before the run ends.
const FAILURES_MAX: usize = 400;

/// A mutation that found something.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the mutation; 0 to 249 are those of the first golden directory, and so on.
    pub number: u64,
    /// What went wrong.
    pub error: String,
}

/// The kinds of files that are mutated, by their names in the tally, where a mutation is called
/// "kind: way".
pub fn file_kinds() -> impl Iterator<Item = &'static str> {
    FileKind::ALL.iter().map(|kind| kind.name())
}

/// The ways in which files are mutated, by their names in the tally.
pub fn ways() -> impl Iterator<Item = &'static str> {
    Way::ALL.iter().map(|way| way.name())
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// How often what happened.
    pub tally: Tally,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

/// Runs the mutations with the numbers `from` to `from + count` of a seed on some threads.
pub fn run(seed: u64, from: u64, count: u64, threads: u32) -> Report {
    let end = from + count;
    let next = AtomicU64::new(from / PER_GOLDEN);
    let report = Mutex::new(Report::default());
    let work = || {
        loop {
            let group = next.fetch_add(1, Ordering::Relaxed);
            let first = group * PER_GOLDEN;
            let is_over = || {
                report
                    .lock()
                    .is_ok_and(|all| all.failures.len() >= FAILURES_MAX)
            };
            if first >= end || is_over() {
                return;
            }
            let numbers = first.max(from)..(first + PER_GOLDEN).min(end);
            let found = run_group(seed, group, numbers);
            let Ok(mut report) = report.lock() else {
                return;
            };
            report.tally.merge(&found.tally);
            report.failures.extend(found.failures);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    let mut report = report
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    report.failures.sort_by_key(|failure| failure.number);
    report
}

fn run_group(seed: u64, group: u64, numbers: std::ops::Range<u64>) -> Report {
    let mut report = Report::default();
    let fail = |number, error| Failure { number, error };
    let built = guarded(|| golden::build(mix(seed, group, 0)));
    let golden = match built {
        Ok(golden) => golden,
        Err(error) => {
            report
                .failures
                .push(fail(numbers.start, format!("without a mutation: {error}")));
            return report;
        }
    };
    report.tally.add("golden directories", 1);
    let wal = Wal::read(&golden.fs);
    for number in numbers {
        if let Err(error) = run_one(seed, number, &golden, &wal, &mut report.tally) {
            report.failures.push(fail(number, error));
            if report.failures.len() >= FAILURES_MAX {
                break;
            }
        }
    }
    report
}

fn run_one(
    seed: u64,
    number: u64,
    golden: &Golden,
    wal: &Wal,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut dice = Dice::new(mix(seed, number, 1));
    let mutation = mutation::roll(&mut dice, golden, wal);
    let judged = guarded(|| check::judge(golden, wal, &mutation, &mut dice));
    let outcome = judged.map_err(|error| format!("{}: {error}", mutation.what))?;
    tally.add("mutations", 1);
    tally.add(
        match outcome {
            Outcome::Harmless => "outcome: everything is served",
            Outcome::Named => "outcome: refused and named",
            Outcome::Cut => "outcome: cut what nothing called durable",
            Outcome::Refused => "outcome: does not start and says why",
        },
        1,
    );
    tally.add(
        format!("{}: {}", mutation.kind.name(), mutation.way.name()),
        1,
    );
    Ok(())
}

/// Runs something; a panic is an error.
fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let result = catch_unwind(AssertUnwindSafe(run));
    result.unwrap_or_else(|panic| Err(panic_text(panic.as_ref())))
}

/// A seed for one of many things that come from one seed.
fn mix(seed: u64, number: u64, purpose: u64) -> u64 {
    let mut dice = Dice::new(seed);
    let base = dice.number() ^ purpose.rotate_left(32);
    Dice::new(base ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).number()
}
