//! Watching a run: its progress, its end, and what ends it early.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::meter::{Done, Measured, Meter};
use super::report::Report;
use crate::cli::interrupt::Stop;
use crate::cli::output::OutputArguments;
use crate::cli::{AlreadyTold, complain, note};

/// A run in which nothing is answered for so long is over. What makes the load itself wait must be
/// shorter.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// The longest that a batch may linger, in ms: nothing is answered before the first one is sent, and that
/// must not look as if the broker had stalled.
pub(super) const LINGER_MS_MAX: u64 = 20_000;

const _: () = assert!(LINGER_MS_MAX < STALLED_AFTER.as_millis() as u64);

/// How often a line of progress is shown.
const TICK: Duration = Duration::from_secs(1);

/// The connections of a run, each with its part of the work.
pub(super) type Load = JoinSet<anyhow::Result<()>>;

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// All of it was done.
    Complete,
    /// A signal ended it.
    Interrupted,
    /// A connection could not go on.
    Failed(anyhow::Error),
}

/// Runs the load to its end, and answers how much of the window has passed. Signals are taken over only
/// here: before, they end the process as usual.
pub(super) async fn watch(
    mut load: Load,
    meter: &Arc<Meter>,
    progress: bool,
) -> anyhow::Result<(Ending, Duration)> {
    let mut stop = Stop::new()?;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched = Watched::new(meter, progress);
    let ending = loop {
        let finished = tokio::select! {
            biased;
            () = stop.wait() => break Ending::Interrupted,
            finished = load.join_next() => finished,
            _ = ticks.tick() => match watched.tick(Instant::now()) {
                Ok(()) => continue,
                Err(error) => break Ending::Failed(error),
            },
        };
        match finished {
            None => break Ending::Complete,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => break Ending::Failed(error),
            Some(Err(error)) => break Ending::Failed(error.into()),
        }
    };
    let passed = meter.window.passed(Instant::now());
    load.shutdown().await;
    Ok((ending, passed))
}

/// Prints the result so far, and what kept it from being more.
pub(super) fn conclude(
    ending: Ending,
    report: &Report,
    output: OutputArguments,
) -> anyhow::Result<()> {
    report.print(output)?;
    match ending {
        Ending::Complete => Ok(()),
        Ending::Interrupted => {
            note("interrupted: this is the result so far");
            Ok(())
        }
        Ending::Failed(error) => {
            complain(&format!("{error:#}"));
            note("this is the result so far");
            Err(AlreadyTold.into())
        }
    }
}

/// An error if there were only errors: such a result is none.
pub(super) fn fail_without_success(measured: &Measured, what: &str) -> anyhow::Result<()> {
    match measured.errors.keys().next() {
        Some(name) if measured.total.requests == 0 => {
            complain(&format!("no {what}: the broker answered {name}"));
            Err(AlreadyTold.into())
        }
        _ => Ok(()),
    }
}

struct Watched<'a> {
    meter: &'a Meter,
    progress: bool,
    began: Instant,
    /// What had been done at the last tick, and when that was.
    before: (Instant, Done),
    moved_at: Instant,
}

impl<'a> Watched<'a> {
    fn new(meter: &'a Meter, progress: bool) -> Self {
        let now = Instant::now();
        Self {
            meter,
            progress,
            began: now,
            before: (now, Done::default()),
            moved_at: now,
        }
    }

    fn tick(&mut self, now: Instant) -> anyhow::Result<()> {
        let measured = self.meter.measured();
        let total = measured.total;
        let errors: u64 = measured.errors.values().sum();
        drop(measured);
        let (then, before) = self.before;
        if total.requests + errors > before.requests {
            self.moved_at = now;
        }
        anyhow::ensure!(
            now - self.moved_at < STALLED_AFTER,
            "nothing was answered for {} s; is the broker healthy?",
            STALLED_AFTER.as_secs()
        );
        self.before = (now, total);
        self.before.1.requests += errors;
        let passed = now - then;
        if self.progress && passed >= TICK / 2 {
            let rate = |amount: u64| amount as f64 / passed.as_secs_f64();
            let seconds = (now - self.began).as_secs();
            let warming = if now < self.meter.window.begins {
                " (warming up)"
            } else {
                ""
            };
            note(&format!(
                "{seconds:>4} s: {:.0} answers/s, {:.0} records/s, {:.2} MB/s, {errors} errors{warming}",
                rate((total.requests + errors).saturating_sub(before.requests)),
                rate(total.records.saturating_sub(before.records)),
                rate(total.bytes.saturating_sub(before.bytes)) / 1e6,
            ));
        }
        Ok(())
    }
}
