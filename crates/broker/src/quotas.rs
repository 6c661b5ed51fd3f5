//! What clients use of their quotas, and for how long they are held back when it is too much.
//!
//! Quotas of bytes and of time are kept on average: a client that goes over its limit is answered and
//! then held back until the average is within the limit again ([`rate`]). Changes of the metadata are
//! counted in a bucket that can be emptied at once and fills up with time ([`bucket`]). Which quota a
//! client has is looked up in [`limits`].

mod bucket;
mod limits;
mod meters;
mod rate;

use std::time::Duration;

use env::Monotonic;
use metadata::{QuotaKey, QuotaLimit};
use parking_lot::Mutex;

use self::bucket::Bucket;
pub(crate) use self::limits::{ANONYMOUS, Client, QuotaLimits};
use self::meters::Meters;
use self::rate::Rate;

/// What is averaged counts in samples of this length.
const SAMPLE: Duration = Duration::from_secs(1);

/// The time over which use is averaged, at least.
const WINDOW: Duration = Duration::from_secs(10);

/// The longest that a client is held back for the time that was worked for it.
const HELD_FOR_WORK_MAX: Duration = Duration::from_secs(1);

/// What all clients have used of their quotas.
#[derive(Debug, Default)]
pub(crate) struct QuotaMeters {
    produced: Mutex<Meters<Rate>>,
    fetched: Mutex<Meters<Rate>>,
    worked: Mutex<Meters<Rate>>,
    changed: Mutex<Meters<Bucket>>,
}

/// What becomes of records that were read for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// They are sent, and the client is held back for this time afterwards.
    Send(Duration),
    /// They are not sent: the client comes back for them after this time.
    Keep(Duration),
}

/// How changes are charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// A change that the client has no quota left for is refused.
    Strict,
    /// It is made all the same, and the client is held back afterwards.
    Lenient,
}

impl QuotaMeters {
    /// Counts the bytes of a Produce request. Gives the time to hold the client back.
    pub(crate) fn produced(
        &self,
        limits: &QuotaLimits,
        client: Client<'_>,
        bytes: usize,
        now: Monotonic,
    ) -> Duration {
        let Some((metered, limit)) = limits.of(QuotaKey::ProducerByteRate, client) else {
            return Duration::ZERO;
        };
        let mut meters = self.produced.lock();
        let rate = meters.of(metered, now);
        rate.record(bytes as f64, now);
        rate.excess(limit, now)
    }

    /// Counts the bytes of records that were read for a client. Those that would take the client over
    /// its limit are not counted and not sent, as in Kafka; but they are if nothing it was sent is
    /// remembered, or else a batch that is larger than what the limit allows in a window would never be
    /// sent.
    pub(crate) fn fetched(
        &self,
        limits: &QuotaLimits,
        client: Client<'_>,
        bytes: usize,
        now: Monotonic,
    ) -> Fetched {
        let Some((metered, limit)) = limits.of(QuotaKey::ConsumerByteRate, client) else {
            return Fetched::Send(Duration::ZERO);
        };
        let mut meters = self.fetched.lock();
        let rate = meters.of(metered, now);
        let is_first = rate.total(now) <= 0.0;
        rate.record(bytes as f64, now);
        let excess = rate.excess(limit, now);
        if excess.is_zero() || is_first || bytes == 0 {
            return Fetched::Send(excess);
        }
        rate.record(-(bytes as f64), now);
        Fetched::Keep(excess)
    }

    /// How many bytes of records can be sent to a client at once.
    pub(crate) fn fetchable_bytes(limits: &QuotaLimits, client: Client<'_>) -> usize {
        match limits.of(QuotaKey::ConsumerByteRate, client) {
            // A number beyond `usize` becomes the largest.
            Some((_, limit)) => (limit.get() * WINDOW.as_secs_f64()) as usize,
            None => usize::MAX,
        }
    }

    /// Counts time that was worked for a client. Gives the time to hold it back.
    pub(crate) fn worked(
        &self,
        limits: &QuotaLimits,
        client: Client<'_>,
        time: Duration,
        now: Monotonic,
    ) -> Duration {
        let Some((metered, limit)) = limits.of(QuotaKey::RequestPercentage, client) else {
            return Duration::ZERO;
        };
        let mut meters = self.worked.lock();
        let rate = meters.of(metered, now);
        rate.record(time.as_secs_f64() * 100.0, now);
        rate.excess(limit, now).min(HELD_FOR_WORK_MAX)
    }

    /// Counts partitions that a client has created or deleted, or is about to. Errs with the time to
    /// hold it back; then a strict charge has not been made.
    pub(crate) fn changed(
        &self,
        limits: &QuotaLimits,
        client: Client<'_>,
        partitions: usize,
        charge: Charge,
        now: Monotonic,
    ) -> Result<(), Duration> {
        let Some((metered, limit)) = limits.of(QuotaKey::ControllerMutationRate, client) else {
            return Ok(());
        };
        let mut meters = self.changed.lock();
        let bucket = meters.of(metered, now);
        bucket.take(partitions as f64, limit, charge, now)
    }
}

/// A number of seconds; what is no time at all is none.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// How long it takes to be allowed this much.
fn time_for(amount: f64, limit: QuotaLimit) -> f64 {
    amount / limit.get()
}
