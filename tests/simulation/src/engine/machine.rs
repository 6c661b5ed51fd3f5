//! The machine of a run: its disk, what is known of the disk, and starts on it.

use std::path::Path;
use std::time::Duration;

use env::Clock;
use sim::{Fault, Handles, Operation, SimFs};

use crate::Tally;
use crate::engine::access::{self as engine, Opened};
use crate::engine::setup::{DATA_DIR, Setup};
use crate::engine::watch::Watch;
use crate::engine::world::{Checked, ensure, pick};

/// What happens to the next start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NextStart {
    /// The power goes: after so many operations, so many times.
    pub cut: Option<(u64, u64)>,
    /// One of [`START_FAULTS`].
    pub fault: Option<u64>,
    pub is_full: bool,
}

/// What can fail in a start, and on which paths.
const START_FAULTS: [(Operation, &str); 10] = [
    (Operation::Force, "wal/"),
    (Operation::Force, "checkpoint"),
    (Operation::Write, "wal/"),
    (Operation::DropCache, "wal/"),
    (Operation::Read, "wal"),
    (Operation::Read, "checkpoint"),
    (Operation::Read, "logs"),
    (Operation::ForceDir, ""),
    (Operation::Create, ""),
    (Operation::Remove, ""),
];

/// The machine, and what is known of it.
pub(crate) struct Machine {
    pub setup: Setup,
    pub handles: Handles,
    /// What the operations of the disk say.
    pub watch: Watch,
    /// How often what happened.
    pub tally: Tally,
}

impl Machine {
    /// A fresh machine with an empty disk.
    pub(crate) fn new(seed: u64, setup: Setup) -> Self {
        let (_, handles) = sim::env(seed);
        handles.fs.record();
        Self {
            setup,
            handles,
            watch: Watch::new(Path::new(DATA_DIR)),
            tally: Tally::default(),
        }
    }

    pub(crate) fn fs(&self) -> &SimFs {
        &self.handles.fs
    }

    /// Now, as people count.
    pub(crate) fn wall_ms(&self) -> i64 {
        self.handles.clock.wall_ms()
    }

    pub(crate) fn let_time_pass(&self, ms: u64) {
        self.handles.clock.advance(Duration::from_millis(ms));
    }

    /// What a start would make of the disk as it is; nothing comes of it.
    pub(crate) fn start_on_copy(&self) -> Checked<Opened> {
        let copy = Handles {
            fs: self.handles.fs.fork(),
            ..self.handles.clone()
        };
        engine::recover(&copy.env(), self.setup)
    }

    /// Ends the process, with the power or without it.
    pub(crate) fn end(&mut self, is_power_cut: bool) -> Checked {
        self.count_faults();
        let name = match is_power_cut {
            true => "power cuts",
            false => "kills",
        };
        self.tally.add(name, 1);
        self.handles = match is_power_cut {
            true => self.handles.crash(),
            false => self.handles.kill(),
        };
        self.count_losses();
        self.watch.restart(&self.handles.fs, is_power_cut)?;
        self.handles.fs.record();
        Ok(())
    }

    /// Starts, at first perhaps in vain: the power goes, or something fails.
    pub(crate) fn start(&mut self, next: NextStart) -> Checked<Opened> {
        let (after, times) = next.cut.unwrap_or((0, 0));
        for round in 0..times {
            self.fs().crash_at(after + round * 3);
            let opened = self.try_start();
            if let (Err(error), false) = (opened, self.fs().has_crashed()) {
                return Err(error);
            }
            self.tally.add("power cuts during a start", 1);
            self.end(true)?;
        }
        if let Some(which) = next.fault {
            let (operation, part) = START_FAULTS[pick(which, START_FAULTS.len())];
            self.fs().fail_next(operation, part, Fault::Device, 1);
            let opened = self.try_start();
            match opened {
                Ok(opened) => {
                    self.fs().heal();
                    return Ok(opened);
                }
                Err(error) => {
                    ensure!(self.fs().faults() > 0, "{error}");
                    self.tally.add("starts that failed", 1);
                    self.end(false)?;
                }
            }
        }
        let opened = self.try_start()?;
        if next.is_full {
            self.tally.add("starts on a full disk", 1);
        }
        Ok(opened)
    }

    fn try_start(&mut self) -> Checked<Opened> {
        let opened = engine::recover(&self.handles.env(), self.setup);
        self.note_operations()?;
        let opened = opened?;
        self.watch.started();
        Ok(opened)
    }

    /// Lets the watch know what the disk was told to do since the last time.
    pub(crate) fn note_operations(&mut self) -> Checked {
        self.watch.note(&self.handles.fs.take_recorded())
    }

    /// Adds what has gone wrong with the disk since it was last started on.
    pub(crate) fn count_faults(&mut self) {
        let counts = self.handles.fs.fault_counts();
        for (name, times) in [
            ("writes failed", counts.writes_failed),
            ("operations without space", counts.without_space),
            ("forces failed", counts.forces_failed),
            ("forces after which the cache lies", counts.forces_lying),
            ("reads failed", counts.reads_failed),
            ("names failed", counts.names_failed),
            ("slow operations", counts.slow),
        ] {
            self.tally.add(name, times);
        }
    }

    /// Adds what the loss of power took that this disk comes from.
    fn count_losses(&mut self) {
        let losses = self.handles.fs.losses();
        for (name, times) in [
            ("sectors kept", losses.sectors_kept),
            ("sectors lost", losses.sectors_lost),
            ("sectors torn", losses.sectors_torn),
            ("sectors in an older version", losses.sectors_older),
            ("sectors kept before older ones", losses.sectors_reordered),
            ("names kept", losses.names_kept),
            ("names lost", losses.names_lost),
            ("renames lost", losses.renames_lost),
        ] {
            self.tally.add(name, times);
        }
    }
}
