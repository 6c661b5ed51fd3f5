//! What runs are drawn from: how often each action comes, and how different runs are from each other.
//!
//! Each run favours some actions and does without others. Runs that are all alike meet the same
//! states again and again: a run in which nothing is ever flushed, or one that does little else
//! than start, goes where the average one does not.

use sim::Dice;

use crate::engine::actions::{Action, Place, Slow, Twist};
use crate::engine::budget::{Mix, Trouble};
use crate::engine::setup::Setup;

/// Actions in one run.
const LENGTH: usize = 160;

/// A run, written down.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub setup: Setup,
    pub actions: Vec<Action>,
}

/// Draws one action, or a few that belong together.
type Roll = fn(&mut Dice) -> Vec<Action>;

/// What is appended, and how soon that is committed. No run does without.
const WORK: &[(u64, Roll)] = &[
    (20, |dice| vec![append(dice)]),
    (16, |dice| {
        vec![Action::Produce {
            log: dice.number(),
            producer: dice.number(),
            twist: twist(dice),
            bytes: size(dice),
        }]
    }),
    (18, |_| vec![Action::Commit]),
];

/// What a run may do without.
const REST: &[(u64, Roll)] = &[
    (8, |dice| {
        vec![Action::Transact {
            log: dice.number(),
            producer: dice.number(),
            bytes: size(dice),
        }]
    }),
    (6, |dice| {
        vec![Action::EndTransaction {
            which: dice.number(),
            is_commit: dice.one_in(2),
            bumps: dice.one_in(4),
        }]
    }),
    (2, burst),
    (4, |_| vec![Action::CommitAll]),
    (8, |_| vec![Action::Flush]),
    (1, |_| vec![Action::FlushAll]),
    (2, |dice| {
        let ms = dice.below(200);
        vec![Action::Advance { ms }]
    }),
    (1, |dice| {
        let ms = 1000 + dice.below(120_000);
        vec![Action::Pause { ms }]
    }),
    (1, |dice| {
        let ms = dice.below(20_000) as i64 - 5_000;
        let ms = if dice.one_in(4) { ms * 60 } else { ms };
        vec![Action::JumpWall { ms }]
    }),
    (2, |_| vec![Action::Retention]),
    (2, |dice| {
        vec![Action::SetLogStart {
            log: dice.number(),
            at: dice.number(),
        }]
    }),
    (2, |dice| vec![create_log(dice)]),
    (1, |dice| {
        vec![Action::SetConfig {
            log: dice.number(),
            config: config(dice),
        }]
    }),
    (1, |dice| vec![Action::DeleteLog { log: dice.number() }]),
    (6, |dice| {
        vec![Action::Read {
            log: dice.number(),
            from: dice.number(),
            bytes: dice.below(20_000) as u32,
        }]
    }),
    (1, |_| vec![Action::Compare]),
    (1, |dice| {
        vec![Action::Slow {
            what: Place::roll(dice),
            kind: Slow::roll(dice),
            ms: 1 + dice.below(2000),
        }]
    }),
    (4, |dice| {
        let after = 1 + dice.below(20);
        vec![Action::Crash { after }]
    }),
    (1, |_| vec![Action::Kill]),
    (1, |dice| {
        let after = 1 + dice.below(20);
        vec![Action::KillAt { after }]
    }),
    (1, |_| vec![Action::ShutDown]),
    (2, |dice| {
        vec![Action::CrashInRecovery {
            after: 1 + dice.below(25),
            times: 1 + dice.below(3),
        }]
    }),
    (3, unforced_rounds),
    (1, flushed_to_the_end),
    (1, starts_in_a_row),
];

const DEVICE_FAULTS: &[(u64, Roll)] = &[
    (1, |dice| {
        let what = Place::roll(dice);
        vec![Action::FailForce { what }]
    }),
    (1, |dice| {
        let what = Place::roll(dice);
        vec![Action::FailWrite { what }]
    }),
    (1, |_| vec![Action::FailRead]),
    (1, unforced_to_the_end),
    (1, |dice| {
        let which = dice.number();
        vec![Action::FailNames { which }]
    }),
    (1, |dice| {
        let which = dice.number();
        vec![Action::FailStart { which }]
    }),
];

const FULL_DISK: &[(u64, Roll)] = &[
    (2, |dice| {
        let sectors = dice.below(40);
        vec![Action::Fill { sectors }]
    }),
    (2, |_| vec![Action::Empty]),
    (1, |_| vec![Action::FillStart]),
];

/// Several rounds, of which the power may take the first and leave the last.
fn unforced_rounds(dice: &mut Dice) -> Vec<Action> {
    let log = dice.number();
    let mut actions = Vec::new();
    if dice.one_in(2) {
        // Else the log may be strict, and each of its rounds is forced.
        let config = config(dice) / 4 * 4;
        actions.push(Action::SetConfig { log, config });
    }
    for _ in 0..2 + dice.below(3) {
        actions.push(Action::Append {
            log,
            records: 1,
            bytes: size(dice),
        });
        actions.push(Action::Commit);
    }
    actions.push(Action::Crash {
        after: 1 + dice.below(2),
    });
    actions.extend([append(dice), Action::Commit]);
    if dice.one_in(2) {
        actions.extend(flushed_to_the_end(dice));
    }
    actions
}

/// Starts that leave a small slot each, and a round that needs a large one.
fn starts_in_a_row(dice: &mut Dice) -> Vec<Action> {
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
fn unforced_to_the_end(dice: &mut Dice) -> Vec<Action> {
    let what = Place::Wal;
    let fail = Action::FailForce { what };
    vec![fail, append(dice), Action::Commit, Action::Kill]
}

/// A round of many entries, and perhaps the end of the power while it is written.
fn burst(dice: &mut Dice) -> Vec<Action> {
    let mut actions = vec![Action::Burst {
        log: dice.number(),
        batches: 12 + dice.below(20) as u32,
    }];
    if dice.one_in(2) {
        let after = 1 + dice.below(2);
        actions.extend([Action::Crash { after }, Action::Commit]);
    }
    actions
}

/// An end behind a flush, before anything new is written.
fn flushed_to_the_end(dice: &mut Dice) -> Vec<Action> {
    let end = match dice.one_in(2) {
        true => Action::Kill,
        false => Action::Crash { after: 1 },
    };
    // Who waits for room makes the flusher flush all it can.
    let large = || Action::Append {
        log: dice.number(),
        records: 1,
        bytes: 7_000,
    };
    let mut actions: Vec<Action> = std::iter::repeat_with(large).take(3).collect();
    actions.extend([Action::Flush, Action::Flush, end]);
    actions
}

/// Draws a run.
pub(crate) fn plan(dice: &mut Dice, mix: Mix) -> Run {
    let setup = Setup::roll(dice);
    let troubles = match mix {
        Mix::Cuts => &[],
        Mix::Faults => DEVICE_FAULTS,
        Mix::Full => FULL_DISK,
    };
    let mut table: Vec<(u64, Roll)> = Vec::new();
    for (weight, roll) in WORK.iter().chain(troubles) {
        table.push((weight * (1 + dice.below(3)), *roll));
    }
    for (weight, roll) in REST {
        table.push((weight * [0, 1, 2, 2, 6][dice.index(5)], *roll));
    }
    let total = table.iter().map(|(weight, _)| weight).sum();
    let mut left = mix.budget();
    // Without logs of its own a run would spend its time with the metadata log.
    let mut actions: Vec<Action> = (0..=dice.below(4)).map(|_| create_log(dice)).collect();
    actions.push(Action::CommitAll);
    while actions.len() < LENGTH {
        let mut at = dice.below(total);
        let chosen = table.iter().find(|(weight, _)| {
            let is_it = at < *weight;
            at = at.saturating_sub(*weight);
            is_it
        });
        let drawn = chosen.map_or(Vec::new(), |(_, roll)| roll(dice));
        let is_left = |action: &Action| {
            let trouble = Trouble::of(*action);
            trouble.is_none_or(|trouble| left.take(trouble))
        };
        actions.extend(drawn.into_iter().filter(is_left));
    }
    Run { setup, actions }
}

fn append(dice: &mut Dice) -> Action {
    Action::Append {
        log: dice.number(),
        records: 1 + dice.below(5) as u32,
        bytes: size(dice),
    }
}

fn create_log(dice: &mut Dice) -> Action {
    Action::CreateLog {
        config: config(dice),
    }
}

/// The number of some settings; half of the logs are relaxed.
fn config(dice: &mut Dice) -> u64 {
    match dice.one_in(2) {
        true => dice.number() / 4 * 4,
        false => dice.number(),
    }
}

fn twist(dice: &mut Dice) -> Twist {
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
fn size(dice: &mut Dice) -> u32 {
    let limit = match dice.below(10) {
        0..5 => 100,
        5..9 => 3000,
        _ => 15_900,
    };
    dice.below(limit) as u32
}

#[test]
fn a_plan_keeps_to_its_budget() {
    for mix in Mix::ALL {
        let mut most = mix.budget();
        for seed in 0..500 {
            let mut left = mix.budget();
            for action in plan(&mut Dice::new(seed), mix).actions {
                if let Some(trouble) = Trouble::of(action) {
                    assert!(left.take(trouble), "{trouble:?} in {mix:?}, seed {seed}");
                }
            }
            most.keep_smallest(&left);
        }
        let used: Vec<_> = Trouble::ALL
            .into_iter()
            .filter(|trouble| most.of(*trouble) < mix.budget().of(*trouble))
            .collect();
        let allowed: Vec<_> = Trouble::ALL
            .into_iter()
            .filter(|trouble| mix.budget().of(*trouble) > 0)
            .collect();
        assert_eq!(used, allowed, "{mix:?}");
    }
}
