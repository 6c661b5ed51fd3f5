//! What readers see of a transaction, and when.

use std::sync::Arc;
use std::time::Duration;

use model::ErrorCode;
use sim::SimFs;
use wire::Text;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::describe_transactions::DescribeTransactionsRequest;
use wire::messages::end_txn::EndTxnRequest;
use wire::messages::list_transactions::ListTransactionsRequest;

use super::client::*;
use crate::gated_disk::Forces;
use crate::support::{Answered, Fixture, assert_code, batch, decode, values};

const NONE: ErrorCode = ErrorCode::None;

pub(crate) async fn state(fixture: &mut Fixture) -> String {
    let request = DescribeTransactionsRequest {
        transactional_ids: vec![ID],
    };
    let response = fixture.call(&request, 0).await;
    assert_code(response.transaction_states[0].error_code, NONE);
    response.transaction_states[0].transaction_state.to_string()
}

#[tokio::test]
async fn what_is_committed_shows_at_once_and_what_is_aborted_never_does() {
    for version in [KEEPS, BUMPS] {
        let mut fixture = Fixture::open().await;
        fixture.topic("t").await;
        fixture.topic("u").await;
        find_coordinator(&mut fixture).await;
        let mut me = init(&mut fixture).await;
        let mut sequences = [0, 0];
        let mut expected = Vec::new();
        for (number, commits) in [true, false, false, true].into_iter().enumerate() {
            let value = format!("{number}");
            if version == KEEPS {
                let topics: [(_, &[i32]); 2] = [("t", &[0]), ("u", &[0])];
                assert_eq!(add(&mut fixture, me, &topics, 3).await, [NONE, NONE]);
            } else {
                sequences = [0, 0];
            }
            let produce_version = if version == KEEPS { 11 } else { 12 };
            for (topic, sequence) in ["t", "u"].into_iter().zip(&mut sequences) {
                let batch = transactional_batch(me, *sequence, &[&value]);
                let produced = produce(&mut fixture, topic, batch, produce_version).await;
                assert_code(produced.error_code, NONE);
                *sequence += 1;
            }
            // Somebody without a transaction waits behind it.
            fixture.produce("t", batch(&["plain"])).await;
            let (seen, last_stable) = committed(&mut fixture, "t").await;
            assert_eq!(seen, expected, "an open transaction is seen");
            assert_eq!(last_stable, number as i64 * 3);
            let all = values(fixture.fetch("t", 0).await.records);
            assert!(all.iter().any(|(_, found)| *found == value));

            assert_eq!(state(&mut fixture).await, "Ongoing");
            me = end(&mut fixture, me, commits, version).await;
            if commits {
                expected.push(value);
            }
            expected.push("plain".to_owned());
            let (seen, last_stable) = committed(&mut fixture, "t").await;
            assert_eq!(seen, expected);
            assert_eq!(last_stable, number as i64 * 3 + 3);
        }
        assert_eq!(state(&mut fixture).await, "CompleteCommit");
        let (seen, _) = committed(&mut fixture, "u").await;
        assert_eq!(seen, ["0", "3"]);
        let mut fixture = fixture.restart().await;
        assert_eq!(committed(&mut fixture, "t").await.0, expected);
        assert_eq!(state(&mut fixture).await, "CompleteCommit");
    }
}

#[tokio::test]
async fn a_transaction_goes_on_after_a_restart() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    let mut fixture = fixture.restart().await;
    assert_eq!(state(&mut fixture).await, "Ongoing");
    assert_eq!(produce_code(&mut fixture, me, 1, 12).await, NONE);
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(committed(&mut fixture, "t").await.0, ["v", "v"]);
}

#[tokio::test]
async fn a_batch_that_comes_again_gets_its_first_offset() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    fixture.produce("t", batch(&["plain"])).await;
    for version in [12, 12, 11] {
        let batch = transactional_batch(me, 0, &["a", "b"]);
        let produced = produce(&mut fixture, "t", batch, version).await;
        assert_code(produced.error_code, NONE);
        assert_eq!(produced.base_offset, 1);
    }
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(committed(&mut fixture, "t").await.0, ["plain", "a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_of_an_end_that_is_not_durable() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    fixture.disk.set(Forces::Wait);
    let frame = fixture.frame(&end_request(me, true), BUMPS);
    let ending = begin(fixture.dispatch(frame));
    fixture.disk.wait_until_forcing();
    let describe = DescribeTransactionsRequest {
        transactional_ids: vec![ID],
    };
    let frame = fixture.frame(&describe, 0);
    let describing = begin(fixture.dispatch(frame));
    assert_eq!(committed(&mut fixture, "t").await, (Vec::new(), 0));
    fixture.disk.set(Forces::Pass);
    let Answered::Response(ended) = decode::<EndTxnRequest>(ending.await, BUMPS) else {
        panic!("no answer");
    };
    assert_code(ended.error_code, NONE);
    let described = decode::<DescribeTransactionsRequest>(describing.await, 0);
    let Answered::Response(described) = described else {
        panic!("no answer");
    };
    let state = &described.transaction_states[0].transaction_state;
    assert_eq!(&**state, "CompleteCommit");
    assert_eq!(committed(&mut fixture, "t").await.0, ["v"]);
}

async fn delete(fixture: &mut Fixture, topic: &'static str) {
    let request = DeleteTopicsRequest {
        topic_names: vec![Text::from_static(topic)],
        ..DeleteTopicsRequest::default()
    };
    let response = fixture.call(&request, 4).await;
    assert_code(response.responses[0].error_code, NONE);
}

#[tokio::test]
async fn a_topic_that_is_gone_keeps_no_transaction_from_its_end() {
    let mut fixture = Fixture::open().await;
    for topic in ["t", "u"] {
        fixture.topic(topic).await;
    }
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    let batch = transactional_batch(me, 0, &["u"]);
    let produced = produce(&mut fixture, "u", batch, 12).await;
    assert_code(produced.error_code, NONE);
    delete(&mut fixture, "t").await;
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(state(&mut fixture).await, "CompleteCommit");
    assert_eq!(committed(&mut fixture, "u").await.0, ["u"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_partition_keeps_a_transaction_from_its_end_until_it_is_gone() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    for topic in ["t", "broken"] {
        fixture.topic(topic).await;
    }
    let me = init(&mut fixture).await;
    let batch = transactional_batch(me, 0, &["will be damaged"]);
    let produced = produce(&mut fixture, "broken", batch, 12).await;
    assert_code(produced.error_code, NONE);
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    fixture.topic("behind").await;

    let disk = disk.kill();
    let data_dir = fixture.data_dir().to_owned();
    let (path, position) = crate::damage::find(&disk, &data_dir, b"will be damaged");
    disk.flip_bit(&path, position, 3);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;
    // It is decided, and done where it can be.
    let next = end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(committed(&mut fixture, "t").await.0, ["v"]);
    assert_eq!(state(&mut fixture).await, "PrepareCommit");
    let again = try_end(&mut fixture, me, true, BUMPS).await;
    assert_code(again.error_code, ErrorCode::ConcurrentTransactions);
    let code = produce_code(&mut fixture, next, 0, 12).await;
    assert_eq!(code, ErrorCode::ConcurrentTransactions);
    // A restart goes on with it.
    let mut fixture = fixture.restart().await;
    assert_eq!(state(&mut fixture).await, "PrepareCommit");
    delete(&mut fixture, "broken").await;
    let mut fixture = fixture.restart().await;
    assert_eq!(state(&mut fixture).await, "CompleteCommit");
    let again = try_end(&mut fixture, me, true, BUMPS).await;
    assert_code(again.error_code, NONE);
    assert_eq!(again.producer_epoch, next.epoch);
    assert_eq!(produce_code(&mut fixture, next, 0, 12).await, NONE);
}

/// No marker could be written to it, and its transaction would never end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_partition_is_not_taken_into_a_transaction() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    for topic in ["t", "broken"] {
        fixture.topic(topic).await;
    }
    let damaged = batch(&["will be damaged"]);
    assert_code(fixture.produce("broken", damaged).await.error_code, NONE);
    fixture.topic("behind").await;
    let disk = disk.kill();
    let data_dir = fixture.data_dir().to_owned();
    let (path, position) = crate::damage::find(&disk, &data_dir, b"will be damaged");
    disk.flip_bit(&path, position, 3);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    let me = init(&mut fixture).await;
    let refused = ErrorCode::KafkaStorageError;
    let added = add(&mut fixture, me, &[("broken", &[0])], 3).await;
    assert_eq!(added, [refused]);
    for version in [11, 12] {
        let batch = transactional_batch(me, 0, &["v"]);
        let produced = produce(&mut fixture, "broken", batch, version).await;
        assert_code(produced.error_code, refused);
    }
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(state(&mut fixture).await, "CompleteCommit");
}

/// Whoever looks first when there is space again has the decision written, and does not end anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_a_full_disk_has_held_up_comes_by_itself() {
    let disk = SimFs::new(1);
    // Whoever looks for ids to forget would end it too.
    let settings = [
        ("transaction.state.log.num.partitions", "1"),
        (
            "transaction.remove.expired.transaction.cleanup.interval.ms",
            "2147483647",
        ),
    ];
    let mut fixture = Fixture::on_files(&settings, Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    disk.set_space(Some(disk.used_bytes()));
    let mut count = 0;
    while fixture.produce("t", batch(&["x"])).await.error_code == NONE.code() {
        count += 1;
        assert!(count < 100_000, "the disk is never full");
    }
    let ended = try_end(&mut fixture, me, false, BUMPS).await;
    assert_code(ended.error_code, ErrorCode::CoordinatorNotAvailable);

    disk.set_space(None);
    let describe = DescribeTransactionsRequest {
        transactional_ids: vec![ID],
    };
    loop {
        // Each look that fails puts the coordinator's own next try off by a second.
        fixture.clock.advance(Duration::from_millis(900));
        let described = fixture.call(&describe, 0).await;
        if described.transaction_states[0].error_code == NONE.code() {
            break;
        }
    }
    let mut looks = 0;
    while state(&mut fixture).await != "CompleteAbort" {
        fixture.clock.advance(Duration::from_secs(1));
        looks += 1;
        assert!(looks < 100_000, "the transaction never ends");
        tokio::task::yield_now().await;
    }
    assert_eq!(committed(&mut fixture, "t").await.0.len(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_may_be_lost_are_not_taken_for_unknown() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    let disk = disk.kill();
    // The record that makes the topic of the transactions: the last one in the log of the metadata.
    let data_dir = fixture.data_dir().to_owned();
    let (path, position) = crate::damage::find(&disk, &data_dir, b"__transaction_state");
    disk.flip_bit(&path, position + 3, 0);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    let lost = ErrorCode::KafkaStorageError;
    assert_eq!(produce_code(&mut fixture, me, 1, 12).await, lost);
    let ended = try_end(&mut fixture, me, true, BUMPS).await;
    assert_code(ended.error_code, lost);
    let describe = DescribeTransactionsRequest {
        transactional_ids: vec![ID],
    };
    let described = fixture.call(&describe, 0).await;
    assert_code(described.transaction_states[0].error_code, lost);
    let listed = fixture.call(&ListTransactionsRequest::default(), 0).await;
    assert_code(listed.error_code, lost);
}
