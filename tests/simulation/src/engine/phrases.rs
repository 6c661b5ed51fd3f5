//! Actions drawn one by one, and actions that belong together: where a run gets only by several of
//! them in a row.

use sim::Dice;

use crate::engine::actions::{Action, Place, Twist};
use crate::engine::groups::Odd;

/// Several rounds, of which the power may take the first and leave the last.
pub(crate) fn unforced_rounds(dice: &mut Dice) -> Vec<Action> {
    let log = dice.number();
    let mut actions = Vec::new();
    if dice.one_in(2) {
        // Else the log may be strict, and each of its rounds is forced.
        let config = relaxed(dice);
        actions.push(Action::SetConfig { log, config });
    }
    for _ in 0..2 + dice.below(3) {
        actions.push(Action::Append {
            log,
            records: 1,
            bytes: dice.below(300) as u32,
        });
        actions.push(Action::Commit);
    }
    actions.push(Action::Crash {
        after: 1 + dice.below(2),
    });
    actions.extend([append(dice), Action::Commit]);
    if !dice.one_in(4) {
        actions.extend(flushed_to_the_end(dice));
    }
    actions
}

/// A start on a full disk, which gets space while the engine runs.
pub(crate) fn full_start(dice: &mut Dice) -> Vec<Action> {
    vec![
        Action::FillStart,
        Action::Kill,
        append(dice),
        Action::Commit,
        Action::Empty,
        Action::Advance { ms: 1100 },
        Action::CommitAll,
    ]
}

/// Starts that leave a small slot each, and a round that needs a large one.
pub(crate) fn starts_in_a_row(dice: &mut Dice) -> Vec<Action> {
    let mut actions = Vec::new();
    for _ in 0..3 + dice.below(8) {
        actions.extend([append(dice), Action::Commit, Action::Kill]);
    }
    let large = Action::Append {
        log: dice.number(),
        records: 1,
        bytes: 12_300 + dice.below(3_600) as u32,
    };
    actions.extend([Action::FlushAll, large, Action::CommitAll]);
    actions
}

/// A force of the write-ahead log that fails, and an end that keeps what the cache says.
pub(crate) fn unforced_to_the_end(dice: &mut Dice) -> Vec<Action> {
    let what = Place::Wal;
    let fail = Action::FailForce { what };
    vec![fail, append(dice), Action::Commit, Action::Kill]
}

/// A round of many entries, and perhaps the end of the power while it is written.
pub(crate) fn burst(dice: &mut Dice) -> Vec<Action> {
    let burst = Action::Burst {
        log: dice.number(),
        batches: 12 + dice.below(70) as u32,
    };
    let after = 1 + dice.below(2);
    match dice.one_in(4) {
        true => vec![burst],
        false => vec![burst, Action::Crash { after }, Action::Commit],
    }
}

/// A group.
pub(crate) fn group(dice: &mut Dice) -> Action {
    Action::AppendGroup {
        log: dice.number(),
        producer: dice.number(),
        odd: [Odd::Nothing, Odd::Nothing, Odd::Gap, Odd::Duplicate][dice.index(4)],
        bytes: size(dice),
    }
}

/// A round that is nearly full, a group behind it, and perhaps the end of the power.
pub(crate) fn crowded_group(dice: &mut Dice) -> Vec<Action> {
    // What the rounds of small, middling and large slots have room for four times.
    let bytes = [900, 4_500, 12_000][dice.index(3)];
    let append = Action::Append {
        log: dice.number(),
        records: 1,
        bytes,
    };
    let group = Action::AppendGroup {
        log: dice.number(),
        producer: dice.number(),
        odd: Odd::Nothing,
        bytes,
    };
    let mut actions = vec![append, append, append, group, Action::Commit];
    if dice.one_in(2) {
        let after = 1 + dice.below(3);
        actions.push(Action::Crash { after });
    }
    actions.push(Action::Commit);
    actions
}

/// More than half a slot of what nobody asks to be forced.
pub(crate) fn much_unforced(dice: &mut Dice) -> Vec<Action> {
    let log = dice.number();
    let config = relaxed(dice);
    let append = Action::Append {
        log,
        records: 1,
        bytes: 8_200,
    };
    let set = Action::SetConfig { log, config };
    vec![set, append, append, append, append, Action::CommitAll]
}

/// An end behind a flush, before anything new is written.
pub(crate) fn flushed_to_the_end(dice: &mut Dice) -> Vec<Action> {
    let end = match dice.one_in(2) {
        true => Action::Kill,
        false => Action::Crash { after: 1 },
    };
    // Who waits for room makes the flusher flush all it can: the older half, and then the rest.
    vec![Action::Crowd, Action::Flush, Action::Flush, end]
}

pub(crate) fn append(dice: &mut Dice) -> Action {
    Action::Append {
        log: dice.number(),
        records: 1 + dice.below(5) as u32,
        bytes: size(dice),
    }
}

pub(crate) fn create_log(dice: &mut Dice) -> Action {
    Action::CreateLog {
        config: config(dice),
    }
}

/// The number of some settings; half of the logs are relaxed.
pub(crate) fn config(dice: &mut Dice) -> u64 {
    match dice.one_in(2) {
        true => relaxed(dice),
        false => dice.number(),
    }
}

/// The number of settings of a relaxed log, as [`super::access::config`] takes it.
fn relaxed(dice: &mut Dice) -> u64 {
    dice.number() / 4 * 4
}

pub(crate) fn twist(dice: &mut Dice) -> Twist {
    match dice.below(10) {
        0..5 => Twist::Next,
        5..8 => Twist::Retry(dice.below(5)),
        8 => match dice.below(2) {
            0 => Twist::Gap,
            _ => Twist::Zombie,
        },
        _ => Twist::Bump,
    }
}

/// Mostly small, now and then some sectors.
pub(crate) fn size(dice: &mut Dice) -> u32 {
    let limit = match dice.below(10) {
        0..5 => 100,
        5..9 => 3000,
        _ => 15_900,
    };
    dice.below(limit) as u32
}
