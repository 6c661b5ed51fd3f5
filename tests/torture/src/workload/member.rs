//! Members of consumer groups: they join, read, commit and leave, and note what they were given.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer as _, ConsumerContext, RebalanceProtocol,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::{Control, Event, Role, Stage};
use crate::journal::{Entry, Pen, Place, Spot};
use crate::plan::Plan;
use crate::random::Random;
use crate::reading::{committed_offsets, consumer_config, held};

/// The text that goes with a committed offset: long, so that the broker has to shorten its log of
/// offsets again and again.
const METADATA_BYTES: usize = 3_000;
/// How long a poll waits: it is only asked again.
const POLL: Duration = Duration::from_millis(50);
/// How long commits may be held back.
const HOLD_LIMIT: Duration = Duration::from_secs(60);
/// How long leaving a group may take.
const LEAVE_LIMIT: Duration = Duration::from_secs(30);
/// How long the group may take to tell its offsets when partitions are assigned.
const COMMITTED_LIMIT: Duration = Duration::from_secs(5);

/// Takes part in a group again and again until the workload is to stop.
pub(super) fn run(stage: &Stage, group: usize, member: usize) -> anyhow::Result<()> {
    let stream = 1_000 + 100 * group as u64 + member as u64;
    let mut random = Random::new(stage.seed, stream);
    let pen = stage.journal.pen(&format!("group-{group}-{member}"))?;
    while !stage.control.is_stopping(Role::Reader) {
        live(
            stage,
            group,
            &pen,
            random.millis(1_000, 12_000),
            &mut random,
        )?;
        stage.control.pause(Role::Reader, random.millis(0, 1_000));
    }
    Ok(())
}

/// One membership, from joining to leaving.
fn live(
    stage: &Stage,
    group: usize,
    pen: &Pen,
    life: Duration,
    random: &mut Random,
) -> anyhow::Result<()> {
    let plan = &stage.plan.groups[group];
    let mut config = consumer_config(&stage.bootstrap, &plan.id);
    config
        .set("partition.assignment.strategy", &plan.strategy)
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "300")
        .set("topic.metadata.refresh.interval.ms", "1000");
    let context = Member {
        plan: stage.plan.clone(),
        group,
        pen: pen.clone(),
        positions: Mutex::default(),
    };
    let consumer: BaseConsumer<Member> = BaseConsumer::from_config_and_context(&config, context)?;
    let topics = plan
        .topics
        .iter()
        .map(|topic| stage.plan.topics[*topic].name.as_str());
    consumer.subscribe(&topics.collect::<Vec<_>>())?;
    let began = Instant::now();
    let mut commit_at = Instant::now() + random.millis(50, 500);
    while began.elapsed() < life && !stage.control.is_stopping(Role::Reader) {
        // Errors pass: the broker is down now and then, and topics come and go.
        if let Some(Ok(message)) = consumer.poll(POLL) {
            consumer.context().take(&message);
        }
        let is_due = Instant::now() >= commit_at;
        if is_due && stage.control.wait_for_commits(POLL) {
            commit(&consumer, &stage.control);
            commit_at = Instant::now() + random.millis(50, 500);
        }
    }
    if stage.control.wait_for_commits(HOLD_LIMIT) {
        commit(&consumer, &stage.control);
    }
    leave(consumer)
}

/// Leaves the group. librdkafka may wait for ever here: for an answer to what its last rebalance asks
/// of a group that it has taken down meanwhile.
fn leave(consumer: BaseConsumer<Member>) -> anyhow::Result<()> {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("leaving".to_owned())
        .spawn(move || {
            drop(consumer);
            // Nobody may be waiting any more.
            let _ = done.send(());
        })?;
    let _ = is_done.recv_timeout(LEAVE_LIMIT);
    Ok(())
}

/// Asks the group to remember what has been read, and waits for the answer: of two commits under
/// way the client may send the earlier one again after the later one, and offsets would go back by
/// its own doing.
fn commit(consumer: &BaseConsumer<Member>, control: &Control) {
    let context = consumer.context();
    let spots = context.take_news();
    if spots.is_empty() {
        return;
    }
    let mut list = TopicPartitionList::new();
    for Spot(place, offset) in &spots {
        let topic = &context.plan.topics[place.topic].name;
        let mut one = list.add_partition(topic, place.partition);
        // An offset that came from the broker can be sent to it.
        let _ = one.set_offset(Offset::Offset(*offset));
        one.set_metadata("m".repeat(METADATA_BYTES));
    }
    let group = context.group;
    context.pen.note(Entry::Commit(group, spots.clone()));
    if consumer.commit(&list, CommitMode::Sync).is_ok() {
        context.pen.note(Entry::Committed(group, spots));
        control.note(Event::Committed);
    } else {
        // It may be remembered or not; the next commit tries again.
        context.put_back(&spots);
    }
}

/// What the client calls back into; all of it runs in the thread that polls.
struct Member {
    plan: Plan,
    group: usize,
    pen: Pen,
    /// What is to be read next of the partitions that have been read since the last commit and are
    /// still assigned.
    positions: Mutex<BTreeMap<Place, i64>>,
}

impl Member {
    fn take(&self, message: &rdkafka::message::BorrowedMessage<'_>) {
        let Some(place) = place(&self.plan, message.topic(), message.partition()) else {
            return;
        };
        self.pen.note(Entry::Seen(place, held(message)));
        let mut positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        positions.insert(place, message.offset() + 1);
    }

    fn take_news(&self) -> Vec<Spot> {
        let mut positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let positions = std::mem::take(&mut *positions).into_iter();
        positions
            .map(|(place, offset)| Spot(place, offset))
            .collect()
    }

    fn put_back(&self, spots: &[Spot]) {
        let mut positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for Spot(place, offset) in spots {
            positions.entry(*place).or_insert(*offset);
        }
    }

    /// Begins where the group's offsets say, which are noted; else with the first record.
    fn assigned(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let mut starts = partitions.clone();
        let since = self.pen.now();
        match committed_offsets(consumer, partitions, COMMITTED_LIMIT) {
            Ok(committed) => {
                let spots = spots(&self.plan, &committed);
                self.pen
                    .note(Entry::ReadBack(self.group, since, spots.clone()));
                self.pen.note_all(
                    spots
                        .iter()
                        .map(|Spot(place, offset)| Entry::Start(*place, Some(*offset))),
                );
                starts = committed;
                for one in partitions.elements() {
                    let (topic, partition) = (one.topic(), one.partition());
                    let found = starts.find_partition(topic, partition);
                    if found.is_none_or(|found| !matches!(found.offset(), Offset::Offset(_))) {
                        starts.set_partition_offset(topic, partition, Offset::Beginning)?;
                    }
                }
            }
            // The client will find out by itself, and does not say.
            Err(_) => {
                starts.set_all_offsets(Offset::Stored)?;
                self.pen.note_all(
                    spots(&self.plan, partitions)
                        .iter()
                        .map(|Spot(place, _)| Entry::Start(*place, None)),
                );
            }
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&starts),
            RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.assign(&starts),
        }
    }

    fn revoked(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let spots = spots(&self.plan, partitions);
        let mut positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        positions.retain(|place, _| !spots.iter().any(|Spot(lost, _)| lost == place));
        drop(positions);
        self.pen
            .note_all(spots.iter().map(|Spot(place, _)| Entry::Revoked(*place)));
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.unassign(),
        }
    }
}

fn place(plan: &Plan, topic: &str, partition: i32) -> Option<Place> {
    let (topic, _) = plan.topic_named(topic)?;
    Some(Place { topic, partition })
}

/// The partitions of a list with their offsets, -1 where there is none.
pub(crate) fn spots(plan: &Plan, list: &TopicPartitionList) -> Vec<Spot> {
    let elements = list.elements();
    let spots = elements.iter().filter_map(|one| {
        let place = place(plan, one.topic(), one.partition())?;
        let offset = match one.offset() {
            Offset::Offset(offset) => offset,
            _ => -1,
        };
        Some(Spot(place, offset))
    });
    spots.collect()
}

impl ClientContext for Member {
    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for Member {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        cause: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let done = match cause {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assigned(consumer, partitions)
            }
            _ => self.revoked(consumer, partitions),
        };
        if done.is_err() {
            // The client refuses when it is about to leave; then nothing is assigned.
            let _ = consumer.unassign();
        }
    }
}
