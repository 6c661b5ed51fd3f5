//! The machine, simulated: a disk that loses, tears and reorders what was not forced, a clock that
//! only moves when told, random numbers and tasks that follow one seed.
//!
//! [`env`] gives the seams that product code is handed, and the handles by which a test turns the
//! screws. The same seed and the same calls give the same run: the only sources of chance are
//! [`Dice`] rolled from the seed, and nothing depends on addresses, threads or the time of day.
//!
//! ```text
//! let (env, handles) = sim::env(seed);
//! handles.fs.crash_at(17);            // the power goes during the 17th change of the disk
//! run_storage(&env);                  // ...until its operations fail
//! let after = handles.fs.crash();     // the disk as the machine finds it at the next start
//! run_recovery(&env_on(after));
//! ```

mod clock;
mod fs;
mod intercepted;
mod rng;
mod spawn;

pub use clock::SimClock;
pub use fs::{Attributes, Fault, FaultCounts, Losses, Operation, Recorded, SimFs, Step};
pub use intercepted::{Intercept, InterceptedFs};
pub use rng::{Dice, SimRng};
pub use spawn::SimSpawn;

use std::sync::Arc;

/// What a test holds of a simulated machine.
#[derive(Clone, Debug)]
pub struct Handles {
    /// The disk.
    pub fs: SimFs,
    /// The clocks.
    pub clock: Arc<SimClock>,
    /// The random numbers that product code draws.
    pub rng: Arc<SimRng>,
    /// The tasks and threads that product code has started.
    pub spawn: Arc<SimSpawn>,
}

impl Handles {
    /// The seams that lead to these handles.
    pub fn env(&self) -> env::Env {
        env::Env {
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            fs: Arc::new(self.fs.clone()),
            spawn: self.spawn.clone(),
        }
    }

    /// The same machine after a loss of power: the disk as it survived, no tasks, the clock where
    /// it was.
    pub fn crash(&self) -> Self {
        self.with_fs(self.fs.crash())
    }

    /// The same machine after the process was killed and nothing else: the file system still has
    /// what was written, forced or not.
    pub fn kill(&self) -> Self {
        self.with_fs(self.fs.kill())
    }

    /// Another machine with a copy of the disk, to try the same thing twice.
    pub fn fork(&self) -> Self {
        self.with_fs(self.fs.fork())
    }

    fn with_fs(&self, fs: SimFs) -> Self {
        Self {
            fs,
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            spawn: Arc::new(SimSpawn::new(self.spawn.next_seed())),
        }
    }
}

/// A fresh machine with an empty disk of unlimited size.
pub fn env(seed: u64) -> (env::Env, Handles) {
    let mut dice = Dice::new(seed);
    let clock = Arc::new(SimClock::default());
    let handles = Handles {
        fs: SimFs::with_clock(dice.number(), Arc::clone(&clock)),
        clock,
        rng: Arc::new(SimRng::new(dice.number())),
        spawn: Arc::new(SimSpawn::new(dice.number())),
    };
    (handles.env(), handles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_machine() {
        let numbers = |seed| {
            let (env, _) = env(seed);
            (env.rng.random_u64(), env.rng.random_16())
        };
        assert_eq!(numbers(3), numbers(3));
        assert_ne!(numbers(3), numbers(4));
    }

    #[test]
    fn a_crash_ends_the_tasks_and_keeps_the_time() {
        let (env, handles) = env(1);
        handles.clock.advance(std::time::Duration::from_secs(5));
        env.spawn.task("forever", Box::pin(std::future::pending()));
        let after = handles.crash();
        assert_eq!(after.env().clock.now(), env.clock.now());
        assert_eq!(after.spawn.tasks(), 0);
        assert_eq!(handles.spawn.tasks(), 1);
    }
}
