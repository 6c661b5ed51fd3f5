//! What tools ask, and how they end what nobody ends.

use model::ErrorCode;
use wire::Text;
use wire::messages::describe_transactions::DescribeTransactionsRequest;
use wire::messages::list_transactions::ListTransactionsRequest;
use wire::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};

use super::client::*;
use crate::support::{Fixture, NOW_MS, assert_code};

const NONE: ErrorCode = ErrorCode::None;

#[tokio::test]
async fn transactions_are_described() {
    let mut fixture = Fixture::open().await;
    let request = DescribeTransactionsRequest {
        transactional_ids: vec![ID, Text::EMPTY, ID],
    };
    let response = fixture.call(&request, 0).await;
    assert_eq!(response.transaction_states.len(), 2);
    assert_code(
        response.transaction_states[0].error_code,
        ErrorCode::TransactionalIdNotFound,
    );
    assert_code(
        response.transaction_states[1].error_code,
        ErrorCode::InvalidRequest,
    );
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    let response = fixture.call(&request, 0).await;
    let found = &response.transaction_states[0];
    assert_code(found.error_code, NONE);
    assert_eq!(&*found.transaction_state, "Ongoing");
    assert_eq!(found.transaction_timeout_ms, 60_000);
    assert_eq!(found.transaction_start_time_ms, NOW_MS);
    assert_eq!((found.producer_id, found.producer_epoch), (me.id, me.epoch));
    assert_eq!(&*found.topics[0].topic, "t");
    assert_eq!(found.topics[0].partitions, [0]);
}

#[tokio::test]
async fn transactions_are_listed_and_filtered() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let list = ListTransactionsRequest::default();
    let response = fixture.call(&list, 2).await;
    assert_code(response.error_code, NONE);
    assert_eq!(response.transaction_states, []);
    let mut other = init_request(None);
    other.transactional_id = Some(Text::from_static("other"));
    let other = fixture.call(&other, 4).await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    fixture.clock.advance(std::time::Duration::from_secs(5));
    let texts = |names: &[&'static str]| names.iter().map(|name| Text::from_static(name)).collect();
    for (request, version, expected) in [
        (list.clone(), 0, vec!["other", "tx"]),
        (
            ListTransactionsRequest {
                state_filters: texts(&["Ongoing", "Dead"]),
                ..list.clone()
            },
            0,
            vec!["tx"],
        ),
        (
            ListTransactionsRequest {
                producer_id_filters: vec![other.producer_id],
                ..list.clone()
            },
            0,
            vec!["other"],
        ),
        (
            ListTransactionsRequest {
                duration_filter: 4_999,
                ..list.clone()
            },
            1,
            vec!["tx"],
        ),
        (
            ListTransactionsRequest {
                duration_filter: 5_000,
                ..list.clone()
            },
            1,
            vec![],
        ),
        (
            ListTransactionsRequest {
                transactional_id_pattern: Some(Text::from_static("t.*")),
                ..list.clone()
            },
            2,
            vec!["tx"],
        ),
        (
            ListTransactionsRequest {
                transactional_id_pattern: Some(Text::EMPTY),
                ..list.clone()
            },
            2,
            vec!["other", "tx"],
        ),
    ] {
        let response = fixture.call(&request, version).await;
        assert_code(response.error_code, NONE);
        let states = response.transaction_states.iter();
        let mut found: Vec<_> = states.map(|one| one.transactional_id.to_string()).collect();
        found.sort();
        assert_eq!(found, expected, "{request:?}");
        assert_eq!(response.unknown_state_filters.len(), 0);
    }
    let strange = ListTransactionsRequest {
        state_filters: texts(&["Sleeping"]),
        ..list.clone()
    };
    let response = fixture.call(&strange, 0).await;
    assert_eq!(
        response.unknown_state_filters,
        [Text::from_static("Sleeping")]
    );
    let broken = ListTransactionsRequest {
        transactional_id_pattern: Some(Text::from_static("(")),
        ..list
    };
    let response = fixture.call(&broken, 2).await;
    assert_code(response.error_code, ErrorCode::InvalidRegularExpression);
}

/// An abort marker for partition 0 of a topic.
pub(super) fn marker(
    producer: Producer,
    topic: &'static str,
    coordinator_epoch: i32,
) -> WriteTxnMarkersRequest {
    WriteTxnMarkersRequest {
        markers: vec![WritableTxnMarker {
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            transaction_result: false,
            topics: vec![WritableTxnMarkerTopic {
                name: Text::from_static(topic),
                partition_indexes: vec![0],
            }],
            coordinator_epoch,
        }],
    }
}

#[tokio::test]
async fn a_tool_ends_a_transaction_that_nobody_ends() {
    // Without verification a late batch can begin a transaction that no coordinator knows of.
    let settings = [("transaction.partition.verification.enable", "false")];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 9).await, NONE);
    assert_eq!(committed(&mut fixture, "t").await.1, 0);
    for (request, code) in [
        (marker(me, "missing", 0), ErrorCode::UnknownTopicOrPartition),
        (marker(me, "t", 1_000), ErrorCode::InvalidRequest),
        (
            marker(me, "__transaction_state", 0),
            ErrorCode::InvalidTopicException,
        ),
        (
            marker(Producer { epoch: -1, ..me }, "t", 0),
            ErrorCode::InvalidRequest,
        ),
    ] {
        let response = fixture.call(&request, 1).await;
        assert_code(response.markers[0].topics[0].partitions[0].error_code, code);
    }
    let response = fixture.call(&marker(me, "t", 0), 1).await;
    assert_eq!(response.markers[0].producer_id, me.id);
    assert_code(response.markers[0].topics[0].partitions[0].error_code, NONE);
    assert_eq!(committed(&mut fixture, "t").await, (Vec::new(), 2));
    // The producer is not fenced by it.
    assert_eq!(produce_code(&mut fixture, me, 1, 9).await, NONE);
    let older = Producer { epoch: 0, ..me };
    let next = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, next, 0, 9).await, NONE);
    let response = fixture.call(&marker(older, "t", 0), 1).await;
    let code = response.markers[0].topics[0].partitions[0].error_code;
    assert_code(code, ErrorCode::InvalidProducerEpoch);
}
