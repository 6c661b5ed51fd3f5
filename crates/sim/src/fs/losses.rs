//! What a loss of power took, so that a run can tell that it took something.

use std::fmt;
use std::ops::AddAssign;

/// What became, in losses of power, of what was not forced.
///
/// A sector counts by what the disk holds in the end, compared with what was written to it; sectors
/// of files that lost their names with the power do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Sectors that hold what was last written.
    pub sectors_kept: u64,
    /// Sectors that hold what was last forced.
    pub sectors_lost: u64,
    /// Sectors that hold a version in between: a later write to them was lost.
    pub sectors_older: u64,
    /// Sectors that hold parts of two versions.
    pub sectors_torn: u64,
    /// Sectors that hold what was last written, although an earlier write to the file was lost.
    pub sectors_reordered: u64,
    /// Names made, removed or changed that stayed so.
    pub names_kept: u64,
    /// Names made, removed or changed that are as they were before.
    pub names_lost: u64,
    /// Those of the names lost that were changes from one name to another.
    pub renames_lost: u64,
}

/// What became of a sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Lost,
    Older,
    Torn,
}

impl Losses {
    pub(crate) fn note(&mut self, fate: Fate) {
        *match fate {
            Fate::Kept => &mut self.sectors_kept,
            Fate::Lost => &mut self.sectors_lost,
            Fate::Older => &mut self.sectors_older,
            Fate::Torn => &mut self.sectors_torn,
        } += 1;
    }
}

impl AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        self.sectors_kept += other.sectors_kept;
        self.sectors_lost += other.sectors_lost;
        self.sectors_older += other.sectors_older;
        self.sectors_torn += other.sectors_torn;
        self.sectors_reordered += other.sectors_reordered;
        self.names_kept += other.names_kept;
        self.names_lost += other.names_lost;
        self.renames_lost += other.renames_lost;
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unforced sectors: {} kept, {} lost, {} older, {} torn; unforced names: {} kept, {} lost",
            self.sectors_kept,
            self.sectors_lost,
            self.sectors_older,
            self.sectors_torn,
            self.names_kept,
            self.names_lost,
        )
    }
}
