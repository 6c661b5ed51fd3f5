//! What a run does, written down before it is done, so that a failing run can be made shorter.

use sim::Dice;

use crate::engine::Mix;

/// One thing done to the engine or to the machine below it. The numbers are raw: what they choose
/// depends on what exists when their turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A batch of keyed records; the number gives the keys, and which are tombstones.
    Append {
        log: u64,
        records: u64,
    },
    /// The next batch of an idempotent producer.
    Produce {
        log: u64,
        producer: u64,
        records: u64,
    },
    /// The next batch of a transaction, which begins with it if there is none.
    Transact {
        log: u64,
        producer: u64,
        records: u64,
    },
    /// A transaction ends.
    EndTransaction {
        log: u64,
        producer: u64,
        is_commit: bool,
    },
    /// Everything that was appended is committed.
    Commit,
    /// One flush step.
    Flush,
    /// Some steps of compaction.
    Compact {
        steps: u64,
    },
    /// For one step of compaction a log is not to be compacted.
    Pause {
        log: u64,
    },
    /// Everything is rolled, flushed and compacted, and must be what the naive model says.
    CompactAll,
    Advance {
        ms: u64,
    },
    Retention,
    SetLogStart {
        log: u64,
        at: u64,
    },
    /// A range is read as a consumer of committed records does it.
    Consume {
        log: u64,
        from: u64,
        bytes: usize,
    },
    /// A read begins, of which the disk is asked later.
    BeginRead {
        log: u64,
        from: u64,
        bytes: usize,
    },
    EndRead,
    /// The next force of some files fails.
    FailForce {
        what: &'static str,
    },
    FailWrite {
        what: &'static str,
    },
    FailRead,
    /// The next removal, new file or directory force fails.
    FailNames {
        which: u64,
    },
    Fill {
        sectors: u64,
    },
    Empty,
    /// The power goes during one of the next operations.
    Crash {
        after: u64,
    },
    Kill,
    KillAt {
        after: u64,
    },
    ShutDown,
}

/// The actions of a run.
pub(super) fn plan(dice: &mut Dice, mix: Mix, length: usize) -> Vec<Action> {
    (0..length).map(|_| roll(dice, mix)).collect()
}

fn roll(dice: &mut Dice, mix: Mix) -> Action {
    let log = dice.number();
    let records = dice.number();
    let producer = dice.number();
    match dice.below(100) {
        0..23 => Action::Append { log, records },
        23 => Action::Pause { log },
        24..32 => Action::Produce {
            log,
            producer,
            records,
        },
        32..37 => Action::Transact {
            log,
            producer,
            records,
        },
        37..42 => Action::EndTransaction {
            log,
            producer,
            is_commit: dice.one_in(2),
        },
        42..52 => Action::Commit,
        52..58 => Action::Flush,
        58..72 => Action::Compact {
            steps: 1 + dice.below(30),
        },
        72..76 => Action::CompactAll,
        76..80 => Action::Advance {
            ms: dice.below(4_000),
        },
        80..81 => Action::Retention,
        81..83 => Action::SetLogStart {
            log,
            at: dice.number(),
        },
        83..86 => Action::Consume {
            log,
            from: dice.number(),
            bytes: dice.below(3_000) as usize,
        },
        86..88 => Action::BeginRead {
            log,
            from: dice.number(),
            bytes: dice.below(6_000) as usize,
        },
        88..90 => Action::EndRead,
        90..92 => Action::Crash {
            after: 1 + dice.below(20),
        },
        92 => Action::Kill,
        93..95 => Action::KillAt {
            after: 1 + dice.below(20),
        },
        95 => Action::ShutDown,
        _ => match mix {
            Mix::Cuts => Action::Commit,
            Mix::Faults => fault(dice),
            Mix::Full if dice.one_in(2) => Action::Empty,
            Mix::Full => Action::Fill {
                sectors: dice.below(30),
            },
        },
    }
}

fn fault(dice: &mut Dice) -> Action {
    const PLACES: [&str; 3] = ["wal/", ".log", "checkpoint"];
    let what = PLACES[dice.below(3) as usize];
    match dice.below(6) {
        0 => Action::FailRead,
        1 | 2 => Action::FailForce { what },
        3 | 4 => Action::FailWrite { what },
        _ => Action::FailNames {
            which: dice.number(),
        },
    }
}
