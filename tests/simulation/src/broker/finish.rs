//! The end of a run: the troubles are taken away, and everything must come right.

use super::dump;
use super::machine::End;
use super::world::{Checked, World, ensure};
use crate::Tally;

impl World {
    /// Takes the troubles away: everybody must be answered, and what is there before a clean end
    /// must be there after it.
    pub(crate) fn finish(mut self) -> Checked<Tally> {
        self.shared.machine.fs().heal();
        self.shared.machine.fs().set_space(None);
        self.advance(1500)?;
        if !self.shared.machine.broker().health().is_empty() {
            self.recover(End::Killed)?;
        }
        for _ in 0..60 {
            self.shared.is_faulty = false;
            self.shared.is_full = false;
            for producer in &mut self.producers {
                producer.send_all(&self.shared);
            }
            for transactor in &mut self.transactors {
                transactor.wind_up(&mut self.shared);
            }
            self.rest()?;
            if self.are_all_done() {
                break;
            }
            self.advance(1100)?;
        }
        ensure!(self.are_all_done(), "a producer is never answered");
        // What was left to its timeout comes to its end.
        self.advance(7500)?;
        let before = dump::dump(&mut self.shared.machine)?;
        self.shared.settle(&before, true)?;
        self.shared.close_history(&before)?;
        self.step(super::actions::Action::ShutDown)?;
        let after = dump::dump(&mut self.shared.machine)?;
        before
            .same(&after)
            .map_err(|error| format!("after a clean end: {error}"))?;
        let operations = self.shared.machine.fs().operations();
        self.shared.tally.add("disk operations", operations);
        Ok(self.shared.tally)
    }

    fn are_all_done(&self) -> bool {
        let producers = self.producers.iter().all(|producer| producer.is_done());
        producers
            && self
                .transactors
                .iter()
                .all(|transactor| transactor.is_done())
    }
}
