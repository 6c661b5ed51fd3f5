//! Producers: each batch is sent until it is answered, in the order of its partition.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest};

use super::codec::{self, code, only};
use super::link::Link;
use super::machine::Machine;
use super::model::{Deletion, Proof, Sent, TopicKey};
use super::world::{Caller, Checked, Shared, Tag, dispatch, ensure, hear, pick};
use crate::batch::{self, Kind, Recipe};

/// How many batches of a partition are under way at most, as with real clients.
const IN_FLIGHT_MAX: usize = 5;

/// What a producer asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Id,
    Batch { number: usize, acks: i16 },
}

/// A client that writes.
pub(crate) struct Producer {
    caller: Caller<Asked>,
    is_idempotent: bool,
    id: Option<(i64, i16)>,
    lanes: BTreeMap<(TopicKey, i32), Lane>,
}

/// The batches of one partition that are not answered yet.
#[derive(Default)]
struct Lane {
    next_sequence: i32,
    queue: VecDeque<usize>,
    in_flight: BTreeSet<usize>,
    /// The topic was deleted: nothing is sent any more.
    is_dead: bool,
}

impl Producer {
    pub(crate) fn new(machine: &Machine, is_idempotent: bool) -> Self {
        Self {
            caller: Caller::new(machine),
            is_idempotent,
            id: None,
            lanes: BTreeMap::new(),
        }
    }

    /// Loses the connection, and with it what was under way: an idempotent producer sends it again,
    /// another one never does.
    pub(crate) fn disconnect(&mut self, machine: &Machine) -> Link<Tag<Asked>> {
        for lane in self.lanes.values_mut() {
            lane.in_flight.clear();
        }
        if !self.is_idempotent {
            self.lanes.clear();
        }
        self.caller.reconnect(machine)
    }

    /// Whether everything that was to be sent is answered.
    pub(crate) fn is_done(&self) -> bool {
        self.lanes.values().all(|lane| lane.queue.is_empty())
    }

    /// Sends something.
    pub(crate) fn act(&mut self, shared: &mut Shared, choice: u64) {
        if self.is_idempotent && self.id.is_none() {
            self.ask_for_id();
            return;
        }
        let topics = shared.model.settled();
        if topics.is_empty() {
            return;
        }
        let topic = topics[pick(choice, topics.len())];
        let count = shared.model.topics[topic].partitions.len();
        let partition = i32::try_from(pick(choice / 7, count)).unwrap_or(0);
        let lane = self.lanes.entry((topic, partition)).or_default();
        if lane.is_dead {
            return;
        }
        if lane.queue.len() < IN_FLIGHT_MAX {
            let records = 1 + (choice / 64 % 4) as u32;
            let bytes = size(choice / 256);
            let sequence = lane.next_sequence;
            let producer = self.id.map(|(id, epoch)| (id, epoch, sequence));
            let batch = NewBatch {
                topic,
                partition,
                records,
                bytes,
                text: String::new(),
                producer,
                kind: Kind::Plain,
                transaction: None,
            };
            let number = create(shared, batch);
            lane.next_sequence += i32::try_from(records).unwrap_or(0);
            lane.queue.push_back(number);
        }
        self.send_next(shared, topic, partition, choice);
    }

    /// Sends what waits in any partition; for the end of a run.
    pub(crate) fn send_all(&mut self, shared: &Shared) {
        let lanes: Vec<_> = self.lanes.keys().copied().collect();
        for (topic, partition) in lanes {
            for _ in 0..IN_FLIGHT_MAX {
                self.send_next(shared, topic, partition, 0);
            }
        }
    }

    /// Sends the first batch of a partition that is not under way, if nothing behind it is.
    fn send_next(&mut self, shared: &Shared, topic: TopicKey, partition: i32, choice: u64) {
        let Some(lane) = self.lanes.get_mut(&(topic, partition)) else {
            return;
        };
        let next = lane
            .queue
            .iter()
            .find(|number| !lane.in_flight.contains(number));
        let Some(number) = next.copied() else {
            return;
        };
        if lane.in_flight.iter().any(|other| *other > number) {
            return;
        }
        lane.in_flight.insert(number);
        let acks = match self.is_idempotent || choice.is_multiple_of(3) {
            true => -1,
            false => 1,
        };
        let sent = &shared.model.sent[number];
        let target = &shared.model.topics[topic];
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(Bytes::from(sent.bytes.clone())));
        // By its name a batch may get into the next topic of that name, where it would upset the
        // sequence numbers.
        let version = match self.is_idempotent {
            true => 13,
            false => [3, 7, 9, 13][pick(choice / 5, 4)],
        };
        let data = TopicProduceData::default()
            .with_name(codec::topic(if version < 13 { &target.name } else { "" }))
            .with_topic_id(uuid::Uuid::from_bytes(if version < 13 {
                [0; 16]
            } else {
                target.id
            }))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(acks)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![data]);
        self.caller
            .send(&request, version, Asked::Batch { number, acks });
    }

    fn ask_for_id(&mut self) {
        if !self.caller.is_waiting() {
            let request = InitProducerIdRequest::default()
                .with_transactional_id(None)
                .with_transaction_timeout_ms(i32::MAX)
                .with_producer_id((-1).into())
                .with_producer_epoch(-1);
            self.caller.send(&request, 4, Asked::Id);
        }
    }

    pub(crate) fn dispatch(&mut self, shared: &Shared) -> bool {
        dispatch(&mut self.caller, shared)
    }

    /// Hears one answer, if there is one.
    pub(crate) fn hear(&mut self, shared: &mut Shared) -> Checked<bool> {
        let Some((tag, bytes)) = hear(&mut self.caller, shared)? else {
            return Ok(false);
        };
        match tag.purpose {
            Asked::Id => {
                let answer = tag.read::<InitProducerIdRequest>(bytes)?;
                if answer.error_code == code::NONE {
                    let id = answer.producer_id.0;
                    ensure!(
                        shared.producer_ids.insert(id),
                        "producer id {id} was given away before"
                    );
                    self.id = Some((id, answer.producer_epoch));
                } else {
                    let error = answer.error_code;
                    ensure!(shared.is_troubled(), "no producer id: {error}");
                }
            }
            Asked::Batch { number, acks } => {
                let answer = tag.read::<ProduceRequest>(bytes)?;
                let partition = only(only(answer.responses)?.partition_responses)?;
                self.take(
                    shared,
                    number,
                    acks,
                    partition.error_code,
                    partition.base_offset,
                )
                .map_err(|error| format!("batch {number}: {error}"))?;
            }
        }
        Ok(true)
    }

    fn take(
        &mut self,
        shared: &mut Shared,
        number: usize,
        acks: i16,
        error: i16,
        base: i64,
    ) -> Checked {
        let (topic, partition) = {
            let sent = &shared.model.sent[number];
            (sent.topic, sent.partition)
        };
        let lane = self.lanes.entry((topic, partition)).or_default();
        lane.in_flight.remove(&number);
        let is_gone = shared.model.topics[topic].deletion != Deletion::None;
        match error {
            code::NONE => {
                lane.queue.retain(|other| *other != number);
                let proof = match acks {
                    -1 => Proof::Durable,
                    _ => Proof::Written,
                };
                return match is_gone {
                    true => Ok(()),
                    false => shared.acknowledge(number, base, proof),
                };
            }
            code::UNKNOWN_TOPIC_OR_PARTITION | code::UNKNOWN_TOPIC_ID => {
                ensure!(is_gone, "error {error} for a topic that is there");
                lane.queue.clear();
                lane.is_dead = true;
            }
            code::OUT_OF_ORDER_SEQUENCE_NUMBER => {
                let is_first = lane.queue.front() == Some(&number);
                ensure!(
                    !is_first,
                    "out of order, yet all before it was acknowledged"
                );
            }
            code::REQUEST_TIMED_OUT => {}
            code::KAFKA_STORAGE_ERROR | code::NOT_LEADER_OR_FOLLOWER => {
                ensure!(shared.is_troubled(), "error {error} without a fault");
            }
            _ => return Err(format!("error {error}")),
        }
        shared.tally.add("batches refused", 1);
        if !self.is_idempotent {
            // Nobody knows whether it is there, and it is not sent again.
            lane.queue.retain(|other| *other != number);
        }
        Ok(())
    }
}

/// What a batch is to be.
pub(crate) struct NewBatch {
    pub topic: TopicKey,
    pub partition: i32,
    pub records: u32,
    /// The length of a value, at least.
    pub bytes: usize,
    /// What a value says behind its number.
    pub text: String,
    /// The producer, its epoch and the first sequence number.
    pub producer: Option<(i64, i16, i32)>,
    pub kind: Kind,
    pub transaction: Option<usize>,
}

/// Makes a batch that is to be sent; its number.
pub(crate) fn create(shared: &mut Shared, batch: NewBatch) -> usize {
    let number = shared.model.sent.len();
    let mut value = format!("{number}:{}", batch.text).into_bytes();
    value.resize(value.len().max(batch.bytes), b'x');
    let recipe = Recipe {
        records: batch.records,
        value,
        timestamp_ms: shared.wall_ms(),
        producer: batch.producer,
        kind: batch.kind,
    };
    shared.model.sent.push(Sent {
        topic: batch.topic,
        partition: batch.partition,
        bytes: batch::build(&recipe),
        records: i64::from(batch.records),
        proof: Proof::None,
        base: None,
        producer: batch.producer,
        is_by_name: batch.producer.is_none(),
        transaction: batch.transaction,
    });
    shared.tally.add("batches sent", 1);
    number
}

/// Mostly small, now and then some sectors.
pub(crate) fn size(choice: u64) -> usize {
    let limit = match choice % 10 {
        0..6 => 50,
        6..9 => 700,
        _ => 2500,
    };
    usize::try_from(choice / 10 % limit).unwrap_or(0)
}
