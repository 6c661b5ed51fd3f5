//! A clock on which looking takes time.

use std::sync::Arc;
use std::time::Duration;

use env::{BoxFuture, Clock, Monotonic};
use parking_lot::Mutex;
use sim::SimClock;

/// Moves a clock forward before each look at it.
pub(crate) struct TickingClock {
    clock: Arc<SimClock>,
    tick: Mutex<Duration>,
}

impl TickingClock {
    /// Does not move the clock yet.
    pub(crate) fn new(clock: Arc<SimClock>) -> Self {
        Self {
            clock,
            tick: Mutex::default(),
        }
    }

    /// Moves the clock by this much each time from now on.
    pub(crate) fn set_tick(&self, tick: Duration) {
        *self.tick.lock() = tick;
    }
}

impl Clock for TickingClock {
    fn now(&self) -> Monotonic {
        let tick = *self.tick.lock();
        if !tick.is_zero() {
            self.clock.advance(tick);
        }
        self.clock.now()
    }

    fn wall_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<()> {
        self.clock.sleep_until(deadline)
    }
}
