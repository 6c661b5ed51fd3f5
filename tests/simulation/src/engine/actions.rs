//! What a run does, written down before it is done, so that a failing run can be made shorter.

use sim::{Dice, Operation};

use crate::engine::groups::Odd;

/// One thing done to the engine or to the machine below it. The numbers are raw: what they choose
/// depends on what exists when their turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A batch without a producer.
    Append { log: u64, records: u32, bytes: u32 },
    /// Many small batches without a producer, one after the other.
    Burst { log: u64, batches: u32 },
    /// The next batch of an idempotent producer, or an old one again, or a wrong one.
    Produce {
        log: u64,
        producer: u64,
        twist: Twist,
        bytes: u32,
    },
    /// A batch of a transaction, which it opens if none is.
    Transact { log: u64, producer: u64, bytes: u32 },
    /// A marker that ends one of the open transactions, with the producer's epoch or the next one.
    /// Now and then it ends none.
    EndTransaction {
        which: u64,
        is_commit: bool,
        bumps: bool,
    },
    /// Batches for several logs that go in together or not at all.
    AppendGroup {
        log: u64,
        producer: u64,
        odd: Odd,
        bytes: u32,
    },
    /// Requests come until there is no room for more, and go away again.
    Crowd,
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
    /// Much time passes and nothing runs, as when the process is stopped.
    Pause { ms: u64 },
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
    /// A log gets other settings.
    SetConfig { log: u64, config: u64 },
    /// A range is read both ways and compared.
    Read { log: u64, from: u64, bytes: u32 },
    /// What is in memory is compared with what a start would make of the disk.
    Compare,
    /// The next force of some files fails.
    FailForce { what: Place },
    /// The next write to some files fails.
    FailWrite { what: Place },
    /// The next read of a segment fails.
    FailRead,
    /// The next removal, new file or directory force fails.
    FailNames { which: u64 },
    /// Something fails during the next start.
    FailStart { which: u64 },
    /// The next operation of a kind on some files takes this long.
    Slow { what: Place, kind: Slow, ms: u64 },
    /// The disk gets full after this many more sectors.
    Fill { sectors: u64 },
    /// The disk has space again.
    Empty,
    /// The disk is full at the next start.
    FillStart,
    /// The power goes during one of the next operations.
    Crash { after: u64 },
    /// The process is killed.
    Kill,
    /// The process is killed during one of the next operations.
    KillAt { after: u64 },
    /// The process ends as it should.
    ShutDown,
    /// The power goes during the next start, once or more.
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

    pub(crate) fn roll(dice: &mut Dice) -> Self {
        [Self::Wal, Self::Segments, Self::Checkpoint][dice.index(3)]
    }
}

/// Which operations are slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slow {
    Force,
    Write,
    Read,
}

impl Slow {
    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Force => Operation::Force,
            Self::Write => Operation::Write,
            Self::Read => Operation::Read,
        }
    }

    pub(crate) fn roll(dice: &mut Dice) -> Self {
        [Self::Force, Self::Write, Self::Read][dice.index(3)]
    }
}
