//! What each action of a run does, and the comparison after it.

use sim::{Fault, Operation};

use crate::engine::access as engine;
use crate::engine::actions::{Action, Place};
use crate::engine::starts::End;
use crate::engine::world::{Checked, World, pick};

impl World {
    /// Does one thing and compares.
    pub(crate) fn step(&mut self, action: Action) -> Checked {
        self.act(action)?;
        // After the end too: what was answered and shown until then has been seen by somebody.
        self.watch_disk()?;
        self.poll_waits()?;
        // Who was let in may have written.
        self.watch_disk()?;
        self.observe()?;
        if self.machine.fs().has_crashed() {
            return self.recover(match self.is_kill_coming {
                true => End::Killed,
                false => End::PowerCut,
            });
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Checked {
        match action {
            Action::Append {
                log,
                records,
                bytes,
            } => self.append_plain(log, records, bytes)?,
            Action::Burst { log, batches } => {
                (0..batches).try_for_each(|number| self.append_plain(log, 1, number))?;
            }
            Action::Produce {
                log,
                producer,
                twist,
                bytes,
            } => self.produce(log, producer, twist, bytes)?,
            Action::Transact {
                log,
                producer,
                bytes,
            } => self.transact(log, producer, bytes)?,
            Action::EndTransaction {
                which,
                is_commit,
                bumps,
            } => self.end_transaction(which, is_commit, bumps)?,
            Action::AppendGroup {
                log,
                producer,
                odd,
                bytes,
            } => self.append_group(log, producer, odd, bytes)?,
            Action::Crowd => self.crowd(),
            Action::Commit => drop(engine::commit(&self.storage)),
            Action::CommitAll => engine::commit_all(&self.storage),
            Action::Flush => drop(engine::flush(&self.storage)),
            Action::FlushAll => {
                engine::commit_all(&self.storage);
                engine::flush_all(&self.storage);
            }
            Action::Retention => self.run_retention()?,
            Action::SetLogStart { log, at } => self.set_log_start(log, at)?,
            Action::CreateLog { config } => self.create_log(config)?,
            Action::DeleteLog { log } => self.delete_log(log)?,
            Action::SetConfig { log, config } => self.set_config(log, config)?,
            Action::Read { log, from, bytes } => self.read(log, from, bytes)?,
            Action::Compare => self.commit_and_compare()?,
            Action::Advance { ms } => self.machine.let_time_pass(ms),
            Action::Pause { ms } => {
                self.machine.tally.add("pauses", 1);
                self.machine.let_time_pass(ms);
            }
            Action::JumpWall { ms } => self.jump_wall(ms),
            Action::FailForce { what } => self.fail(Operation::Force, what.part()),
            Action::FailWrite { what } => self.fail(Operation::Write, what.part()),
            Action::FailRead => self.fail(Operation::Read, Place::Segments.part()),
            Action::FailNames { which } => {
                let kinds = [Operation::Create, Operation::Remove, Operation::ForceDir];
                self.fail(kinds[pick(which, kinds.len())], "");
            }
            Action::FailStart { which } => self.next_start.fault = Some(which),
            Action::Slow { what, kind, ms } => {
                let time = std::time::Duration::from_millis(ms);
                let fs = self.machine.fs();
                fs.slow_next(kind.operation(), what.part(), time, 1);
            }
            Action::Fill { sectors } => {
                let used = self.machine.fs().used_bytes();
                self.machine.fs().set_space(Some(used + sectors * 4096));
                self.is_full = true;
            }
            // The engine may take its time to notice.
            Action::Empty => self.machine.fs().set_space(None),
            Action::FillStart => self.next_start.is_full = true,
            Action::Crash { after } => self.end_at(after, false),
            Action::KillAt { after } => self.end_at(after, true),
            Action::Kill => self.recover(End::Killed)?,
            Action::ShutDown => self.shut_down_and_start()?,
            Action::CrashInRecovery { after, times } => {
                self.next_start.cut = Some((after, times));
            }
        }
        Ok(())
    }

    fn fail(&mut self, kind: Operation, part: &str) {
        self.machine.fs().fail_next(kind, part, Fault::Device, 1);
        self.is_faulty = true;
    }

    /// Lets the power go, or the process end, during one of the next operations.
    fn end_at(&mut self, after: u64, is_kill: bool) {
        let fs = self.machine.fs();
        fs.crash_at(fs.operations() + after);
        self.is_kill_coming = is_kill;
    }

    fn jump_wall(&mut self, ms: i64) {
        let name = match ms < 0 {
            true => "jumps of the wall clock back",
            false => "jumps of the wall clock forward",
        };
        self.machine.tally.add(name, 1);
        self.machine.handles.clock.jump_wall(ms);
    }

    fn commit_and_compare(&mut self) -> Checked {
        engine::commit_all(&self.storage);
        self.watch_disk()?;
        self.poll_waits()?;
        self.compare_with_start()
    }

    fn shut_down_and_start(&mut self) -> Checked {
        self.shut_down();
        self.watch_disk()?;
        self.poll_waits()?;
        self.observe()?;
        match self.machine.fs().has_crashed() {
            true => Ok(()),
            false => self.recover(End::ShutDown),
        }
    }
}
