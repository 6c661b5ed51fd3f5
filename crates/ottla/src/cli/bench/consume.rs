//! `ottla bench consume`

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use client::{Admin, Brokers, Position as Place};
use wire::messages::fetch::FetchRequest;

use super::arguments::{Shown, Span};
use super::consuming::{BY_ID_FROM, Consuming, Depth, Limits, Position, connect};
use super::drive::drive;
use super::files::connections_allowed;
use super::meter::{Measured, Meter, Window};
use super::report::{Report, megabytes_per_second, number, per_second, seconds, settings};
use super::stamp::Clock;
use super::topic::Target;
use super::watch::{Ending, Load, conclude, watch};
use crate::cli::table::Fields;
use crate::cli::topic::topic_name;
use crate::cli::{Connection, UsageError};

/// Requests under way on each connection: where the next one begins is in the answer to the last.
const IN_FLIGHT: usize = 1;

#[derive(Debug, Args)]
#[command(mut_arg("warm_up_seconds", |arg| arg.requires("tail")))]
pub(crate) struct Command {
    /// Topic to read
    #[arg(value_name = "TOPIC", value_parser = topic_name)]
    topic: String,
    /// Read what comes from now on, for --seconds [default: read what is there, from its start to the
    /// end as it is now, for --seconds at most]
    #[arg(long)]
    tail: bool,
    #[command(flatten)]
    span: Span,
    /// Consumers; each of them reads all partitions
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    consumers: u64,
    /// Let the consumers share the partitions instead
    #[arg(long)]
    divide: bool,
    #[command(flatten)]
    limits: Limits,
    /// Open compressed batches and go through every record, as consumers do [default: only through the
    /// headers of batches]
    #[arg(long)]
    decompress: bool,
    /// Take the end-to-end latency of records that `ottla bench latency` writes meanwhile
    #[arg(long, requires = "tail")]
    end_to_end: bool,
    #[command(flatten)]
    shown: Shown,
}

impl Command {
    fn depth(&self) -> Depth {
        match (self.end_to_end, self.decompress) {
            (true, _) => Depth::Stamps,
            (false, true) => Depth::Records,
            (false, false) => Depth::Header,
        }
    }

    fn window(&self, start: Instant) -> Window {
        let warm_up = match self.tail {
            true => self.span.warm_up(),
            false => Duration::ZERO,
        };
        self.span.window(start, warm_up)
    }

    /// Where each partition is read from, and to where.
    async fn positions(
        &self,
        admin: &mut Admin,
        target: &Target,
    ) -> anyhow::Result<Vec<(i32, Position)>> {
        let ends = target.offsets(admin, Place::End).await?;
        if self.tail {
            let position = |(index, next)| (index, Position { next, end: None });
            return Ok(ends.into_iter().map(position).collect());
        }
        let starts = target.offsets(admin, Place::Start).await?;
        let position = |(index, next)| {
            let end = ends.get(&index).copied();
            (index, Position { next, end })
        };
        Ok(starts.into_iter().map(position).collect())
    }

    fn settings(&self, brokers: &Brokers, target: &Target) -> Fields {
        let tail_only = |seconds: u64| self.tail.then(|| number(seconds));
        settings("consume", brokers, target)
            .field("TAIL", self.tail)
            .field("SECONDS", number(self.span.seconds))
            .field("WARM-UP-SECONDS", tail_only(self.span.warm_up_seconds))
            .field("CONSUMERS", number(self.consumers))
            .field("DIVIDE", self.divide)
            .field("FETCH-BYTES", self.limits.fetch_bytes)
            .field("PARTITION-BYTES", self.limits.partition_bytes)
            .field("MIN-BYTES", self.limits.min_bytes)
            .field("WAIT-MS", self.limits.wait_ms)
            .field("DECOMPRESS", self.depth() != Depth::Header)
    }
}

/// The partitions of each consumer.
fn share_out(
    partitions: usize,
    consumers: usize,
    divide: bool,
) -> Result<Vec<Vec<usize>>, UsageError> {
    if !divide {
        return Ok(vec![(0..partitions).collect(); consumers]);
    }
    if consumers > partitions {
        return Err(UsageError(format!(
            "{consumers} consumers cannot divide {partitions} partitions: \
             take fewer, or leave --divide out"
        )));
    }
    let of = |consumer: usize| (consumer..partitions).step_by(consumers).collect();
    Ok((0..consumers).map(of).collect())
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let brokers = connection.brokers()?;
    let mut admin = connection.admin().await?;
    let target = Arc::new(Target::existing(&mut admin, &command.topic).await?);
    connections_allowed(command.consumers * target.brokers().len() as u64)?;
    let positions = command.positions(&mut admin, &target).await?;
    let shares = share_out(positions.len(), command.consumers as usize, command.divide)?;
    let mut pipelines = Vec::new();
    for share in shares {
        let own = share.into_iter().map(|partition| positions[partition]);
        pipelines.extend(connect(&target, &own.collect()).await?);
    }
    let meter = Arc::new(Meter::new(command.window(Instant::now())));
    let mut load = Load::new();
    for (pipeline, positions) in pipelines {
        let usable = 4..=target.version_max(BY_ID_FROM);
        let work = Consuming {
            version: pipeline.version_of::<FetchRequest>(usable)?,
            target: Arc::clone(&target),
            positions,
            limits: command.limits,
            depth: command.depth(),
            clock: Clock::new(),
            meter: Arc::clone(&meter),
            goal: None,
        };
        load.spawn(drive(pipeline, work, IN_FLIGHT));
    }
    let progress = command.shown.progress();
    let (ending, passed) = watch(load, &meter, progress).await?;
    let measured = meter.measured();
    let timed_out = meter.window.ends.is_some_and(|ends| Instant::now() >= ends);
    let is_complete = matches!(ending, Ending::Complete) && (command.tail || !timed_out);
    let result = result(&measured, passed).field("COMPLETE", is_complete);
    let settings = command.settings(&brokers, &target);
    let report = Report::new(settings, result).with(&measured);
    conclude(ending, &report, command.shown.output)
}

/// What was read.
fn result(measured: &Measured, passed: Duration) -> Fields {
    let done = measured.done;
    Fields::default()
        .field("MEASURED-SECONDS", seconds(passed))
        .field("RECORDS", number(done.records))
        .field("RECORDS-PER-SECOND", per_second(done.records, passed))
        .field("BATCH-BYTES", number(done.bytes))
        .field(
            "MEGABYTES-PER-SECOND",
            megabytes_per_second(done.bytes, passed),
        )
        .field("FETCHES", number(done.requests))
        .field("FETCHES-PER-SECOND", per_second(done.requests, passed))
        .field("THROTTLED-ANSWERS", number(measured.throttled))
        .field("TOTAL-RECORDS", number(measured.total.records))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_read_everything_or_divide_it() {
        assert_eq!(share_out(3, 2, false).unwrap(), [[0, 1, 2], [0, 1, 2]]);
        assert_eq!(share_out(5, 2, true).unwrap(), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(share_out(2, 2, true).unwrap(), [[0], [1]]);
        assert!(share_out(2, 3, true).is_err());
    }
}
