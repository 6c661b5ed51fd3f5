//! Compaction against a naive model: of each key the last record stays, at its offset, with its value
//! and its time, whatever happens to the machine meanwhile; and of the others nothing is left when
//! compaction has come to rest.
//!
//! There are a few logs with other settings each, keys that come again and again, idempotent
//! producers, and transactions that are committed and aborted.

mod access;
mod actions;
mod check;
mod consumers;
mod model;
#[cfg(test)]
mod named;
mod records;
#[cfg(test)]
mod steps;
mod work;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actions::{Action, plan};
use sim::Dice;
use world::World;

use crate::engine::Mix;
use crate::{Tally, runner};

/// What runs must have met and done: without it they show nothing.
pub const HAPPENINGS: [&str; 5] = [
    "appended to compacted logs",
    "compacted records",
    "consumed",
    "consumed late",
    "compactions before an end",
];

/// Actions in one run.
const LENGTH: usize = 150;

/// The actions that a seed stands for.
fn actions_of(mix: Mix, seed: u64) -> Vec<Action> {
    plan(&mut Dice::new(seed ^ 0xc0_4ac7), mix, LENGTH)
}

/// Runs one seed; errs with what went wrong and the shortest list of actions that still fails.
pub fn run_seed(mix: Mix, seed: u64) -> Result<Tally, String> {
    let actions = actions_of(mix, seed);
    run(seed, &actions).map_err(|error| {
        let short = runner::shorten(actions, |actions| run(seed, actions).is_err());
        let last = run(seed, &short).map(drop).unwrap_err();
        format!("{error}\nshortest: {last}\n{}", runner::list(&short))
    })
}

/// The digests of the disk's operations after each action, to compare two runs of one seed.
pub fn trace(mix: Mix, seed: u64) -> Result<Vec<u64>, String> {
    let mut world = World::new(seed)?;
    let mut digests = Vec::new();
    for action in actions_of(mix, seed) {
        world.step(action)?;
        digests.push(world.handles.fs.trace_digest());
    }
    Ok(digests)
}

/// Runs actions; what went wrong, or how often what happened.
fn run(seed: u64, actions: &[Action]) -> Result<Tally, String> {
    storage::take_marks();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed)?;
        for (number, action) in actions.iter().enumerate() {
            world
                .step(*action)
                .map_err(|error| format!("action {number}, {action:?}: {error}"))?;
        }
        world.finish()
    }));
    let result = result.unwrap_or_else(|panic| Err(runner::panic_text(panic.as_ref())));
    result.map(|mut tally| {
        tally.add_marks();
        tally
    })
}
