//! What a run does, written down before it is done, so that a failing run can be made shorter.

use sim::Dice;

/// One thing done to the engine or to the machine below it. The numbers are raw: what they choose
/// depends on what exists when their turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A batch without a producer.
    Append { log: u64, records: u32, bytes: u32 },
    /// The next batch of an idempotent producer, or an old one again, or a wrong one.
    Produce {
        log: u64,
        producer: u64,
        twist: Twist,
        bytes: u32,
    },
    /// One commit step.
    Commit,
    /// Commit steps until nothing is queued.
    CommitAll,
    /// One flush step.
    Flush,
    /// Everything committed is flushed.
    FlushAll,
    /// Time passes.
    Advance { ms: u64 },
    /// The wall clock jumps.
    JumpWall { ms: i64 },
    /// Retention looks at all logs.
    Retention,
    /// Records are deleted from the start of a log.
    SetLogStart { log: u64, at: u64 },
    /// A log is made.
    CreateLog { config: u64 },
    /// A log is deleted.
    DeleteLog { log: u64 },
    /// A range is read and compared.
    Read { log: u64, from: u64, bytes: u32 },
    /// The next force of some files fails.
    FailForce { what: Place },
    /// The next write to some files fails.
    FailWrite { what: Place },
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
    /// The process is killed.
    Kill,
    /// The process is killed during one of the next operations.
    KillAt { after: u64 },
    /// A log gets other settings.
    SetConfig { log: u64, config: u64 },
    /// The process ends as it should.
    ShutDown,
    /// The power goes during the next recovery, once or more.
    CrashInRecovery { after: u64, times: u64 },
}

/// How a producer's batch relates to its last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    /// It follows.
    Next,
    /// One of the last five again; the number counts back.
    Retry(u64),
    /// It skips sequence numbers.
    Gap,
    /// The producer got a new epoch.
    Bump,
    /// An older epoch.
    Zombie,
}

/// Which files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Wal,
    Segments,
    Checkpoint,
}

impl Place {
    /// What the paths of these files contain.
    pub(crate) fn part(self) -> &'static str {
        match self {
            Self::Wal => "wal/",
            Self::Segments => ".log",
            Self::Checkpoint => "checkpoint",
        }
    }

    fn roll(dice: &mut Dice) -> Self {
        match dice.below(3) {
            0 => Self::Wal,
            1 => Self::Segments,
            _ => Self::Checkpoint,
        }
    }
}

/// What the actions of a run are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Work, and power cuts and kills at any moment.
    Cuts,
    /// The same, and a device that fails.
    Faults,
    /// The same as cuts, and a disk that gets full.
    Full,
}

impl Mix {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuts => "cuts",
            Self::Faults => "faults",
            Self::Full => "full",
        }
    }
}

/// The actions of a run.
pub(crate) fn plan(dice: &mut Dice, mix: Mix, length: usize) -> Vec<Action> {
    (0..length).map(|_| roll(dice, mix)).collect()
}

fn roll(dice: &mut Dice, mix: Mix) -> Action {
    let log = dice.number();
    match dice.below(100) {
        0..22 => Action::Append {
            log,
            records: 1 + dice.below(5) as u32,
            bytes: size(dice),
        },
        22..40 => Action::Produce {
            log,
            producer: dice.number(),
            twist: twist(dice),
            bytes: size(dice),
        },
        40..58 => Action::Commit,
        58..62 => Action::CommitAll,
        62..70 => Action::Flush,
        70..71 => Action::FlushAll,
        71..73 => Action::Advance {
            ms: dice.below(200),
        },
        73..74 => Action::JumpWall {
            ms: dice.below(20_000) as i64 - 5_000,
        },
        74..76 => Action::Retention,
        76..78 => Action::SetLogStart {
            log,
            at: dice.number(),
        },
        78..80 => Action::CreateLog {
            config: dice.number(),
        },
        80 => Action::SetConfig {
            log,
            config: dice.number(),
        },
        81..82 => Action::DeleteLog { log },
        82..88 => Action::Read {
            log,
            from: dice.number(),
            bytes: dice.below(20_000) as u32,
        },
        88..92 => Action::Crash {
            after: 1 + dice.below(20),
        },
        92 => Action::Kill,
        93 => Action::KillAt {
            after: 1 + dice.below(20),
        },
        94..95 => Action::ShutDown,
        95..97 => Action::CrashInRecovery {
            after: 1 + dice.below(25),
            times: 1 + dice.below(3),
        },
        _ => match mix {
            Mix::Cuts => Action::Commit,
            Mix::Faults => fault(dice),
            Mix::Full if dice.one_in(2) => Action::Empty,
            Mix::Full => Action::Fill {
                sectors: dice.below(40),
            },
        },
    }
}

fn fault(dice: &mut Dice) -> Action {
    match dice.below(6) {
        5 => Action::FailRead,
        0 | 1 => Action::FailForce {
            what: Place::roll(dice),
        },
        2 | 3 => Action::FailWrite {
            what: Place::roll(dice),
        },
        _ => Action::FailNames {
            which: dice.number(),
        },
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
        0..6 => 100,
        6..9 => 3000,
        _ => 12_000,
    };
    dice.below(limit) as u32
}
