//! The storage engine against a naive model, on a disk that loses power, fails and gets full.
//!
//! A failing seed is reported with the shortest list of actions that still fails; it goes into
//! `named` with a name that says what was wrong.

mod access;
mod actions;
mod check;
mod model;
#[cfg(test)]
mod named;
mod work;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use access::reserve;
pub use actions::Mix;
use actions::{Action, plan};
use sim::Dice;
use world::World;
pub(crate) use world::{Checked, ensure};

use crate::Tally;

/// Actions in one run.
const LENGTH: usize = 120;

/// Runs one seed; errs with what went wrong and the shortest list of actions that still fails.
pub fn run_seed(mix: Mix, seed: u64) -> Result<Tally, String> {
    let actions = plan(&mut Dice::new(seed ^ 0x5eed), mix, LENGTH);
    run(seed, &actions).map_err(|error| {
        let short = crate::runner::shorten(actions, |actions| run(seed, actions).is_err());
        let last = run(seed, &short).map(drop).unwrap_err();
        format!("{error}\nshortest: {last}\n{}", crate::runner::list(&short))
    })
}

/// The digests of the disk's operations after each action, to compare two runs of one seed.
pub fn trace(mix: Mix, seed: u64) -> Result<Vec<u64>, String> {
    let mut world = World::new(seed)?;
    let mut digests = Vec::new();
    for action in plan(&mut Dice::new(seed ^ 0x5eed), mix, LENGTH) {
        world.step(action)?;
        digests.push(world.handles.fs.trace_digest());
    }
    Ok(digests)
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
