//! `ottla bench latency`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use client::{Acks, Admin, Pipeline, Position as Place, StartAt, TopicPartition};
use wire::compression::Codec;
use wire::messages::fetch::FetchRequest;

use super::arguments::{Shown, Span, TopicArguments};
use super::consuming::{BY_ID_FROM, Consuming, Depth, Goal, Limits, Position};
use super::drive::drive;
use super::meter::{Meter, Window};
use super::payload::{Maker, Shape, lanes};
use super::produce::{acks, result};
use super::producing::{Pace, Plan};
use super::report::{Report, number};
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
    span: Span,
    /// End after so many records, and measure from the first on
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["seconds", "warm_up_seconds"],
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    records: Option<u64>,
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
    /// Most requests under way; what is due beyond that waits, and its wait counts
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    in_flight: u64,
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
            records: self.records,
            connections: 1,
            in_flight: self.in_flight as usize,
            stamped: true,
            clock: Clock::new(),
        }
    }

    fn window(&self, start: Instant) -> Window {
        match self.records {
            Some(_) => Window {
                begins: start,
                ends: None,
            },
            None => Window {
                begins: start + self.span.warm_up(),
                ends: Some(start + self.span.warm_up() + self.span.measured()),
            },
        }
    }

    fn settings(&self, brokers: &str, partitions: usize) -> Fields {
        let span = |seconds: u64| self.records.is_none().then(|| number(seconds));
        Fields::default()
            .field("BENCHMARK", "latency")
            .field("OTTLA-VERSION", env!("CARGO_PKG_VERSION"))
            .field("BROKERS", brokers)
            .field("TOPIC", self.topic.topic.as_str())
            .field("PARTITIONS", number(partitions as u64))
            .field("RATE-RECORDS-PER-SECOND", number(self.rate))
            .field("RECORDS-MAX", self.records.map(number))
            .field("SECONDS", span(self.span.seconds))
            .field("WARM-UP-SECONDS", span(self.span.warm_up_seconds))
            .field("VALUE-BYTES", number(self.record_bytes))
            .field("LINGER-MS", 0)
            .field("ACKS", self.acks.to_string())
            .field("IN-FLIGHT", number(self.in_flight))
    }
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let brokers = connection.brokers()?;
    let mut admin = connection.admin().await?;
    let target = Target::find_or_create(&mut admin, &command.topic).await?;
    let plan = Arc::new(command.plan(target));
    let readers = readers(&mut admin, &plan.maker.target).await?;
    let senders = plan.connect(|_| 0).await?;
    let start = Instant::now();
    let window = command.window(start);
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
    let settings = command.settings(&brokers.to_string(), target.leaders.len());
    let report = Report::new(settings, result).with(&written).with(&read);
    conclude(ending, &report, command.shown.output)?;
    fail_without_success(&written, "records were written")
}

/// Connections that stand at the end of all partitions.
async fn readers(
    admin: &mut Admin,
    target: &Target,
) -> anyhow::Result<Vec<(Pipeline, BTreeMap<i32, Position>)>> {
    let all: BTreeSet<TopicPartition> = (0..target.leaders.len())
        .filter_map(|index| i32::try_from(index).ok())
        .map(|index| TopicPartition::new(&target.name, index))
        .collect();
    let ends = admin.resolve(&all, StartAt::Position(Place::End)).await?;
    let mut readers = Vec::new();
    for broker in target.brokers() {
        let led = |at: &TopicPartition| {
            let index = usize::try_from(at.partition).unwrap_or_default();
            target.leaders.get(index) == Some(&broker)
        };
        let positions = ends.iter().filter(|(at, _)| led(at));
        let position = |next: i64| Position { next, end: None };
        let positions = positions.map(|(at, end)| (at.partition, position(*end)));
        readers.push((Pipeline::open(&broker).await?, positions.collect()));
    }
    Ok(readers)
}
