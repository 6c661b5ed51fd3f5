//! The seeds of every day.

use simulation::engine::{self, Mix};
use simulation::{Tally, broker, compaction, runner};
use storage::Mark;

/// Seeds in one run of the tests; `cargo xtask soak` runs more.
const SEEDS: u64 = 200;

/// Looked at first: without it a failing seed could not be run again.
#[test]
fn a_seed_gives_one_run() {
    for mix in [Mix::Cuts, Mix::Faults, Mix::Full] {
        for seed in 0..3 {
            let trace = engine::trace(mix, seed).unwrap();
            assert_eq!(trace, engine::trace(mix, seed).unwrap(), "seed {seed}");
            assert_ne!(trace, engine::trace(mix, seed + 1).unwrap());
            let trace = broker::trace(mix, seed).unwrap();
            assert_eq!(trace, broker::trace(mix, seed).unwrap(), "seed {seed}");
            assert_ne!(trace, broker::trace(mix, seed + 1).unwrap());
            let trace = compaction::trace(mix, seed).unwrap();
            assert_eq!(trace, compaction::trace(mix, seed).unwrap(), "seed {seed}");
            assert_ne!(trace, compaction::trace(mix, seed + 1).unwrap());
        }
    }
}

#[test]
fn nothing_promised_is_lost_and_everything_was_tried() {
    let tally = match runner::run_seeds(0, SEEDS, 2) {
        Ok(tally) => tally,
        Err(failure) => panic!("{failure}"),
    };
    for (name, times) in tally.iter() {
        println!("{times:>12}  {name}");
    }
    assert_eq!(missing(&tally), [""; 0], "never in {SEEDS} seeds");
}

/// The troubles that never came, and the steps of the engine that were never taken. What has not
/// happened has not been survived.
fn missing(tally: &Tally) -> Vec<&'static str> {
    let missing = expected().filter(|name| tally.of(name) == 0);
    missing.collect()
}

fn expected() -> impl Iterator<Item = &'static str> {
    let troubles = engine::HAPPENINGS
        .into_iter()
        .chain(broker::HAPPENINGS)
        .chain(compaction::HAPPENINGS);
    let steps = Mark::ALL.into_iter().filter(|mark| !mark.needs_damage());
    troubles.chain(steps.map(Mark::name))
}

#[test]
fn what_never_happened_is_missed() {
    let mut tally = Tally::default();
    for name in expected().skip(1) {
        tally.add(name, 1);
    }
    assert_eq!(missing(&tally), [expected().next().unwrap()]);
}
