//! What runs are drawn from: how often each action comes, and how different runs are from each other.
//!
//! Each run favours some actions and does without others. Runs that are all alike meet the same
//! states again and again: a run in which nothing is ever flushed, or one that does little else
//! than start, goes where the average one does not.

use sim::Dice;

use crate::engine::actions::{Action, Place, Slow};
use crate::engine::budget::{Mix, Trouble};
use crate::engine::phrases::{
    append, burst, config, create_log, crowded_group, flushed_to_the_end, full_start, group,
    much_unforced, size, starts_in_a_row, twist, unforced_rounds, unforced_to_the_end,
};
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
    (6, |dice| vec![group(dice)]),
    (2, crowded_group),
    (6, burst),
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
    (1, much_unforced),
    (1, |_| vec![Action::Crowd]),
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
    (1, full_start),
];

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
