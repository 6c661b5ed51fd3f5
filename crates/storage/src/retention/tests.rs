use super::*;

/// Segments of 100 bytes and 10 records each, whose newest records have these times.
fn segments(times: &[i64]) -> Vec<SegmentAge> {
    times
        .iter()
        .enumerate()
        .map(|(number, max_timestamp)| SegmentAge {
            end_offset: (number as i64 + 1) * 10,
            bytes: 100,
            max_timestamp: *max_timestamp,
            created_ms: 0,
        })
        .collect()
}

fn config() -> LogConfig {
    LogConfig {
        retention_ms: 1_000,
        retention_bytes: -1,
        segment_bytes: 100,
        segment_ms: 100_000,
        ..LogConfig::default()
    }
}

fn facts<'a>(config: &'a LogConfig, segments: &'a [SegmentAge]) -> RetentionFacts<'a> {
    RetentionFacts {
        config,
        now_ms: 10_000,
        log_start: 0,
        end: segments.len() as i64 * 10,
        is_last_open: true,
        roll_ms: config.roll_ms(0),
        segments,
        tail_bytes: 0,
        tail_max_timestamp: None,
        tail_since_ms: 10_000,
    }
}

#[test]
fn old_segments_go_up_to_the_first_that_is_not() {
    let config = config();
    let start = |times: &[i64]| plan(&facts(&config, &segments(times))).log_start;
    assert_eq!(start(&[]), None);
    assert_eq!(start(&[1_000, 2_000, 9_500]), Some(20));
    assert_eq!(start(&[9_000, 2_000, 9_500]), None, "just young enough");
    assert_eq!(start(&[1_000, 9_500, 1_000]), Some(10));
    assert_eq!(
        start(&[1_000, i64::MAX, 1_000]),
        Some(10),
        "a time to come keeps a segment"
    );
    assert_eq!(
        start(&[1_000, 1_000]),
        Some(20),
        "the open one too if all of it is old"
    );
    assert_eq!(
        start(&[-1, 9_500]),
        Some(10),
        "no time: as old as the segment"
    );
}

#[test]
fn the_tail_keeps_what_stands_before_it_in_the_open_segment() {
    let config = config();
    let segments = segments(&[1_000, 1_000]);
    let mut facts = RetentionFacts {
        end: 25,
        tail_bytes: 5,
        tail_max_timestamp: Some(9_500),
        ..facts(&config, &segments)
    };
    assert_eq!(plan(&facts).log_start, Some(10));
    facts.tail_max_timestamp = Some(1_000);
    assert_eq!(plan(&facts).log_start, Some(25));
    facts.end = 22;
    assert_eq!(
        plan(&facts).log_start,
        Some(22),
        "never past the last stable offset"
    );
    facts.is_last_open = false;
    facts.tail_max_timestamp = Some(9_500);
    assert_eq!(plan(&facts).log_start, Some(20));
}

#[test]
fn size_removes_closed_segments_only() {
    let config = LogConfig {
        retention_ms: -1,
        retention_bytes: 250,
        ..config()
    };
    let segments = segments(&[1, 1, 1, 1]);
    assert_eq!(plan(&facts(&config, &segments)).log_start, Some(10));
    let tight = LogConfig {
        retention_bytes: 0,
        ..config
    };
    assert_eq!(plan(&facts(&tight, &segments)).log_start, Some(30));
}

#[test]
fn other_policies_remove_nothing() {
    let config = LogConfig {
        cleanup_delete: false,
        retention_bytes: 0,
        ..config()
    };
    let segments = segments(&[1, 1]);
    assert_eq!(plan(&facts(&config, &segments)).log_start, None);
}

#[test]
fn a_live_log_is_rolled_by_age_and_size() {
    let config = config();
    let one = segments(&[9_999]);
    let base = RetentionFacts {
        tail_bytes: 10,
        tail_max_timestamp: Some(9_999),
        end: 12,
        ..facts(&config, &one)
    };
    assert!(plan(&base).roll, "more than a segment holds");
    let small = LogConfig {
        segment_bytes: 1_000,
        ..config.clone()
    };
    assert!(
        !plan(&RetentionFacts {
            config: &small,
            ..base
        })
        .roll
    );
    let short = LogConfig {
        segment_ms: 9_000,
        ..small
    };
    assert!(
        plan(&RetentionFacts {
            config: &short,
            roll_ms: short.roll_ms(0),
            ..base
        })
        .roll,
        "too old"
    );
    let nothing = RetentionFacts {
        config: &short,
        roll_ms: short.roll_ms(0),
        segments: &[],
        tail_max_timestamp: None,
        tail_bytes: 0,
        end: 0,
        ..base
    };
    assert_eq!(plan(&nothing), RetentionPlan::default());
}

#[test]
fn a_compacted_log_is_rolled_so_that_compaction_finds_something() {
    let compacted = LogConfig {
        cleanup_delete: false,
        cleanup_compact: true,
        segment_bytes: 100,
        max_compaction_lag_ms: 50_000,
        ..config()
    };
    let one = segments(&[9_999]);
    let full = RetentionFacts {
        tail_bytes: 10,
        tail_max_timestamp: Some(9_999),
        end: 12,
        ..facts(&compacted, &one)
    };
    assert!(plan(&full).roll, "more than a segment holds");
    let kept = LogConfig {
        cleanup_compact: false,
        ..compacted.clone()
    };
    let nobody_waits = RetentionFacts {
        config: &kept,
        ..full
    };
    assert!(!plan(&nobody_waits).roll);
    assert_eq!(kept.roll_ms(0), 100_000);
    assert_eq!(compacted.roll_ms(0), 50_000, "within the compaction lag");
}

#[test]
fn jitter_is_taken_off_the_age_of_a_segment() {
    let jittery = LogConfig {
        segment_ms: 1_000,
        segment_jitter_ms: 400,
        ..config()
    };
    assert_eq!(jittery.roll_ms(0), 1_000);
    assert_eq!(jittery.roll_ms(399), 601);
    assert_eq!(
        jittery.roll_ms(u64::MAX),
        1_000 - (u64::MAX % 400).cast_signed()
    );
    let all = LogConfig {
        segment_jitter_ms: i64::MAX,
        ..jittery
    };
    assert!((0..5_000).all(|random| (1..=1_000).contains(&all.roll_ms(random))));
}
