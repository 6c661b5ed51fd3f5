//! Which troubles a run may meet, how many of each, and what must survive them.

use crate::engine::actions::Action;

/// What the actions of a run are drawn from.
///
/// In all of them what was answered must be there after every start, where it was and as it was:
/// `acks=all` after power cuts and kills, `acks=1` after kills; nobody is shown what a power cut can
/// take back, unless the log is relaxed; and every start succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Work, power cuts and kills at any moment, clocks that jump and operations that take long.
    /// Nothing may ever be refused for a failure.
    Cuts,
    /// The same, and a device that fails. It may end acknowledging until the next start and make a
    /// start fail, which must succeed when it is tried again. `acks=1` may be lost with a force that
    /// failed.
    Faults,
    /// The same as cuts, and a disk that gets full. Appends may be refused as long as it is, and
    /// must be taken again when it is not.
    Full,
}

impl Mix {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cuts, Self::Faults, Self::Full];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuts => "cuts",
            Self::Faults => "faults",
            Self::Full => "full",
        }
    }

    /// What one run may meet.
    pub(crate) fn budget(self) -> Budget {
        let cuts = Budget {
            power_cuts: 25,
            kills: 30,
            cut_starts: 15,
            device_faults: 0,
            full_disks: 0,
            slow_operations: 8,
            clock_jumps: 8,
            pauses: 6,
        };
        match self {
            Self::Cuts => cuts,
            Self::Faults => Budget {
                device_faults: 25,
                ..cuts
            },
            Self::Full => Budget {
                full_disks: 15,
                ..cuts
            },
        }
    }
}

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    PowerCut,
    Kill,
    CutStart,
    DeviceFault,
    FullDisk,
    SlowOperation,
    ClockJump,
    Pause,
}

impl Trouble {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 8] = [
        Self::PowerCut,
        Self::Kill,
        Self::CutStart,
        Self::DeviceFault,
        Self::FullDisk,
        Self::SlowOperation,
        Self::ClockJump,
        Self::Pause,
    ];

    /// The trouble that an action is.
    pub(crate) fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::Crash { .. } => Self::PowerCut,
            Action::Kill | Action::KillAt { .. } => Self::Kill,
            Action::CrashInRecovery { .. } => Self::CutStart,
            Action::FailForce { .. }
            | Action::FailWrite { .. }
            | Action::FailRead
            | Action::FailNames { .. }
            | Action::FailStart { .. } => Self::DeviceFault,
            Action::Fill { .. } | Action::FillStart => Self::FullDisk,
            Action::Slow { .. } => Self::SlowOperation,
            Action::JumpWall { .. } => Self::ClockJump,
            Action::Pause { .. } => Self::Pause,
            _ => return None,
        })
    }
}

/// How many troubles of each kind one run may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub power_cuts: u32,
    pub kills: u32,
    /// Starts during which the power goes, once or more.
    pub cut_starts: u32,
    pub device_faults: u32,
    pub full_disks: u32,
    pub slow_operations: u32,
    pub clock_jumps: u32,
    pub pauses: u32,
}

impl Budget {
    fn count(&mut self, trouble: Trouble) -> &mut u32 {
        match trouble {
            Trouble::PowerCut => &mut self.power_cuts,
            Trouble::Kill => &mut self.kills,
            Trouble::CutStart => &mut self.cut_starts,
            Trouble::DeviceFault => &mut self.device_faults,
            Trouble::FullDisk => &mut self.full_disks,
            Trouble::SlowOperation => &mut self.slow_operations,
            Trouble::ClockJump => &mut self.clock_jumps,
            Trouble::Pause => &mut self.pauses,
        }
    }

    /// Takes one; `false` if none is left.
    pub(crate) fn take(&mut self, trouble: Trouble) -> bool {
        let count = self.count(trouble);
        let is_left = *count > 0;
        *count -= u32::from(is_left);
        is_left
    }

    #[cfg(test)]
    pub(crate) fn of(mut self, trouble: Trouble) -> u32 {
        *self.count(trouble)
    }

    #[cfg(test)]
    pub(crate) fn keep_smallest(&mut self, other: &Self) {
        for trouble in Trouble::ALL {
            let smallest = self.of(trouble).min(other.of(trouble));
            *self.count(trouble) = smallest;
        }
    }
}

/// What must have happened in the seeds of every day, by the names of the [`crate::Tally`].
pub const HAPPENINGS: [&str; 28] = [
    "power cuts",
    "kills",
    "power cuts during a start",
    "starts that failed",
    "starts on a full disk",
    "sectors kept",
    "sectors lost",
    "sectors torn",
    "sectors in an older version",
    "sectors kept before older ones",
    "names kept",
    "names lost",
    "renames lost",
    "writes failed",
    "operations without space",
    "forces failed",
    "forces after which the cache lies",
    "reads failed",
    "names failed",
    "slow operations",
    "jumps of the wall clock forward",
    "jumps of the wall clock back",
    "pauses",
    "comparisons of memory with a start",
    "groups appended",
    "groups refused",
    "groups lost",
    "groups found by a start",
];
