//! Clocks that move when they are told.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use env::{BoxFuture, Clock, Monotonic};
use parking_lot::Mutex;

/// Where the wall clock of a fresh machine stands: 2026-01-01T00:00:00Z.
const START_WALL_MS: i64 = 1_767_225_600_000;

/// [`Clock`] in the hands of a test.
#[derive(Debug)]
pub struct SimClock {
    times: Arc<Mutex<Times>>,
}

#[derive(Debug)]
struct Times {
    now: Monotonic,
    wall_ms: i64,
    sleepers: Vec<Sleeper>,
    next_sleeper: u64,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    deadline: Monotonic,
    waker: Waker,
}

impl Default for SimClock {
    fn default() -> Self {
        Self {
            times: Arc::new(Mutex::new(Times {
                now: Monotonic::default(),
                wall_ms: START_WALL_MS,
                sleepers: Vec::new(),
                next_sleeper: 0,
            })),
        }
    }
}

impl SimClock {
    /// Moves both clocks forward and wakes whose time has come, the earliest first.
    pub fn advance(&self, time: Duration) {
        let mut woken = {
            let mut times = self.times.lock();
            times.now = times.now + time;
            let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            times.wall_ms = times.wall_ms.saturating_add(ms);
            let now = times.now;
            let (woken, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut times.sleepers)
                .into_iter()
                .partition(|sleeper| sleeper.deadline <= now);
            times.sleepers = rest;
            woken
        };
        woken.sort_by_key(|sleeper| (sleeper.deadline, sleeper.id));
        for sleeper in woken {
            sleeper.waker.wake();
        }
    }

    /// Lets the wall clock jump, forward or back, while the other one stands still.
    pub fn jump_wall(&self, by_ms: i64) {
        let mut times = self.times.lock();
        times.wall_ms = times.wall_ms.saturating_add(by_ms);
    }

    /// The earliest moment that somebody sleeps until.
    pub fn next_deadline(&self) -> Option<Monotonic> {
        let times = self.times.lock();
        times.sleepers.iter().map(|sleeper| sleeper.deadline).min()
    }

    /// Moves both clocks to the earliest moment that somebody sleeps until; `false` if nobody does.
    pub fn advance_to_next(&self) -> bool {
        let Some(deadline) = self.next_deadline() else {
            return false;
        };
        let now = self.now();
        self.advance(deadline.since(now));
        true
    }
}

impl Clock for SimClock {
    fn now(&self) -> Monotonic {
        self.times.lock().now
    }

    fn wall_ms(&self) -> i64 {
        self.times.lock().wall_ms
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<()> {
        Box::pin(Sleep {
            times: self.times.clone(),
            deadline,
            id: None,
        })
    }
}

struct Sleep {
    times: Arc<Mutex<Times>>,
    deadline: Monotonic,
    id: Option<u64>,
}

impl Sleep {
    fn forget(&mut self) {
        if let Some(id) = self.id.take() {
            let mut times = self.times.lock();
            times.sleepers.retain(|sleeper| sleeper.id != id);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        self.forget();
        let mut times = self.times.lock();
        if times.now >= self.deadline {
            return Poll::Ready(());
        }
        let id = times.next_sleeper;
        times.next_sleeper += 1;
        times.sleepers.push(Sleeper {
            id,
            deadline: self.deadline,
            waker: ctx.waker().clone(),
        });
        drop(times);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimSpawn;
    use env::Spawn;

    #[test]
    fn sleepers_wake_in_order_of_their_deadlines_and_not_before() {
        let clock = Arc::new(SimClock::default());
        let spawn = SimSpawn::new(1);
        let woken = Arc::new(Mutex::new(Vec::new()));
        for seconds in [3, 1, 2] {
            let sleep = clock.sleep_until(Monotonic(Duration::from_secs(seconds)));
            let woken = woken.clone();
            spawn.task(
                "sleeper",
                Box::pin(async move {
                    sleep.await;
                    woken.lock().push(seconds);
                }),
            );
        }
        spawn.run_until_stalled();
        assert!(woken.lock().is_empty());
        clock.advance(Duration::from_millis(999));
        spawn.run_until_stalled();
        assert!(woken.lock().is_empty());
        while clock.advance_to_next() {
            spawn.run_until_stalled();
        }
        assert_eq!(*woken.lock(), [1, 2, 3]);
        assert_eq!(clock.now(), Monotonic(Duration::from_secs(3)));
    }

    #[test]
    fn a_jump_of_the_wall_clock_wakes_nobody() {
        let clock = SimClock::default();
        let before = clock.wall_ms();
        let sleep = clock.sleep_until(Monotonic(Duration::from_secs(1)));
        let spawn = SimSpawn::new(1);
        spawn.task("sleeper", sleep);
        spawn.run_until_stalled();
        clock.jump_wall(-3_600_000);
        spawn.run_until_stalled();
        assert_eq!(spawn.tasks(), 1);
        assert_eq!(clock.wall_ms(), before - 3_600_000);
        assert_eq!(clock.now(), Monotonic::default());
    }

    #[test]
    fn a_dropped_sleep_is_forgotten() {
        let clock = SimClock::default();
        let spawn = SimSpawn::new(1);
        spawn.task(
            "sleeper",
            clock.sleep_until(Monotonic(Duration::from_secs(1))),
        );
        spawn.run_until_stalled();
        assert!(clock.next_deadline().is_some());
        drop(spawn);
        assert_eq!(clock.next_deadline(), None);
    }
}
