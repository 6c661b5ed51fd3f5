//! The storage engine against a naive model, on a disk that loses power, fails and gets full.
//!
//! A failing seed is reported with the shortest list of actions that still fails; it goes into
//! `named` with a name that says what was wrong.

mod access;
mod actions;
mod appends;
mod budget;
mod dump;
mod finish;
mod groups;
mod logs;
mod machine;
mod model;
#[cfg(test)]
mod named;
mod observe;
mod phrases;
mod plan;
mod setup;
mod starts;
mod steps;
mod transactions;
mod waits;
mod watch;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actions::Action;
pub use budget::{HAPPENINGS, Mix};
use plan::{Run, plan};
use sim::Dice;
pub(crate) use waits::reserve;
pub(crate) use watch::Watch;
use world::World;
pub(crate) use world::{Checked, ensure};

use crate::Tally;

/// The run that a seed stands for.
fn run_of(mix: Mix, seed: u64) -> Run {
    plan(&mut Dice::new(seed ^ 0x5eed), mix)
}

/// Runs one seed; errs with what went wrong and the shortest run that still fails.
pub fn run_seed(mix: Mix, seed: u64) -> Result<Tally, String> {
    let planned = run_of(mix, seed);
    run(seed, &planned).map_err(|error| {
        let setup = planned.setup;
        let of = |actions: &[Action]| Run {
            setup,
            actions: actions.to_vec(),
        };
        let short =
            crate::runner::shorten(planned.actions, |actions| run(seed, &of(actions)).is_err());
        let last = run(seed, &of(&short)).map(drop).unwrap_err();
        let list = crate::runner::list(&short);
        format!("{error}\nshortest: {last}\n{setup:?}\n{list}")
    })
}

/// The digests of the disk's operations after each action, to compare two runs of one seed.
pub fn trace(mix: Mix, seed: u64) -> Result<Vec<u64>, String> {
    let run = run_of(mix, seed);
    let mut world = World::new(seed, run.setup)?;
    let mut digests = Vec::new();
    for action in run.actions {
        world.step(action)?;
        digests.push(world.machine.fs().trace_digest());
    }
    Ok(digests)
}

/// Runs actions; what went wrong, or how often what happened.
fn run(seed: u64, run: &Run) -> Result<Tally, String> {
    storage::take_marks();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, run.setup)?;
        for (number, action) in run.actions.iter().enumerate() {
            world
                .step(*action)
                .map_err(|error| format!("action {number}, {action:?}: {error}"))?;
        }
        world.finish()
    }));
    let result = result.unwrap_or_else(|panic| Err(crate::runner::panic_text(panic.as_ref())));
    result.map(|mut tally| {
        tally.add_marks();
        tally
    })
}
