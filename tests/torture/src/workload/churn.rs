//! A topic that is made, written to, read, deleted, and made again.

use std::time::{Duration, Instant};

use super::sender::{Burst, Sender};
use super::topics::Topics;
use super::{Role, Stage};
use crate::findings::Violation;
use crate::journal::{Entry, Pen, Place};
use crate::random::Random;
use crate::reading::read_topic;

/// How long the broker may take to answer everything, kills included.
const ANSWERS_LIMIT: Duration = Duration::from_secs(60);

/// What lasts longer than one topic of this name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Churn {
    /// Records sent by the producer of the topic.
    sequence: u32,
    /// Topics of this name there have been.
    incarnations: u32,
}

/// Makes and deletes the topic of a producer until the workload is to stop. The last one stays.
pub(super) fn run(stage: &Stage, producer: u16, churn: &mut Churn) -> anyhow::Result<()> {
    let plan = &stage.plan.producers[usize::from(producer)];
    let topic_index = plan.topics[0];
    let topic = &stage.plan.topics[topic_index];
    let mut random = Random::new(stage.seed, 2_000 + u64::from(producer));
    let pen = stage.journal.pen(&format!("topic-{topic_index}"))?;
    let topics = Topics::new(&stage.bootstrap, &pen, &stage.control)?;
    loop {
        if churn.incarnations > 0 {
            topics.delete(topic_index, topic)?;
            stage.control.pause(Role::Writer, random.millis(0, 200));
        }
        let most = u64::from(topic.partitions.unsigned_abs());
        let partitions = i32::try_from(random.between(1, most))?;
        let incarnation = churn.incarnations;
        topics.create(topic_index, topic, partitions, incarnation)?;
        churn.incarnations += 1;
        let incarnation = Incarnation {
            stage,
            pen: &pen,
            producer,
            topic: topic_index,
            number: incarnation,
            partitions,
        };
        incarnation.live(&plan.codec, churn, &mut random)?;
        if stage.control.is_stopping(Role::Writer) {
            return Ok(());
        }
    }
}

/// One topic of the name.
struct Incarnation<'a> {
    stage: &'a Stage,
    pen: &'a Pen,
    producer: u16,
    topic: usize,
    number: u32,
    partitions: i32,
}

impl Incarnation<'_> {
    /// Writes to it for a while. Half of them are read to the end before they are deleted, the
    /// others are deleted under the hands of their producer.
    fn live(&self, codec: &str, churn: &mut Churn, random: &mut Random) -> anyhow::Result<()> {
        let stage = self.stage;
        let sender = Sender::new(
            &stage.bootstrap,
            self.producer,
            codec,
            false,
            random,
            self.pen,
            &stage.control,
        )?;
        let began = Instant::now();
        let life = random.millis(200, 2_500);
        while began.elapsed() < life && !stage.control.is_stopping(Role::Writer) {
            if sender.wait_for_room(Duration::from_millis(100)) {
                let burst = self.burst(random);
                if !sender.send(burst, &mut churn.sequence, random) {
                    break;
                }
                stage.control.pause(Role::Writer, random.millis(0, 100));
            }
        }
        let is_read = random.percent(50) || stage.control.is_stopping(Role::Writer);
        if is_read && !sender.wait_for_answers(ANSWERS_LIMIT) {
            let text = format!(
                "producer {} has waited {ANSWERS_LIMIT:?} for answers",
                self.producer
            );
            stage.control.find(Violation::Stalled, text);
        }
        // What is not answered by now shall not come to the next topic of this name.
        sender.close();
        if is_read && !stage.control.is_stopping(Role::Writer) {
            self.read()?;
        }
        Ok(())
    }

    fn burst(&self, random: &mut Random) -> Burst<'_> {
        let last = u64::from((self.partitions - 1).unsigned_abs());
        Burst {
            topic: &self.stage.plan.topics[self.topic].name,
            place: Place {
                topic: self.topic,
                partition: i32::try_from(random.between(0, last)).unwrap_or_default(),
            },
            incarnation: self.number,
            records: random.magnitude(1, 30),
        }
    }

    /// Notes all that the topic holds; nobody writes to it any more.
    fn read(&self) -> anyhow::Result<()> {
        let name = &self.stage.plan.topics[self.topic].name;
        let logs = read_topic(&self.stage.bootstrap, name, self.partitions)?;
        if logs.len() != usize::try_from(self.partitions)? {
            let text = format!(
                "{name} has {} partitions, not {}",
                logs.len(),
                self.partitions
            );
            self.stage.control.find(Violation::TopicLost, text);
        }
        self.pen.note_all(logs.into_iter().map(|log| Entry::Image {
            place: Place {
                topic: self.topic,
                partition: log.partition,
            },
            incarnation: self.number,
            start: log.start,
            end: log.end,
            records: log.records,
        }));
        Ok(())
    }
}
