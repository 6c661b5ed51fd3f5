//! One run: the engine on a simulated machine beside the model, and what is done to them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use env::Clock;
use model::LogId;
use sim::{Fault, Handles, Operation};
use storage::{LogConfig, Storage};

use crate::Tally;
use crate::engine::access as engine;
use crate::engine::actions::{Action, Place};
use crate::engine::model::{LogModel, Model};
use crate::engine::setup::{DATA_DIR, Setup};
use crate::engine::starts::{End, NextStart};
use crate::engine::waits::{Reservation, Wait};
use crate::engine::watch::Watch;

/// What a run says when the engine is wrong.
pub(crate) type Checked<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

/// The engine, the machine and the model.
pub(crate) struct World {
    pub setup: Setup,
    pub handles: Handles,
    pub storage: Arc<Storage>,
    pub model: Model,
    /// What the operations of the disk say.
    pub watch: Watch,
    pub waits: Vec<Wait>,
    pub reservations: Vec<Reservation>,
    /// The engine has been told to end.
    pub is_closing: bool,
    /// A device fault has been armed since the last start.
    pub is_faulty: bool,
    /// What comes at the operation that was armed is the end of the process, not of the power.
    pub is_kill_coming: bool,
    /// The disk has had a limit since the last start.
    pub is_full: bool,
    pub next_start: NextStart,
    /// Bytes in no segment when the engine started.
    pub unflushed_at_start: u64,
    /// How often what happened, for the summary of a long run.
    pub tally: Tally,
}

impl World {
    /// A fresh machine with an empty data directory.
    pub(crate) fn new(seed: u64, setup: Setup) -> Checked<Self> {
        let (_, handles) = sim::env(seed);
        let mut model = Model {
            next_log_id: 1,
            ..Model::default()
        };
        model
            .logs
            .insert(LogId::METADATA, LogModel::new(LogConfig::internal()));
        // A start without cuts, to have something to begin with; the first one that counts is below.
        let scratch = Handles {
            fs: handles.fs.fork(),
            ..handles.clone()
        };
        let storage = engine::recover(&scratch.env(), setup)?.storage;
        let mut world = Self {
            setup,
            handles,
            storage,
            model,
            watch: Watch::new(Path::new(DATA_DIR)),
            waits: Vec::new(),
            reservations: Vec::new(),
            is_closing: false,
            is_faulty: false,
            is_kill_coming: false,
            is_full: false,
            next_start: NextStart::default(),
            unflushed_at_start: 0,
            tally: Tally::default(),
        };
        world.handles.fs.record();
        world.storage = world
            .start(NextStart {
                cut: setup.first_start_cut,
                ..NextStart::default()
            })?
            .storage;
        world.watch_disk()?;
        world.watch.started();
        Ok(world)
    }

    /// Does one thing and compares.
    pub(crate) fn step(&mut self, action: Action) -> Checked {
        self.act(action)?;
        // After the end too: what was answered and shown until then has been seen by somebody.
        self.watch_disk()?;
        self.poll_waits()?;
        self.observe()?;
        if self.handles.fs.has_crashed() {
            return self.recover(match self.is_kill_coming {
                true => End::Killed,
                false => End::PowerCut,
            });
        }
        Ok(())
    }

    /// Now, as people count.
    pub(crate) fn wall_ms(&self) -> i64 {
        self.handles.clock.wall_ms()
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
    pub(crate) fn count_losses(&mut self) {
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

    /// Ends the engine as it should end.
    pub(crate) fn shut_down(&mut self) {
        self.is_closing = true;
        self.storage.shut_down();
    }

    fn fail(&mut self, kind: Operation, part: &str) -> Checked {
        self.handles.fs.fail_next(kind, part, Fault::Device, 1);
        self.is_faulty = true;
        Ok(())
    }

    /// Lets the power go, or the process end, during one of the next operations.
    fn end_at(&mut self, after: u64, is_kill: bool) -> Checked {
        let fs = &self.handles.fs;
        fs.crash_at(fs.operations() + after);
        self.is_kill_coming = is_kill;
        Ok(())
    }

    fn act(&mut self, action: Action) -> Checked {
        match action {
            Action::Append {
                log,
                records,
                bytes,
            } => self.append_plain(log, records, bytes),
            Action::Burst { log, batches } => {
                (0..batches).try_for_each(|number| self.append_plain(log, 1, number))
            }
            Action::Produce {
                log,
                producer,
                twist,
                bytes,
            } => self.produce(log, producer, twist, bytes),
            Action::Transact {
                log,
                producer,
                bytes,
            } => self.transact(log, producer, bytes),
            Action::EndTransaction {
                which,
                is_commit,
                bumps,
            } => self.end_transaction(which, is_commit, bumps),
            Action::Commit => {
                engine::commit(&self.storage);
                Ok(())
            }
            Action::CommitAll => {
                engine::commit_all(&self.storage);
                Ok(())
            }
            Action::Flush => {
                engine::flush(&self.storage);
                Ok(())
            }
            Action::FlushAll => {
                engine::commit_all(&self.storage);
                engine::flush_all(&self.storage);
                Ok(())
            }
            Action::Retention => self.run_retention(),
            Action::SetLogStart { log, at } => self.set_log_start(log, at),
            Action::CreateLog { config } => self.create_log(config),
            Action::DeleteLog { log } => self.delete_log(log),
            Action::SetConfig { log, config } => self.set_config(log, config),
            Action::Read { log, from, bytes } => self.read(log, from, bytes),
            Action::Compare => {
                engine::commit_all(&self.storage);
                self.watch_disk()?;
                self.poll_waits()?;
                self.compare_with_start()
            }
            _ => self.trouble(action),
        }
    }

    /// What is done to the machine and to the process, and not to the engine.
    fn trouble(&mut self, action: Action) -> Checked {
        match action {
            Action::Advance { ms } => {
                self.handles.clock.advance(Duration::from_millis(ms));
                Ok(())
            }
            Action::Pause { ms } => {
                self.tally.add("pauses", 1);
                self.handles.clock.advance(Duration::from_millis(ms));
                Ok(())
            }
            Action::JumpWall { ms } => {
                let name = match ms < 0 {
                    true => "jumps of the wall clock back",
                    false => "jumps of the wall clock forward",
                };
                self.tally.add(name, 1);
                self.handles.clock.jump_wall(ms);
                Ok(())
            }
            Action::FailForce { what } => self.fail(Operation::Force, what.part()),
            Action::FailWrite { what } => self.fail(Operation::Write, what.part()),
            Action::FailRead => self.fail(Operation::Read, Place::Segments.part()),
            Action::FailNames { which } => {
                let kinds = [Operation::Create, Operation::Remove, Operation::ForceDir];
                self.fail(kinds[pick(which, kinds.len())], "")
            }
            Action::FailStart { which } => {
                self.next_start.fault = Some(which);
                Ok(())
            }
            Action::Slow { what, kind, ms } => {
                let time = Duration::from_millis(ms);
                let fs = &self.handles.fs;
                fs.slow_next(kind.operation(), what.part(), time, 1);
                Ok(())
            }
            Action::Fill { sectors } => {
                let used = self.handles.fs.used_bytes();
                self.handles.fs.set_space(Some(used + sectors * 4096));
                self.is_full = true;
                Ok(())
            }
            Action::Empty => {
                // The engine may take its time to notice.
                self.handles.fs.set_space(None);
                Ok(())
            }
            Action::FillStart => {
                self.next_start.is_full = true;
                Ok(())
            }
            Action::Crash { after } => self.end_at(after, false),
            Action::KillAt { after } => self.end_at(after, true),
            Action::Kill => self.recover(End::Killed),
            Action::ShutDown => {
                self.shut_down();
                self.watch_disk()?;
                self.poll_waits()?;
                self.observe()?;
                match self.handles.fs.has_crashed() {
                    true => Ok(()),
                    false => self.recover(End::ShutDown),
                }
            }
            Action::CrashInRecovery { after, times } => {
                self.next_start.cut = Some((after, times));
                Ok(())
            }
            other => Err(format!("{other:?} is no trouble")),
        }
    }
}

/// An index into something of this length.
pub(crate) fn pick(number: u64, length: usize) -> usize {
    (number % length.max(1) as u64) as usize
}
