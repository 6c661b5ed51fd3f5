//! What of a log is to be compacted, and how its segments are put together. Decides, and touches
//! nothing.
//!
//! A log has a clean part, whose records have been compacted with one another, and behind it a dirty
//! one. Compaction takes the dirty part up to the first segment that must not be touched yet: the one
//! that is written to, one with records of an open transaction or that are not yet shown, one with
//! records younger than `min.compaction.lag.ms`.

use crate::settings::LogConfig;

/// What is known of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentPart {
    pub base_offset: i64,
    pub end_offset: i64,
    pub bytes: u64,
    pub max_timestamp: i64,
    pub created_ms: i64,
}

/// What is known of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompactionFacts<'a> {
    pub config: &'a LogConfig,
    pub now_ms: i64,
    pub log_start: i64,
    /// Where the clean part ends.
    pub clean_end: i64,
    /// What lies below is decided and durable.
    pub last_stable_offset: i64,
    /// The segments that are not written to any more.
    pub closed: &'a [SegmentPart],
}

/// What is to be compacted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CompactionPlan {
    /// How many segments, from the front.
    pub segments: usize,
    /// Where the dirty part begins.
    pub from: i64,
    /// Where these segments end.
    pub until: i64,
    /// The share of their bytes that is dirty.
    pub dirty_ratio: f64,
    /// Whether records have waited as long as they may.
    pub is_overdue: bool,
}

/// `None` if nothing is dirty that can be compacted, or too little of it.
pub(crate) fn plan(facts: &CompactionFacts<'_>) -> Option<CompactionPlan> {
    let config = facts.config;
    if !config.cleanup_compact {
        return None;
    }
    let from = facts.clean_end.max(facts.log_start);
    let is_dirty = |segment: &&SegmentPart| segment.end_offset > from;
    let can_be_taken = |segment: &&SegmentPart| {
        segment.end_offset <= facts.last_stable_offset
            && (!is_dirty(segment) || is_old_enough(segment, facts))
    };
    let taken: Vec<_> = facts.closed.iter().take_while(can_be_taken).collect();
    let until = taken.last()?.end_offset;
    if until <= from {
        return None;
    }
    let dirty = || taken.iter().copied().filter(is_dirty);
    let bytes: u64 = taken.iter().map(|segment| segment.bytes).sum();
    let dirty_bytes: u64 = dirty().map(|segment| segment.bytes).sum();
    if dirty_bytes == 0 {
        return None;
    }
    let dirty_ratio = dirty_bytes as f64 / bytes as f64;
    let since_ms = dirty().map(|segment| segment.created_ms).min()?;
    let is_overdue = facts.now_ms.saturating_sub(since_ms) > config.max_compaction_lag_ms;
    let is_worth_it = dirty_ratio > config.min_cleanable_dirty_ratio;
    (is_worth_it || is_overdue).then_some(CompactionPlan {
        segments: taken.len(),
        from,
        until,
        dirty_ratio,
        is_overdue,
    })
}

fn is_old_enough(segment: &SegmentPart, facts: &CompactionFacts<'_>) -> bool {
    let lag_ms = facts.config.min_compaction_lag_ms;
    // Records without a time are as old as their segment.
    let time = if segment.max_timestamp < 0 {
        segment.created_ms
    } else {
        segment.max_timestamp
    };
    lag_ms <= 0 || time <= facts.now_ms.saturating_sub(lag_ms)
}

/// Which of two plans is more urgent.
pub(crate) fn is_more_urgent(one: &CompactionPlan, other: &CompactionPlan) -> bool {
    let key = |plan: &CompactionPlan| (plan.is_overdue, plan.dirty_ratio);
    key(one) > key(other)
}

/// What a segment may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupLimits {
    pub bytes: u64,
    pub offsets: i64,
    /// Entries of the index; there is about one for each interval.
    pub index_entries: u64,
    pub index_interval: u64,
}

/// The lengths of the groups of neighbours that become one segment each, so that small segments do not
/// stay small. One that is beyond the limits by itself is a group of its own.
pub(crate) fn groups(segments: &[SegmentPart], limits: &GroupLimits) -> Vec<usize> {
    let mut groups = Vec::new();
    let mut rest = segments;
    while let Some(first) = rest.first() {
        let mut bytes = 0;
        let fits = |segment: &&SegmentPart| {
            bytes += segment.bytes;
            bytes <= limits.bytes
                && segment.end_offset - first.base_offset < limits.offsets
                && bytes / limits.index_interval.max(1) < limits.index_entries
        };
        let length = rest.iter().take_while(fits).count().max(1);
        groups.push(length);
        rest = rest.get(length..).unwrap_or_default();
    }
    groups
}

#[cfg(test)]
mod tests;
