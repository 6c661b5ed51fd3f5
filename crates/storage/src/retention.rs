//! Which records of a log have had their time. Decides, and touches nothing.
//!
//! Whole segments are removed, as in Kafka; the last one, which is still written to, together with
//! the batches in memory behind it. That one goes when all of it is too old. So that the rest of a
//! live log does not keep old records for ever, it is rolled by age. Compaction, too, takes only what
//! has been rolled.

use crate::settings::LogConfig;

/// What is known of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentAge {
    pub end_offset: i64,
    pub bytes: u64,
    pub max_timestamp: i64,
    pub created_ms: i64,
}

/// What is known of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetentionFacts<'a> {
    pub config: &'a LogConfig,
    pub now_ms: i64,
    pub log_start: i64,
    /// Up to where records may be removed.
    pub end: i64,
    /// Whether the last segment is still written to.
    pub is_last_open: bool,
    /// How long a segment is written to, in milliseconds.
    pub roll_ms: i64,
    pub segments: &'a [SegmentAge],
    /// What is in no segment.
    pub tail_bytes: u64,
    pub tail_max_timestamp: Option<i64>,
    pub tail_since_ms: i64,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RetentionPlan {
    /// Where the log is to start.
    pub log_start: Option<i64>,
    /// Whether the tail is to go to a segment that is not written to after it.
    pub roll: bool,
}

pub(crate) fn plan(facts: &RetentionFacts<'_>) -> RetentionPlan {
    let mut log_start = facts.log_start;
    if facts.config.cleanup_delete {
        log_start = log_start
            .max(start_by_time(facts))
            .max(start_by_size(facts));
    }
    log_start = log_start.min(facts.end);
    RetentionPlan {
        log_start: (log_start > facts.log_start).then_some(log_start),
        roll: wants_roll(facts, log_start),
    }
}

/// The segments that are written to no more.
fn closed<'a>(facts: &RetentionFacts<'a>) -> &'a [SegmentAge] {
    match facts.segments.split_last() {
        Some((_, closed)) if facts.is_last_open => closed,
        _ => facts.segments,
    }
}

/// The segment that is still written to.
fn open<'a>(facts: &RetentionFacts<'a>) -> Option<&'a SegmentAge> {
    facts.segments.last().filter(|_| facts.is_last_open)
}

fn start_by_time(facts: &RetentionFacts<'_>) -> i64 {
    let retention_ms = facts.config.retention_ms;
    if retention_ms < 0 {
        return facts.log_start;
    }
    // Records without a time are as old as their segment.
    let is_over = |max_timestamp: i64, since_ms: i64| {
        let time = if max_timestamp < 0 {
            since_ms
        } else {
            max_timestamp
        };
        facts.now_ms.saturating_sub(time) > retention_ms
    };
    let mut log_start = facts.log_start;
    for segment in closed(facts) {
        if !is_over(segment.max_timestamp, segment.created_ms) {
            return log_start;
        }
        log_start = segment.end_offset;
    }
    let is_open_over =
        open(facts).is_none_or(|segment| is_over(segment.max_timestamp, segment.created_ms));
    let is_tail_over = facts
        .tail_max_timestamp
        .is_none_or(|max_timestamp| is_over(max_timestamp, facts.tail_since_ms));
    let has_any = open(facts).is_some() || facts.tail_max_timestamp.is_some();
    if has_any && is_open_over && is_tail_over {
        facts.end
    } else {
        log_start
    }
}

fn start_by_size(facts: &RetentionFacts<'_>) -> i64 {
    let Ok(retention_bytes) = u64::try_from(facts.config.retention_bytes) else {
        return facts.log_start;
    };
    let all = facts
        .segments
        .iter()
        .map(|segment| segment.bytes)
        .sum::<u64>()
        + facts.tail_bytes;
    let mut excess = all.saturating_sub(retention_bytes);
    let mut log_start = facts.log_start;
    for segment in closed(facts) {
        if segment.bytes > excess {
            break;
        }
        excess -= segment.bytes;
        log_start = segment.end_offset;
    }
    log_start
}

fn wants_roll(facts: &RetentionFacts<'_>, log_start: i64) -> bool {
    let is_tail_empty = facts.tail_max_timestamp.is_none();
    if log_start >= facts.end || (is_tail_empty && open(facts).is_none()) {
        return false;
    }
    let since_ms = open(facts).map_or(facts.tail_since_ms, |segment| segment.created_ms);
    let is_old = facts.now_ms.saturating_sub(since_ms) > facts.roll_ms;
    let open_bytes = open(facts).map_or(0, |segment| segment.bytes) + facts.tail_bytes;
    let has_limit = facts.config.retention_bytes >= 0 || facts.config.retention_ms >= 0;
    let wants_closed = (facts.config.cleanup_delete && has_limit) || facts.config.cleanup_compact;
    let is_large = wants_closed && open_bytes > facts.config.segment_bytes_max();
    is_old || is_large
}

#[cfg(test)]
mod tests;
