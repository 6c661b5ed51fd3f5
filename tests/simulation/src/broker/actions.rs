//! What a run does, written down before it is done, so that a failing run can be made shorter.

use sim::Dice;

use crate::engine::Mix;

/// One thing done by a client, to the process or to the machine below it. The numbers are raw: what
/// they choose depends on what exists when their turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A producer sends: the next batch, or what has to be sent again.
    Produce { client: u64, choice: u64 },
    /// A group's member does what comes next.
    Consume { client: u64, choice: u64 },
    /// A transactional producer does what comes next, or somebody looks at transactions.
    Transact { client: u64, choice: u64 },
    /// Topics are made, changed and deleted.
    Administer { choice: u64 },
    /// Somebody looks: at records, offsets, topics, committed offsets.
    Look { choice: u64 },
    /// A client's connection breaks.
    Disconnect { client: u64 },
    /// So many things run that can: requests, tasks, loops.
    Turn { times: u64 },
    /// Everything runs until all wait.
    Rest,
    /// Time passes while everything runs.
    Advance { ms: u64 },
    /// Time passes while nothing runs.
    Pause { ms: u64 },
    /// The wall clock jumps.
    JumpWall { ms: i64 },
    /// The next force of some files fails.
    FailForce { which: u64 },
    /// The next write to some files fails.
    FailWrite { which: u64 },
    /// The next read of a segment fails.
    FailRead,
    /// The next removal, new file or directory force fails.
    FailNames { which: u64 },
    /// The disk gets full after this many more sectors.
    Fill { sectors: u64 },
    /// The disk has space again.
    Empty,
    /// The power goes during one of the next operations.
    Crash { after: u64 },
    /// The process is killed during one of the next operations.
    KillAt { after: u64 },
    /// The process is killed.
    Kill,
    /// The process ends as it should.
    ShutDown,
    /// The power goes during the next recovery, once or more.
    CrashInRecovery { after: u64, times: u64 },
}

/// The actions of a run.
pub(crate) fn plan(dice: &mut Dice, mix: Mix, length: usize) -> Vec<Action> {
    (0..length).map(|_| roll(dice, mix)).collect()
}

fn roll(dice: &mut Dice, mix: Mix) -> Action {
    let (client, choice) = (dice.number(), dice.number());
    match dice.below(110) {
        0..27 => Action::Produce { client, choice },
        27..49 => Action::Consume { client, choice },
        49..53 => Action::Administer { choice },
        53..59 => Action::Look { choice },
        59 => Action::Disconnect { client },
        60..77 => Action::Turn {
            times: 1 + dice.below(12),
        },
        77..82 => Action::Rest,
        82..85 => Action::Advance {
            ms: dice.below(200),
        },
        85 => Action::Advance {
            ms: dice.below(4000),
        },
        86 => Action::Pause {
            ms: dice.below(if_long(client)),
        },
        87 => Action::JumpWall {
            ms: i64::try_from(dice.below(20_000)).unwrap_or(0) - 5_000,
        },
        88..91 => Action::Crash {
            after: 1 + dice.below(30),
        },
        91 => Action::Kill,
        92 => Action::KillAt {
            after: 1 + dice.below(30),
        },
        93 => Action::ShutDown,
        94 => Action::CrashInRecovery {
            after: 1 + dice.below(25),
            times: 1 + dice.below(3),
        },
        100.. => Action::Transact { client, choice },
        _ => match mix {
            Mix::Cuts => Action::Rest,
            Mix::Faults => fault(dice),
            Mix::Full if dice.one_in(2) => Action::Empty,
            Mix::Full => Action::Fill {
                sectors: dice.below(40),
            },
        },
    }
}

/// Most pauses are short; after a long one sessions have ended.
fn if_long(choice: u64) -> u64 {
    match choice.is_multiple_of(4) {
        true => 40_000,
        false => 1000,
    }
}

fn fault(dice: &mut Dice) -> Action {
    let which = dice.number();
    match dice.below(6) {
        0 | 1 => Action::FailForce { which },
        2 | 3 => Action::FailWrite { which },
        4 => Action::FailRead,
        _ => Action::FailNames { which },
    }
}
