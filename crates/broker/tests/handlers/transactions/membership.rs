//! Which partitions a transaction has.

use model::ErrorCode;
use wire::Text;
use wire::messages::add_offsets_to_txn::AddOffsetsToTxnRequest;
use wire::messages::add_partitions_to_txn::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTransaction,
};
use wire::messages::describe_transactions::DescribeTransactionsRequest;
use wire::messages::produce::PartitionProduceData;

use super::client::*;
use super::offsets::{offsets_request, stable_offset, try_offsets};
use super::tools::marker;
use crate::support::{Fixture, assert_code, build, produce_request};

const NONE: ErrorCode = ErrorCode::None;

#[tokio::test]
async fn a_batch_must_belong_to_the_transaction() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    for (version, code) in [
        (9, ErrorCode::InvalidTxnState),
        (10, ErrorCode::InvalidTxnState),
        (11, ErrorCode::TransactionAbortable),
    ] {
        assert_eq!(produce_code(&mut fixture, me, 0, version).await, code);
    }
    assert_eq!(add(&mut fixture, me, &[("t", &[0])], 3).await, [NONE]);
    assert_eq!(produce_code(&mut fixture, me, 0, 9).await, NONE);
    end(&mut fixture, me, true, KEEPS).await;
    // The next transaction has it not.
    let code = produce_code(&mut fixture, me, 1, 11).await;
    assert_eq!(code, ErrorCode::TransactionAbortable);
    // From version 12 on it adds it.
    assert_eq!(produce_code(&mut fixture, me, 1, 12).await, NONE);
    assert_eq!(produce_code(&mut fixture, me, 2, 11).await, NONE);
}

/// Each alone would be a record of all those before it.
#[tokio::test]
async fn many_partitions_of_a_request_join_with_one_record() {
    let settings = [
        ("transaction.state.log.num.partitions", "1"),
        ("num.partitions", "300"),
    ];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let state_end = async |fixture: &mut Fixture| {
        let fetched = fixture.fetch("__transaction_state", 0).await;
        fetched.high_watermark
    };
    let before = state_end(&mut fixture).await;
    let mut request = produce_request("t", transactional_batch(me, 0, &["v"]));
    request.transactional_id = Some(ID);
    let one = request.topic_data[0].partition_data[0].clone();
    let all = (0..300).map(|index| PartitionProduceData {
        index,
        ..one.clone()
    });
    request.topic_data[0].partition_data = all.collect();
    request.acks = 2;
    let refused = fixture.call(&request, 12).await;
    let code = refused.responses[0].partition_responses[0].error_code;
    assert_code(code, ErrorCode::InvalidRequiredAcks);
    assert_eq!(state_end(&mut fixture).await, before, "nothing joins");
    request.acks = -1;
    let produced = fixture.call(&request, 12).await;
    let mut partitions = produced.responses[0].partition_responses.iter();
    assert!(partitions.all(|partition| partition.error_code == 0));
    assert_eq!(state_end(&mut fixture).await, before + 1);
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(committed(&mut fixture, "t").await.0, ["v"]);
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let settings = [("transaction.partition.verification.enable", "false")];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    // There is not even a coordinator.
    let stranger = Producer { id: 999, epoch: 0 };
    assert_eq!(produce_code(&mut fixture, stranger, 0, 9).await, NONE);
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 9).await, NONE);
}

/// Where no coordinator has the group, its offsets are left to a tool.
#[tokio::test]
async fn groups_are_not_verified_either() {
    let settings = [
        ("transaction.partition.verification.enable", "false"),
        ("offsets.topic.num.partitions", "1"),
    ];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let request = offsets_request(me, "t", 7);
    assert_eq!(try_offsets(&mut fixture, &request, 4).await, NONE);
    let unstable = stable_offset(&mut fixture).await;
    assert_eq!(unstable, Err(ErrorCode::UnstableOffsetCommit));
    let ended = end_request(me, true);
    let ended = fixture.call(&ended, BUMPS).await;
    assert_ne!(ended.error_code, 0, "its coordinator has nothing to end");
    let response = fixture.call(&marker(me, "__consumer_offsets", 0), 1).await;
    assert_code(response.markers[0].topics[0].partitions[0].error_code, NONE);
    assert_eq!(stable_offset(&mut fixture).await, Ok(-1));
    // The newest clients leave it to the broker to ask.
    let stranger = offsets_request(Producer { id: 999, ..me }, "t", 7);
    let code = try_offsets(&mut fixture, &stranger, 5).await;
    assert_eq!(code, ErrorCode::InvalidProducerIdMapping);
}

#[tokio::test]
async fn a_transactional_batch_needs_an_id() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let batch = transactional_batch(me, 0, &["v"]);
    let response = fixture.call(&produce_request("t", batch), 12).await;
    let code = response.responses[0].partition_responses[0].error_code;
    assert_code(code, ErrorCode::TransactionalIdAuthorizationFailed);
    let builder = wire::batch::BatchBuilder::new().transactional();
    let anonymous = build(builder, crate::support::NOW_MS, &["v"]);
    let produced = produce(&mut fixture, "t", anonymous, 12).await;
    assert_code(produced.error_code, ErrorCode::InvalidRecord);
}

#[tokio::test]
async fn one_bad_partition_keeps_the_others_out() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let (unknown, not_tried) = (
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::OperationNotAttempted,
    );
    let topics: [(_, &[i32]); 3] = [
        ("missing", &[0]),
        ("t", &[0, 9]),
        ("__transaction_state", &[0]),
    ];
    assert_eq!(
        add(&mut fixture, me, &topics, 3).await,
        [
            unknown,
            not_tried,
            unknown,
            ErrorCode::TopicAuthorizationFailed
        ]
    );
    let code = produce_code(&mut fixture, me, 0, 11).await;
    assert_eq!(code, ErrorCode::TransactionAbortable);
}

#[tokio::test]
async fn brokers_ask_about_many_transactions_at_once() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let transaction = |verify_only, epoch| AddPartitionsToTxnTransaction {
        transactional_id: ID,
        producer_id: me.id,
        producer_epoch: epoch,
        verify_only,
        topics: add_request(me, &[("t", &[0])]).topics,
    };
    let request = AddPartitionsToTxnRequest {
        transactions: vec![
            transaction(true, me.epoch),
            transaction(false, me.epoch),
            transaction(true, me.epoch),
            transaction(true, me.epoch + 1),
        ],
        ..AddPartitionsToTxnRequest::default()
    };
    for (version, first) in [
        (4, ErrorCode::InvalidTxnState),
        (5, ErrorCode::TransactionAbortable),
    ] {
        let response = fixture.call(&request, version).await;
        let codes: Vec<_> = response
            .results_by_transaction
            .iter()
            .map(|result| result.topic_results[0].results_by_partition[0].partition_error_code)
            .collect();
        for (code, expected) in
            codes
                .into_iter()
                .zip([first, NONE, NONE, ErrorCode::ProducerFenced])
        {
            assert_code(code, expected);
        }
        end(&mut fixture, me, false, KEEPS).await;
    }
}

#[tokio::test]
async fn the_offsets_of_a_group_are_a_partition_too() {
    let mut fixture = Fixture::open().await;
    let me = init(&mut fixture).await;
    let request = |group: &'static str| AddOffsetsToTxnRequest {
        transactional_id: ID,
        producer_id: me.id,
        producer_epoch: me.epoch,
        group_id: Text::from_static(group),
    };
    let response = fixture.call(&request(""), 3).await;
    assert_code(response.error_code, ErrorCode::InvalidGroupId);
    let response = fixture.call(&request("my-group"), 3).await;
    assert_code(response.error_code, NONE);
    let describe = DescribeTransactionsRequest {
        transactional_ids: vec![ID],
    };
    let described = fixture.call(&describe, 0).await;
    let topics = &described.transaction_states[0].topics;
    assert_eq!(&*topics[0].topic, "__consumer_offsets");
    assert_eq!(topics[0].partitions, [12]);
    end(&mut fixture, me, true, KEEPS).await;
}
