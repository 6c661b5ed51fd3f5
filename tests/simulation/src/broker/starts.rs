//! The ends of the process, and what must be there after each start.

use std::time::Duration;

use super::dump;
use super::machine::End;
use super::world::{Checked, World, ensure};

impl World {
    /// Tells the process to end, and starts it again when it has.
    pub(super) fn shut_down(&mut self) -> Checked {
        self.shared.is_stopping = true;
        self.shared.machine.broker().stop();
        self.rest()?;
        if self.shared.machine.fs().has_crashed() {
            return Ok(());
        }
        for _ in 0..20 {
            if self.shared.machine.handles.spawn.loops().is_empty() {
                return self.recover(End::ShutDown);
            }
            // What waits for the clock is let go.
            self.shared.machine.handles.clock.advance_to_next();
            self.shared
                .machine
                .handles
                .clock
                .advance(Duration::from_secs(1));
            self.rest()?;
            if self.shared.machine.fs().has_crashed() {
                return Ok(());
            }
        }
        let loops = self.shared.machine.handles.spawn.loops();
        Err(format!("told to end, yet still there: {loops:?}"))
    }

    /// Ends the broker one way or the other, starts it again, and compares.
    pub(crate) fn recover(&mut self, end: End) -> Checked {
        self.shared.tally.add("starts", 1);
        self.shared.tally.add(end.name(), 1);
        let was_faulty = self.shared.is_faulty;
        self.shared
            .model
            .note_troubles(was_faulty || self.shared.is_full);
        self.ghosts.clear();
        let crashes = self.crash_in_recovery.take();
        if let Some((_, times)) = crashes {
            self.shared
                .tally
                .add("fault: power cut within recovery", times);
        }
        let restarted = self.shared.machine.restart(end, crashes)?;
        self.shared.is_faulty = false;
        self.shared.is_full = false;
        self.shared.is_stopping = false;
        for producer in &mut self.producers {
            producer.disconnect(&self.shared.machine);
        }
        for member in &mut self.members {
            member.disconnect(&mut self.shared);
        }
        for transactor in &mut self.transactors {
            transactor.disconnect(&self.shared.machine);
        }
        self.watcher.caller.reconnect(&self.shared.machine);
        self.shared.model.history.outlive_broker();
        self.admin.caller.reconnect(&self.shared.machine);
        self.looker.caller.reconnect(&self.shared.machine);
        let reasons = self.shared.machine.broker().health();
        ensure!(reasons.is_empty(), "nobody damaged the disk: {reasons:?}");
        let found = dump::dump(&mut self.shared.machine)?;
        if let Some(once) = restarted.once
            && end == End::PowerCut
        {
            once.same_or_aborted(&found)
                .map_err(|error| format!("recovered twice: {error}"))?;
        }
        let needs_written = end != End::PowerCut && !was_faulty && crashes.is_none();
        self.shared.settle(&found, needs_written)
    }
}
