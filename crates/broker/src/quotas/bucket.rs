//! What can be used all at once, and comes back with time (KIP-599).

use std::time::Duration;

use env::Monotonic;
use metadata::QuotaLimit;

use super::meters::Meter;
use super::{Charge, SAMPLE, WINDOW, seconds, time_for};

/// What was used and has not come back. Up to eleven seconds' worth can be used at once; a last use
/// may go beyond that, and nothing is left until it has come back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bucket {
    used: f64,
    /// When that was so, and how fast it has been coming back since.
    at: Monotonic,
    limit: Option<QuotaLimit>,
}

impl Bucket {
    /// Uses this much. Errs with the time until something is left if nothing is: for a strict charge
    /// before the use, which is not made then; for a lenient one after it.
    pub(super) fn take(
        &mut self,
        amount: f64,
        limit: QuotaLimit,
        charge: Charge,
        now: Monotonic,
    ) -> Result<(), Duration> {
        self.come_back(limit, now);
        if charge == Charge::Strict {
            self.check(limit)?;
        }
        self.used += amount;
        match charge {
            Charge::Strict => Ok(()),
            Charge::Lenient => self.check(limit),
        }
    }

    fn check(&self, limit: QuotaLimit) -> Result<(), Duration> {
        let at_once = (WINDOW + SAMPLE).as_secs_f64();
        let time = seconds(time_for(self.used, limit) - at_once);
        match time.is_zero() {
            true => Ok(()),
            false => Err(time),
        }
    }

    /// What comes back from here on comes back as fast as the limit of now says.
    fn come_back(&mut self, limit: QuotaLimit, now: Monotonic) {
        self.used = self.used_at(limit, now);
        self.at = now;
        self.limit = Some(limit);
    }

    fn used_at(&self, limit: QuotaLimit, now: Monotonic) -> f64 {
        let back = limit.get() * now.since(self.at).as_secs_f64();
        (self.used - back).max(0.0)
    }
}

impl Meter for Bucket {
    fn is_as_new(&self, now: Monotonic) -> bool {
        self.limit
            .is_none_or(|limit| self.used_at(limit, now) <= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: f64) -> QuotaLimit {
        QuotaLimit::new(limit).unwrap()
    }

    fn at(ms: u64) -> Monotonic {
        Monotonic(Duration::from_secs(77)) + Duration::from_millis(ms)
    }

    /// One use: when (in ms), how much, and how many ms are missing if it is too much.
    type Use = (u64, f64, Option<u64>);

    fn run(uses: &[Use], per_second: f64, charge: Charge) {
        let mut bucket = Bucket::default();
        for (time, amount, missing_ms) in uses {
            let taken = bucket.take(*amount, limit(per_second), charge, at(*time));
            let taken = taken.map_err(|missing| (missing.as_secs_f64() * 1000.0).round() as u64);
            let expected = missing_ms.map_or(Ok(()), Err);
            assert_eq!(taken, expected, "{amount} at {time}");
        }
    }

    #[test]
    fn a_strict_charge_is_refused_when_nothing_is_left() {
        run(
            &[
                (0, 10.0, None),
                // 1 is left, and a use may go beyond it.
                (0, 5.0, None),
                (0, 1.0, Some(4_000)),
                (1_500, 1.0, Some(2_500)),
                (1_500, 100.0, Some(2_500)),
                // Exactly nothing is still something.
                (4_000, 2.0, None),
                (4_000, 1.0, Some(2_000)),
                // It fills up to eleven and not further.
                (100_000, 11.0, None),
                (100_000, 1.0, None),
                (100_000, 1.0, Some(1_000)),
            ],
            1.0,
            Charge::Strict,
        );
    }

    #[test]
    fn a_lenient_charge_is_made_and_paid_for_later() {
        run(
            &[
                (0, 11.0, None),
                (0, 1.0, Some(1_000)),
                (0, 2.0, Some(3_000)),
                (500, 0.5, Some(3_000)),
                (3_500, 0.0, None),
            ],
            1.0,
            Charge::Lenient,
        );
        run(
            &[(0, 3.0, None), (0, 3.0, Some(1_000))],
            0.5,
            Charge::Lenient,
        );
    }

    #[test]
    fn a_new_limit_counts_from_its_first_use_on() {
        let mut bucket = Bucket::default();
        let mut take = |amount, per_second, time| {
            bucket.take(amount, limit(per_second), Charge::Strict, at(time))
        };
        assert_eq!(take(111.0, 1.0, 0), Ok(()));
        assert_eq!(take(1.0, 1.0, 0), Err(Duration::from_secs(100)));
        // A higher limit has more to give at once.
        assert_eq!(take(1.0, 100.0, 0), Ok(()));
        assert_eq!(take(1.0, 1.0, 0), Err(Duration::from_secs(101)));
        assert_eq!(take(1.0, 1.0, 50_000), Err(Duration::from_secs(51)));
    }

    #[test]
    fn a_bucket_is_as_new_when_everything_has_come_back() {
        let mut bucket = Bucket::default();
        assert!(bucket.is_as_new(at(0)));
        bucket.take(5.0, limit(2.0), Charge::Strict, at(0)).unwrap();
        assert!(!bucket.is_as_new(at(2_400)));
        assert!(bucket.is_as_new(at(2_500)));
    }
}
