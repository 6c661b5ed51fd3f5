//! Where a transaction stands.

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Its records count.
    Commit,
    /// They do not.
    Abort,
}

/// Where the newest transaction of a transactional id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransactionState {
    /// There has been none since the producer got its epoch.
    Empty,
    /// It has partitions, and nobody has said how it ends.
    Ongoing,
    /// How it ends is decided; not all of its partitions are known to have their markers.
    Prepare(Outcome),
    /// All have.
    Complete(Outcome),
}

impl TransactionState {
    /// The names that Kafka knows. The last two are never those of a transaction here: an id that is forgotten
    /// is gone, and a producer is fenced in the same step that aborts its transaction.
    pub const NAMES: [&str; 8] = [
        "Empty",
        "Ongoing",
        "PrepareCommit",
        "PrepareAbort",
        "CompleteCommit",
        "CompleteAbort",
        "Dead",
        "PrepareEpochFence",
    ];

    /// The name as tools show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::Prepare(Outcome::Commit) => "PrepareCommit",
            Self::Prepare(Outcome::Abort) => "PrepareAbort",
            Self::Complete(Outcome::Commit) => "CompleteCommit",
            Self::Complete(Outcome::Abort) => "CompleteAbort",
        }
    }

    /// The number in records.
    pub(crate) const fn number(self) -> i8 {
        match self {
            Self::Empty => 0,
            Self::Ongoing => 1,
            Self::Prepare(Outcome::Commit) => 2,
            Self::Prepare(Outcome::Abort) => 3,
            Self::Complete(Outcome::Commit) => 4,
            Self::Complete(Outcome::Abort) => 5,
        }
    }

    /// The state of this number; `None` for one that never stands in a log.
    pub(crate) const fn from_number(number: i8) -> Option<Self> {
        match number {
            0 => Some(Self::Empty),
            1 => Some(Self::Ongoing),
            2 => Some(Self::Prepare(Outcome::Commit)),
            3 => Some(Self::Prepare(Outcome::Abort)),
            4 => Some(Self::Complete(Outcome::Commit)),
            5 => Some(Self::Complete(Outcome::Abort)),
            _ => None,
        }
    }
}

/// Which rules the client goes by (`transaction.version`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClientVersion {
    /// The epoch stays as it is from one transaction to the next.
    One,
    /// Each transaction has an epoch of its own, so that nothing of one can be taken for the next (KIP-890).
    Two,
}
