//! What a disk went through, in numbers.

use std::fmt;

use sim::{Losses, Operation, SimFs};

/// What was done to a [`LossyDisk`](crate::LossyDisk) and what its power cuts took. A run that lost
/// nothing says something only if there was something to lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The seed that it was mounted with.
    pub seed: u64,
    /// The power cuts.
    pub power_cuts: u64,
    /// All that changed or forced something.
    pub operations: u64,
    /// Reads of files and directories, as the kernel cuts them into pieces.
    pub reads: u64,
    /// Writes to files, as the kernel cuts them into pieces.
    pub writes: u64,
    /// Forces of files.
    pub forces: u64,
    /// Forces of directories.
    pub directory_forces: u64,
    /// What became of what was not forced.
    pub losses: Losses,
}

impl Report {
    pub(crate) fn add_life(&mut self, disk: &SimFs) {
        self.operations += disk.operations();
        self.reads += disk.operations_of(Operation::Read);
        self.writes += disk.operations_of(Operation::Write);
        self.forces += disk.operations_of(Operation::Force);
        self.directory_forces += disk.operations_of(Operation::ForceDir);
    }

    pub(crate) fn add_power_cut(&mut self, found: &SimFs) {
        self.power_cuts += 1;
        self.losses += found.losses();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} power cuts, {} operations ({} writes, {} forces, {} forces of directories), {} reads; {}",
            self.seed,
            self.power_cuts,
            self.operations,
            self.writes,
            self.forces,
            self.directory_forces,
            self.reads,
            self.losses,
        )
    }
}
