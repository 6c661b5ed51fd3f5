//! Killing a broker under a program that writes.

use std::time::Duration;

use serde_json::Value;
use testkit::BrokerProcess;

use crate::Program;

/// Kills a broker whenever a writer has so many acknowledgements, restarts it at once, and tells the
/// program to finish when it has seen some more of them after the last kill.
#[derive(Debug)]
pub struct Kills {
    /// Numbers of acknowledgements still to come, the next one last.
    after: Vec<u64>,
    finish_after: u64,
    slowest: Duration,
}

impl Kills {
    /// A kill at each of these numbers of acknowledgements, which rise.
    pub fn new(after: impl IntoIterator<Item = u64>) -> Self {
        let mut after: Vec<u64> = after.into_iter().collect();
        let finish_after = after.last().copied().unwrap_or_default() + 500;
        after.reverse();
        Self {
            after,
            finish_after,
            slowest: Duration::ZERO,
        }
    }

    /// A kill in each of so many rounds, which the program counts as it does acknowledgements. When
    /// one more is over it may finish.
    pub fn one_per_round(rounds: u64) -> Self {
        Self {
            after: (1..=rounds).rev().collect(),
            finish_after: rounds + 1,
            slowest: Duration::ZERO,
        }
    }

    /// Kills, restarts or ends if this event of the program asks for it.
    ///
    /// # Errors
    ///
    /// When the broker does not start again.
    pub fn on_event(
        &mut self,
        broker: &mut BrokerProcess,
        program: &mut Program,
        event: &Value,
    ) -> anyhow::Result<()> {
        let acknowledged = event["count"].as_u64();
        let Some(count) = acknowledged.filter(|_| event["event"] == "acknowledged") else {
            return Ok(());
        };
        if let Some(due) = self.after.last() {
            if count >= *due {
                self.after.pop();
                broker.kill()?;
                self.slowest = self.slowest.max(broker.start_again()?);
            }
        } else if count >= self.finish_after {
            self.finish_after = u64::MAX;
            program.say("finish")?;
        }
        Ok(())
    }

    /// Checks that all kills have happened, and tells the slowest restart.
    ///
    /// # Errors
    ///
    /// When one was never due.
    pub fn all_done(&self) -> anyhow::Result<()> {
        let left = self.after.len();
        anyhow::ensure!(left == 0, "{left} kills were never due");
        println!("the slowest restart took {:?}", self.slowest);
        Ok(())
    }
}
