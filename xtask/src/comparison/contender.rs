//! One of the brokers, and what its process uses.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::forces::Forces;
use super::load::{GIGABYTE, Load};
use super::nats;
use super::rows::{Cores, Durability};
use crate::brokers::{BROKER_CORE, Broker, Start};
use crate::places::must_succeed;
use crate::process::Usage;
use crate::topic::Topic;

/// Settings in which both have to be equal. What is deleted goes soon, so that there is room for the next load.
const SETTINGS: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "0"),
    ("log.segment.delete.delay.ms", "250"),
];

/// Kafka's own controller must not take it for dead while it is held.
const HELD_KAFKA_SETTINGS: &[(&str, &str)] = &[("broker.session.timeout.ms", "3600000")];

/// What a broker has to come to itself in after it was held, or after a load.
const SETTLING: Duration = Duration::from_millis(500);

/// What a broker has at most to remove the files of a deleted topic in, before it is held: two of them with
/// tens of gigabytes each may be more than the disk has.
const REMOVING_LIMIT: Duration = Duration::from_secs(10);

/// How long a broker may take until a topic can be written to after a crash.
const RECOVERY_LIMIT: Duration = Duration::from_secs(300);

/// Which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Ottla,
    Kafka,
    /// Kafka with a heap of 4 GB instead of 1.
    KafkaWith4G,
    /// It keeps everything in memory.
    Tansu,
    /// With JetStream.
    Nats,
}

impl Name {
    /// Those that Ottla is compared with.
    pub(super) const PEERS: [Self; 4] = [Self::Kafka, Self::KafkaWith4G, Self::Tansu, Self::Nats];

    /// The peer that is called so on the command line.
    pub(super) fn find_peer(name: &str) -> Option<Self> {
        Self::PEERS.into_iter().find(|peer| peer.short() == name)
    }

    /// On the command line, and in names of files.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::Ottla => "ottla",
            Self::Kafka => "kafka",
            Self::KafkaWith4G => "kafka-4g",
            Self::Tansu => "tansu",
            Self::Nats => "nats",
        }
    }

    /// Whether it runs in a virtual machine, which takes long to come to its speed.
    pub(super) fn is_virtual_machine(self) -> bool {
        matches!(self, Self::Kafka | Self::KafkaWith4G)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ottla => "Ottla",
            Self::Kafka => "Kafka",
            Self::KafkaWith4G => "Kafka with 4 GB",
            Self::Tansu => "Tansu",
            Self::Nats => "NATS",
        })
    }
}

/// What was measured, and what the broker used for it.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) report: Value,
    /// `None` where it is no broker.
    pub(super) used: Option<Usage>,
}

impl Measured {
    /// Of something that has one number or a few.
    pub(super) fn of(result: Value) -> Self {
        Self {
            report: json!({ "result": result }),
            used: None,
        }
    }
}

/// A broker that runs.
pub(super) struct Contender {
    pub(super) name: Name,
    broker: Broker,
    cores: Cores,
    /// Topics so far.
    topics: usize,
    /// The topic for all loads of a row; and how many directories there were before.
    kept: Option<(String, usize)>,
    /// The threads that force the disk, once they are known.
    forcing: BTreeSet<u32>,
    /// Before this it has not come to itself.
    settled_at: Instant,
}

impl Contender {
    pub(super) fn start(name: Name, cores: Cores) -> Result<Self> {
        Self::start_with(name, cores, &[])
    }

    /// Starts one that can be held.
    pub(super) fn start_to_hold(name: Name, cores: Cores) -> Result<Self> {
        Self::start_with(name, cores, HELD_KAFKA_SETTINGS)
    }

    fn start_with(name: Name, cores: Cores, of_kafka: &[(&str, &str)]) -> Result<Self> {
        let settings = match name {
            Name::Ottla => SETTINGS.to_vec(),
            Name::Kafka | Name::KafkaWith4G => [SETTINGS, of_kafka].concat(),
            Name::Tansu | Name::Nats => Vec::new(),
        };
        let label = format!("comparison-{}", name.short());
        let start = Start {
            name: &label,
            settings: &settings,
            port: None,
            core: (cores == Cores::OneEach).then_some(BROKER_CORE),
        };
        let broker = match name {
            Name::Ottla => start.ottla()?,
            Name::Kafka => start.kafka(1)?,
            Name::KafkaWith4G => start.kafka(4)?,
            Name::Tansu => start.tansu()?,
            Name::Nats => start.nats()?,
        };
        Ok(Self {
            name,
            broker,
            cores,
            topics: 0,
            kept: None,
            forcing: BTreeSet::new(),
            settled_at: Instant::now(),
        })
    }

    /// From the start of its process to its first answer.
    pub(super) fn answered_after(&self) -> Duration {
        self.broker.answered_after()
    }

    pub(super) fn topic<'a>(&self, name: &'a str) -> Topic<'a> {
        Topic {
            port: self.broker.port(),
            name,
            is_pinned: self.cores == Cores::OneEach,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.broker.pid()
    }

    /// Lets it write more than the write-ahead log of Ottla takes before it uses its slots again: a broker makes those
    /// once, and not in each minute of its life.
    pub(super) fn fill_up(&self) -> Result<()> {
        if self.name != Name::Nats {
            let topic = self.topic("comparison-first");
            topic.create(16, Durability::Relaxed.flush_messages())?;
            topic.bench(GIGABYTE, 0)?;
            topic.delete()?;
            thread::park_timeout(SETTLING);
        }
        Ok(())
    }

    /// Puts it under load for so many seconds.
    pub(super) fn load(
        &mut self,
        load: &Load,
        durability: Durability,
        seconds: u32,
    ) -> Result<Measured> {
        let measured = match self.name {
            Name::Nats => self.load_by_nats(seconds),
            _ => self.load_once(load, durability, seconds),
        };
        measured.with_context(|| format!("load on {}", self.name))
    }

    fn load_once(&mut self, load: &Load, durability: Durability, seconds: u32) -> Result<Measured> {
        let (name, directories) = match self.kept.take() {
            Some(kept) => kept,
            None => self.new_topic(load, durability, seconds)?,
        };
        let topic = self.topic(&name);
        // What was written before is not to be written back while this is measured.
        must_succeed(&mut Command::new("sync"))?;
        if load.is_cold {
            self.forget_cached()?;
        }
        thread::park_timeout(self.settled_at.saturating_duration_since(Instant::now()));
        let watch = match (load.are_forces_counted, self.forcing.is_empty()) {
            (true, true) => Some(Forces::watch_all(self.pid())?),
            (true, false) => Some(Forces::watch_threads(&self.forcing)?),
            (false, _) => None,
        };
        let beside = load
            .beside
            .map(|options| topic.begin(options, seconds))
            .transpose()?;
        if beside.is_some() {
            thread::park_timeout(SETTLING);
        }
        let before = Usage::of(self.pid())?;
        let mut report = topic.bench(load.measured, seconds)?;
        let used = Usage::of(self.pid())?.since(before);
        if let Some(beside) = beside {
            report["beside"] = beside.end()?;
        }
        match watch {
            Some(watch) if self.forcing.is_empty() => self.forcing = watch.threads()?,
            Some(watch) => report["result"]["forces"] = watch.count()?.into(),
            None => {}
        }
        self.kept = Some((name, directories));
        if load.is_topic_new {
            self.delete_topic()?;
        }
        Ok(Measured {
            report,
            used: Some(used),
        })
    }

    /// The load of the rows that NATS has, by a client of its own protocol.
    fn load_by_nats(&self, seconds: u32) -> Result<Measured> {
        must_succeed(&mut Command::new("sync"))?;
        thread::park_timeout(self.settled_at.saturating_duration_since(Instant::now()));
        let before = Usage::of(self.pid())?;
        let report = nats::load(self.broker.port(), seconds)?;
        let used = Some(Usage::of(self.pid())?.since(before));
        thread::park_timeout(SETTLING);
        Ok(Measured { report, used })
    }

    /// Makes a topic for a load, and fills it if that is wanted; its name, and how many directories there were before.
    fn new_topic(
        &mut self,
        load: &Load,
        durability: Durability,
        seconds: u32,
    ) -> Result<(String, usize)> {
        let directories = self.directories()?.len();
        self.topics += 1;
        let name = format!("comparison-{}", self.topics);
        let topic = self.topic(&name);
        topic.create(load.partitions, durability.flush_messages())?;
        if let Some(fill) = load.fill {
            topic.bench(fill, seconds)?;
        }
        Ok((name, directories))
    }

    /// Deletes the topic of the loads so far, if there is one.
    pub(super) fn delete_topic(&mut self) -> Result<()> {
        if let Some((name, directories)) = self.kept.take() {
            self.topic(&name).delete()?;
            self.wait_until_removed(directories)?;
        }
        Ok(())
    }

    /// Waits until there are no more directories than before a topic was made, or it has had time enough.
    fn wait_until_removed(&self, before: usize) -> Result<()> {
        let began = Instant::now();
        while self.directories()?.len() > before && began.elapsed() < REMOVING_LIMIT {
            thread::park_timeout(SETTLING / 20);
        }
        Ok(())
    }

    /// Lets it run again.
    pub(super) fn let_go(&mut self) -> Result<()> {
        self.signal("-CONT")?;
        self.settled_at = Instant::now() + SETTLING;
        Ok(())
    }

    /// Takes all processors from it, so that it cannot disturb the other one.
    pub(super) fn hold(&self) -> Result<()> {
        self.signal("-STOP")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        must_succeed(Command::new("kill").args([signal, &self.pid().to_string()]))
    }

    /// Makes the operating system forget the files of the broker.
    fn forget_cached(&self) -> Result<()> {
        let mut files: Vec<PathBuf> = Vec::new();
        for directory in self.directories()? {
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    files.push(entry.path());
                }
            }
        }
        for file in files {
            let mut input = std::ffi::OsString::from("if=");
            input.push(&file);
            // Without a count of blocks to copy it only gives advice about the whole file.
            must_succeed(
                Command::new("dd")
                    .args(["iflag=nocache", "count=0", "status=none"])
                    .arg(input),
            )?;
        }
        Ok(())
    }

    /// The directories that its files are in. One that goes meanwhile is none of them.
    fn directories(&self) -> Result<Vec<PathBuf>> {
        let mut directories = vec![self.broker.data_directory()];
        let mut next = 0;
        while let Some(directory) = directories.get(next) {
            let Ok(entries) = fs::read_dir(directory) else {
                directories.swap_remove(next);
                continue;
            };
            let entries = entries.flatten();
            let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            let inner: Vec<PathBuf> = inner.map(|entry| entry.path()).collect();
            directories.extend(inner);
            next += 1;
        }
        Ok(directories)
    }

    /// Kills it and starts it again on what it has left; how long it takes until the topic takes a record.
    pub(super) fn recover(&mut self, name: &str) -> Result<Duration> {
        self.broker.kill_and_start_again()?;
        let began = Instant::now();
        let topic = self.topic(name);
        while topic.bench("produce TOPIC -p 16 --records 1", 0).is_err() {
            ensure!(
                began.elapsed() < RECOVERY_LIMIT,
                "the topic takes nothing after the crash"
            );
        }
        Ok(self.answered_after() + began.elapsed())
    }
}
