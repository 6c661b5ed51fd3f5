//! One look at everything that clients can see.

use sim::Dice;

use super::asks::{COORDINATOR_NOT_AVAILABLE, KAFKA_STORAGE_ERROR, NONE};
use super::check::{Losses, Suspicion};
use super::client::Node;
use super::golden::group_log;
use super::promise::{Batch, Partition, Promises};
use super::reading::{Reading, read_from};

/// How many of the batches behind damage are asked for.
const BEHIND_MAX: usize = 12;
/// The log of the metadata.
pub(super) const METADATA: u32 = 0;

/// Reads everything and compares. Errs with a promise that is broken; what is refused is a loss.
pub(super) fn look(
    node: &mut Node,
    promises: &mut Promises,
    suspicion: &Suspicion,
    dice: &mut Dice,
) -> Result<Losses, String> {
    let mut losses = Losses::default();
    // Without its metadata log a broker does not know which log is whose, and writes nothing.
    let is_read_only = node.health().iter().any(|one| one.code == "read-only");
    if is_read_only && suspicion.touched.has(METADATA) {
        losses.add(METADATA, "nothing is written".to_owned());
    }
    let topics = node.topics()?;
    if topics != promises.topics {
        if !suspicion.touched.has(METADATA) {
            return Err(format!("other topics: {topics:?}"));
        }
        losses.add(METADATA, "topics are missing".to_owned());
    }
    for partition in &mut promises.partitions {
        if !topics.contains_key(&partition.topic) {
            losses.add(partition.log_id, format!("{} is missing", partition.topic));
            continue;
        }
        let name = partition.name();
        let mut looker = Looker {
            node,
            partition,
            suspicion,
            dice,
            losses: &mut losses,
        };
        looker.look().map_err(|error| format!("{name}: {error}"))?;
    }
    look_at_groups(node, promises, suspicion, &mut losses)?;
    Ok(losses)
}

impl Losses {
    pub(super) fn add(&mut self, log_id: u32, words: String) {
        self.logs.insert(log_id);
        self.words.push(words);
    }
}

struct Looker<'a> {
    node: &'a mut Node,
    partition: &'a mut Partition,
    suspicion: &'a Suspicion,
    dice: &'a mut Dice,
    losses: &'a mut Losses,
}

impl Looker<'_> {
    fn look(&mut self) -> Result<(), String> {
        self.look_at_start()?;
        let start = self.partition.start;
        let reading = self.read(start)?;
        self.compare(&reading)?;
        match reading.error {
            Some(code) => self.note_refusal(&reading, code)?,
            None => self.check_end(&reading)?,
        }
        self.look_at_end(reading.error.is_some())?;
        self.look_at_times(reading.error.is_some())
    }

    fn read(&mut self, from: i64) -> Result<Reading, String> {
        read_from(self.node, &self.partition.topic, self.partition.index, from)
    }

    fn offset_at(&mut self, timestamp: i64) -> Result<Result<i64, i16>, String> {
        let partition = &self.partition;
        self.node
            .offset_at(&partition.topic, partition.index, timestamp)
    }

    fn look_at_start(&mut self) -> Result<(), String> {
        let found = self.offset_at(-2)?;
        let start = found.map_err(|code| format!("the start: error {code}"))?;
        let expected = self.partition.start;
        let may_rise = self.suspicion.had_retention && !self.partition.keeps_all;
        if start < expected || (start > expected && !may_rise) {
            return Err(format!("starts at {start} and not at {expected}"));
        }
        self.partition.start = start;
        Ok(())
    }

    /// Every batch is the one that was there.
    fn compare(&self, reading: &Reading) -> Result<(), String> {
        for (base, batch) in &reading.batches {
            let expected = self.partition.batches.get(base);
            if expected != Some(batch) {
                return Err(format!(
                    "another batch at {base}: {} instead of {}",
                    summary(Some(batch)),
                    summary(expected)
                ));
            }
        }
        Ok(())
    }

    fn check_end(&mut self, reading: &Reading) -> Result<(), String> {
        let Partition {
            end, proven_end, ..
        } = *self.partition;
        if reading.next == end {
            return Ok(());
        }
        if reading.next < end && reading.next >= proven_end && self.suspicion.may_cut {
            self.losses.has_cut = true;
            self.partition.cut(reading.next);
            return Ok(());
        }
        Err(format!("ends at {} and not at {end}", reading.next))
    }

    /// What is refused is refused for a reason, and as an error that sends nobody elsewhere.
    fn note_refusal(&mut self, reading: &Reading, code: i16) -> Result<(), String> {
        let Partition { log_id, end, .. } = *self.partition;
        let words = format!(
            "{} is refused from {} on with error {code}",
            self.partition.name(),
            reading.next
        );
        if !self.suspicion.touched.has(log_id) || code != KAFKA_STORAGE_ERROR {
            return Err(words);
        }
        if let Some((log, first)) = self.suspicion.first_lost
            && log == log_id
            && reading.next < first
        {
            return Err(format!("{words}, although it is whole up to {first}"));
        }
        self.losses.add(log_id, words);
        let behind: Vec<i64> = self
            .partition
            .batches
            .range(reading.next..end)
            .map(|(base, _)| *base)
            .collect();
        let step = behind.len().div_ceil(BEHIND_MAX).max(1);
        let skip = self.dice.index(step);
        for base in behind.into_iter().skip(skip).step_by(step) {
            let beyond = self.read(base)?;
            self.compare(&beyond)?;
            match beyond.error {
                Some(KAFKA_STORAGE_ERROR) => {}
                None if beyond.next == end => {}
                other => {
                    return Err(format!(
                        "behind the damage, from {base} to {}: {other:?}",
                        beyond.next
                    ));
                }
            }
        }
        Ok(())
    }

    fn look_at_end(&mut self, is_refused: bool) -> Result<(), String> {
        let end = self.partition.end;
        match self.offset_at(-1)? {
            Ok(found) if found == end => Ok(()),
            // Who turns there is told.
            Ok(found) if is_refused && found < end => match self.read(found)?.error {
                Some(KAFKA_STORAGE_ERROR) => Ok(()),
                other => Err(format!("ends at {found} with {other:?}, not at {end}")),
            },
            Err(KAFKA_STORAGE_ERROR) if is_refused => Ok(()),
            other => Err(format!("the end is {other:?} and not {end}")),
        }
    }

    fn look_at_times(&mut self, is_refused: bool) -> Result<(), String> {
        let Partition { start, end, .. } = *self.partition;
        for (timestamp, expected) in self.partition.times.clone() {
            if expected < start || expected >= end {
                continue;
            }
            match self.offset_at(timestamp)? {
                Ok(found) if found == expected => {}
                Err(KAFKA_STORAGE_ERROR) if is_refused => {}
                other => {
                    return Err(format!("time {timestamp} is {other:?} and not {expected}"));
                }
            }
        }
        Ok(())
    }
}

fn look_at_groups(
    node: &mut Node,
    promises: &Promises,
    suspicion: &Suspicion,
    losses: &mut Losses,
) -> Result<(), String> {
    let (listed, error) = node.groups()?;
    for (group, expected) in &promises.groups {
        let log_id = group_log(group);
        let is_suspect = suspicion.touched.has(log_id) || losses.logs.contains(&METADATA);
        match node.committed(group)? {
            Ok(found) if found == *expected => {
                if error == NONE && !listed.contains(group) {
                    return Err(format!("group {group} is not listed"));
                }
            }
            Ok(found) => return Err(format!("group {group}: {found:?} and not {expected:?}")),
            Err(KAFKA_STORAGE_ERROR | COORDINATOR_NOT_AVAILABLE) if is_suspect => {
                losses.add(log_id, format!("group {group} is refused"));
            }
            Err(code) => return Err(format!("group {group}: error {code}")),
        }
    }
    Ok(())
}

fn summary(batch: Option<&Batch>) -> String {
    let Some(batch) = batch else {
        return "none".to_owned();
    };
    let head = &batch.bytes[..batch.bytes.len().min(80)];
    format!("{} bytes, {head:02x?}", batch.bytes.len())
}
