//! One run: the engine on a simulated machine beside the model.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use env::Clock;
use model::LogId;
use sim::{Fault, Handles, Operation};
use storage::{CommitError, Durability, Sequence, Storage};

use super::access;
use super::actions::Action;
use super::consumers::LateRead;
use super::model::LogModel;
use crate::Tally;
use crate::engine::{Checked, Watch, ensure};

type Waiting = Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send>>;

/// Somebody who waits for a batch to be on disk.
pub(super) struct Wait {
    pub log: LogId,
    pub base: i64,
    pub future: Waiting,
}

/// How the engine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    PowerCut,
    Killed,
    ShutDown,
}

pub(super) struct World {
    pub handles: Handles,
    /// What the operations of the disk say.
    pub watch: Watch,
    pub storage: Arc<Storage>,
    pub logs: BTreeMap<LogId, LogModel>,
    pub waits: Vec<Wait>,
    pub late_read: Option<LateRead>,
    /// A device fault has been armed since the last recovery.
    pub is_faulty: bool,
    /// The disk has had a limit since the last recovery.
    pub is_full: bool,
    pub is_kill_coming: bool,
    pub tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64) -> Checked<Self> {
        let (env, handles) = sim::env(seed);
        handles.fs.record();
        let mut watch = Watch::new(&access::settings().data_dir);
        let opened = access::recover(&env)?;
        watch.note(&handles.fs.take_recorded())?;
        watch.started();
        let logs = access::configs().into_iter().map(|(id, config)| {
            let model = LogModel {
                config,
                ..LogModel::default()
            };
            (id, model)
        });
        Ok(Self {
            handles,
            watch,
            storage: opened.storage,
            logs: logs.collect(),
            waits: Vec::new(),
            late_read: None,
            is_faulty: false,
            is_full: false,
            is_kill_coming: false,
            tally: Tally::default(),
        })
    }

    /// Does one thing and compares.
    pub(super) fn step(&mut self, action: Action) -> Checked {
        self.act(action)?;
        self.note_operations()?;
        self.poll_waits()?;
        // What was shown until then has been seen by somebody.
        self.observe()?;
        if self.handles.fs.has_crashed() {
            return self.recover(match self.is_kill_coming {
                true => End::Killed,
                false => End::PowerCut,
            });
        }
        Ok(())
    }

    /// Lets the watch know what the disk was told to do since the last time.
    pub(super) fn note_operations(&mut self) -> Checked {
        self.watch.note(&self.handles.fs.take_recorded())?;
        // The model knows what was written.
        self.watch.take_written();
        Ok(())
    }

    fn act(&mut self, action: Action) -> Checked {
        match action {
            Action::Append { log, records } => self.append(log, records),
            Action::Produce {
                log,
                producer,
                records,
            } => self.produce(log, producer, records, false),
            Action::Transact {
                log,
                producer,
                records,
            } => self.produce(log, producer, records, true),
            Action::EndTransaction {
                log,
                producer,
                is_commit,
            } => self.end_transaction(log, producer, is_commit),
            Action::Commit => {
                self.commit();
                Ok(())
            }
            Action::Flush => {
                self.storage.flush_step();
                Ok(())
            }
            Action::Compact { steps } => {
                for _ in 0..steps {
                    self.storage.compact_step();
                }
                if self.is_faulty || self.handles.fs.has_crashed() {
                    return Ok(());
                }
                self.look().map(drop)
            }
            Action::Pause { log } => self.pause(log),
            Action::CompactAll => self.compact_all(),
            Action::Advance { ms } => {
                self.advance(ms);
                Ok(())
            }
            Action::Retention => {
                self.storage.run_retention(self.handles.clock.wall_ms());
                Ok(())
            }
            Action::SetLogStart { log, at } => self.set_log_start(log, at),
            Action::Consume { log, from, bytes } => self.consume(log, from, bytes),
            Action::BeginRead { log, from, bytes } => self.begin_read(log, from, bytes),
            Action::EndRead => self.end_read(),
            Action::FailForce { what } => self.fail(Operation::Force, what),
            Action::FailWrite { what } => self.fail(Operation::Write, what),
            Action::FailRead => self.fail(Operation::Read, ".log"),
            Action::FailNames { which } => {
                let kinds = [Operation::Create, Operation::Remove, Operation::ForceDir];
                self.fail(kinds[(which % 3) as usize], "")
            }
            Action::Fill { sectors } => {
                let used = self.handles.fs.used_bytes();
                self.handles.fs.set_space(Some(used + sectors * 4096));
                self.is_full = true;
                Ok(())
            }
            Action::Empty => {
                self.handles.fs.set_space(None);
                Ok(())
            }
            Action::Crash { after } => {
                self.end_at(after, false);
                Ok(())
            }
            Action::KillAt { after } => {
                self.end_at(after, true);
                Ok(())
            }
            Action::Kill => self.recover(End::Killed),
            Action::ShutDown => {
                self.storage.shut_down();
                self.poll_waits()?;
                if self.handles.fs.has_crashed() {
                    return Ok(());
                }
                self.recover(End::ShutDown)
            }
        }
    }

    fn fail(&mut self, kind: Operation, part: &str) -> Checked {
        self.handles.fs.fail_next(kind, part, Fault::Device, 1);
        self.is_faulty = true;
        Ok(())
    }

    fn end_at(&mut self, after: u64, is_kill: bool) {
        let fs = &self.handles.fs;
        fs.crash_at(fs.operations() + after);
        self.is_kill_coming = is_kill;
    }

    pub(super) fn advance(&self, ms: u64) {
        self.handles.clock.advance(Duration::from_millis(ms));
    }

    /// Commits and flushes; a full log needs both in turn.
    pub(super) fn commit(&self) {
        access::rest("the commit loop", || self.storage.commit_step());
    }

    pub(super) fn settle(&self) {
        for _ in 0..3 {
            self.commit();
            access::rest("the flusher", || self.storage.flush_step());
        }
    }

    pub(super) fn wait(&mut self, log: LogId, base: i64, sequence: Sequence) {
        let future = Box::pin(self.storage.wait(sequence, Durability::Durable));
        self.waits.push(Wait { log, base, future });
    }

    /// Hears the answers that have come.
    pub(super) fn poll_waits(&mut self) -> Checked {
        for mut wait in std::mem::take(&mut self.waits) {
            let mut ctx = Context::from_waker(Waker::noop());
            match wait.future.as_mut().poll(&mut ctx) {
                Poll::Pending => self.waits.push(wait),
                Poll::Ready(Ok(())) => {
                    let batches = self.logs.get_mut(&wait.log).map(|log| &mut log.batches);
                    let batch = batches
                        .and_then(|batches| batches.iter_mut().find(|b| b.base == wait.base));
                    if let Some(batch) = batch {
                        batch.is_durable = true;
                    }
                }
                Poll::Ready(Err(CommitError::ShuttingDown)) => {}
                Poll::Ready(Err(error)) => {
                    let is_excused =
                        self.is_faulty || self.is_full || self.handles.fs.has_crashed();
                    ensure!(is_excused, "log {}: {error:?} without a fault", wait.log);
                }
            }
        }
        Ok(())
    }
}
