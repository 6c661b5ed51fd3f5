//! Running seeds: which run a seed stands for, many of them at once, and what they counted.

use std::any::Any;
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Tally;
use crate::compaction;
use crate::engine::{self, Mix};

/// What is simulated, and which troubles it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The storage engine alone.
    Engine(Mix),
    /// The whole broker.
    Broker(Mix),
    /// Compaction of logs of keyed records.
    Compaction(Mix),
}

/// All kinds. A seed runs one of each subject, the troubles taking turns.
const KINDS: [Kind; 9] = [
    Kind::Engine(Mix::Cuts),
    Kind::Engine(Mix::Faults),
    Kind::Engine(Mix::Full),
    Kind::Broker(Mix::Cuts),
    Kind::Broker(Mix::Faults),
    Kind::Broker(Mix::Full),
    Kind::Compaction(Mix::Cuts),
    Kind::Compaction(Mix::Faults),
    Kind::Compaction(Mix::Full),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, mix) = match self {
            Self::Engine(mix) => ("engine", mix),
            Self::Broker(mix) => ("broker", mix),
            Self::Compaction(mix) => ("compaction", mix),
        };
        write!(f, "{subject}-{}", mix.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = KINDS.into_iter().find(|kind| kind.to_string() == text);
        found.ok_or_else(|| {
            let names: Vec<String> = KINDS.iter().map(Kind::to_string).collect();
            format!("no such kind; there are {}", names.join(", "))
        })
    }
}

/// A run that found something.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was run.
    pub kind: Kind,
    /// With which seed.
    pub seed: u64,
    /// What went wrong.
    pub error: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, seed, error } = self;
        write!(
            f,
            "{kind}, seed {seed}: {error}\nagain with: cargo xtask replay {kind} {seed}"
        )
    }
}

/// Runs one seed of one kind.
pub fn run(kind: Kind, seed: u64) -> Result<Tally, Failure> {
    let result = match kind {
        Kind::Engine(mix) => engine::run_seed(mix, seed),
        Kind::Broker(mix) => crate::broker::run_seed(mix, seed),
        Kind::Compaction(mix) => compaction::run_seed(mix, seed),
    };
    result.map_err(|error| Failure { kind, seed, error })
}

/// What a seed runs: each subject once.
pub fn kinds_of(seed: u64) -> impl Iterator<Item = Kind> {
    let mix = [Mix::Cuts, Mix::Faults, Mix::Full][usize::try_from(seed % 3).unwrap_or(0)];
    let kinds = [Kind::Engine(mix), Kind::Broker(mix), Kind::Compaction(mix)];
    kinds.into_iter()
}

/// Runs many seeds on some threads and adds up what they counted. Ends with the first failure.
pub fn run_seeds(from: u64, count: u64, threads: u32) -> Result<Tally, Failure> {
    let next = AtomicU64::new(from);
    let total = Mutex::new(Ok(Tally::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + count || total.lock().is_ok_and(|total| total.is_err()) {
                return;
            }
            for kind in kinds_of(seed) {
                let result = run(kind, seed);
                let Ok(mut total) = total.lock() else {
                    return;
                };
                match (&mut *total, result) {
                    (Ok(total), Ok(tally)) => total.merge(&tally),
                    (Ok(_), Err(failure)) => *total = Err(failure),
                    (Err(_), _) => return,
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    let total = total.into_inner();
    total.unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Leaves out actions as long as the run fails without them.
pub(crate) fn shorten<A: Clone>(mut actions: Vec<A>, fails: impl Fn(&[A]) -> bool) -> Vec<A> {
    let mut chunk = actions.len() / 2;
    while chunk > 0 {
        let mut start = 0;
        while start < actions.len() {
            let mut fewer = actions.clone();
            fewer.drain(start..(start + chunk).min(actions.len()));
            if fails(&fewer) {
                actions = fewer;
            } else {
                start += chunk;
            }
        }
        chunk /= 2;
    }
    actions
}

/// Actions as a test lists them.
pub(crate) fn list<A: fmt::Debug>(actions: &[A]) -> String {
    let lines = actions.iter().map(|action| format!("{action:?},\n"));
    lines.collect()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("panic: {}", text.unwrap_or_default())
}
