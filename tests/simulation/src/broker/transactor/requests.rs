//! The requests of transactional producers.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, FindCoordinatorRequest,
    InitProducerIdRequest, ProduceRequest, TransactionalId, TxnOffsetCommitRequest,
};

use super::work::timeout_ms;
use super::{Asked, Step, Transactor};
use crate::broker::admin::KEPT;
use crate::broker::codec::{self, text};
use crate::broker::history::{GROUPS, IDS, Outcome};
use crate::broker::model::{Told, TopicKey};
use crate::broker::queries::{fetch, position_fetch};
use crate::broker::world::{Shared, pick};

impl Transactor {
    /// Sends what comes next, for the first time or once more.
    pub(super) fn send_next(&mut self, shared: &mut Shared, choice: u64) {
        let Some(step) = self.steps.front().cloned() else {
            return;
        };
        let newest = shared.model.history.owners[self.id].newest;
        let asked = Asked {
            must_fail: self.life.is_some_and(|(_, epoch)| epoch < newest),
            init: 0,
            is_raced: false,
            told_before: Told::default(),
            least: None,
            step: step.clone(),
        };
        match step {
            Step::Find { kind } => {
                let key = if kind == 1 {
                    IDS[self.id]
                } else {
                    GROUPS[self.id]
                };
                let request = FindCoordinatorRequest::default()
                    .with_key_type(kind)
                    .with_coordinator_keys(vec![text(key)]);
                self.caller.send(&request, 4, asked);
            }
            Step::Init { goes_on } => self.send_init(shared, goes_on, choice, asked),
            Step::Position { partition } => self.send_position(shared, partition, asked),
            Step::Read { partition } => self.send_read(shared, partition, asked),
            Step::Add { partitions } => self.send_add(shared, &partitions, choice, asked),
            Step::AddGroup => {
                let (id, epoch) = self.producer();
                let request = AddOffsetsToTxnRequest::default()
                    .with_transactional_id(self.transactional_id())
                    .with_producer_id(id.into())
                    .with_producer_epoch(epoch)
                    .with_group_id(text(GROUPS[self.id]).into());
                self.caller
                    .send(&request, [1, 2, 3][pick(choice, 3)], asked);
            }
            Step::Write { batches } => self.send_write(shared, &batches, choice, asked),
            Step::Commit => self.send_commit(shared, choice, asked),
            Step::End { is_commit } => self.send_end(shared, is_commit, choice, asked),
        }
    }

    fn transactional_id(&self) -> TransactionalId {
        text(IDS[self.id]).into()
    }

    fn producer(&self) -> (i64, i16) {
        self.life.unwrap_or((-1, -1))
    }

    fn send_init(&mut self, shared: &mut Shared, goes_on: bool, choice: u64, mut asked: Asked) {
        let (id, epoch) = if goes_on { self.producer() } else { (-1, -1) };
        asked.must_fail &= goes_on;
        asked.is_raced = !shared.model.history.owners[self.id].unheard.is_empty();
        asked.init = shared.model.history.ask_for_epoch(self.id);
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_transaction_timeout_ms(timeout_ms(self.instance))
            .with_producer_id(id.into())
            .with_producer_epoch(epoch);
        let version = match self.is_two {
            true => 5,
            false => [3, 4][pick(choice, 2)],
        };
        self.caller.send(&request, version, asked);
    }

    fn send_position(&mut self, shared: &Shared, partition: i32, mut asked: Asked) {
        asked.must_fail = false;
        asked.least = shared.model.history.position(self.id, partition);
        let request = position_fetch(self.id, vec![partition]).with_require_stable(true);
        self.caller.send(&request, 8, asked);
    }

    fn send_read(&mut self, shared: &mut Shared, partition: i32, mut asked: Asked) {
        let Some(kept) = shared.model.live(KEPT) else {
            self.steps.clear();
            return;
        };
        asked.must_fail = false;
        asked.told_before = shared.model.partition(kept, partition).told;
        let from = self.positions.get(&partition).copied().unwrap_or(0);
        let id = uuid::Uuid::from_bytes(shared.model.topics[kept].id);
        let request = fetch(id, partition, from, 1500, 1);
        self.caller.send(&request, 13, asked);
    }

    fn send_add(
        &mut self,
        shared: &Shared,
        partitions: &[(TopicKey, i32)],
        choice: u64,
        asked: Asked,
    ) {
        let mut by_topic: BTreeMap<TopicKey, Vec<i32>> = BTreeMap::new();
        for (topic, partition) in partitions {
            by_topic.entry(*topic).or_default().push(*partition);
        }
        let topics = by_topic.into_iter().map(|(topic, partitions)| {
            AddPartitionsToTxnTopic::default()
                .with_name(codec::topic(&shared.model.topics[topic].name))
                .with_partitions(partitions)
        });
        let (id, epoch) = self.producer();
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.transactional_id())
            .with_v3_and_below_producer_id(id.into())
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(topics.collect());
        self.caller
            .send(&request, [1, 2, 3][pick(choice, 3)], asked);
    }

    fn send_write(&mut self, shared: &mut Shared, batches: &[usize], choice: u64, asked: Asked) {
        let mut by_topic: BTreeMap<TopicKey, Vec<usize>> = BTreeMap::new();
        for number in batches {
            let topic = shared.model.sent[*number].topic;
            by_topic.entry(topic).or_default().push(*number);
        }
        let is_kept = |topic: &TopicKey| shared.model.topics[*topic].name == KEPT;
        let may_be_twelve = by_topic.keys().all(is_kept) && choice.is_multiple_of(2);
        let version = match (self.is_two, may_be_twelve) {
            (false, _) => 11,
            (true, true) => 12,
            (true, false) => 13,
        };
        let topics = by_topic.into_iter().map(|(topic, batches)| {
            let partitions = batches.into_iter().map(|number| {
                let sent = &mut shared.model.sent[number];
                sent.is_by_name = version < 13;
                PartitionProduceData::default()
                    .with_index(sent.partition)
                    .with_records(Some(Bytes::from(sent.bytes.clone())))
            });
            let data = TopicProduceData::default().with_partition_data(partitions.collect());
            let topic = &shared.model.topics[topic];
            match version {
                13 => data.with_topic_id(uuid::Uuid::from_bytes(topic.id)),
                _ => data.with_name(codec::topic(&topic.name)),
            }
        });
        let request = ProduceRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(topics.collect());
        self.caller.send(&request, version, asked);
    }

    fn send_commit(&mut self, shared: &mut Shared, choice: u64, asked: Asked) {
        let number = self.current.unwrap_or(0);
        let transaction = &shared.model.history.transactions[number];
        let Some(input) = transaction.input else {
            self.steps.pop_front();
            return;
        };
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(input.partition)
            .with_committed_offset(input.to)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text(format!("t{number}"))));
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(codec::topic(KEPT))
            .with_partitions(vec![partition]);
        let (id, epoch) = self.producer();
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_group_id(text(GROUPS[self.id]).into())
            .with_producer_id(id.into())
            .with_producer_epoch(epoch)
            .with_generation_id(-1)
            .with_topics(vec![topic]);
        let version = match self.is_two {
            true => 5,
            false => [2, 3, 4][pick(choice, 3)],
        };
        self.caller.send(&request, version, asked);
    }

    fn send_end(&mut self, shared: &mut Shared, is_commit: bool, choice: u64, asked: Asked) {
        let number = self.current.unwrap_or(0);
        if is_commit {
            let transaction = &mut shared.model.history.transactions[number];
            transaction.asks += 1;
            if transaction.asks == 2 {
                // The first answer has got lost, or said nothing.
                shared.tally.add("transactions of unknown outcome", 1);
            }
            // One that was seen to be over stays so.
            if transaction.outcome == Outcome::NotAsked {
                transaction.outcome = Outcome::Asked;
            }
        }
        let (id, epoch) = self.producer();
        let request = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(id.into())
            .with_producer_epoch(epoch)
            .with_committed(is_commit);
        let version = match self.is_two {
            true => 5,
            false => [1, 2, 3, 4][pick(choice, 4)],
        };
        self.caller.send(&request, version, asked);
    }
}
