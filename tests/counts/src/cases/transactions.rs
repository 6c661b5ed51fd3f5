//! Transactional producers, in the way of transaction version 2 (KIP-890).

use anyhow::Result;
use wire::Text;
use wire::messages::end_txn::EndTxnRequest;
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use wire::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::groups::have_coordinator;
use super::{Case, Sent, TOPIC, batch, check_produced, make_topic, no_error, produce, repeated};
use crate::door::{Door, call, frame, read};

const PRODUCE_VERSION: i16 = 12;
const END_TXN_VERSION: i16 = 5;
const TXN_OFFSET_COMMIT_VERSION: i16 = 5;

const ID: Text = Text::from_static("payments");
const GROUP: Text = Text::from_static("billing");

/// One partition's offset within a transaction that goes on.
pub(super) const TXN_OFFSET_COMMIT: Case = Case {
    name: "offset commit in a transaction",
    prepare: |door, count| {
        let producer = producer(door)?;
        have_coordinator(door, GROUP, 0)?;
        let request = TxnOffsetCommitRequest {
            transactional_id: ID,
            group_id: GROUP,
            producer_id: producer.producer_id,
            producer_epoch: producer.producer_epoch,
            generation_id: -1,
            topics: vec![TxnOffsetCommitRequestTopic {
                name: TOPIC,
                partitions: vec![TxnOffsetCommitRequestPartition {
                    committed_offset: 1,
                    committed_leader_epoch: -1,
                    ..TxnOffsetCommitRequestPartition::default()
                }],
            }],
            ..TxnOffsetCommitRequest::default()
        };
        let check = |chunks| {
            let response = read::<TxnOffsetCommitRequest>(chunks, TXN_OFFSET_COMMIT_VERSION)?;
            let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.try_for_each(|partition| no_error("offset commit", partition.error_code))
        };
        Ok(repeated(&request, TXN_OFFSET_COMMIT_VERSION, count, check))
    },
};

/// Transactions of one record: a produce request and an end, by turns.
pub(super) const TRANSACTION: Case = Case {
    name: "request of a transaction",
    prepare: |door, count| {
        let producer = producer(door)?;
        let transaction = |epoch| {
            let batch = batch(1, Some((producer.producer_id, epoch, 0)), true);
            let mut written = produce(batch);
            written.transactional_id = Some(ID);
            let ended = EndTxnRequest {
                transactional_id: ID,
                producer_id: producer.producer_id,
                producer_epoch: epoch,
                committed: true,
            };
            let written = Sent {
                frame: frame(&written, PRODUCE_VERSION),
                check: check_produced::<PRODUCE_VERSION>,
            };
            let ended = Sent {
                frame: frame(&ended, END_TXN_VERSION),
                check: |chunks| {
                    let response = read::<EndTxnRequest>(chunks, END_TXN_VERSION)?;
                    no_error("the end of a transaction", response.error_code)
                },
            };
            [written, ended]
        };
        // Each transaction has its own epoch.
        let epochs = producer.producer_epoch..;
        Ok(epochs.flat_map(transaction).take(count).collect())
    },
};

/// A new instance of the producer.
fn producer(door: &mut dyn Door) -> Result<InitProducerIdResponse> {
    make_topic(door, TOPIC)?;
    have_coordinator(door, ID, 1)?;
    let request = InitProducerIdRequest {
        transactional_id: Some(ID),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
    };
    let producer = call(door, &request, 4)?;
    no_error("a producer id", producer.error_code)?;
    Ok(producer)
}
