//! Who is killed, and when.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sim::Dice;
use testkit::{BrokerProcess, ProcessLog};

use crate::programs::Process;
use crate::stage::Options;

/// How long everything may stand still after a kill: the session of a killed member has to end first.
const STANDSTILL_LIMIT: Duration = Duration::from_secs(90);

/// How often there is something to do for the application.
const PORTION_EVERY: Duration = Duration::from_millis(100);

/// So many new records tell that work goes on.
const PROGRESS_RECORDS: usize = 20;

/// Kills that a seed decides, and what became of them.
#[derive(Debug)]
pub(crate) struct Kills {
    dice: Dice,
    wanted: u64,
    of_broker: u64,
    soon_after_start: u64,
    of_application: u64,
    slowest_start: Duration,
    /// Where the broker's own words go, for those who look into a failure.
    log: PathBuf,
}

impl Kills {
    pub(crate) fn new(options: &Options, directory: &Path) -> Self {
        Self {
            dice: Dice::new(options.seed),
            wanted: options.kills,
            of_broker: 0,
            soon_after_start: 0,
            of_application: 0,
            slowest_start: Duration::ZERO,
            log: directory.join("broker.log"),
        }
    }

    /// Hands out portions of work all the time, and kills meanwhile, until all kills have been and
    /// work has gone on after the last one. Gives what went wrong, the broker first.
    pub(crate) fn run_under_load(
        &mut self,
        broker: &mut BrokerProcess,
        application: &mut [Process],
        follower: &ProcessLog,
        mut hand_out: impl FnMut() -> Result<()> + Send,
    ) -> Vec<String> {
        let (end, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let work = scope.spawn(move || {
                while ended.recv_timeout(PORTION_EVERY) == Err(RecvTimeoutError::Timeout) {
                    hand_out()?;
                }
                anyhow::Ok(())
            });
            let outcome = self.run(broker, application, follower);
            // Whatever the outcome: else the work would not end.
            drop(end);
            let worked = work.join().expect("handing out work does not panic");
            // One often comes of the other.
            [outcome, worked.context("hand out work")]
                .into_iter()
                .filter_map(Result::err)
                .map(|error| format!("{error:#}"))
                .collect()
        })
    }

    /// Ends the broker in good order. What it has said to the end is kept, however it ends.
    pub(crate) fn finish(&self, broker: BrokerProcess) -> Result<()> {
        let log = broker.log().clone();
        let outcome = broker.finish().context("the broker");
        self.keep_log(&log)?;
        outcome
    }

    /// Kills the broker as often as is wanted and starts it again, and a process of the application
    /// after every third time. A kill comes while records go through, or soon after a start.
    fn run(
        &mut self,
        broker: &mut BrokerProcess,
        application: &mut [Process],
        follower: &ProcessLog,
    ) -> Result<()> {
        self.see_progress(follower)?;
        while self.of_broker < self.wanted {
            let is_soon = self.of_broker > 0 && self.dice.one_in(4);
            if is_soon {
                self.soon_after_start += 1;
                self.pause(broker, 0, 400);
            } else {
                self.see_progress(follower)?;
                self.pause(broker, 300, 3_000);
            }
            broker.kill()?;
            self.keep_log(broker.log())?;
            self.slowest_start = self.slowest_start.max(broker.start_again()?);
            self.of_broker += 1;
            if self.of_broker.is_multiple_of(3) {
                self.pause(broker, 0, 1_000);
                let chosen = self.dice.index(application.len());
                application[chosen].kill()?;
                application[chosen].start_again()?;
                self.of_application += 1;
            }
        }
        self.see_progress(follower)
    }

    fn keep_log(&self, log: &ProcessLog) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.log)?;
        writeln!(file, "{}", log.text())?;
        Ok(())
    }

    fn see_progress(&self, follower: &ProcessLog) -> Result<()> {
        let next = follower.lines().len() + PROGRESS_RECORDS;
        ensure!(
            follower
                .wait_for(next, STANDSTILL_LIMIT, |_| true)
                .is_some(),
            "after {} kills of the broker nothing has come through for {STANDSTILL_LIMIT:?}",
            self.of_broker
        );
        Ok(())
    }

    /// Lets a time between these pass, unless the broker ends by itself.
    fn pause(&mut self, broker: &BrokerProcess, from_ms: u64, to_ms: u64) {
        let pause_ms = from_ms + self.dice.below(to_ms - from_ms);
        broker.log().wait_for_end(Duration::from_millis(pause_ms));
    }

    pub(crate) fn report(&self) -> Value {
        json!({
            "broker": self.of_broker,
            "broker_soon_after_start": self.soon_after_start,
            "application": self.of_application,
            "slowest_start_ms": u64::try_from(self.slowest_start.as_millis()).unwrap_or(u64::MAX),
        })
    }
}
