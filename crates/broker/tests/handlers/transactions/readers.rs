//! What both kinds of readers see of open, committed and aborted transactions, wherever the batches lie.

use std::time::Duration;

use bytes::Bytes;
use model::{ErrorCode, ProducerEpoch, ProducerId};
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::describe_producers::{
    DescribeProducersRequest, PartitionResponse, TopicRequest,
};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::{Chunks, Text};

use super::client::*;
use crate::compacted::{checkpointed, create, keyed, records, set};
use crate::support::{Fixture, NOW_MS, assert_code};
use wire::compression::Codec;

const NONE: ErrorCode = ErrorCode::None;

/// Another transactional producer, in its own name.
async fn init_as(fixture: &mut Fixture, id: &'static str) -> Producer {
    let mut request = init_request(None);
    request.transactional_id = Some(Text::from_static(id));
    let response = fixture.call(&request, 4).await;
    assert_code(response.error_code, NONE);
    Producer {
        id: response.producer_id,
        epoch: response.producer_epoch,
    }
}

fn keyed_batch(producer: Producer, sequence: i32, key: &str, value: &str) -> Bytes {
    let (id, epoch) = (ProducerId(producer.id), ProducerEpoch(producer.epoch));
    let mut builder = BatchBuilder::new()
        .producer(id, epoch, sequence)
        .transactional();
    builder.push(NewRecord {
        timestamp: NOW_MS,
        key: Some(key.as_bytes()),
        value: Some(value.as_bytes()),
        headers: &[],
    });
    builder.build().into()
}

/// One transaction of one record.
async fn transact(
    fixture: &mut Fixture,
    me: Producer,
    (key, value): (&str, &str),
    commits: bool,
) -> Producer {
    let batch = keyed_batch(me, 0, key, value);
    let produced = produce(fixture, "t", batch, 12).await;
    assert_code(produced.error_code, NONE);
    end(fixture, me, commits, BUMPS).await
}

/// The values of all records, with those of aborted and open transactions, markers left out.
async fn uncommitted(fixture: &mut Fixture) -> Vec<String> {
    let found = records(fixture.fetch("t", 0).await.records).into_iter();
    // The key of a marker is two numbers.
    let data = found.filter(|(_, key, _)| key.as_deref().is_some_and(|key| !key.starts_with('\0')));
    data.filter_map(|(_, _, value)| value).collect()
}

async fn latest(fixture: &mut Fixture, isolation_level: i8) -> i64 {
    let request = ListOffsetsRequest {
        isolation_level,
        topics: vec![ListOffsetsTopic {
            name: Text::from_static("t"),
            partitions: vec![ListOffsetsPartition {
                timestamp: -1,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    let response = fixture.call(&request, 4).await;
    response.topics[0].partitions[0].offset
}

/// What must hold while the transaction of `b` at offset 4 is open.
async fn check_open(fixture: &mut Fixture) {
    let (seen, last_stable) = committed(fixture, "t").await;
    assert_eq!((seen, last_stable), (vec!["1".to_owned()], 4));
    let all = uncommitted(fixture).await;
    assert_eq!(all, ["1", "2", "3", "4", "5"]);
    assert_eq!((latest(fixture, 1).await, latest(fixture, 0).await), (4, 8));
    let fetched = fetch_committed(fixture, "t").await;
    let aborted = fetched.aborted_transactions.unwrap();
    let first_offsets: Vec<_> = aborted.iter().map(|one| one.first_offset).collect();
    assert_eq!(first_offsets, [2], "of what is returned");
}

/// Lets the segment of `t` be rolled, and compaction look at it.
async fn roll(fixture: &mut Fixture) {
    for number in 0..3 {
        fixture.clock.advance(Duration::from_secs(2));
        let value = ["1000", "1001", "1002"][number];
        assert_code(set(fixture, &[("delete.retention.ms", value)]).await, NONE);
    }
}

#[tokio::test]
async fn readers_agree_from_memory_after_restarts_and_from_segments() {
    let mut fixture = Fixture::open().await;
    assert_code(create(&mut fixture, &[("segment.ms", "1000")]).await, NONE);
    let mut a = init(&mut fixture).await;
    a = transact(&mut fixture, a, ("k", "1"), true).await;
    a = transact(&mut fixture, a, ("k", "2"), false).await;
    let b = init_as(&mut fixture, "b").await;
    let mut request = crate::support::produce_request("t", keyed_batch(b, 0, "k", "3"));
    request.transactional_id = Some(Text::from_static("b"));
    let produced = fixture.call(&request, 12).await;
    assert_code(
        produced.responses[0].partition_responses[0].error_code,
        NONE,
    );
    let batch = keyed_batch(a, 0, "k", "4");
    assert_code(produce(&mut fixture, "t", batch, 12).await.error_code, NONE);
    a = end(&mut fixture, a, false, BUMPS).await;
    let plain = keyed(&[(Some("k"), Some("5"))], Codec::None);
    fixture.produce("t", plain).await;
    check_open(&mut fixture).await;
    for _ in 0..2 {
        fixture = fixture.restart().await;
        check_open(&mut fixture).await;
        roll(&mut fixture).await;
        check_open(&mut fixture).await;
    }

    let mut request = end_request(b, true);
    request.transactional_id = Text::from_static("b");
    assert_code(fixture.call(&request, BUMPS).await.error_code, NONE);
    for _ in 0..2 {
        let (seen, last_stable) = committed(&mut fixture, "t").await;
        assert_eq!(seen, ["1", "3", "5"]);
        assert_eq!(last_stable, 9);
        let all = uncommitted(&mut fixture).await;
        assert_eq!(all, ["1", "2", "3", "4", "5"]);
        let fetched = fetch_committed(&mut fixture, "t").await;
        let aborted = fetched.aborted_transactions.unwrap();
        let mut of: Vec<_> = aborted
            .iter()
            .map(|one| (one.producer_id, one.first_offset))
            .collect();
        of.sort_unstable();
        assert_eq!(of, [(a.id, 2), (a.id, 5)]);
        let mut from_the_end = crate::support::fetch_request("t", 7);
        from_the_end.isolation_level = 1;
        let mut response = fixture.call(&from_the_end, 12).await;
        let last = response.responses.remove(0).partitions.remove(0);
        let aborted = last.aborted_transactions.unwrap();
        assert_eq!(aborted.len(), 0, "none of these meets offset 7");
        assert_ne!(last.records.map(Chunks::into_bytes), None);
        fixture = fixture.restart().await;
    }
}

#[tokio::test]
async fn compaction_keeps_what_committed_and_nothing_of_what_aborted() {
    let mut fixture = Fixture::open().await;
    let configs = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0"),
        ("segment.ms", "1000"),
    ];
    assert_code(create(&mut fixture, &configs).await, NONE);
    let mut me = init(&mut fixture).await;
    for (key, value, commits) in [
        ("k", "1", true),
        ("l", "2", true),
        ("k", "3", true),
        ("k", "4", false),
        ("m", "5", false),
    ] {
        me = transact(&mut fixture, me, (key, value), commits).await;
    }
    let plain = keyed(&[(Some("n"), Some("6"))], Codec::None);
    fixture.produce("t", plain).await;
    let mut rounds = 0;
    while uncommitted(&mut fixture).await != ["2", "3", "6"] {
        roll(&mut fixture).await;
        rounds += 1;
        assert!(rounds < 300, "{:?}", uncommitted(&mut fixture).await);
    }
    checkpointed(&mut fixture).await;
    for _ in 0..2 {
        assert_eq!(uncommitted(&mut fixture).await, ["2", "3", "6"]);
        let (seen, last_stable) = committed(&mut fixture, "t").await;
        assert_eq!(
            (seen.as_slice(), last_stable),
            (&["2", "3", "6"].map(str::to_owned)[..], 11)
        );
        fixture = fixture.restart().await;
    }
    // The producer goes on where it was.
    transact(&mut fixture, me, ("k", "7"), true).await;
    assert_eq!(latest(&mut fixture, 1).await, 13);
}

pub(crate) async fn producers(fixture: &mut Fixture, indexes: &[i32]) -> Vec<PartitionResponse> {
    let request = DescribeProducersRequest {
        topics: vec![TopicRequest {
            name: Text::from_static("t"),
            partition_indexes: indexes.to_vec(),
        }],
    };
    fixture.call(&request, 0).await.topics.remove(0).partitions
}

#[tokio::test]
async fn a_partition_tells_who_produces_to_it() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    for sequence in 0..2 {
        let batch = keyed_batch(me, sequence, "k", "v");
        assert_code(produce(&mut fixture, "t", batch, 12).await.error_code, NONE);
    }
    for is_open in [true, false] {
        for _ in 0..2 {
            let partitions = producers(&mut fixture, &[0, 0, 9]).await;
            let codes: Vec<_> = partitions.iter().map(|one| one.error_code).collect();
            let unknown = ErrorCode::UnknownTopicOrPartition.code();
            assert_eq!(codes, [NONE.code(), unknown], "each once");
            let [found] = &partitions[0].active_producers[..] else {
                panic!("{partitions:?}");
            };
            assert_eq!(found.producer_id, me.id);
            let expected = match is_open {
                true => (i32::from(me.epoch), 1, -1, 0),
                false => (i32::from(me.epoch) + 1, -1, 0, -1),
            };
            let start = found.current_txn_start_offset;
            assert_eq!(found.producer_epoch, expected.0);
            assert_eq!(found.last_sequence, expected.1);
            assert_eq!(found.coordinator_epoch, expected.2);
            assert_eq!(start, expected.3);
            assert!(found.last_timestamp > 0);
            if is_open {
                break;
            }
            fixture = fixture.restart().await;
        }
        if is_open {
            end(&mut fixture, me, true, BUMPS).await;
        }
    }
}
