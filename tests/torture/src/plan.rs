//! What a run works on: topics, producers and groups. Written beside the journal, so that whoever
//! reads it needs nothing else.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const FILE_NAME: &str = "plan.json";

/// The codecs, one producer each.
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// What may happen to the records of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing: all of them stay.
    Kept,
    /// Retention and requests remove the oldest.
    Trimmed,
    /// The topic is deleted and made again, over and over.
    Churned,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it is made with; the most, if it is churned.
    pub partitions: i32,
    /// What may happen to its records.
    pub kind: Kind,
    /// Whether its records carry the broker's time instead of the producer's.
    pub is_log_append_time: bool,
    /// The settings it is made with.
    pub settings: Vec<(String, String)>,
}

/// A producer of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// Its codec, by librdkafka's name.
    pub codec: String,
    /// The topics that it writes to, by index.
    pub topics: Vec<usize>,
}

/// A consumer group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// How partitions are assigned, by librdkafka's name.
    pub strategy: String,
    /// The topics it reads, by index.
    pub topics: Vec<usize>,
    /// How many members it has at most at a time.
    pub members: usize,
}

/// All of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What decides sizes, places and moments.
    pub seed: u64,
    /// The topics; the journal names them by their index here.
    pub topics: Vec<Topic>,
    /// The producers; the journal names them by their index here.
    pub producers: Vec<Producer>,
    /// The groups; the journal names them by their index here.
    pub groups: Vec<Group>,
}

impl Plan {
    /// The plan of a run. Where the power is not cut it has a relaxed topic, which a kill takes nothing of either.
    pub fn new(seed: u64, power_loss: bool) -> Self {
        let mut topics = vec![
            topic("kept", 6, Kind::Kept, &[]),
            topic(
                "stamped",
                4,
                Kind::Kept,
                &[
                    ("message.timestamp.type", "LogAppendTime"),
                    ("segment.ms", "2000"),
                ],
            ),
            topic(
                "trimmed",
                4,
                Kind::Trimmed,
                &[("retention.bytes", "2097152"), ("segment.ms", "1500")],
            ),
            topic("churned-0", 3, Kind::Churned, &[]),
            topic(
                "churned-1",
                2,
                Kind::Churned,
                &[("message.timestamp.type", "LogAppendTime")],
            ),
        ];
        if !power_loss {
            let never = i64::MAX.to_string();
            let settings = [("flush.messages", &*never), ("flush.ms", &*never)];
            topics.push(topic("relaxed", 3, Kind::Kept, &settings));
        }
        let of_kind = |is_churned: bool| {
            let topics = topics.iter().enumerate();
            let wanted =
                topics.filter(move |(_, topic)| (topic.kind == Kind::Churned) == is_churned);
            wanted.map(|(index, _)| index).collect::<Vec<_>>()
        };
        let mut producers: Vec<Producer> = CODECS
            .iter()
            .map(|codec| Producer {
                codec: (*codec).to_owned(),
                topics: of_kind(false),
            })
            .collect();
        // Each churned topic has a producer of its own, which is there as long as the topic is.
        for (number, topic) in of_kind(true).into_iter().enumerate() {
            producers.push(Producer {
                codec: ["none", "lz4"][number % 2].to_owned(),
                topics: vec![topic],
            });
        }
        let group = |id: &str, strategy: &str, is_churned, members| Group {
            id: id.to_owned(),
            strategy: strategy.to_owned(),
            topics: of_kind(is_churned),
            members,
        };
        let groups = vec![
            group("cooperative", "cooperative-sticky", false, 3),
            group("eager", "range,roundrobin", false, 3),
            group("churned", "roundrobin", true, 1),
        ];
        Self {
            seed,
            topics,
            producers,
            groups,
        }
    }

    /// What the broker is told, so that it flushes, rolls, checkpoints and trims all the time.
    pub fn broker_settings() -> Vec<(&'static str, &'static str)> {
        vec![
            ("wal.max.bytes", "268435456"),
            ("memory.max.bytes", "67108864"),
            ("log.segment.bytes", "1048576"),
            ("log.retention.check.interval.ms", "500"),
            ("group.initial.rebalance.delay.ms", "0"),
            // A topic that got lost shall stay lost, and be noticed.
            ("auto.create.topics.enable", "false"),
        ]
    }

    /// The topics that are there all the time, with their indexes.
    pub fn lasting_topics(&self) -> impl Iterator<Item = (usize, &Topic)> {
        let topics = self.topics.iter().enumerate();
        topics.filter(|(_, topic)| topic.kind != Kind::Churned)
    }

    /// The topic with this name, with its index.
    pub fn topic_named(&self, name: &str) -> Option<(usize, &Topic)> {
        let mut topics = self.topics.iter().enumerate();
        topics.find(|(_, topic)| topic.name == name)
    }

    /// Writes the plan into a journal's directory.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(directory.join(FILE_NAME), text).context("write the plan")
    }

    /// Reads the plan from a journal's directory.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be read.
    pub fn read(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE_NAME);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }
}

fn topic(name: &str, partitions: i32, kind: Kind, settings: &[(&str, &str)]) -> Topic {
    let settings: Vec<(String, String)> = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Topic {
        name: name.to_owned(),
        partitions,
        kind,
        is_log_append_time: settings.iter().any(|(_, value)| value == "LogAppendTime"),
        settings,
    }
}
