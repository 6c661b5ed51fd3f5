//! Offsets that nobody will ask for any more.

use std::collections::BTreeSet;
use std::time::Duration;

use coordination::java_string_hash;

use super::{CommittedOffset, Group, Step};
use crate::api::GroupSettings;

/// From when on the retention of an offset counts.
#[derive(Debug)]
pub(crate) enum RetentionBase<'a> {
    /// It does not: the group may still ask for it.
    Never,
    /// From when the group lost its last member.
    GroupEmptySince(i64),
    /// From its commit.
    Commit,
    /// From its commit, for topics outside the set.
    CommitUnlessSubscribed(BTreeSet<&'a str>),
}

impl Group {
    /// Sets the first check. Groups that are loaded together are not to be looked through together,
    /// so their ids spread them over the interval.
    pub(super) fn start_expiry_checks(&mut self, now: Duration, settings: &GroupSettings) {
        const SLOTS: u32 = 1024;
        let slot = java_string_hash(&self.id).unsigned_abs() % SLOTS + 1;
        self.expiry_check_at = now.saturating_add(check_interval(settings) / SLOTS * slot);
    }

    /// Deletes expired offsets, and the group with the last of them if it has no members.
    pub(super) fn check_expiry(&mut self, step: &mut Step<'_>) {
        let interval = check_interval(step.settings);
        self.expiry_check_at = step.now.monotonic.saturating_add(interval);
        for (topic, partition) in self.expired_offsets(step) {
            self.delete_offset(step, &topic, partition);
        }
        if self.offsets.is_empty() && self.pending.is_empty() && self.members.any().is_deserted() {
            self.members.any_mut().delete_persisted(step);
        }
    }

    fn expired_offsets(&self, step: &Step<'_>) -> Vec<(model::TopicName, i32)> {
        let base = self.members.any().retention_base();
        let oldest = step
            .now
            .wall_ms
            .saturating_sub(step.settings.offsets_retention_ms);
        let is_expired = |topic: &str, committed: &CommittedOffset| {
            if let Some(expires) = committed.expire_timestamp_ms {
                return step.now.wall_ms >= expires;
            }
            match &base {
                RetentionBase::Never => false,
                RetentionBase::GroupEmptySince(since_ms) => *since_ms <= oldest,
                RetentionBase::Commit => committed.commit_timestamp_ms <= oldest,
                RetentionBase::CommitUnlessSubscribed(topics) => {
                    !topics.contains(topic) && committed.commit_timestamp_ms <= oldest
                }
            }
        };
        self.offsets()
            .filter(|(topic, partition, committed)| {
                // What a transaction is about to commit is needed.
                is_expired(topic, committed) && !self.has_pending(topic, *partition)
            })
            .map(|(topic, partition, _)| (topic.clone(), partition))
            .collect()
    }
}

fn check_interval(settings: &GroupSettings) -> Duration {
    let interval_ms = settings.offsets_retention_check_interval_ms.max(1);
    Duration::from_millis(u64::try_from(interval_ms).unwrap_or(1))
}
