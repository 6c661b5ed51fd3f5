//! Data directories as brokers leave them behind, with all that was promised about them.

use std::time::Duration;

use env::Clock;
use sim::{Dice, Handles, SimFs};

use super::asks::NONE;
use super::client::{GROUP_PARTITIONS, Node};
use super::layout::Wal;
use super::promise::{Partition, Producer, Promises};
use super::reading::read_from;
use super::records;
use crate::batch::HEADER_BYTES;

/// A data directory at rest.
pub(super) struct Golden {
    pub fs: SimFs,
    /// The time at which the broker ended.
    pub now: Duration,
    pub wal_bytes_max: i64,
    /// The same directory earlier, the oldest first.
    pub earlier: Vec<SimFs>,
    pub promises: Promises,
}

/// Names and values.
type Settings = &'static [(&'static str, &'static str)];

/// Topics with their settings, in the order in which they are made. The offsets of groups come in
/// between. What `left` and `right` hold has the same sizes everywhere.
const TOPICS: [(&str, i32, Settings); 6] = [
    ("events", 3, &[("index.interval.bytes", "512")]),
    ("stamped", 1, &[("message.timestamp.type", "LogAppendTime")]),
    ("short", 2, &[("retention.ms", "9000000")]),
    ("capped", 1, &[("retention.bytes", "12000")]),
    ("left", 1, &[("index.interval.bytes", "256")]),
    ("right", 1, &[("index.interval.bytes", "256")]),
];
/// How many topics are there before groups are.
const TOPICS_BEFORE_GROUPS: usize = 2;
const TWINS: [&str; 2] = ["left", "right"];
pub(super) const GROUPS: [&str; 4] = ["readers", "writers", "auditors", "g"];

/// The log that holds a partition of the groups.
pub(super) fn group_log(group: &str) -> u32 {
    let before: i32 = TOPICS[..TOPICS_BEFORE_GROUPS].iter().map(|t| t.1).sum();
    // As Java's String.hashCode has it, without the sign.
    let hash = group.bytes().fold(0_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let partition = (hash & 0x7fff_ffff) % GROUP_PARTITIONS.cast_unsigned();
    1 + before.cast_unsigned() + partition
}

/// A broker being worked with.
struct Work {
    dice: Dice,
    node: Option<Node>,
    wal_bytes_max: i64,
    promises: Promises,
    /// What was sent and acknowledged since the last look, by partition and offset.
    sent: Vec<(usize, i64, Vec<u8>)>,
}

/// Lets a broker work, end and start again some times.
pub(super) fn build(seed: u64) -> Result<Golden, String> {
    let mut dice = Dice::new(seed);
    let wal_bytes_max = [512 << 10, 1 << 20, 2 << 20][dice.index(3)];
    let (_, handles) = sim::env(dice.number());
    let mut work = Work {
        dice,
        node: Some(Node::open(handles, wal_bytes_max)?),
        wal_bytes_max,
        promises: Promises::default(),
        sent: Vec::new(),
    };
    work.make_topics()?;
    let mut earlier = Vec::new();
    for _ in 0..2 + work.dice.below(3) {
        work.session()?;
        earlier.push(work.restart()?);
    }
    work.session()?;
    let handles = work.finish()?;
    let now = handles.clock.now().0;
    let fs = handles.fs.fork();
    let mut golden = Golden {
        fs,
        now,
        wal_bytes_max,
        earlier,
        promises: work.promises,
    };
    let unproven = Wal::read(&golden.fs).unproven();
    for partition in &mut golden.promises.partitions {
        let first = unproven.get(&partition.log_id);
        partition.proven_end = first.copied().unwrap_or(partition.end);
    }
    Ok(golden)
}

impl Work {
    fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("a broker that runs")
    }

    fn make_topics(&mut self) -> Result<(), String> {
        let mut log_id = 1;
        for (number, (topic, partitions, configs)) in TOPICS.into_iter().enumerate() {
            if number == TOPICS_BEFORE_GROUPS {
                self.commit(0)?;
                log_id += GROUP_PARTITIONS.cast_unsigned();
            }
            self.node().create_topic(topic, partitions, configs)?;
            for index in 0..partitions {
                let producer = match self.dice.below(2) {
                    1 if !TWINS.contains(&topic) => Some(self.producer()?),
                    _ => None,
                };
                self.promises.partitions.push(Partition {
                    topic: topic.to_owned(),
                    index,
                    log_id,
                    keeps_all: !configs
                        .iter()
                        .any(|(name, _)| name.starts_with("retention")),
                    start: 0,
                    end: 0,
                    proven_end: 0,
                    batches: Default::default(),
                    producer,
                    times: Vec::new(),
                });
                log_id += 1;
            }
        }
        Ok(())
    }

    fn producer(&mut self) -> Result<Producer, String> {
        let found = self.node().producer_id();
        let (id, epoch) = found.map_err(|code| format!("a producer id: error {code}"))?;
        Ok(Producer {
            id,
            epoch,
            next_sequence: 0,
            last: None,
        })
    }

    /// Some requests, and some time between them.
    fn session(&mut self) -> Result<(), String> {
        for _ in 0..10 + self.dice.below(25) {
            match self.dice.below(20) {
                0..13 => self.produce()?,
                13..16 => {
                    let count = self.promises.partitions.len();
                    let partition = self.dice.index(count);
                    self.commit(partition)?;
                }
                16 => self.short_lived_topic()?,
                17..19 => self.node().rest(),
                _ => {
                    self.look()?;
                    self.node().pass();
                }
            }
        }
        self.look()
    }

    fn now_ms(&mut self) -> i64 {
        self.node().now_ms()
    }

    fn produce(&mut self) -> Result<(), String> {
        let count = self.promises.partitions.len();
        let number = self.dice.index(count);
        let now_ms = self.now_ms();
        let topic = &self.promises.partitions[number].topic;
        if !TWINS.contains(&topic.as_str()) {
            let mut dice = self.dice.clone();
            let producer = self.promises.partitions[number].producer.as_ref();
            let batch = records::roll(&mut dice, now_ms, producer);
            self.dice = dice;
            return self.send(number, batch);
        }
        let bytes = 1 + self.dice.below(900);
        let [one, other] = records::twins(&mut self.dice, now_ms, bytes);
        let twins = self.promises.partitions.iter().enumerate();
        let twins: Vec<usize> = twins
            .filter(|(_, partition)| TWINS.contains(&partition.topic.as_str()))
            .map(|(number, _)| number)
            .collect();
        self.send(twins[0], one)?;
        self.send(twins[1], other)
    }

    fn send(&mut self, number: usize, batch: Vec<u8>) -> Result<(), String> {
        let partition = &self.promises.partitions[number];
        let (topic, index) = (partition.topic.clone(), partition.index);
        let produced = self.node().produce(&topic, index, &batch)?;
        let base = produced.map_err(|code| format!("produce to {topic}-{index}: error {code}"))?;
        self.promises.partitions[number].note_sent(&batch, base);
        self.sent.push((number, base, batch));
        Ok(())
    }

    fn commit(&mut self, number: usize) -> Result<(), String> {
        let group = GROUPS[self.dice.index(GROUPS.len())];
        let (topic, index, end) = match self.promises.partitions.get(number) {
            Some(partition) => (partition.topic.clone(), partition.index, partition.end),
            None => (TOPICS[0].0.to_owned(), 0, 0),
        };
        let offset = self.dice.below(end.cast_unsigned() + 1).cast_signed();
        let metadata = format!("note {}", self.dice.below(1000));
        let committed = self
            .node()
            .commit(group, &topic, index, (offset, &metadata))?;
        committed.map_err(|code| format!("commit of {group}: error {code}"))?;
        let known = self.promises.groups.entry(group.to_owned()).or_default();
        known.insert((topic, index), (offset, metadata));
        Ok(())
    }

    fn short_lived_topic(&mut self) -> Result<(), String> {
        let name = format!("gone-{}", self.dice.number());
        let now_ms = self.now_ms();
        let batch = records::roll(&mut self.dice, now_ms, None);
        self.node().create_topic(&name, 1, &[])?;
        let produced = self.node().produce(&name, 0, &batch)?;
        produced.map_err(|code| format!("produce to {name}: error {code}"))?;
        self.node().delete_topic(&name)
    }

    /// Reads everything and remembers it. Errs if it is not what was sent.
    fn look(&mut self) -> Result<(), String> {
        let mut promises = std::mem::take(&mut self.promises);
        promises.topics = self.node().topics()?;
        for partition in &mut promises.partitions {
            look_at(self.node(), partition)
                .map_err(|error| format!("{}: {error}", partition.name()))?;
        }
        for (number, base, batch) in self.sent.drain(..) {
            let partition = &promises.partitions[number];
            let found = partition.batches.get(&base);
            let is_it =
                found.is_some_and(|found| found.bytes[HEADER_BYTES..] == batch[HEADER_BYTES..]);
            if !is_it && base >= partition.start {
                return Err(format!("{}: not what was sent at {base}", partition.name()));
            }
        }
        self.promises = promises;
        Ok(())
    }

    /// Ends the broker in one way or the other and starts it again; the disk in between.
    fn restart(&mut self) -> Result<SimFs, String> {
        let node = self.node.take().expect("a broker that runs");
        let handles = match self.dice.below(3) {
            0 => node.shut_down(),
            1 => node.end().kill(),
            _ => node.end().crash(),
        };
        let disk = handles.fs.fork();
        self.node = Some(Node::open(handles, self.wal_bytes_max)?);
        self.look()?;
        Ok(disk)
    }

    /// Ends the broker; the last batches may be too new to be called durable by anything.
    fn finish(&mut self) -> Result<Handles, String> {
        self.node().rest();
        let has_news = self.dice.one_in(3);
        if has_news {
            for _ in 0..1 + self.dice.below(3) {
                self.produce()?;
            }
            self.look()?;
        }
        let node = self.node.take().expect("a broker that runs");
        Ok(match self.dice.below(3) {
            0 => node.shut_down(),
            1 => node.end().kill(),
            _ if has_news => node.end().crash(),
            // What says that all of it was durable is not forced itself.
            _ => node.end().kill(),
        })
    }
}

fn look_at(node: &mut Node, partition: &mut Partition) -> Result<(), String> {
    let (topic, index) = (&partition.topic, partition.index);
    let start = node.offset_at(topic, index, -2)?;
    partition.start = start.map_err(|code| format!("the start: error {code}"))?;
    let reading = read_from(node, topic, index, partition.start)?;
    if reading.error.is_some_and(|code| code != NONE) || reading.next != partition.end {
        return Err(format!(
            "cannot be read up to {}: {reading:?}",
            partition.end
        ));
    }
    for (base, batch) in reading.batches {
        partition.batches.insert(base, batch);
    }
    partition.times.clear();
    let timestamps: Vec<i64> = partition.timestamps();
    for timestamp in timestamps {
        let found = node.offset_at(topic, index, timestamp)?;
        let found = found.map_err(|code| format!("time {timestamp}: error {code}"))?;
        partition.times.push((timestamp, found));
    }
    Ok(())
}
