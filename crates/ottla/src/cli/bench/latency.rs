//! `ottla bench latency`

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use client::{Acks, Brokers, Position as Place};
use wire::compression::Codec;
use wire::messages::fetch::FetchRequest;

use super::arguments::{Extent, InFlight, Shown, TopicArguments};
use super::consuming::{BY_ID_FROM, Consuming, Depth, Goal, Limits, Position, connect};
use super::drive::drive;
use super::meter::Meter;
use super::payload::{Maker, Shape, lanes};
use super::produce::{acks, result};
use super::producing::{Pace, Plan};
use super::report::{Report, number, settings};
use super::schedule::Schedule;
use super::stamp::{Clock, STAMP_BYTES};
use super::topic::Target;
use super::watch::{Load, conclude, fail_without_success, watch};
use crate::cli::Connection;
use crate::cli::table::Fields;

/// What the consumer asks for: whatever is there, as soon as it is.
const LIMITS: Limits = Limits {
    fetch_bytes: 50 << 20,
    partition_bytes: 1 << 20,
    min_bytes: 1,
    wait_ms: 500,
};

#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    topic: TopicArguments,
    /// Records a second, each sent by itself when it is due
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    rate: u64,
    #[command(flatten)]
    extent: Extent,
    /// Bytes of each value; they begin with the time at which the record was due
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(STAMP_BYTES as u64..=1 << 20)
    )]
    record_bytes: u64,
    /// When records count as written: 1 once the leader has them, all once every in-sync replica has
    /// them
    #[arg(long, value_name = "ACKS", default_value = "all", value_parser = acknowledged)]
    acks: Acks,
    #[command(flatten)]
    in_flight: InFlight,
    #[command(flatten)]
    shown: Shown,
}

/// Acks that there is an answer for.
fn acknowledged(text: &str) -> Result<Acks, String> {
    match text.parse()? {
        Acks::None => {
            Err("acks is one of 1, all: without an answer there is no latency".to_owned())
        }
        acks => Ok(acks),
    }
}

impl Command {
    fn plan(&self, target: Target) -> Plan {
        let lanes = lanes(target.leaders.len(), None);
        let schedule = Schedule::new(self.rate, Duration::ZERO, 1, lanes.len(), false);
        Plan {
            maker: Maker {
                shape: Shape {
                    value_bytes: self.record_bytes as usize,
                    keys: None,
                    codec: Codec::None,
                    acks: acks(self.acks),
                },
                target,
            },
            lanes,
            pace: Pace::Open(schedule),
            records: self.extent.records,
            connections: 1,
            in_flight: self.in_flight.requests as usize,
            stamped: true,
            clock: Clock::new(),
        }
    }

    fn settings(&self, brokers: &Brokers, target: &Target) -> Fields {
        let settings = settings("latency", brokers, target)
            .field("RATE-RECORDS-PER-SECOND", number(self.rate));
        self.extent
            .add_to(settings)
            .field("VALUE-BYTES", number(self.record_bytes))
            .field("LINGER-MS", 0)
            .field("ACKS", self.acks.to_string())
            .field("IN-FLIGHT", number(self.in_flight.requests))
    }
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let brokers = connection.brokers()?;
    let mut admin = connection.admin().await?;
    let target = Target::find_or_create(&mut admin, &command.topic).await?;
    let plan = Arc::new(command.plan(target));
    // Readers stand at the end of all partitions.
    let ends = plan.maker.target.offsets(&mut admin, Place::End).await?;
    let position = |(index, next)| (index, Position { next, end: None });
    let positions = ends.into_iter().map(position).collect();
    let readers = connect(&plan.maker.target, &positions).await?;
    let senders = plan.connect(|_| 0).await?;
    let start = Instant::now();
    let window = command.extent.window(start);
    let (written, read) = (Arc::new(Meter::new(window)), Arc::new(Meter::new(window)));
    let target = Arc::new(plan.maker.target.clone());
    let mut load = Load::new();
    let goal = Arc::new(Goal::default());
    for (pipeline, positions) in readers {
        let usable = 4..=target.version_max(BY_ID_FROM);
        let work = Consuming {
            version: pipeline.version_of::<FetchRequest>(usable)?,
            target: Arc::clone(&target),
            positions,
            limits: LIMITS,
            depth: Depth::Stamps,
            clock: plan.clock,
            meter: Arc::clone(&read),
            goal: Some(Arc::clone(&goal)),
        };
        load.spawn(drive(pipeline, work, 1));
    }
    let mut writing = Load::new();
    plan.spawn(senders, start, &written, &mut writing);
    let (of_written, reached) = (Arc::clone(&written), Arc::clone(&goal));
    load.spawn(async move {
        while let Some(finished) = writing.join_next().await {
            finished??;
        }
        reached.set(of_written.measured().total.records, Instant::now());
        Ok(())
    });
    let progress = command.shown.progress();
    let (ending, passed) = watch(load, &written, progress).await?;
    // The rates are those of writing: readers may wait in a last fetch for half a second more.
    let passed = goal.set_at().map_or(passed, |at| window.passed(at));
    let (written, read) = (written.measured(), read.measured());
    let result = result(&written, passed).field("CONSUMED-RECORDS", number(read.total.records));
    let settings = command.settings(&brokers, &target);
    let report = Report::new(settings, result).with(&written).with(&read);
    conclude(ending, &report, command.shown.output)?;
    fail_without_success(&written, "records were written")
}
