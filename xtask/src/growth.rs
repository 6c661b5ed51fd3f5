//! What things cost while a broker grows: Ottla with more and more partitions, producers, and bytes on disk.

mod asking;
mod held;
mod page;
mod plot;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::brokers::{BROKER_CORE, Broker, LOAD_CORE, Start, pinned};
use crate::machine;
use crate::place::Place;
use crate::places::{must_succeed, target, workspace};
use crate::process::{self, Usage};
use asking::Asker;

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
/// How long a load lasts. The write-ahead log is used up once meanwhile, so that what it holds goes to the segments.
const LOAD_SECONDS: u32 = 60;
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
        match (
            *argument,
            By::ALL.into_iter().find(|by| by.name() == *argument),
        ) {
            ("--page", _) => is_page = true,
            (_, Some(by)) => wanted.push(by),
            _ => bail!(USAGE),
        }
    }
    if wanted.is_empty() && !is_page {
        wanted = By::ALL.to_vec();
    }
    for by in wanted {
        let points = match by {
            By::Partitions => each(by, with_partitions)?,
            By::Producers => each(by, with_producers)?,
            By::Gigabytes => with_gigabytes()?,
        };
        keep(by, &points)?;
    }
    page::write()
}

/// Measures with each count, by a broker of its own.
fn each(by: By, measure: impl Fn(u32) -> Result<Figures>) -> Result<Vec<Point>> {
    let measured = |count: &u32| {
        let figures = measure(*count).with_context(|| format!("{count} {}", by.name()))?;
        tell(by, *count, &figures);
        Ok((*count, figures))
    };
    by.counts().iter().map(measured).collect()
}

fn tell(by: By, count: u32, figures: &Figures) {
    let figures: Vec<String> = figures
        .iter()
        .map(|(name, value)| format!("{name} {value:.3}"))
        .collect();
    println!("{count} {}: {}", by.name(), figures.join("; "));
}

fn with_partitions(count: u32) -> Result<Figures> {
    let mut broker = start()?;
    place(&broker, "many").create_topic(count, RELAXED)?;
    let mut figures = Figures::new();
    figures.insert(
        page::PER_RECORD.to_owned(),
        per_record(&broker, "many", count, 16)?,
    );
    at_rest(&broker, &mut figures)?;
    let mut asker = Asker::open(broker.port())?;
    let all: Vec<i32> = (0..count.cast_signed()).collect();
    figures.insert(page::METADATA.to_owned(), median_ms(|| asker.metadata())?);
    figures.insert(
        page::OFFSETS.to_owned(),
        median_ms(|| asker.list_offsets("many", &all, asking::LATEST))?,
    );
    again(&mut broker, &mut figures)?;
    Ok(figures)
}

fn with_producers(count: u32) -> Result<Figures> {
    let broker = start()?;
    place(&broker, "one").create_topic(16, RELAXED)?;
    let mut figures = Figures::new();
    figures.insert(
        page::PER_RECORD.to_owned(),
        per_record(&broker, "one", 16, count)?,
    );
    at_rest(&broker, &mut figures)?;
    Ok(figures)
}

/// One broker that holds more and more.
fn with_gigabytes() -> Result<Vec<Point>> {
    let mut broker = start()?;
    place(&broker, "held").create_topic(1, RELAXED)?;
    place(&broker, "small").create_topic(16, RELAXED)?;
    let (mut points, mut held) = (Vec::new(), 0);
    for count in By::Gigabytes.counts() {
        held::fill(&broker, "held", held..*count)?;
        held = *count;
        let mut figures = Figures::new();
        figures.insert(
            page::PER_RECORD.to_owned(),
            per_record(&broker, "small", 16, 16)?,
        );
        at_rest(&broker, &mut figures)?;
        let mut asker = Asker::open(broker.port())?;
        figures.insert(page::METADATA.to_owned(), median_ms(|| asker.metadata())?);
        let middle = held::time_of(*count / 2);
        figures.insert(
            page::OFFSETS_BY_TIME.to_owned(),
            median_ms(|| asker.list_offsets("held", &[0], middle))?,
        );
        drop(asker);
        again(&mut broker, &mut figures)?;
        tell(By::Gigabytes, *count, &figures);
        points.push((*count, figures));
    }
    // Should the rest fail.
    keep(By::Gigabytes, &points)?;
    // What is in the segment that is written to stays.
    let gone_bytes = u64::from(held.saturating_sub(2)) * held::GIGABYTE_BYTES;
    let left_bytes = held::bytes(&broker)?.saturating_sub(gone_bytes);
    let before = Usage::of(broker.pid())?;
    must_succeed(
        command(&broker)
            .args([
                "topic",
                "alter-config",
                "held",
                "--set",
                "retention.bytes=1000000",
            ])
            .stdout(Stdio::null()),
    )?;
    let waited = held::wait_until_left(&broker, left_bytes)?;
    let used = Usage::of(broker.pid())?.since(before);
    if let Some((_, figures)) = points.last_mut() {
        figures.insert(page::RETENTION.to_owned(), waited.as_secs_f64() * 1e3);
        figures.insert(page::RETENTION_CPU.to_owned(), used.cpu_seconds * 1e3);
    }
    Ok(points)
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

fn place<'a>(broker: &Broker, topic: &'a str) -> Place<'a> {
    Place {
        port: broker.port(),
        topic,
        is_pinned: true,
    }
}

fn command(broker: &Broker) -> Command {
    let mut command = pinned(LOAD_CORE, target().join("release/ottla"));
    command.args(["--brokers", &format!("127.0.0.1:{}", broker.port())]);
    command
}

/// 5,000 requests a second with a keyed record of 100 B each, over so many connections: microseconds of the
/// processor for each.
fn per_record(broker: &Broker, topic: &str, partitions: u32, connections: u32) -> Result<f64> {
    let place = place(broker, topic);
    place.bench(&format!("{FIRST_LOAD} -p {partitions}"), 0)?;
    must_succeed(&mut Command::new("sync"))?;
    let options = format!(
        "produce TOPIC -p {partitions} --keys 100000 --batch-records 1 --record-bytes 100 --connections {connections} --in-flight 1 --rate 5000 --seconds SECONDS"
    );
    let before = Usage::of(broker.pid())?;
    let report = place.bench(&options, LOAD_SECONDS)?;
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
    figures.insert(page::AT_REST.to_owned(), per_second);
    figures.insert(
        page::MEMORY.to_owned(),
        process::memory_bytes(broker.pid())? / 1e6,
    );
    Ok(())
}

/// Kills it and starts it again.
fn again(broker: &mut Broker, figures: &mut Figures) -> Result<()> {
    broker.kill_and_start_again()?;
    figures.insert(
        page::START.to_owned(),
        broker.answered_after().as_secs_f64() * 1e3,
    );
    Ok(())
}

fn median_ms(mut ask: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let mut found = Vec::new();
    for _ in 0..ASKED_TIMES {
        found.push(ask()?.as_secs_f64() * 1e3);
    }
    Ok(middle(&mut found))
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
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
