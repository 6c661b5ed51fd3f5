//! `ottla bench produce`

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use client::{Acks, Brokers, Compression};
use wire::compression::Codec;

use super::arguments::{Extent, InFlight, Shown, TopicArguments};
use super::files::connections_allowed;
use super::meter::{Measured, Meter};
use super::payload::{Keys, Lane, Maker, Shape, lanes};
use super::producing::{Pace, Plan};
use super::report::{Report, megabytes_per_second, number, per_second, seconds, settings};
use super::schedule::Schedule;
use super::stamp::Clock;
use super::topic::Target;
use super::watch::{LINGER_MS_MAX, Load, conclude, fail_without_success, watch};
use crate::cli::table::Fields;
use crate::cli::{Connection, UsageError};

/// Memory for the batches that are made beforehand.
const PREPARED_BYTES: u64 = 16 << 20;

/// How far that may be exceeded to have every key in a batch.
const PREPARED_BYTES_MAX: u64 = 512 << 20;

/// Most batches made beforehand for a partition without keys.
const ROUNDS_MAX: u64 = 64;

/// The largest record, in bytes; `max.message.bytes` decides, not this.
const RECORD_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    topic: TopicArguments,
    /// Records a second, due at even distances [default: as many as the broker takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: Option<u64>,
    #[command(flatten)]
    extent: Extent,
    /// Bytes of each value; half of them are random, the other half is zero
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 1024,
        value_parser = clap::value_parser!(u64).range(0..=RECORD_BYTES_MAX)
    )]
    record_bytes: u64,
    /// Give records one of so many keys, which choose the partition [default: no keys]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    keys: Option<u64>,
    /// Bytes of each key
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 16,
        requires = "keys",
        value_parser = clap::value_parser!(u64).range(1..=65_536)
    )]
    key_bytes: u64,
    /// Most records of a batch [default: as many as fit into --batch-bytes]
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "batch_bytes",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    batch_records: Option<u64>,
    /// Most bytes of a batch before it is compressed, but for one that a single record fills
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 16_384,
        value_parser = clap::value_parser!(u64).range(1..=RECORD_BYTES_MAX)
    )]
    batch_bytes: u64,
    /// How long a batch waits for more records [default: 0]; without --rate batches are always full
    #[arg(
        long,
        value_name = "MS",
        requires = "rate",
        value_parser = clap::value_parser!(u64).range(0..=LINGER_MS_MAX)
    )]
    linger_ms: Option<u64>,
    /// Codec: none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = "none")]
    codec: Compression,
    /// When records count as written: 0 once they are sent, 1 once the leader has them, all once every
    /// in-sync replica has them
    #[arg(long, value_name = "ACKS", default_value = "all")]
    acks: Acks,
    /// Connections to each broker that leads one of the partitions
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    connections: u64,
    #[command(flatten)]
    in_flight: InFlight,
    #[command(flatten)]
    shown: Shown,
}

impl Command {
    fn shape(&self) -> Result<Shape, UsageError> {
        let keys = self.keys.map(|count| Keys {
            count,
            bytes: self.key_bytes as usize,
        });
        if let Some(keys) = keys
            && keys.bytes < Keys::bytes_min(keys.count)
        {
            let (count, bytes) = (keys.count, Keys::bytes_min(keys.count));
            let text = format!(
                "{count} keys do not differ in so few bytes: give --key-bytes {bytes} or more"
            );
            return Err(UsageError(text));
        }
        Ok(Shape {
            value_bytes: self.record_bytes as usize,
            keys,
            codec: codec(self.codec),
            acks: acks(self.acks),
        })
    }

    fn pace(&self, shape: &Shape, lanes: usize) -> Pace {
        let most = self.batch_records;
        let most = most.unwrap_or_else(|| shape.records_in(self.batch_bytes));
        match self.rate {
            None => Pace::Closed(most),
            Some(rate) => {
                let linger = Duration::from_millis(self.linger_ms.unwrap_or(0));
                let has_keys = shape.keys.is_some();
                Pace::Open(Schedule::new(rate, linger, most, lanes, has_keys))
            }
        }
    }

    fn settings(&self, brokers: &Brokers, plan: &Plan) -> Fields {
        let shape = &plan.maker.shape;
        let settings = settings("produce", brokers, &plan.maker.target)
            .field("RATE-RECORDS-PER-SECOND", self.rate.map(number));
        self.extent
            .add_to(settings)
            .field("VALUE-BYTES", number(self.record_bytes))
            .field("KEYS", self.keys.map(number))
            .field(
                "KEY-BYTES",
                shape.keys.map(|keys| number(keys.bytes as u64)),
            )
            .field("BATCH-RECORDS", number(plan.pace.batch_records()))
            .field(
                "LINGER-MS",
                self.rate.map(|_| number(self.linger_ms.unwrap_or(0))),
            )
            .field("CODEC", self.codec.to_string())
            .field("ACKS", self.acks.to_string())
            .field("CONNECTIONS", number(self.connections))
            .field("IN-FLIGHT", number(self.in_flight.requests))
    }
}

/// The codec of batches.
fn codec(compression: Compression) -> Codec {
    match compression {
        Compression::None => Codec::None,
        Compression::Gzip => Codec::Gzip,
        Compression::Snappy => Codec::Snappy,
        Compression::Lz4 => Codec::Lz4,
        Compression::Zstd => Codec::Zstd,
    }
}

/// Acks as the protocol writes them.
pub(super) fn acks(acks: Acks) -> i16 {
    match acks {
        Acks::None => 0,
        Acks::Leader => 1,
        Acks::All => -1,
    }
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let shape = command.shape()?;
    let brokers = connection.brokers()?;
    let mut admin = connection.admin().await?;
    let target = Target::find_or_create(&mut admin, &command.topic).await?;
    connections_allowed(command.connections * target.brokers().len() as u64)?;
    let lanes = lanes(target.leaders.len(), shape.keys);
    let pace = command.pace(&shape, lanes.len());
    let plan = Arc::new(Plan {
        maker: Maker { shape, target },
        lanes,
        pace,
        records: command.extent.records,
        connections: command.connections as usize,
        in_flight: command.in_flight.requests as usize,
        stamped: false,
        clock: Clock::new(),
    });
    let prepared = Prepared::new(&plan)?;
    let senders = plan.connect(|lane| prepared.rounds(lane)).await?;
    let start = Instant::now();
    let meter = Arc::new(Meter::new(command.extent.window(start)));
    let mut load = Load::new();
    plan.spawn(senders, start, &meter, &mut load);
    let progress = command.shown.progress();
    let (ending, passed) = watch(load, &meter, progress).await?;
    let measured = meter.measured();
    let settings = command.settings(&brokers, &plan);
    let report = Report::new(settings, result(&measured, passed)).with(&measured);
    conclude(ending, &report, command.shown.output)?;
    fail_without_success(&measured, "records were written")
}

/// What was written.
pub(super) fn result(measured: &Measured, passed: Duration) -> Fields {
    let done = measured.done;
    Fields::default()
        .field("MEASURED-SECONDS", seconds(passed))
        .field("RECORDS", number(done.records))
        .field("RECORDS-PER-SECOND", per_second(done.records, passed))
        .field(
            "MEGABYTES-PER-SECOND",
            megabytes_per_second(done.bytes, passed),
        )
        .field("ACKNOWLEDGEMENTS", number(done.requests))
        .field(
            "ACKNOWLEDGEMENTS-PER-SECOND",
            per_second(done.requests, passed),
        )
        .field("ERRORS", number(measured.errors.values().sum()))
        .field("THROTTLED-ANSWERS", number(measured.throttled))
        .field("UNSENT-RECORDS", number(measured.unsent_records))
        .field("TOTAL-RECORDS", number(measured.total.records))
}

/// How many batches are made before the run, for each partition.
#[derive(Clone, Copy, Debug)]
struct Prepared {
    batch_records: u64,
    rounds: u64,
}

impl Prepared {
    fn new(plan: &Plan) -> Result<Self, UsageError> {
        let batch_records = plan.pace.batch_records();
        let batch_bytes = batch_records * plan.maker.shape.record_bytes().max(1) as u64;
        let rounds = PREPARED_BYTES / batch_bytes.saturating_mul(plan.lanes.len() as u64).max(1);
        let this = Self {
            batch_records,
            rounds: rounds.clamp(1, ROUNDS_MAX),
        };
        let frames: u64 = plan.lanes.iter().map(|lane| this.rounds(lane)).sum();
        if frames.saturating_mul(batch_bytes) > PREPARED_BYTES_MAX {
            let megabytes = frames.saturating_mul(batch_bytes) >> 20;
            return Err(UsageError(format!(
                "the batches that are made beforehand would take {megabytes} MiB: \
                 use fewer keys or partitions, or smaller batches"
            )));
        }
        Ok(this)
    }

    /// With keys, as many as it takes for each key to be in one.
    fn rounds(&self, lane: &Lane) -> u64 {
        match lane.keys.len() as u64 {
            0 => self.rounds,
            keys => keys.div_ceil(self.batch_records),
        }
    }
}
