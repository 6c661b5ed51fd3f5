//! Writers that remember what the broker has acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread;

use anyhow::ensure;
use sim::Dice;
use testkit::{Connection, batch};

/// Writers at a time, each on a partition of its own.
const WRITERS: i32 = 4;
const TOPIC: &str = "load";
/// The largest record.
const BYTES_MAX: u64 = 200_000;

/// One record, from which its value can be made again.
#[derive(Clone, Copy, Debug)]
struct Record {
    round: usize,
    writer: i32,
    number: u64,
    /// About how long it is.
    bytes: usize,
}

impl Record {
    /// Found nowhere else.
    fn value(self) -> Vec<u8> {
        let Self {
            round,
            writer,
            number,
            bytes,
        } = self;
        let name = format!("round {round} writer {writer} record {number}, ");
        name.repeat(1 + bytes / name.len()).into_bytes()
    }

    /// Whether a batch holds this record and no other.
    fn is_in(self, batch: &[u8]) -> bool {
        // The value is the last thing in a record but for the count of its headers.
        let mut end = self.value();
        end.push(0);
        batch.ends_with(&end)
    }
}

/// A record and where the broker has said that it is.
struct Acknowledged {
    topic: String,
    partition: i32,
    offset: i64,
    record: Record,
}

/// What was written to a broker over all its lives.
pub(crate) struct Load {
    dice: Dice,
    round: usize,
    /// By topic and partition, with their offsets.
    acknowledged: BTreeMap<(String, i32), Vec<(i64, Record)>>,
}

impl Load {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            round: 0,
            acknowledged: BTreeMap::new(),
        }
    }

    /// The records that were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.values().map(Vec::len).sum()
    }

    /// Makes a topic and lets all writers write, until so many records were acknowledged or no
    /// writer gets any further; then `end` must end the broker. Tells how many were acknowledged.
    pub(crate) fn run(
        &mut self,
        broker: SocketAddr,
        enough: usize,
        end: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        self.round += 1;
        let round = self.round;
        let before = self.acknowledged();
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let sender = sender.clone();
                let dice = Dice::new(self.dice.number());
                // That a writer is stopped by an error is what the end of a broker looks like.
                scope.spawn(move || write(broker, round, writer, dice, &sender));
            }
            drop(sender);
            for (count, one) in receiver.iter().enumerate() {
                self.note(one);
                if count + 1 == enough {
                    break;
                }
            }
            let ended = end();
            // What arrived while the broker was ending.
            receiver.iter().for_each(|one| self.note(one));
            ended
        })?;
        Ok(self.acknowledged() - before)
    }

    fn note(&mut self, one: Acknowledged) {
        let records = self.acknowledged.entry((one.topic, one.partition));
        records.or_default().push((one.offset, one.record));
    }

    /// Reads everything, and tells what was acknowledged and is not there or differs.
    pub(crate) fn lost(&self, broker: SocketAddr) -> anyhow::Result<Vec<String>> {
        let mut connection = Connection::open(broker)?;
        let mut lost = Vec::new();
        for ((topic, partition), records) in &self.acknowledged {
            // One record to a batch and nothing deleted, so the offset of a batch is its number.
            let batches = match connection.batches(topic, *partition) {
                Ok(batches) => batches,
                Err(error) => {
                    lost.push(format!("{topic}-{partition} cannot be read: {error:#}"));
                    continue;
                }
            };
            for (offset, record) in records {
                let batch = usize::try_from(*offset).ok().and_then(|at| batches.get(at));
                if !batch.is_some_and(|batch| record.is_in(batch)) {
                    lost.push(format!(
                        "{topic}-{partition} at offset {offset}: {record:?}"
                    ));
                }
            }
        }
        Ok(lost)
    }
}

/// Writes to a new topic once and then to one partition, until something goes wrong.
fn write(
    broker: SocketAddr,
    round: usize,
    writer: i32,
    mut dice: Dice,
    acknowledged: &Sender<Acknowledged>,
) -> anyhow::Result<()> {
    let mut connection = Connection::open(broker)?;
    // Others may have made it, in this life of the broker or in an earlier one.
    connection.create_topic(TOPIC, WRITERS)?;
    let own_topic = format!("round-{round}-writer-{writer}");
    let code = connection.create_topic(&own_topic, 1)?;
    ensure!(code == 0, "create {own_topic}: {code}");
    for number in 0.. {
        let (topic, partition) = match number {
            0 => (own_topic.as_str(), 0),
            _ => (TOPIC, writer),
        };
        // Small ones and large ones, with a part of a sector at their end.
        let bytes_max = match dice.one_in(2) {
            true => 100,
            false => BYTES_MAX,
        };
        let record = Record {
            round,
            writer,
            number,
            bytes: usize::try_from(dice.below(bytes_max))?,
        };
        let answer =
            connection.produce(topic, partition, batch(1_000, [record.value().as_slice()]))?;
        ensure!(answer.error_code == 0, "{record:?}: {}", answer.error_code);
        acknowledged.send(Acknowledged {
            topic: topic.to_owned(),
            partition,
            offset: answer.base_offset,
            record,
        })?;
    }
    Ok(())
}
