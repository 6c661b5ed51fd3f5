//! What is used per second, on average.

use std::collections::VecDeque;
use std::time::Duration;

use env::Monotonic;
use metadata::QuotaLimit;

use super::meters::Meter;
use super::{SAMPLE, WINDOW, seconds, time_for};

/// How much was used in the last ten to eleven seconds. What is older counts no more.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rate {
    /// The oldest first; each begins when the one before it has ended, or later.
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    start: Monotonic,
    amount: f64,
}

impl Rate {
    /// Counts this much; a negative amount takes back what was counted.
    pub(super) fn record(&mut self, amount: f64, now: Monotonic) {
        self.forget(now);
        match self.samples.back_mut() {
            Some(last) if now.since(last.start) < SAMPLE => last.amount += amount,
            _ => self.samples.push_back(Sample { start: now, amount }),
        }
    }

    /// How much was used.
    pub(super) fn total(&mut self, now: Monotonic) -> f64 {
        self.forget(now);
        self.samples.iter().map(|sample| sample.amount).sum()
    }

    /// How much longer the time of counting would have to be for the average to be within the limit.
    pub(super) fn excess(&mut self, limit: QuotaLimit, now: Monotonic) -> Duration {
        let total = self.total(now);
        seconds(time_for(total, limit) - self.window(now).as_secs_f64())
    }

    /// The time of counting: since the oldest sample began, but seconds of which there are no samples
    /// yet count as well. Otherwise nobody could use the share of a second all at once.
    fn window(&self, now: Monotonic) -> Duration {
        let oldest = self.samples.front().map_or(now, |oldest| oldest.start);
        let elapsed = now.since(oldest);
        let whole = Duration::from_secs(elapsed.as_secs());
        elapsed + WINDOW.saturating_sub(whole)
    }

    fn forget(&mut self, now: Monotonic) {
        while let Some(oldest) = self.samples.front()
            && now.since(oldest.start) >= WINDOW + SAMPLE
        {
            self.samples.pop_front();
        }
    }
}

impl Meter for Rate {
    fn is_as_new(&self, now: Monotonic) -> bool {
        self.samples
            .iter()
            .all(|sample| now.since(sample.start) >= WINDOW + SAMPLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        // Not at the beginning of time.
        Monotonic(Duration::from_secs(77)) + Duration::from_millis(ms)
    }

    /// What is recorded when (in ms), a limit, and by how many ms the use exceeds it.
    #[test]
    fn use_is_averaged_over_ten_to_eleven_seconds() {
        type Recorded = &'static [(u64, f64)];
        let cases: [(Recorded, f64, u64, u64); 14] = [
            (&[], 100.0, 0, 0),
            // A whole window may be used at once, and not more.
            (&[(0, 1000.0)], 100.0, 0, 0),
            (&[(0, 1001.0)], 100.0, 0, 10),
            (&[(0, 1500.0)], 100.0, 0, 5_000),
            (&[(0, 1000.0), (0, 500.0)], 100.0, 0, 5_000),
            // The second that has begun counts.
            (&[(0, 1500.0)], 100.0, 300, 4_700),
            (&[(0, 1500.0)], 100.0, 999, 4_001),
            (&[(0, 1500.0)], 100.0, 1_000, 5_000),
            (&[(0, 1000.0), (2_500, 1000.0)], 100.0, 2_500, 9_500),
            // From the tenth on there are samples of all seconds.
            (&[(0, 1500.0)], 100.0, 10_900, 4_100),
            // The oldest is forgotten, and the time begins at the next.
            (&[(0, 1500.0)], 100.0, 11_000, 0),
            (&[(0, 1500.0), (1_200, 1300.0)], 100.0, 11_000, 2_200),
            // What was taken back was not used.
            (&[(0, 1500.0), (10, -1500.0), (20, 1100.0)], 100.0, 20, 980),
            // A fraction of a unit per second.
            (&[(0, 30.0)], 0.25, 0, 110_000),
        ];
        for (recorded, limit, now, excess_ms) in cases {
            let mut rate = Rate::default();
            for (time, amount) in recorded {
                rate.record(*amount, at(*time));
            }
            let excess = rate.excess(QuotaLimit::new(limit).unwrap(), at(now));
            let difference = excess.abs_diff(Duration::from_millis(excess_ms));
            assert!(
                difference < Duration::from_micros(1),
                "{recorded:?} at {now}: {excess:?}"
            );
        }
    }

    #[test]
    fn excess_without_bounds_is_the_longest_time() {
        let mut rate = Rate::default();
        rate.record(1e9, at(0));
        let tiny = QuotaLimit::new(f64::MIN_POSITIVE).unwrap();
        assert_eq!(rate.excess(tiny, at(0)), Duration::MAX);
    }

    #[test]
    fn no_more_samples_than_seconds_are_kept() {
        let mut rate = Rate::default();
        for time in 0..100_000 {
            rate.record(1.0, at(time));
            assert!(rate.samples.len() <= 11);
        }
        // The last sample began at 99,000.
        assert!(!rate.is_as_new(at(109_999)));
        assert!(rate.is_as_new(at(110_000)));
    }

    /// The share of its limit that a client uses in the long run if it uses this many seconds' worth
    /// each time and then waits as long as it is told.
    fn share_used(seconds: f64) -> f64 {
        let limit = QuotaLimit::new(100.0).unwrap();
        let amount = seconds * limit.get();
        let mut rate = Rate::default();
        let mut now = at(0);
        let mut used = 0.0;
        while now.since(at(0)) < Duration::from_secs(10_000) {
            rate.record(amount, now);
            used += amount;
            now = now + rate.excess(limit, now) + Duration::from_millis(1);
        }
        used / now.since(at(0)).as_secs_f64() / limit.get()
    }

    #[test]
    fn who_waits_as_told_keeps_to_the_limit() {
        for seconds in [0.1, 0.5, 1.0, 1.5, 2.0, 3.0] {
            let share = share_used(seconds);
            assert!((0.99..1.15).contains(&share), "{seconds}: {share}");
        }
        // What is remembered for ten seconds cannot tell the average of uses that are as large; that is so
        // in Kafka too.
        for tenths in 31..500 {
            let share = share_used(f64::from(tenths) / 10.0);
            assert!((0.99..2.0).contains(&share), "{tenths} tenths: {share}");
        }
    }
}
