//! One run: the engine on a simulated machine beside the model, and the comparison of the two.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use env::Clock;
use model::LogId;
use sim::{Fault, Handles, Operation};
use storage::{CommitError, Durability, LogConfig, Storage};

use crate::Tally;
use crate::engine::actions::{Action, Place};
use crate::engine::model::{LogModel, Model};
use crate::engine::{access as engine, check};

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

/// How the engine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    PowerCut,
    Killed,
    ShutDown,
}

type Waiting = Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send>>;

/// Somebody who waits for an answer.
pub(crate) struct Wait {
    pub promise: Promise,
    pub durability: Durability,
    pub future: Waiting,
}

/// What the answer promises.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Promise {
    Entry { log: LogId, order: u64 },
    LogStart { log: LogId, offset: i64 },
    Deleted { log: LogId },
}

/// The engine, the machine and the model.
pub(crate) struct World {
    pub handles: Handles,
    pub storage: Arc<Storage>,
    pub model: Model,
    pub waits: Vec<Wait>,
    /// A device fault has been armed since the last recovery.
    pub is_faulty: bool,
    /// What comes at the operation that was armed is the end of the process, not of the power.
    pub is_kill_coming: bool,
    /// The disk has had a limit since the last recovery.
    pub is_full: bool,
    /// The power goes during the next recovery: after so many operations, so many times.
    pub crash_in_recovery: Option<(u64, u64)>,
    /// How often what happened, for the summary of a long run.
    pub tally: Tally,
}

impl World {
    /// A fresh machine with an empty data directory.
    pub(crate) fn new(seed: u64) -> Checked<Self> {
        let (env, handles) = sim::env(seed);
        let opened = engine::recover(&env)?;
        let mut model = Model {
            next_log_id: 1,
            ..Model::default()
        };
        model
            .logs
            .insert(LogId::METADATA, LogModel::new(LogConfig::internal()));
        Ok(Self {
            handles,
            storage: opened.storage,
            model,
            waits: Vec::new(),
            is_faulty: false,
            is_full: false,
            is_kill_coming: false,
            crash_in_recovery: None,
            tally: Tally::default(),
        })
    }

    /// Does one thing and compares.
    pub(crate) fn step(&mut self, action: Action) -> Checked {
        self.act(action)?;
        // After the end too: what was answered and shown until then has been seen by somebody.
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

    fn fail(&mut self, kind: Operation, part: &str) -> Checked {
        self.handles.fs.fail_next(kind, part, Fault::Device, 1);
        self.is_faulty = true;
        Ok(())
    }

    fn act(&mut self, action: Action) -> Checked {
        match action {
            Action::Append {
                log,
                records,
                bytes,
            } => self.append_plain(log, records, bytes),
            Action::Produce {
                log,
                producer,
                twist,
                bytes,
            } => self.produce(log, producer, twist, bytes),
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
            Action::Advance { ms } => {
                self.handles.clock.advance(Duration::from_millis(ms));
                Ok(())
            }
            Action::JumpWall { ms } => {
                self.handles.clock.jump_wall(ms);
                Ok(())
            }
            Action::Retention => {
                let now_ms = self.wall_ms();
                for (id, model) in &mut self.model.logs {
                    let log = self.storage.log(*id).ok_or("a log is gone")?;
                    let end = log.view().high_watermark.0;
                    let limit = check::retention_limit(model, end, now_ms);
                    model.retention_limit = model.retention_limit.max(limit);
                }
                self.storage.run_retention(now_ms);
                Ok(())
            }
            Action::SetLogStart { log, at } => self.set_log_start(log, at),
            Action::CreateLog { config } => self.create_log(config),
            Action::DeleteLog { log } => self.delete_log(log),
            Action::Read { log, from, bytes } => self.read(log, from, bytes),
            Action::FailForce { what } => self.fail(Operation::Force, what.part()),
            Action::FailWrite { what } => self.fail(Operation::Write, what.part()),
            Action::FailRead => self.fail(Operation::Read, Place::Segments.part()),
            Action::FailNames { which } => {
                let kinds = [Operation::Create, Operation::Remove, Operation::ForceDir];
                self.fail(kinds[pick(which, kinds.len())], "")
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
            Action::Crash { after } => {
                let fs = &self.handles.fs;
                fs.crash_at(fs.operations() + after);
                self.is_kill_coming = false;
                Ok(())
            }
            Action::Kill => self.recover(End::Killed),
            Action::KillAt { after } => {
                let fs = &self.handles.fs;
                fs.crash_at(fs.operations() + after);
                self.is_kill_coming = true;
                Ok(())
            }
            Action::SetConfig { log, config } => self.set_config(log, config),
            Action::ShutDown => {
                self.storage.shut_down();
                if self.handles.fs.has_crashed() {
                    return Ok(());
                }
                self.poll_waits()?;
                self.observe()?;
                self.recover(End::ShutDown)
            }
            Action::CrashInRecovery { after, times } => {
                self.crash_in_recovery = Some((after, times));
                Ok(())
            }
        }
    }
}

/// An index into something of this length.
pub(crate) fn pick(number: u64, length: usize) -> usize {
    (number % length.max(1) as u64) as usize
}
