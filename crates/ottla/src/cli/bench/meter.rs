//! What is measured: counts and latencies, shared by all connections of a run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::Refusal;
use hdrhistogram::Histogram;

/// The range of latencies that are told apart, in ns: beyond an hour they are an hour.
const LATENCY_NS_MIN: u64 = 100;
const LATENCY_NS_MAX: u64 = 3_600_000_000_000;

/// Significant digits of a latency.
const DIGITS: u8 = 3;

/// The time that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) begins: Instant,
    /// `None` where the run ends with its work.
    pub(super) ends: Option<Instant>,
}

impl Window {
    pub(super) fn contains(&self, at: Instant) -> bool {
        at >= self.begins && self.ends.is_none_or(|ends| at < ends)
    }

    /// How much of it has passed.
    pub(super) fn passed(&self, now: Instant) -> Duration {
        let until = self.ends.map_or(now, |ends| ends.min(now));
        until.saturating_duration_since(self.begins)
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Requests answered without an error.
    pub(super) requests: u64,
    /// Records written or read.
    pub(super) records: u64,
    /// Their bytes: keys and values when writing, batches as they came when reading.
    pub(super) bytes: u64,
}

impl Done {
    fn add(&mut self, more: Self) {
        self.requests += more.requests;
        self.records += more.records;
        self.bytes += more.bytes;
    }
}

/// What has been measured so far.
#[derive(Debug)]
pub(super) struct Measured {
    window: Window,
    /// Within the window.
    pub(super) done: Done,
    /// In the whole run, warm-up and end included.
    pub(super) total: Done,
    /// Answers with an error, by its name, in the whole run.
    pub(super) errors: BTreeMap<String, u64>,
    /// Answers that told the client to hold back.
    pub(super) throttled: u64,
    /// Records that were due and never sent, because too many were under way until the end.
    pub(super) unsent_records: u64,
    latencies: BTreeMap<&'static str, Histogram<u64>>,
}

impl Measured {
    /// Counts what was done, as of this time.
    pub(super) fn count(&mut self, at: Instant, done: Done) {
        self.total.add(done);
        if self.window.contains(at) {
            self.done.add(done);
        }
    }

    /// Counts an answer with this error code.
    pub(super) fn error(&mut self, code: i16) {
        let name = Refusal::of_code(code).name();
        *self.errors.entry(name).or_default() += 1;
    }

    /// Notes that so many things took this long, if `at` counts.
    pub(super) fn latency(&mut self, of: &'static str, at: Instant, took: Duration, count: u64) {
        if self.window.contains(at) {
            let histogram = self.latencies.entry(of).or_insert_with(histogram);
            let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            histogram.saturating_record_n(ns.min(LATENCY_NS_MAX), count);
        }
    }

    /// The latencies, by what they are of.
    pub(super) fn latencies(&self) -> &BTreeMap<&'static str, Histogram<u64>> {
        &self.latencies
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(LATENCY_NS_MIN, LATENCY_NS_MAX, DIGITS)
        .expect("the bounds are constants that a test has gone through")
}

/// Takes the measurements of all connections.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) window: Window,
    measured: Mutex<Measured>,
}

impl Meter {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            measured: Mutex::new(Measured {
                window,
                done: Done::default(),
                total: Done::default(),
                errors: BTreeMap::new(),
                throttled: 0,
                unsent_records: 0,
                latencies: BTreeMap::new(),
            }),
        }
    }

    /// What has been measured so far. All connections are on one thread: nobody ever waits here.
    pub(super) fn measured(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn only_what_is_in_the_window_counts_and_all_of_it_is_in_the_total() {
        let begins = Instant::now();
        let window = Window {
            begins,
            ends: Some(begins + 100 * MS),
        };
        let meter = Meter::new(window);
        let one = Done {
            requests: 1,
            records: 10,
            bytes: 100,
        };
        let before = begins.checked_sub(MS).unwrap();
        for at in [before, begins, begins + 99 * MS, begins + 100 * MS] {
            meter.measured().count(at, one);
            meter.measured().latency("A", at, MS, 10);
        }
        let measured = meter.measured();
        assert_eq!((measured.total.requests, measured.total.records), (4, 40));
        assert_eq!((measured.done.requests, measured.done.bytes), (2, 200));
        assert_eq!(measured.latencies()["A"].len(), 20);
        assert_eq!(window.passed(begins + 40 * MS), 40 * MS);
        assert_eq!(window.passed(begins + 400 * MS), 100 * MS);
        assert_eq!(window.passed(before), Duration::ZERO);
    }

    #[test]
    fn latencies_keep_three_digits_and_end_at_an_hour() {
        let begins = Instant::now();
        let meter = Meter::new(Window { begins, ends: None });
        let mut measured = meter.measured();
        for us in 1..=1000 {
            measured.latency("A", begins, Duration::from_micros(us), 1);
        }
        measured.latency("A", begins, Duration::from_secs(1_000_000), 1);
        let histogram = &measured.latencies()["A"];
        let near = |ns: u64, expected: u64| ns.abs_diff(expected) <= expected / 1000 + 100;
        assert!(near(histogram.value_at_quantile(0.5), 501_000));
        assert!(near(histogram.value_at_quantile(0.99), 991_000));
        assert!(near(histogram.max(), LATENCY_NS_MAX));
    }
}
