//! For how long a connection waits for its client.

use std::time::Duration;

use tokio::time::Instant;

use super::Connection;
use crate::close_reason;
use crate::limits::{REST_AFTER_MAX, REST_TICK_MS};
use crate::service::Service;

/// What is done with a connection when its time has come.
pub(super) enum Due {
    /// It is closed for this reason.
    Close(&'static str),
    /// It rests.
    Rest,
}

/// How long a connection waits before it rests that was in use after this time.
pub(super) fn longer(rest_after: Duration) -> Duration {
    (rest_after * 2).min(REST_AFTER_MAX)
}

impl<S: Service> Connection<S> {
    /// When the other side will have been too slow, or silent for long enough.
    pub(super) fn deadline(&self) -> Option<(Instant, Due)> {
        let settings = &self.open.shared().settings;
        let waits_for_client =
            self.waiting_for_budget.is_none() && self.held_until.is_none() && self.wants_input();
        let stalls = |since: Instant, reason| (since + settings.stall, Due::Close(reason));
        let stalled_frame = (waits_for_client && self.assembler.is_partial())
            .then(|| stalls(self.last_received, close_reason::FRAME_STALLED));
        let useless_share = self
            .share_use
            .as_ref()
            .map(|share| stalls(share.since, close_reason::FRAME_STALLED));
        let stalled_write = self
            .blocked_since
            .map(|since| stalls(since, close_reason::WRITE_STALLED));
        let silent =
            (waits_for_client && self.answers.is_empty() && self.output.is_empty()).then(|| {
                match self.assembler.is_partial() {
                    true => (self.idle_at(), Due::Close(close_reason::IDLE)),
                    false => (self.rests_at(), Due::Rest),
                }
            });
        [stalled_frame, useless_share, stalled_write, silent]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    pub(super) fn idle_at(&self) -> Instant {
        self.last_active + self.open.shared().settings.idle
    }

    pub(super) fn rests_at(&self) -> Instant {
        let shared = self.open.shared();
        let silent_at = self.last_active + self.rest_after.min(shared.settings.idle);
        let since_start_ms = silent_at
            .saturating_duration_since(shared.started)
            .as_millis() as u64;
        shared.started + Duration::from_millis((since_start_ms + 1).next_multiple_of(REST_TICK_MS))
    }

    pub(super) fn due(&self) -> Option<Due> {
        let (at, due) = self.deadline()?;
        (at <= Instant::now()).then_some(due)
    }
}
