//! The deadlines of requests that wait: one sleep for all of them.
//!
//! Nearly every deadline is given up before it comes. A sleep for each would have the runtime set its
//! alarm anew for each, which costs calls of the kernel. So a task sleeps until the earliest one and,
//! when that was given up, on to the next; only a deadline before the end of its sleep disturbs it.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use env::{Clock, Monotonic};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::broker::Broker;

/// All deadlines of a broker.
pub(crate) struct Deadlines {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// A deadline has come up that is before the end of the sleep.
    sooner: Notify,
}

#[derive(Default)]
struct State {
    /// Who waits, by deadline and by the order in which they came.
    waiting: BTreeMap<(Monotonic, u64), Option<Waker>>,
    count: u64,
    /// The end of the sleep, which may be one that was given up; `None` while nobody sleeps for
    /// anything.
    sleeps_until: Option<Monotonic>,
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
            sooner: Notify::new(),
        }
    }

    /// Waits for this time.
    pub(crate) fn at(self: &Arc<Self>, time: Monotonic) -> Deadline {
        let deadlines = Arc::clone(self);
        if time <= self.clock.now() {
            let key = None;
            return Deadline { deadlines, key };
        }
        let mut state = self.state.lock();
        state.count += 1;
        let key = (time, state.count);
        state.waiting.insert(key, None);
        let is_sooner = state.sleeps_until.is_none_or(|until| time < until);
        drop(state);
        if is_sooner {
            self.sooner.notify_one();
        }
        let key = Some(key);
        Deadline { deadlines, key }
    }

    /// Wakes those whose time has come; when to do so again.
    fn wake(&self) -> Option<Monotonic> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let later = state.waiting.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.waiting, later);
        state.sleeps_until = state.waiting.keys().next().map(|(time, _)| *time);
        let until = state.sleeps_until;
        drop(state);
        due.into_values().flatten().for_each(Waker::wake);
        until
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
            Some(Some(waker)) => {
                waker.clone_from(ctx.waker());
                Poll::Pending
            }
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

/// Starts the sleeper; it ends when the broker stops.
pub(crate) fn start(broker: &Arc<Broker>) {
    let deadlines = Arc::clone(&broker.deadlines);
    let mut stopping = broker.stopping();
    let sleeper = async move {
        loop {
            let until = deadlines.wake();
            let slept = async {
                match until {
                    Some(until) => deadlines.clock.sleep_until(until).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = deadlines.sooner.notified() => {}
                () = slept => {}
            }
        }
    };
    broker.env.spawn.task("deadlines", Box::pin(sleeper));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

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
        assert_eq!(deadlines.wake(), Some(second(1)));
        drop(given_up);
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);

        clock.advance(Duration::from_secs(1));
        assert_eq!(deadlines.wake(), Some(second(2)));
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(Pin::new(&mut first).poll(&mut ctx).is_ready());
        assert!(Pin::new(&mut second_one).poll(&mut ctx).is_pending());

        drop(last);
        clock.advance(Duration::from_secs(1));
        assert_eq!(deadlines.wake(), None, "nobody waits any more");
        assert!(Pin::new(&mut second_one).poll(&mut ctx).is_ready());
    }

    #[test]
    fn a_time_that_has_passed_is_not_waited_for() {
        let (_, deadlines) = deadlines();
        let mut ctx = Context::from_waker(Waker::noop());
        let mut past = deadlines.at(second(0));
        assert!(Pin::new(&mut past).poll(&mut ctx).is_ready());
        assert_eq!(deadlines.wake(), None);
    }

    #[test]
    fn only_a_sooner_one_disturbs_the_sleep() {
        let (_, deadlines) = deadlines();
        let mut ctx = Context::from_waker(Waker::noop());
        let mut is_disturbed = || {
            let notified = std::pin::pin!(deadlines.sooner.notified());
            notified.poll(&mut ctx).is_ready()
        };
        let first = deadlines.at(second(30));
        assert!(is_disturbed(), "nobody slept");
        assert_eq!(deadlines.wake(), Some(second(30)));
        drop(first);
        let later = deadlines.at(second(31));
        assert!(!is_disturbed(), "the sleep ends before that");
        let _sooner = deadlines.at(second(5));
        assert!(is_disturbed());
        drop(later);
    }
}
