//! Time: one clock that only goes forward, one that people set.

use std::ops::Add;
use std::time::Duration;

use crate::BoxFuture;

/// A point on the clock that never jumps, as the time since an arbitrary start. Timers, session
/// timeouts and deadlines use it and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Monotonic(pub Duration);

impl Monotonic {
    /// The time from `earlier` to this point; zero if `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now, on the clock that never jumps.
    fn now(&self) -> Monotonic;

    /// Now in milliseconds since the Unix epoch, as records carry it. May jump in both directions:
    /// nothing that must be safe may depend on it.
    fn wall_ms(&self) -> i64;

    /// Completes when [`Clock::now`] has reached `deadline`.
    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<()>;
}
