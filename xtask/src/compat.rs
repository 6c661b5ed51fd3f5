//! Runs suites that others wrote for their Kafka clients, against Ottla or against Apache Kafka, and
//! compares with what `compat/` says must pass.

mod crate_tests;
mod kafka_python;
mod librdkafka;
mod lists;
mod package;
mod process;
mod rdkafka;
mod rskafka;
mod samsa;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::brokers::Start;
use crate::places::{target, workspace};
use lists::{Allowed, Lists};

const USAGE: &str = "usage: cargo xtask compat SUITE [--kafka | --update]
  SUITE      kafka-python, librdkafka, librdkafka-consumer, rdkafka, rskafka, samsa
  --kafka    runs it against Apache Kafka, and writes what passes to compat/SUITE.kafka
  --update   adds to compat/SUITE.allow what passes with both";

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// The tests of a suite by name.
type Outcomes = BTreeMap<String, Outcome>;

/// Says what has just become of a test, and how long it took.
fn say(outcome: Outcome, name: &str, began: Instant) {
    println!("{outcome:?} {name}, {:.1} s", began.elapsed().as_secs_f64());
}

/// A suite of somebody else.
struct Suite {
    name: &'static str,
    /// Settings that the suite expects of a broker, beside Kafka's defaults.
    settings: &'static [(&'static str, &'static str)],
    /// The port that some of its tests look for a broker at, whatever they are told.
    port: Option<u16>,
    /// Fetches what is needed into a directory, which may hold it already.
    prepare: fn(&Path) -> Result<()>,
    /// Runs what was prepared against a broker on this port of the loopback interface.
    run: fn(&Path, u16) -> Result<Outcomes>,
}

const SUITES: &[Suite] = &[
    kafka_python::SUITE,
    librdkafka::SUITE,
    librdkafka::SUITE_CONSUMER,
    rdkafka::SUITE,
    rskafka::SUITE,
    samsa::SUITE,
];

/// Runs a suite as the arguments say; fails if something that must pass does not.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (name, mode) = match arguments {
        [name] => (*name, None),
        [name, mode @ ("--kafka" | "--update")] => (*name, Some(*mode)),
        _ => bail!(USAGE),
    };
    let suite = SUITES.iter().find(|suite| suite.name == name);
    let suite = suite.with_context(|| format!("there is no suite {name}\n{USAGE}"))?;
    let directory = target().join("compat").join(suite.name);
    fs::create_dir_all(&directory)?;
    (suite.prepare)(&directory).with_context(|| format!("prepare {name}"))?;
    let start = |name| Start {
        name,
        settings: suite.settings,
        port: suite.port,
        core: None,
    };
    let broker = match mode {
        Some("--kafka") => start("kafka").kafka(1)?,
        _ => start("ottla").ottla()?,
    };
    let outcomes = (suite.run)(&directory, broker.port())?;
    drop(broker);
    let lists = Lists::of(&sources(), suite.name);
    if mode == Some("--kafka") {
        return lists.write_kafka(&outcomes);
    }
    let (kafka, allowed) = (lists.kafka()?, lists.allowed()?);
    let passing = Allowed::of(&outcomes, &kafka);
    println!(
        "{name}: {} executed, {} passed of {} that Apache Kafka passes, {} must",
        passing.executed,
        passing.names.len(),
        kafka.len(),
        allowed.names.len()
    );
    if mode == Some("--update") {
        return lists.write_allowed(&allowed.grown_by(&passing));
    }
    let findings = fs::read_to_string(sources().join("FINDINGS.md"))?;
    let wrong = allowed.compare(&passing, &kafka, &findings);
    ensure!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    Ok(())
}

/// `compat/` of the workspace.
fn sources() -> PathBuf {
    workspace().join("compat")
}
