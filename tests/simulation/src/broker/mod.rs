//! The whole broker against naive models: its own handlers, groups, metadata and storage, from one
//! seed.
//!
//! Clients speak to it through an independent codec. Producers send each batch until it is
//! answered, members of groups share partitions and commit, instances of transactional producers fight
//! for their ids, topics come and go, somebody looks; the disk loses power, fails and gets full, the process is killed, paused and ended, connections
//! break, clocks jump.

mod actions;
mod admin;
mod caller;
mod check;
mod codec;
mod dump;
mod fates;
mod finish;
mod ghosts;
mod history;
mod link;
mod looker;
mod machine;
mod member;
mod model;
mod producer;
mod queries;
mod reading;
mod starts;
mod transactor;
mod verdict;
mod watcher;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actions::{Action, plan};
use sim::Dice;
use world::World;

use crate::Tally;
use crate::engine::Mix;

/// What must have happened in the seeds of every day, by the names of the [`Tally`].
pub const HAPPENINGS: [&str; 29] = [
    "fault: connection cut",
    "fault: power cut",
    "fault: power cut within recovery",
    "fault: process killed",
    "fault: process paused",
    "fault: wall clock jumped",
    "clean ends",
    "batches acknowledged",
    "batches refused",
    "batches cut",
    "commits",
    "commits refused",
    "joins",
    "topics created",
    "topics deleted",
    "topics altered",
    "topics grown",
    "records deleted",
    "fault: requests came late",
    "transactions committed",
    "transactions aborted",
    "transactions left to the timeout",
    "transactions left by a new instance",
    "transactions of unknown outcome",
    "transactions that have read others",
    "instances fenced",
    "offsets committed in transactions",
    "aborted batches hidden",
    "open transactions described",
];

/// Actions in one run.
const LENGTH: usize = 275;

/// Runs one seed; errs with what went wrong and the shortest list of actions that still fails.
pub fn run_seed(mix: Mix, seed: u64) -> Result<Tally, String> {
    let actions = plan(&mut Dice::new(seed ^ 0xb40c), mix, LENGTH);
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
    for action in plan(&mut Dice::new(seed ^ 0xb40c), mix, LENGTH) {
        world.step(action)?;
        digests.push(world.shared.machine.fs().trace_digest());
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
