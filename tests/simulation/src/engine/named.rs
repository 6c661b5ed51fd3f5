//! Runs that have failed once. Each says what was wrong.

use crate::engine::actions::{Action, Twist};
use crate::engine::plan::Run;
use crate::engine::run;
use crate::engine::setup::Setup;

/// Numbers that [`super::access::config`] takes for a strict and for a relaxed log.
const STRICT: u64 = 1;
const RELAXED: u64 = 0;

fn check(seeds: std::ops::Range<u64>, actions: &[Action]) {
    check_with(Setup::default(), seeds, actions);
}

fn check_with(setup: Setup, seeds: std::ops::Range<u64>, actions: &[Action]) {
    let actions = actions.to_vec();
    let planned = Run { setup, actions };
    for seed in seeds {
        if let Err(error) = run(seed, &planned) {
            panic!("seed {seed}: {error}");
        }
    }
}

fn append(log: u64) -> Action {
    Action::Append {
        log,
        records: 2,
        bytes: 300,
    }
}

fn large(log: u64, bytes: u32) -> Action {
    Action::Append {
        log,
        records: 1,
        bytes,
    }
}

#[test]
fn a_new_data_directory_survives_a_power_cut() {
    let cut = Action::CrashInRecovery {
        after: 24,
        times: 3,
    };
    check(
        0..20,
        &[append(0), Action::CommitAll, cut, Action::ShutDown],
    );
}

#[test]
fn a_log_that_becomes_relaxed_between_two_appends_shows_them_in_order() {
    let actions = [
        Action::CreateLog { config: STRICT },
        Action::CommitAll,
        append(1),
        Action::SetConfig {
            log: 1,
            config: RELAXED,
        },
        append(1),
        Action::Commit,
    ];
    check(0..1, &actions);
}

/// What had said that no slot could be made was not taken back when one was.
#[test]
fn appends_go_on_when_a_full_disk_has_space_again() {
    let mut actions = vec![
        Action::CreateLog { config: STRICT },
        large(0, 12_000),
        Action::Commit,
    ];
    actions.extend([append(0), Action::Commit].repeat(4));
    actions.extend([
        Action::Fill { sectors: 0 },
        append(0),
        Action::Commit,
        Action::Empty,
        Action::Advance { ms: 1100 },
        Action::CommitAll,
    ]);
    check(0..1, &actions);
}

/// The process was killed between the write and the force of a checkpoint. The next one believed
/// it, wrote over the rounds that it released, and lost power.
#[test]
fn a_checkpoint_that_is_only_in_the_cache_frees_no_rounds() {
    for kill in 10..20 {
        for cut in [10, 14] {
            let actions = [
                large(0, 5000),
                large(0, 5000),
                Action::CommitAll,
                Action::KillAt { after: kill },
                Action::CrashInRecovery {
                    after: cut,
                    times: 1,
                },
                Action::Flush,
            ];
            check(0..4, &actions);
        }
    }
}

/// A read over two segments left out the rest of the first one when that did not fit, and went on
/// with a smaller batch of the second.
#[test]
fn a_read_that_runs_out_of_budget_does_not_go_on_in_the_next_segment() {
    let large = |bytes| large(1, bytes);
    let mut actions = vec![Action::CreateLog {
        // Segments of 9000 bytes.
        config: STRICT + 4,
    }];
    for _ in 0..6 {
        actions.extend([
            large(4000),
            Action::CommitAll,
            large(4500),
            Action::CommitAll,
            large(400),
            Action::CommitAll,
            Action::Flush,
        ]);
    }
    actions.extend([Action::FlushAll, Action::ShutDown]);
    for bytes in (100..16_000).step_by(500) {
        actions.extend((0..20).map(|from| Action::Read {
            log: 1,
            from,
            bytes,
        }));
    }
    check(0..1, &actions);
}

/// The directory of a log without segments was made for its producers; its name was not forced when
/// that had failed the first time.
#[test]
fn the_directory_of_a_producer_snapshot_is_durable() {
    let without_segments = [
        // So that there is a spare slot.
        large(0, 5000),
        Action::CommitAll,
        Action::Flush,
        Action::CreateLog { config: STRICT },
        Action::Produce {
            log: 1,
            producer: 0,
            twist: Twist::Next,
            bytes: 500,
        },
        Action::CommitAll,
        Action::SetLogStart { log: 1, at: 1 },
        Action::CommitAll,
    ];
    let fails = [
        Action::FailNames { which: 2 },
        Action::Flush,
        Action::Advance { ms: 1100 },
    ];
    let flushes_and_cuts = [
        Action::Flush,
        Action::Crash { after: 1 },
        append(0),
        Action::CommitAll,
    ];
    check(
        0..20,
        &[&without_segments[..], &flushes_and_cuts[..]].concat(),
    );
    check(
        0..20,
        &[&without_segments[..], &fails[..], &flushes_and_cuts[..]].concat(),
    );
}

/// More was taken into one round than a slot holds, so that a larger slot had to be made for it, or
/// could not be.
#[test]
fn a_round_is_never_larger_than_a_slot() {
    let mut actions = vec![large(0, 9000); 4];
    actions.push(Action::CommitAll);
    check(0..1, &actions);
}

/// Each start had made a small slot, until there was no room for one of the usual size.
#[test]
fn many_small_slots_make_room_for_one_that_holds_a_large_round() {
    let mut actions = [append(0), Action::Commit, Action::Kill].repeat(12);
    actions.push(large(0, 15_900));
    actions.push(Action::CommitAll);
    check(0..1, &actions);
}

/// An error of the device took a log out of service for good.
#[test]
fn a_read_that_fails_once_harms_no_log() {
    let mut actions = vec![Action::CreateLog { config: STRICT + 4 }];
    for _ in 0..4 {
        actions.extend([large(1, 4000), Action::CommitAll, Action::Flush]);
    }
    let read = Action::Read {
        log: 1,
        from: 1,
        bytes: 5000,
    };
    actions.extend([Action::ShutDown, Action::FailRead, read, read]);
    actions.extend([append(1), Action::CommitAll]);
    check(0..3, &actions);
}

/// A start on a full disk flushed as far as the segments; the checkpoint that says where the epoch
/// began was written before the snapshots, and the next start knew less of the producers than the
/// segments held.
#[test]
fn the_checkpoint_of_a_start_forgets_no_producer() {
    let actions = [
        Action::CreateLog {
            config: 17980503276476717940,
        },
        Action::CommitAll,
        Action::EndTransaction {
            which: 1292955130979301504,
            is_commit: false,
            bumps: true,
        },
        Action::Compare,
        Action::Produce {
            log: 12122810950585930727,
            producer: 8667578371140099642,
            twist: Twist::Next,
            bytes: 5093,
        },
        Action::ShutDown,
        Action::Crash { after: 10 },
        Action::CrashInRecovery {
            after: 23,
            times: 1,
        },
        Action::FlushAll,
        Action::Compare,
        Action::Flush,
        Action::CrashInRecovery {
            after: 20,
            times: 3,
        },
        Action::Produce {
            log: 15426412988012781675,
            producer: 1735281480599371493,
            twist: Twist::Next,
            bytes: 2857,
        },
        Action::FillStart,
        Action::ShutDown,
        Action::KillAt { after: 1 },
        Action::FlushAll,
    ];
    let setup = Setup {
        wal_bytes_max: 262_144,
        wal_slot_bytes: 65_536,
        wal_first_slot_bytes: 16_384,
        memory_bytes_max: 2048,
        flush_bytes: 16_384,
        first_start_cut: None,
    };
    let actions = actions.to_vec();
    if let Err(error) = run(401, &Run { setup, actions }) {
        panic!("{error}");
    }
}

/// It was not counted any more, so that another was made beside it.
#[test]
fn a_slot_that_cannot_be_removed_still_takes_its_room() {
    let setup = Setup {
        wal_bytes_max: 128 << 10,
        wal_slot_bytes: 32 << 10,
        wal_first_slot_bytes: 16 << 10,
        memory_bytes_max: 256,
        flush_bytes: 4096,
        first_start_cut: None,
    };
    let append = |bytes| Action::Append {
        log: 0,
        records: 1,
        bytes,
    };
    let cut = Action::CrashInRecovery {
        after: 19,
        times: 2,
    };
    let actions = [
        cut,
        Action::Kill,
        append(40),
        Action::Commit,
        Action::Kill,
        Action::Kill,
        append(2339),
        Action::Crash { after: 2 },
        Action::Flush,
        Action::Flush,
        Action::FailNames { which: 1 },
        append(8200),
        Action::CommitAll,
    ];
    check_with(setup, 7050..7060, &actions);
}
