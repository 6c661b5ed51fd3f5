//! Made-up journals with the logs that belong to them.

use std::collections::BTreeMap;

use torture::check::{History, Image, Report, judge};
use torture::findings::Violation;
use torture::journal::{Entry, Held, Line, Micros, Operation, Outcome, Place};
use torture::plan::Plan;

/// A producer of the topics that last.
pub(crate) const PRODUCER: u16 = 0;

pub(crate) fn place(topic: usize, partition: i32) -> Place {
    Place { topic, partition }
}

/// What happened, and what the logs hold.
pub(crate) struct Story {
    plan: Plan,
    lines: Vec<(String, Line)>,
    logs: BTreeMap<Place, Image>,
    sequences: BTreeMap<u16, u32>,
    incarnations: BTreeMap<usize, u32>,
    now: Micros,
}

impl Story {
    /// All topics of the plan have been made.
    pub(crate) fn new() -> Self {
        let plan = Plan::new(1, true);
        let mut story = Self {
            lines: Vec::new(),
            logs: BTreeMap::new(),
            sequences: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            now: 1_000,
            plan,
        };
        for topic in 0..story.plan.topics.len() {
            story.make(topic, 0);
        }
        story
    }

    fn make(&mut self, topic: usize, incarnation: u32) {
        let actor = format!("topic-{topic}");
        let partitions = self.plan.topics[topic].partitions;
        self.note(&actor, Entry::Asked(topic, Operation::Create));
        let answer = Entry::Answered(topic, Operation::Create, Outcome::Done);
        self.note(&actor, answer);
        self.note(&actor, Entry::Incarnation(topic, incarnation, partitions));
        self.incarnations.insert(topic, incarnation);
    }

    /// Deletes a topic and makes it again.
    pub(crate) fn make_again(&mut self, topic: usize) {
        let actor = format!("topic-{topic}");
        self.note(&actor, Entry::Asked(topic, Operation::Delete));
        let answer = Entry::Answered(topic, Operation::Delete, Outcome::Done);
        self.note(&actor, answer);
        self.logs.retain(|place, _| place.topic != topic);
        self.make(topic, self.incarnations[&topic] + 1);
    }

    pub(crate) fn note(&mut self, actor: &str, entry: Entry) {
        self.now += 1;
        self.note_at(self.now, actor, entry);
    }

    pub(crate) fn note_at(&mut self, at: Micros, actor: &str, entry: Entry) {
        self.lines.push((actor.to_owned(), Line(at, entry)));
    }

    /// A producer is going to send a record; what it is.
    pub(crate) fn intend(&mut self, producer: u16, place: Place) -> Held {
        let next = self.sequences.entry(producer).or_default();
        let sequence = *next;
        *next += 1;
        let digest = u64::from(producer) << 32 | u64::from(sequence);
        let timestamp = 1_000 + i64::from(sequence);
        self.note(
            &format!("producer-{producer:02}"),
            Entry::Intent {
                producer,
                sequence,
                place,
                incarnation: self.incarnations[&place.topic],
                bytes: 10,
                digest,
                timestamp,
            },
        );
        Held {
            offset: 0,
            producer,
            sequence,
            digest,
            timestamp,
        }
    }

    /// Records that are sent, appended and acknowledged.
    pub(crate) fn produce(&mut self, producer: u16, place: Place, count: u32) {
        for _ in 0..count {
            let mut held = self.intend(producer, place);
            if self.plan.topics[place.topic].is_log_append_time {
                held.timestamp += 5_000;
            }
            let log = self.log(place);
            held.offset = log.end;
            log.end += 1;
            log.records.push(held);
            self.note(
                &format!("producer-{producer:02}"),
                Entry::Acknowledged {
                    producer,
                    sequence: held.sequence,
                    partition: place.partition,
                    offset: held.offset,
                    timestamp: held.timestamp,
                },
            );
        }
    }

    /// What a partition holds; empty if it was not written to.
    pub(crate) fn log(&mut self, place: Place) -> &mut Image {
        let incarnation = self.incarnations[&place.topic];
        self.logs.entry(place).or_insert_with(|| Image {
            place,
            incarnation,
            start: 0,
            end: 0,
            records: Vec::new(),
        })
    }

    pub(crate) fn forget_log(&mut self, place: Place) {
        self.logs.remove(&place);
    }

    /// Exchanges two records of a log together with what was said about them.
    pub(crate) fn swap_with_answers(&mut self, place: Place, first: usize, second: usize) {
        let log = self.log(place);
        log.records.swap(first, second);
        log.records[first].offset = first as i64;
        log.records[second].offset = second as i64;
        let offsets: BTreeMap<(u16, u32), i64> = log
            .records
            .iter()
            .map(|held| ((held.producer, held.sequence), held.offset))
            .collect();
        for (_, Line(_, entry)) in &mut self.lines {
            if let Entry::Acknowledged {
                producer,
                sequence,
                offset,
                ..
            } = entry
                && let Some(found) = offsets.get(&(*producer, *sequence))
            {
                *offset = *found;
            }
        }
    }

    /// Its producer was never told about what it sent.
    pub(crate) fn take_back_answers(&mut self, of: u16) {
        self.lines.retain(|(_, Line(_, entry))| {
            !matches!(entry, Entry::Acknowledged { producer, .. } if *producer == of)
        });
    }

    /// A reader reads a log from its start to its end.
    pub(crate) fn read_all(&mut self, reader: &str, place: Place) {
        let records = self.log(place).records.clone();
        self.note(reader, Entry::Start(place, Some(-1)));
        for held in records {
            self.note(reader, Entry::Seen(place, held));
        }
    }

    pub(crate) fn judge(&self) -> anyhow::Result<Report> {
        let mut history = History::default();
        for (actor, line) in &self.lines {
            history.add(actor, line.clone());
        }
        let images: Vec<Image> = self.logs.values().cloned().collect();
        judge(&self.plan, &history, &images)
    }

    /// Checks that exactly this is found.
    #[track_caller]
    pub(crate) fn check(&self, wanted: &[(Violation, u64)]) {
        let report = self.judge().expect("a journal that agrees with itself");
        let found: BTreeMap<_, _> = report.findings.counts().into_iter().collect();
        let found: Vec<_> = found.into_iter().filter(|(_, count)| *count > 0).collect();
        let mut wanted = wanted.to_vec();
        wanted.sort();
        assert_eq!(found, wanted, "{:#?}", report.findings.examples());
    }
}
