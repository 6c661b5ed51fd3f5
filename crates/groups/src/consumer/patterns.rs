//! Subscriptions by pattern: when they are looked up, and what is made of the outcome.

use std::time::Duration;

use super::ConsumerGroup;
use crate::group::Step;
use crate::limits::{PATTERN_LOOKUP_PAUSE, PATTERN_LOOKUP_TIMEOUT};
use crate::millis;
use crate::pattern::{FoundPatterns, PatternLookup};
use crate::records::{ConsumerRecord, ResolvedPattern};

/// What is known of the lookups of a group; not in the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lookups {
    /// When the one under way began.
    began_at: Option<Duration>,
    /// When the last one came back, and which topics it saw.
    last: Option<(Duration, u64)>,
}

impl ConsumerGroup {
    /// Has the members' patterns looked up if that is due.
    pub(super) fn look_up_patterns_if_due(&mut self, step: &mut Step<'_>) {
        if self.pattern_subscribers.is_empty() || !self.is_lookup_due(step) {
            return;
        }
        self.lookups.began_at = Some(step.now.monotonic);
        step.effects.lookups.push(PatternLookup {
            group_id: self.id.clone(),
            patterns: self.pattern_subscribers.keys().cloned().collect(),
        });
    }

    fn is_lookup_due(&self, step: &Step<'_>) -> bool {
        let now = step.now.monotonic;
        let has_passed = |since: Duration, pause| now >= since.saturating_add(pause);
        if let Some(began_at) = self.lookups.began_at
            && !has_passed(began_at, PATTERN_LOOKUP_TIMEOUT)
        {
            return false;
        }
        let mut subscribed = self.pattern_subscribers.keys();
        let Some((last_at, topics_version)) = self.lookups.last else {
            return true;
        };
        subscribed.any(|pattern| !self.patterns.contains_key(pattern))
            || topics_version != step.topics.version() && has_passed(last_at, PATTERN_LOOKUP_PAUSE)
            || has_passed(last_at, millis(step.settings.pattern_refresh_interval_ms))
    }

    /// Takes in what a lookup has found.
    pub(crate) fn patterns_found(&mut self, step: &mut Step<'_>, found: FoundPatterns) {
        self.lookups = Lookups {
            began_at: None,
            last: Some((step.now.monotonic, found.topics_version)),
        };
        let mut is_changed = false;
        for (pattern, topics) in found.topics {
            let known = self.patterns.get(&pattern);
            let is_known = known.is_some_and(|known| known.topics == topics);
            if is_known || !self.has_subscriber(&pattern) {
                continue;
            }
            is_changed = true;
            let resolved = ResolvedPattern {
                topics,
                timestamp_ms: step.now.wall_ms,
            };
            self.write(step, ConsumerRecord::Pattern(pattern, Some(resolved)));
        }
        if is_changed {
            self.count_up_if(step, true);
        }
    }
}
