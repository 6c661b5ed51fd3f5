use super::*;

const MINUTE_MS: i64 = 60_000;

/// Segments of ten offsets: their bytes and the time of their newest record.
fn segments(of: &[(u64, i64)]) -> Vec<SegmentPart> {
    (0..)
        .zip(of)
        .map(|(number, (bytes, max_timestamp))| SegmentPart {
            base_offset: number * 10,
            end_offset: number * 10 + 10,
            bytes: *bytes,
            max_timestamp: *max_timestamp,
            created_ms: number * MINUTE_MS,
        })
        .collect()
}

fn config() -> LogConfig {
    LogConfig {
        cleanup_compact: true,
        ..LogConfig::default()
    }
}

fn facts<'a>(config: &'a LogConfig, closed: &'a [SegmentPart]) -> CompactionFacts<'a> {
    CompactionFacts {
        config,
        now_ms: 10 * MINUTE_MS,
        log_start: 0,
        clean_end: 0,
        last_stable_offset: i64::MAX,
        closed,
    }
}

/// Segments, dirty part and ratio.
fn planned(facts: &CompactionFacts<'_>) -> Option<(usize, i64, i64, f64)> {
    plan(facts).map(|plan| (plan.segments, plan.from, plan.until, plan.dirty_ratio))
}

#[test]
fn what_is_not_clean_is_dirty_and_a_part_of_the_whole() {
    let config = config();
    let closed = segments(&[(100, 1), (100, 2), (600, 3)]);
    let all = facts(&config, &closed);
    assert_eq!(planned(&all), Some((3, 0, 30, 1.0)));
    let clean_end = |clean_end| planned(&CompactionFacts { clean_end, ..all });
    assert_eq!(clean_end(10), Some((3, 10, 30, 0.875)));
    assert_eq!(
        clean_end(15),
        Some((3, 15, 30, 0.875)),
        "half clean is dirty"
    );
    assert_eq!(clean_end(20), Some((3, 20, 30, 0.75)));
    assert_eq!(clean_end(30), None, "nothing is dirty");
    let log_start = |log_start| planned(&CompactionFacts { log_start, ..all });
    assert_eq!(
        log_start(12),
        Some((3, 12, 30, 0.875)),
        "what is deleted is not dirty"
    );
    assert_eq!(log_start(31), None);
    assert_eq!(planned(&facts(&config, &[])), None);
}

#[test]
fn too_little_dirt_is_left_alone_until_it_has_waited_long_enough() {
    let closed = segments(&[(500, 1), (500, 2)]);
    let ratio = |min_cleanable_dirty_ratio, max_compaction_lag_ms| {
        let config = LogConfig {
            min_cleanable_dirty_ratio,
            max_compaction_lag_ms,
            ..config()
        };
        let facts = CompactionFacts {
            clean_end: 10,
            ..facts(&config, &closed)
        };
        plan(&facts).map(|plan| plan.is_overdue)
    };
    assert_eq!(ratio(0.49, i64::MAX), Some(false));
    assert_eq!(ratio(0.5, i64::MAX), None, "just not more than half");
    // The dirty segment was begun after one minute, and ten have passed.
    assert_eq!(ratio(1.0, 9 * MINUTE_MS), None);
    assert_eq!(ratio(1.0, 9 * MINUTE_MS - 1), Some(true));
}

#[test]
fn what_is_undecided_or_young_stays_and_so_does_all_behind_it() {
    let closed = segments(&[(100, 1), (100, 8 * MINUTE_MS), (100, 3), (100, -1)]);
    let plain = config();
    let until = |last_stable_offset| {
        let facts = CompactionFacts {
            last_stable_offset,
            ..facts(&plain, &closed)
        };
        plan(&facts).map(|plan| plan.until)
    };
    assert_eq!(until(40), Some(40));
    assert_eq!(until(39), Some(30), "a segment is taken as a whole");
    assert_eq!(until(9), None);
    let lag = |min_compaction_lag_ms, clean_end| {
        let config = LogConfig {
            min_compaction_lag_ms,
            min_cleanable_dirty_ratio: 0.0,
            ..config()
        };
        let facts = CompactionFacts {
            clean_end,
            ..facts(&config, &closed)
        };
        plan(&facts).map(|plan| (plan.segments, plan.until))
    };
    assert_eq!(lag(2 * MINUTE_MS, 0), Some((4, 40)));
    assert_eq!(lag(2 * MINUTE_MS + 1, 0), Some((1, 10)));
    assert_eq!(
        lag(2 * MINUTE_MS + 1, 20),
        Some((4, 40)),
        "what is clean has no age"
    );
    assert_eq!(
        lag(7 * MINUTE_MS + 1, 20),
        Some((3, 30)),
        "without a time, that of the segment counts"
    );
}

#[test]
fn other_policies_plan_nothing_and_urgency_goes_by_delay_and_dirt() {
    let deletes = LogConfig::default();
    let closed = segments(&[(100, 1)]);
    assert_eq!(planned(&facts(&deletes, &closed)), None);
    let plan = |dirty_ratio, is_overdue| CompactionPlan {
        segments: 1,
        from: 0,
        until: 10,
        dirty_ratio,
        is_overdue,
    };
    assert!(is_more_urgent(&plan(0.6, false), &plan(0.5, false)));
    assert!(is_more_urgent(&plan(0.1, true), &plan(0.9, false)));
    assert!(!is_more_urgent(&plan(0.5, false), &plan(0.5, false)));
}

#[test]
fn small_neighbours_become_one_as_far_as_a_segment_holds_them() {
    let limits = GroupLimits {
        bytes: 300,
        offsets: 1_000,
        index_entries: 1_000,
        index_interval: 10,
    };
    let closed = segments(&[(100, 0), (200, 0), (1, 0), (900, 0), (0, 0), (0, 0)]);
    assert_eq!(groups(&closed, &limits), [2, 1, 1, 2]);
    let few_offsets = GroupLimits {
        offsets: 20,
        ..limits
    };
    let empty = segments(&[(0, 0); 5]);
    assert_eq!(groups(&empty, &limits), [5]);
    assert_eq!(groups(&empty, &few_offsets), [1, 1, 1, 1, 1]);
    let small_index = GroupLimits {
        index_entries: 11,
        ..limits
    };
    assert_eq!(groups(&segments(&[(50, 0); 4]), &small_index), [2, 2]);
    assert_eq!(groups(&[], &limits), []);
}
