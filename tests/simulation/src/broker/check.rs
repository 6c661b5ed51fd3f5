//! What must hold whenever somebody has seen something, and after every start.

use super::dump::Dump;
use super::history::IDS;
use super::model::{Deletion, Proof, Told, TopicKey};
use super::world::{Checked, Shared, ensure};
use crate::batch;

impl Shared {
    /// An answer has said that a batch is there.
    pub(crate) fn acknowledge(&mut self, number: usize, base: i64, proof: Proof) -> Checked {
        self.tally.add("batches acknowledged", 1);
        self.place(number, base, proof)
    }

    /// Somebody has read a batch.
    pub(crate) fn see(
        &mut self,
        topic: TopicKey,
        partition: i32,
        base: i64,
        found: &[u8],
    ) -> Checked {
        if let Some(is_commit) = batch::marker(found).transpose()? {
            return self.see_marker(topic, partition, base, (found, is_commit));
        }
        let number = number_of(found).ok_or_else(|| format!("nobody sent what is at {base}"))?;
        let Some(sent) = self.model.sent.get_mut(number) else {
            return Err(format!("nobody sent batch {number}, which is at {base}"));
        };
        let topics = &self.model.topics;
        let is_namesake = topic > sent.topic && topics[sent.topic].name == topics[topic].name;
        if sent.is_by_name && is_namesake {
            // It came again and found the next topic of that name; where it was in the one before went with that.
            (sent.topic, sent.base, sent.proof) = (topic, None, Proof::None);
        }
        ensure!(
            (sent.topic, sent.partition) == (topic, partition),
            "batch {number} of topic {}, partition {}, is in topic {topic}, partition {partition}",
            sent.topic,
            sent.partition
        );
        let is_stamped = self.model.topics[topic].is_stamped;
        let (epoch, time) = batch::stamps(found);
        let stored = batch::stamped(&sent.bytes, base, epoch, is_stamped.then_some(time));
        ensure!(
            stored == found,
            "batch {number} at {base} is not as it was sent"
        );
        self.tally.add("batches read", 1);
        self.place(number, base, Proof::Durable)
    }

    fn place(&mut self, number: usize, base: i64, proof: Proof) -> Checked {
        let sent = &mut self.model.sent[number];
        ensure!(
            sent.base.is_none_or(|known| known == base),
            "batch {number} is at {:?} and at {base}",
            sent.base
        );
        sent.base = Some(base);
        sent.proof = sent.proof.max(proof);
        let end = base + sent.records;
        let (topic, partition) = (sent.topic, sent.partition);
        let log = self.model.partition(topic, partition);
        let marker = log.markers.range(base..end).next();
        ensure!(
            marker.is_none(),
            "batch {number} at {base} reaches over {marker:?}"
        );
        let batches = &mut log.batches;
        if batches.get(&base) == Some(&number) {
            // It was compared with the others when it got its place, and they with it since.
            return Ok(());
        }
        let other = *batches.entry(base).or_insert(number);
        ensure!(
            other == number,
            "batches {number} and {other} are both at {base}"
        );
        let before = batches
            .range(..base)
            .next_back()
            .map(|(at, other)| (*at, *other));
        let after = batches.range(base + 1..).next().map(|(at, _)| *at);
        ensure!(
            after.is_none_or(|after| end <= after),
            "batch {number} at {base} reaches over {after:?}"
        );
        if let Some((at, other)) = before {
            let reach = at + self.model.sent[other].records;
            ensure!(
                reach <= base,
                "batch {other} at {at} reaches over batch {number} at {base}"
            );
        }
        self.check_order(number, base)
    }

    /// The batches of a producer are in the order of their sequence numbers, without doubles.
    fn check_order(&self, number: usize, base: i64) -> Checked {
        let sent = &self.model.sent[number];
        let Some((producer, epoch, sequence)) = sent.producer else {
            return Ok(());
        };
        let index = usize::try_from(sent.partition).unwrap_or(0);
        let batches = &self.model.topics[sent.topic].partitions[index].batches;
        for (at, other) in batches {
            let Some((its_producer, its_epoch, its_sequence)) = self.model.sent[*other].producer
            else {
                continue;
            };
            ensure!(
                its_producer != producer
                    || ((its_epoch, its_sequence) < (epoch, sequence)) == (*at < base)
                    || at == &base,
                "batch {other} at {at} and batch {number} at {base} have changed places"
            );
        }
        Ok(())
    }

    /// Somebody was told where a log begins and ends.
    pub(crate) fn show(
        &mut self,
        topic: TopicKey,
        partition: i32,
        start: Option<i64>,
        end: Option<i64>,
        told_before: Told,
    ) -> Checked {
        let may_trim = self.model.topics[topic].may_trim;
        let shown = self.model.partition(topic, partition);
        if let Some(start) = start {
            ensure!(
                start >= told_before.start,
                "the start went back from {} to {start}",
                told_before.start
            );
            ensure!(
                may_trim || start == 0,
                "the start is {start}, yet nothing may be removed"
            );
            shown.told.start = shown.told.start.max(start);
        }
        if let Some(end) = end {
            ensure!(
                end >= told_before.end,
                "the end went back from {} to {end}",
                told_before.end
            );
            shown.told.end = shown.told.end.max(end);
        }
        Ok(())
    }

    /// Somebody was told what a group has committed. `least` is what was known when it was asked for.
    pub(crate) fn check_committed(
        &mut self,
        group: &str,
        name: &str,
        partition: i32,
        offset: i64,
        least: Option<i64>,
    ) -> Checked {
        let committed = self.model.committed(group, name, partition);
        if offset < 0 {
            ensure!(
                least.is_none(),
                "{group} has lost {least:?} of {name}-{partition}"
            );
            return Ok(());
        }
        ensure!(
            least.is_none_or(|least| least <= offset),
            "{group} went back from {least:?} to {offset} in {name}-{partition}"
        );
        ensure!(
            offset <= committed.sent && !committed.refused.contains(&offset),
            "{group} is at {offset} in {name}-{partition}, which was refused or never sent"
        );
        committed.known = committed.known.max(Some(offset));
        Ok(())
    }

    /// Compares what is there after a start with what was promised; what is lost was never promised.
    pub(crate) fn settle(&mut self, found: &Dump, needs_written: bool) -> Checked {
        self.settle_topics(found)?;
        for key in 0..self.model.topics.len() {
            if self.model.topics[key].deletion == Deletion::Done {
                continue;
            }
            let count = self.model.topics[key].partitions.len();
            for partition in (0..).take(count) {
                let name = self.model.topics[key].name.clone();
                self.settle_log(key, partition, found, needs_written)
                    .map_err(|error| {
                        format!("topic {key} ({name}), partition {partition}: {error}")
                    })?;
            }
        }
        self.settle_offsets(found)?;
        self.settle_positions(found)
    }

    fn settle_topics(&mut self, found: &Dump) -> Checked {
        for (id, (name, partitions)) in &found.topics {
            match self.model.by_id(*id) {
                Some(key) => {
                    let topic = &self.model.topics[key];
                    let count = usize::try_from(*partitions).unwrap_or(0);
                    ensure!(
                        topic.deletion != Deletion::Done,
                        "topic {key} ({name}) is back"
                    );
                    ensure!(
                        topic.partitions.len() == count || topic.growing_to == Some(count),
                        "topic {key} ({name}) has {partitions} partitions"
                    );
                    self.model.grow(key, count);
                }
                None => {
                    let wanted = self.model.wanted.remove(name);
                    let wanted = wanted.ok_or_else(|| format!("nobody made topic {name}"))?;
                    self.model.adopt(name, *id, wanted);
                }
            }
        }
        // What is not there now was not made.
        self.model.wanted.clear();
        for (key, topic) in self.model.topics.iter_mut().enumerate() {
            let is_there = found.topics.contains_key(&topic.id);
            match topic.deletion {
                Deletion::None => ensure!(is_there, "topic {key} ({}) is lost", topic.name),
                // Nobody is at it any more: either it was deleted or it was not.
                Deletion::Asked if is_there => topic.deletion = Deletion::None,
                Deletion::Asked => topic.deletion = Deletion::Done,
                Deletion::Done => {}
            }
        }
        Ok(())
    }

    fn settle_log(
        &mut self,
        key: TopicKey,
        partition: i32,
        found: &Dump,
        needs_written: bool,
    ) -> Checked {
        let id = self.model.topics[key].id;
        let log = found.logs.get(&(id, partition)).ok_or("it is lost")?;
        let told_before = self.model.partition(key, partition).told;
        self.show(key, partition, Some(log.start), Some(log.end), told_before)?;
        // What is not promised and not there is forgotten before what is there takes its place.
        let known: Vec<(i64, usize)> = {
            let batches = &self.model.partition(key, partition).batches;
            batches
                .iter()
                .map(|(base, number)| (*base, *number))
                .collect()
        };
        for (base, number) in known {
            let sent = &self.model.sent[number];
            let is_removed = base + sent.records <= log.start;
            let is_there = log
                .batches
                .iter()
                .any(|(at, batch)| *at == base && number_of(batch) == Some(number));
            if is_removed || is_there {
                continue;
            }
            let is_promised =
                sent.proof == Proof::Durable || (sent.proof == Proof::Written && needs_written);
            ensure!(
                !is_promised,
                "batch {number} was promised at {base} ({:?}) and is lost; the log is {}..{}",
                sent.proof,
                log.start,
                log.end
            );
            self.tally.add("batches cut", 1);
            self.model.sent[number].base = None;
            self.model.sent[number].proof = Proof::None;
            self.model.partition(key, partition).batches.remove(&base);
        }
        let markers = &self.model.partition(key, partition).markers;
        let lost = markers
            .range(log.start..)
            .find(|(base, _)| !log.batches.iter().any(|(at, _)| at == *base));
        ensure!(
            lost.is_none(),
            "{lost:?} was read and is lost; the log is {}..{}",
            log.start,
            log.end
        );
        let mut epoch_before = i32::MIN;
        for (base, batch) in &log.batches {
            self.see(key, partition, *base, batch)?;
            let (epoch, _) = batch::stamps(batch);
            ensure!(
                epoch >= epoch_before,
                "leader epoch {epoch} follows {epoch_before}"
            );
            epoch_before = epoch;
        }
        self.settle_fates(key, partition, log, false)
    }

    fn settle_positions(&mut self, found: &Dump) -> Checked {
        for (id, partition) in (0..IDS.len()).flat_map(|id| [(id, 0), (id, 1)]) {
            let history = &mut self.model.history;
            let least = history.position(id, partition);
            let position = found.positions.get(&(id, partition));
            let (offset, metadata) = position.map_or((-1, ""), |(at, text)| (*at, text));
            history.see_position((id, partition), offset, metadata, least)?;
        }
        Ok(())
    }

    fn settle_offsets(&mut self, found: &Dump) -> Checked {
        let groups: Vec<String> = self.model.groups.keys().cloned().collect();
        for group in groups {
            let offsets: Vec<_> = self.model.groups[&group].offsets.keys().cloned().collect();
            for (name, partition) in offsets {
                if self.model.live(&name).is_none() {
                    continue;
                }
                let offset = found.offsets.get(&(group.clone(), name.clone(), partition));
                let least = self.model.committed(&group, &name, partition).known;
                let offset = offset.copied().unwrap_or(-1);
                self.check_committed(&group, &name, partition, offset, least)?;
            }
        }
        Ok(())
    }
}

/// The number in the first value of a batch.
pub(crate) fn number_of(batch: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(batch::first_value(batch)?).ok()?;
    text.split_once(':')?.0.parse().ok()
}
