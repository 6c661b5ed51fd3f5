//! Compaction against a naive model: of each key the last record stays, at its offset, with its value
//! and its time, whatever happens to the machine meanwhile; and of the others nothing is left when
//! compaction has come to rest.
//!
//! There are a few logs with other settings each, keys that come again and again, idempotent
//! producers, and transactions that are committed and aborted.

mod access;
mod actions;
mod check;
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

use crate::Tally;
use crate::engine::Mix;

/// Actions in one run.
const LENGTH: usize = 150;

/// Runs one seed; errs with what went wrong and the shortest list of actions that still fails.
pub fn run_seed(mix: Mix, seed: u64) -> Result<Tally, String> {
    let actions = plan(&mut Dice::new(seed ^ 0xc0_4ac7), mix, LENGTH);
    run(seed, &actions).map_err(|error| {
        let short = shorten(seed, actions);
        let last = run(seed, &short).map(drop).unwrap_err();
        let short: Vec<String> = short
            .iter()
            .map(|action| format!("{action:?},\n"))
            .collect();
        format!("{error}\nshortest: {last}\n{}", short.concat())
    })
}

/// Runs actions; what went wrong, or how often what happened.
fn run(seed: u64, actions: &[Action]) -> Result<Tally, String> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed)?;
        for (number, action) in actions.iter().enumerate() {
            world
                .step(*action)
                .map_err(|error| format!("action {number}, {action:?}: {error}"))?;
        }
        world.finish()
    }));
    result.unwrap_or_else(|panic| Err(crate::runner::panic_text(panic.as_ref())))
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
