//! The engine against a naive model, on a simulated disk that loses power, fails and gets full.
//!
//! A run is a seed: it gives the actions, what the disk makes of them, and with them every outcome.
//! A failing seed is printed with the shortest list of actions that still fails; put it into
//! [`named`]. `OTTLA_SEEDS=20000` runs as many seeds of each mix, `OTTLA_SEED=17` runs that one and
//! nothing else; `docs/TESTING.md` tells more.

mod actions;
mod batch;
mod check;
mod engine;
mod model;
mod named;
mod work;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actions::{Action, Mix, plan};
use sim::Dice;
use world::{Counts, World};

/// Actions in one run.
const LENGTH: usize = 120;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Runs actions; what went wrong, or how often what happened.
fn run(seed: u64, actions: &[Action]) -> Result<Counts, String> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed)?;
        for (number, action) in actions.iter().enumerate() {
            world
                .step(*action)
                .map_err(|error| format!("action {number}, {action:?}: {error}"))?;
        }
        world.finish()
    }));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// Leaves out actions as long as the run fails without them.
fn shorten(seed: u64, mut actions: Vec<Action>) -> Vec<Action> {
    let mut chunk = actions.len() / 2;
    while chunk > 0 {
        let mut start = 0;
        while start < actions.len() {
            let mut fewer = actions.clone();
            fewer.drain(start..(start + chunk).min(actions.len()));
            if run(seed, &fewer).is_err() {
                actions = fewer;
            } else {
                start += chunk;
            }
        }
        chunk /= 2;
    }
    actions
}

fn run_seed(mix: Mix, seed: u64) -> Counts {
    let actions = plan(&mut Dice::new(seed ^ 0x5eed), mix, LENGTH);
    match run(seed, &actions) {
        Ok(counts) => counts,
        Err(error) => {
            let short = shorten(seed, actions);
            let last = run(seed, &short).map(drop).unwrap_err();
            let short: Vec<String> = short
                .iter()
                .map(|action| format!("{action:?},\n"))
                .collect();
            let short = short.concat();
            panic!("{mix:?}, seed {seed}: {error}\nshortest: {last}\n{short}");
        }
    }
}

fn run_seeds(mix: Mix, default: u64) {
    if let Some(seed) = number("OTTLA_SEED") {
        println!("{:?}", run_seed(mix, seed));
        return;
    }
    let from = number("OTTLA_SEED_FROM").unwrap_or(0);
    let seeds = number("OTTLA_SEEDS").unwrap_or(default);
    let mut total = Counts::default();
    for seed in from..from + seeds {
        total.add(&run_seed(mix, seed));
    }
    println!("{mix:?}, {seeds} seeds: {total:?}");
    // A run in which nothing happens proves nothing.
    assert!(
        total.acknowledged > seeds && total.recoveries > seeds,
        "{total:?}"
    );
    assert!(
        total.duplicates > seeds && total.cut > seeds / 10,
        "{total:?}"
    );
    assert!(total.flushed_bytes > seeds * 10_000, "{total:?}");
}

#[test]
fn nothing_promised_is_lost_when_the_power_goes() {
    run_seeds(Mix::Cuts, 60);
}

#[test]
fn nothing_promised_is_lost_when_the_device_fails() {
    run_seeds(Mix::Faults, 60);
}

#[test]
fn nothing_promised_is_lost_when_the_disk_is_full() {
    run_seeds(Mix::Full, 60);
}

#[test]
fn one_seed_gives_one_run() {
    let digest = |seed| {
        let mut world = World::new(seed).unwrap();
        let mut digests = Vec::new();
        for action in plan(&mut Dice::new(seed), Mix::Faults, 60) {
            world.step(action).unwrap();
            digests.push(world.handles.fs.trace_digest());
        }
        digests
    };
    for seed in 0..3 {
        assert_eq!(digest(seed), digest(seed), "seed {seed}");
    }
    assert_ne!(digest(0), digest(1));
}
