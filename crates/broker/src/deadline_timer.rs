//! One timer for many who have something to do at times: the partitions of a coordinator, the requests
//! that wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use env::Monotonic;
use tokio::sync::Notify;

use crate::broker::Broker;

/// What has something to do at times.
pub(crate) trait Timed: Send + Sync + 'static {
    /// When [`Timed::tick`] is to be called.
    fn next_deadline(&self) -> Option<Duration>;

    /// Does what is due.
    fn tick(self: &Arc<Self>);
}

/// When the timer goes off, for those who may want it earlier.
#[derive(Debug)]
pub(crate) struct Timer {
    /// In nanoseconds on the monotonic clock; the largest number if it is not set.
    at: AtomicU64,
    earlier: Notify,
}

impl Default for Timer {
    fn default() -> Self {
        Self {
            at: AtomicU64::new(u64::MAX),
            earlier: Notify::new(),
        }
    }
}

impl Timer {
    /// Sees to it that all are looked at by this time. One that is not before the time it is set to, also if
    /// nobody wants that any more, disturbs nobody.
    pub(crate) fn arm(&self, deadline: Option<Duration>) {
        let deadline = nanos(deadline);
        if self.at.fetch_min(deadline, Ordering::AcqRel) > deadline {
            self.earlier.notify_one();
        }
    }
}

fn nanos(deadline: Option<Duration>) -> u64 {
    deadline.map_or(u64::MAX, |deadline| {
        u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX)
    })
}

/// Starts the timer; it ends when the broker stops.
pub(crate) fn start<P: Timed>(
    broker: &Arc<Broker>,
    name: &'static str,
    timer: &Arc<Timer>,
    all: &[Arc<P>],
) {
    let clock = Arc::clone(&broker.env.clock);
    let mut stopping = broker.stopping();
    let timer = Arc::clone(timer);
    let all = all.to_vec();
    let run = async move {
        loop {
            // Forget the old time before looking, so that an earlier one that comes up meanwhile
            // is not taken for known.
            timer.at.store(u64::MAX, Ordering::Release);
            let deadlines = all.iter().filter_map(|one| one.next_deadline());
            let earliest = deadlines.min();
            timer.at.fetch_min(nanos(earliest), Ordering::AcqRel);
            let due = async {
                match earliest {
                    Some(earliest) => clock.sleep_until(Monotonic(earliest)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = timer.earlier.notified() => continue,
                () = due => {}
            }
            let now = clock.now().0;
            for one in &all {
                if one.next_deadline().is_some_and(|deadline| deadline <= now) {
                    one.tick();
                }
            }
        }
    };
    broker.env.spawn.task(name, Box::pin(run));
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn only_a_sooner_deadline_disturbs_the_sleep() {
        let timer = Timer::default();
        let is_disturbed = |seconds| {
            timer.arm(Some(Duration::from_secs(seconds)));
            let mut ctx = Context::from_waker(Waker::noop());
            pin!(timer.earlier.notified()).poll(&mut ctx).is_ready()
        };
        assert!(is_disturbed(30), "it was not set");
        assert!(!is_disturbed(31));
        assert!(!is_disturbed(30));
        assert!(is_disturbed(5));
        assert!(!is_disturbed(6));
    }
}
