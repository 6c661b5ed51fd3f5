//! The deadlines of requests that wait: one timer for all of them.
//!
//! Nearly every deadline is given up before it comes. A sleep for each would have the runtime set its
//! alarm anew for each, which costs calls of the kernel. The [`Timer`] goes on sleeping when the
//! deadline it sleeps for is given up; only one before that disturbs it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use env::{Clock, Monotonic};
use parking_lot::Mutex;

use crate::broker::Broker;
use crate::deadline_timer::{self, Timed, Timer};

/// All deadlines of a broker.
pub(crate) struct Deadlines {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    timer: Arc<Timer>,
}

#[derive(Default)]
struct State {
    /// Who waits, by deadline and by the order in which they came.
    waiting: BTreeMap<(Monotonic, u64), Option<Waker>>,
    count: u64,
}

/// Completes when its time has come. Dropping it gives it up.
pub(crate) struct Deadline {
    deadlines: Arc<Deadlines>,
    /// `None` if the time had come before.
    key: Option<(Monotonic, u64)>,
}

impl Deadlines {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            timer: Arc::default(),
        }
    }

    /// Waits for this time.
    pub(crate) fn at(self: &Arc<Self>, time: Monotonic) -> Deadline {
        let is_ahead = time > self.clock.now();
        let key = is_ahead.then(|| {
            let mut state = self.state.lock();
            state.count += 1;
            let key = (time, state.count);
            state.waiting.insert(key, None);
            key
        });
        if is_ahead {
            self.timer.arm(Some(time.0));
        }
        let deadlines = Arc::clone(self);
        Deadline { deadlines, key }
    }
}

impl Timed for Deadlines {
    fn next_deadline(&self) -> Option<Duration> {
        let state = self.state.lock();
        state.waiting.keys().next().map(|(time, _)| time.0)
    }

    /// Wakes those whose time has come.
    fn tick(self: &Arc<Self>) {
        let now = self.clock.now();
        let due = {
            let mut state = self.state.lock();
            let later = state.waiting.split_off(&(now, u64::MAX));
            std::mem::replace(&mut state.waiting, later)
        };
        due.into_values().flatten().for_each(Waker::wake);
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        let Some(key) = &self.key else {
            return Poll::Ready(());
        };
        match self.deadlines.state.lock().waiting.get_mut(key) {
            None => Poll::Ready(()),
            Some(waker) => {
                *waker = Some(ctx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.deadlines.state.lock().waiting.remove(key);
        }
    }
}

/// Starts the timer; it ends when the broker stops.
pub(crate) fn start(broker: &Arc<Broker>) {
    let deadlines = &broker.deadlines;
    let timed = std::slice::from_ref(deadlines);
    deadline_timer::start(broker, "deadlines", &deadlines.timer, timed);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use sim::SimClock;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn second(number: u64) -> Monotonic {
        Monotonic(Duration::from_secs(number))
    }

    fn deadlines() -> (Arc<SimClock>, Arc<Deadlines>) {
        let clock = Arc::new(SimClock::default());
        let deadlines = Deadlines::new(clock.clone());
        (clock, Arc::new(deadlines))
    }

    #[test]
    fn each_is_woken_at_its_time_and_not_when_given_up() {
        let (clock, deadlines) = deadlines();
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut ctx = Context::from_waker(&waker);
        let mut waiting = [2, 1, 1, 3].map(|time| deadlines.at(second(time)));
        for deadline in &mut waiting {
            assert!(Pin::new(deadline).poll(&mut ctx).is_pending());
        }
        let [mut second_one, mut first, given_up, last] = waiting;
        deadlines.tick();
        assert_eq!(deadlines.next_deadline(), Some(second(1).0));
        drop(given_up);
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);

        clock.advance(Duration::from_secs(1));
        deadlines.tick();
        assert_eq!(deadlines.next_deadline(), Some(second(2).0));
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(Pin::new(&mut first).poll(&mut ctx).is_ready());
        assert!(Pin::new(&mut second_one).poll(&mut ctx).is_pending());

        drop(last);
        clock.advance(Duration::from_secs(1));
        deadlines.tick();
        assert_eq!(deadlines.next_deadline(), None, "nobody waits any more");
        assert!(Pin::new(&mut second_one).poll(&mut ctx).is_ready());
    }

    #[test]
    fn a_time_that_has_passed_is_not_waited_for() {
        let (_, deadlines) = deadlines();
        let mut ctx = Context::from_waker(Waker::noop());
        let mut past = deadlines.at(second(0));
        assert!(Pin::new(&mut past).poll(&mut ctx).is_ready());
        assert_eq!(deadlines.next_deadline(), None);
    }
}
