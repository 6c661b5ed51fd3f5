//! Holding back the clients that are over their quotas (KIP-13, KIP-124, KIP-219, KIP-599).
//!
//! An answer is never late because of a quota: it leaves at once and says for how long the client is
//! throttled, and the connection is held back for that time, whether the client knows of it or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use env::Monotonic;
use metadata::QuotaKey;
use model::ErrorCode;

use crate::context::RequestContext;
use crate::handlers::support::Refusal;
use crate::metadata_store::Published;
use crate::quotas::{ANONYMOUS, Charge, Client, Fetched, QuotaLimits, QuotaMeters};

/// Until when a connection is held back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hold {
    /// In nanoseconds of the monotonic clock.
    until: Arc<AtomicU64>,
}

impl Hold {
    /// Holds the connection back at least until then.
    fn extend(&self, until: Monotonic) {
        let until = u64::try_from(until.0.as_nanos()).unwrap_or(u64::MAX);
        self.until.fetch_max(until, Ordering::Relaxed);
    }

    /// For how much longer. Most connections are never held back and do not ask for the time.
    pub(crate) fn rest(&self, now: impl FnOnce() -> Monotonic) -> Duration {
        match self.until.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            until => Monotonic(Duration::from_nanos(until)).since(now()),
        }
    }
}

impl RequestContext {
    fn client(&self) -> Client<'_> {
        Client {
            user: ANONYMOUS,
            id: self.client_id(),
        }
    }

    /// The limits, if anybody has one of this kind. Mostly nobody has, and nobody asks for the time then.
    fn limits(&self, key: QuotaKey) -> Option<Arc<QuotaLimits>> {
        let published = self.broker.metadata.published();
        let limits = &published.quotas;
        limits.has(key).then(|| Arc::clone(limits))
    }

    /// Holds the connection back for this time, in whole milliseconds. Gives their number, for the
    /// answer.
    fn hold_back(&self, key: QuotaKey, time: Duration) -> i32 {
        let ms = time.as_secs_f64() * 1000.0;
        let ms = ms.round() as i32;
        if ms > 0 {
            let time = Duration::from_millis(u64::from(ms.unsigned_abs()));
            self.hold.extend(self.broker.env.clock.now() + time);
            self.broker.metrics.throttled(key);
        }
        ms
    }

    /// Counts the bytes of a Produce request. Gives the throttle time for its answer.
    pub(crate) fn charge_produced(&self, bytes: usize) -> i32 {
        let key = QuotaKey::ProducerByteRate;
        let Some(limits) = self.limits(key) else {
            return 0;
        };
        let now = self.broker.env.clock.now();
        let meters = &self.broker.quota_meters;
        let time = meters.produced(&limits, self.client(), bytes, now);
        self.hold_back(key, time)
    }

    /// How many bytes of records the client may be sent at once.
    pub(crate) fn fetchable_bytes(&self) -> usize {
        let published = self.broker.metadata.published();
        QuotaMeters::fetchable_bytes(&published.quotas, self.client())
    }

    /// Counts the bytes of records that were read. Gives the throttle time for the answer, which holds
    /// no records if that is an error.
    pub(crate) fn charge_fetched(&self, bytes: usize) -> Result<i32, i32> {
        let key = QuotaKey::ConsumerByteRate;
        let Some(limits) = self.limits(key) else {
            return Ok(0);
        };
        let now = self.broker.env.clock.now();
        let meters = &self.broker.quota_meters;
        match meters.fetched(&limits, self.client(), bytes, now) {
            Fetched::Send(time) => Ok(self.hold_back(key, time)),
            Fetched::Keep(time) => Err(self.hold_back(key, time)),
        }
    }

    /// Whether the time that is worked for this client counts.
    pub(crate) fn work_counts(&self) -> bool {
        self.limits(QuotaKey::RequestPercentage).is_some()
    }

    /// Counts time that was worked for the client, which is asked for if it counts. Gives the throttle time for its answer.
    pub(crate) fn charge_work(&self, worked: impl FnOnce() -> Duration) -> i32 {
        let key = QuotaKey::RequestPercentage;
        let Some(limits) = self.limits(key) else {
            return 0;
        };
        let now = self.broker.env.clock.now();
        let meters = &self.broker.quota_meters;
        let time = meters.worked(&limits, self.client(), worked(), now);
        self.hold_back(key, time)
    }

    /// Begins to count the partitions that a request creates or deletes. Clients of versions from
    /// `strict_from` on know that they may be refused.
    pub(crate) fn changes(&self, strict_from: i16) -> Changes<'_> {
        Changes {
            ctx: self,
            published: self.broker.metadata.published(),
            charge: match self.version >= strict_from {
                true => Charge::Strict,
                false => Charge::Lenient,
            },
            throttle_time: Duration::ZERO,
        }
    }
}

/// The changes of one request, which count against a quota.
pub(crate) struct Changes<'a> {
    ctx: &'a RequestContext,
    published: Arc<Published>,
    charge: Charge,
    throttle_time: Duration,
}

impl Changes<'_> {
    /// Counts partitions, or refuses to have them created or deleted.
    pub(crate) fn charge(&mut self, partitions: usize) -> Result<(), Refusal> {
        let now = self.ctx.broker.env.clock.now();
        let meters = &self.ctx.broker.quota_meters;
        let quotas = &self.published.quotas;
        let charged = meters.changed(quotas, self.ctx.client(), partitions, self.charge, now);
        let Err(time) = charged else {
            return Ok(());
        };
        self.throttle_time = self.throttle_time.max(time);
        match self.charge {
            Charge::Lenient => Ok(()),
            Charge::Strict => Err(Refusal::new(
                ErrorCode::ThrottlingQuotaExceeded,
                "the quota of changes is used up",
            )),
        }
    }

    /// The throttle time for the answer.
    pub(crate) fn throttle_time_ms(&self) -> i32 {
        self.ctx
            .hold_back(QuotaKey::ControllerMutationRate, self.throttle_time)
    }
}
