//! What things cost while a broker grows: Ottla with more and more partitions, producers, and bytes on disk.

mod asking;
mod held;
mod page;
mod plot;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::asking::Asker;
use crate::brokers::{BROKER_CORE, Broker, Start};
use crate::machine;
use crate::places::{must_succeed, workspace};
use crate::process::{self, Usage};
use crate::statistics;
use crate::topic::Topic;

const USAGE: &str = "usage: cargo xtask bench growth [--page] [partitions | producers | gigabytes ...]
  --page     measures nothing, and writes docs/performance/growth.md from the results that are there";

/// Retention looks for what is to go every second, which shows what that costs.
const SETTINGS: &[(&str, &str)] = &[
    ("log.retention.check.interval.ms", "1000"),
    ("log.segment.delete.delay.ms", "1000"),
];
const RELAXED: Option<u64> = Some(i64::MAX as u64);

/// So that all files are made that are used again and again: the segments of all partitions, and the write-ahead log.
const FIRST_LOAD: &str = "produce TOPIC --records 1000000 --record-bytes 1024 --batch-bytes 10000";

/// How many records come a second, and for how many seconds.
#[derive(Clone, Copy)]
struct Rate {
    records_per_second: u32,
    seconds: u32,
}

const RATE: Rate = Rate {
    records_per_second: 5_000,
    seconds: 60,
};
/// What is in memory and in the write-ahead log has to go to the segments of all partitions meanwhile, more than once.
const UNTIL_SEGMENTS: Rate = Rate {
    records_per_second: 15_000,
    seconds: 160,
};
/// How long a broker is watched that nothing is asked of.
const REST: Duration = Duration::from_secs(10);
/// What is asked for again and again; the median counts.
const ASKED_TIMES: usize = 51;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Partitions,
    Producers,
    Gigabytes,
}

impl By {
    const ALL: [Self; 3] = [Self::Partitions, Self::Producers, Self::Gigabytes];

    fn name(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            Self::Producers => "producers",
            Self::Gigabytes => "gigabytes",
        }
    }

    fn counts(self) -> &'static [u32] {
        match self {
            Self::Partitions => &[1, 10, 100, 1_000, 10_000],
            Self::Producers => &[1, 10, 100, 1_000],
            Self::Gigabytes => &[1, 10, 50, 200],
        }
    }
}

/// What was found: figures by name.
type Figures = BTreeMap<String, f64>;

/// What was found with so many.
type Point = (u32, Figures);

/// Runs `bench growth` with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (mut wanted, mut is_page) = (Vec::new(), false);
    for argument in arguments {
        let by = By::ALL.into_iter().find(|by| by.name() == *argument);
        match (*argument, by) {
            ("--page", _) => is_page = true,
            (_, Some(by)) => wanted.push(by),
            _ => bail!(USAGE),
        }
    }
    if wanted.is_empty() && !is_page {
        wanted = By::ALL.to_vec();
    }
    for by in wanted {
        match by {
            By::Partitions => each(by, with_partitions)?,
            By::Producers => each(by, with_producers)?,
            By::Gigabytes => with_gigabytes()?,
        }
    }
    page::write()
}

/// Measures with each count, by a broker of its own.
fn each(by: By, measure: impl Fn(u32) -> Result<Figures>) -> Result<()> {
    let mut points = Vec::new();
    for count in by.counts() {
        let figures = measure(*count).with_context(|| format!("{count} {}", by.name()))?;
        add(by, &mut points, (*count, figures))?;
    }
    Ok(())
}

fn with_partitions(count: u32) -> Result<Figures> {
    let mut broker = start()?;
    topic(&broker, "many").create(count, RELAXED)?;
    let mut figures = Figures::new();
    insert(
        &mut figures,
        page::PER_RECORD,
        per_record(&broker, "many", (count, 16), UNTIL_SEGMENTS)?,
    );
    at_rest(&broker, &mut figures)?;
    let mut asker = Asker::open(broker.port())?;
    insert(
        &mut figures,
        page::METADATA,
        median_ms(|| asker.metadata())?,
    );
    insert(
        &mut figures,
        page::OFFSETS,
        median_ms(|| asker.list_offsets("many", 0..count, asking::LATEST))?,
    );
    again(&mut broker, &mut figures)?;
    Ok(figures)
}

fn with_producers(count: u32) -> Result<Figures> {
    let broker = start()?;
    topic(&broker, "one").create(16, RELAXED)?;
    let mut figures = Figures::new();
    insert(
        &mut figures,
        page::PER_RECORD,
        per_record(&broker, "one", (16, count), RATE)?,
    );
    at_rest(&broker, &mut figures)?;
    Ok(figures)
}

/// One broker that holds more and more.
fn with_gigabytes() -> Result<()> {
    let by = By::Gigabytes;
    let mut broker = start()?;
    topic(&broker, "held").create(1, RELAXED)?;
    topic(&broker, "small").create(16, RELAXED)?;
    let (mut points, mut held) = (Vec::new(), 0);
    for count in by.counts() {
        held::fill(&broker, "held", held..*count)?;
        held = *count;
        let mut figures = Figures::new();
        insert(
            &mut figures,
            page::PER_RECORD,
            per_record(&broker, "small", (16, 16), RATE)?,
        );
        at_rest(&broker, &mut figures)?;
        let mut asker = Asker::open(broker.port())?;
        insert(
            &mut figures,
            page::METADATA,
            median_ms(|| asker.metadata())?,
        );
        let middle = held::time_of(held / 2);
        insert(
            &mut figures,
            page::OFFSETS_BY_TIME,
            median_ms(|| asker.list_offsets("held", 0..1, middle))?,
        );
        again(&mut broker, &mut figures)?;
        if by.counts().last() == Some(count) {
            let_go(&broker, held, &mut figures)?;
        }
        add(by, &mut points, (held, figures))?;
    }
    Ok(())
}

/// Lets retention take all of it.
fn let_go(broker: &Broker, gigabytes: u32, figures: &mut Figures) -> Result<()> {
    // What is in the segment that is written to stays.
    let gone_bytes = u64::from(gigabytes.saturating_sub(2)) * held::GIGABYTE_BYTES;
    let left_bytes = held::bytes(broker)?.saturating_sub(gone_bytes);
    let before = Usage::of(broker.pid())?;
    topic(broker, "held").set("retention.bytes=1000000")?;
    let waited = held::wait_until_left(broker, left_bytes)?;
    let used = Usage::of(broker.pid())?.since(before);
    insert(figures, page::RETENTION, waited.as_secs_f64() * 1e3);
    insert(figures, page::RETENTION_CPU, used.cpu_seconds * 1e3);
    Ok(())
}

fn start() -> Result<Broker> {
    let start = Start {
        name: "growth",
        settings: SETTINGS,
        port: None,
        core: Some(BROKER_CORE),
    };
    start.ottla()
}

fn topic<'a>(broker: &Broker, name: &'a str) -> Topic<'a> {
    Topic {
        port: broker.port(),
        name,
        is_pinned: true,
    }
}

/// Requests with a keyed record of 100 B each, to so many partitions and over so many connections: microseconds of the
/// processor for each.
fn per_record(
    broker: &Broker,
    name: &str,
    (partitions, connections): (u32, u32),
    rate: Rate,
) -> Result<f64> {
    let topic = topic(broker, name);
    topic.bench(&format!("{FIRST_LOAD} -p {partitions}"), 0)?;
    must_succeed(&mut Command::new("sync"))?;
    let options = format!(
        "produce TOPIC -p {partitions} --keys 100000 --batch-records 1 --record-bytes 100 --connections {connections} --in-flight 1 --rate {} --seconds SECONDS",
        rate.records_per_second
    );
    let before = Usage::of(broker.pid())?;
    let report = topic.bench(&options, rate.seconds)?;
    let used = Usage::of(broker.pid())?.since(before);
    let records = report["result"]["total_records"].as_f64();
    Ok(used.cpu_seconds * 1e6 / records.context("no number of records")?)
}

/// What it holds and does when nothing is asked of it.
fn at_rest(broker: &Broker, figures: &mut Figures) -> Result<()> {
    thread::park_timeout(REST / 2);
    let before = Usage::of(broker.pid())?;
    thread::park_timeout(REST);
    let used = Usage::of(broker.pid())?.since(before);
    let per_second = used.cpu_seconds * 1e3 / REST.as_secs_f64();
    insert(figures, page::AT_REST, per_second);
    let memory_bytes = process::memory_bytes(broker.pid())?;
    insert(figures, page::MEMORY, memory_bytes / 1e6);
    Ok(())
}

/// Kills it and starts it again.
fn again(broker: &mut Broker, figures: &mut Figures) -> Result<()> {
    broker.kill_and_start_again()?;
    let answered_after = broker.answered_after();
    insert(figures, page::START, answered_after.as_secs_f64() * 1e3);
    Ok(())
}

fn median_ms(mut ask: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let mut found = Vec::new();
    for _ in 0..ASKED_TIMES {
        found.push(ask()?.as_secs_f64() * 1e3);
    }
    statistics::median(&found).context("nothing was asked for")
}

fn insert(figures: &mut Figures, name: &str, value: f64) {
    figures.insert(name.to_owned(), value);
}

/// Tells what was found, and keeps it with what was found before: the next count may take long, and fail.
fn add(by: By, points: &mut Vec<Point>, (count, figures): Point) -> Result<()> {
    let told: Vec<String> = figures
        .iter()
        .map(|(name, value)| format!("{name} {value:.3}"))
        .collect();
    println!("{count} {}: {}", by.name(), told.join("; "));
    points.push((count, figures));
    keep(by, points)
}

fn path(by: By) -> PathBuf {
    workspace().join(format!("bench/results/growth/{}.json", by.name()))
}

fn keep(by: By, points: &[Point]) -> Result<()> {
    let points: Vec<Value> = points
        .iter()
        .map(|(count, figures)| json!({ "count": count, "figures": figures }))
        .collect();
    let value = json!({ "by": by.name(), "machine": machine::describe(), "points": points });
    let path = path(by);
    fs::create_dir_all(path.parent().context("a directory")?)?;
    fs::write(
        &path,
        format!("{}\n", serde_json::to_string_pretty(&value)?),
    )
    .with_context(|| format!("write {}", path.display()))
}
