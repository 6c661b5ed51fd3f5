//! Loops that get the moments they wait for on a clock that otherwise stands still.

use std::sync::Arc;
use std::time::Duration;

use env::real::RealSpawn;
use env::{BoxFuture, Clock, Loop, Monotonic, Spawn, Step};
use sim::SimClock;

/// The longest wait that is granted: a round of the log that waits for more to come. Longer ones are a matter of
/// configuration, and of the test.
const MOMENT: Duration = Duration::from_millis(1);

/// Threads and tasks as they are. When a loop has waited a moment, the clock has moved by that; without this it would
/// wait for ever, since no test knows that it does.
pub(crate) struct MovingSpawn(pub(crate) Arc<SimClock>);

impl Spawn for MovingSpawn {
    fn task(&self, name: &'static str, future: BoxFuture<()>) {
        RealSpawn.task(name, future);
    }

    fn thread(&self, name: &'static str, body: Box<dyn Loop>) {
        let clock = Arc::clone(&self.0);
        RealSpawn.thread(name, Box::new(MovingLoop { body, clock }));
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<()> {
        RealSpawn.blocking(work)
    }
}

struct MovingLoop {
    body: Box<dyn Loop>,
    clock: Arc<SimClock>,
}

impl Loop for MovingLoop {
    fn step(&mut self) -> Step {
        self.body.step()
    }

    fn wait(&mut self, until: Option<Monotonic>) {
        let left = |until: Monotonic| until.since(self.clock.now());
        let is_woken = self.body.is_woken();
        self.body.wait(until);
        if let Some(left) = until.map(left)
            && left <= MOMENT
            && !is_woken
        {
            self.clock.advance(left);
        }
    }

    fn is_woken(&self) -> bool {
        self.body.is_woken()
    }
}
