//! DeleteRecords.

use model::ErrorCode;
use wire::Text;
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsTopic,
};

use crate::durability::{Later, with_stalled_disk};
use crate::gated_disk::Forces;
use crate::support::{Answered, Fixture, assert_code, batch, decode, values};

pub(crate) fn topic(name: &'static str, partitions: &[(i32, i64)]) -> DeleteRecordsTopic {
    let partitions = partitions
        .iter()
        .map(|(partition_index, offset)| DeleteRecordsPartition {
            partition_index: *partition_index,
            offset: *offset,
        });
    DeleteRecordsTopic {
        name: Text::from_static(name),
        partitions: partitions.collect(),
    }
}

fn request(topics: Vec<DeleteRecordsTopic>) -> DeleteRecordsRequest {
    DeleteRecordsRequest {
        topics,
        timeout_ms: 30_000,
    }
}

pub(crate) async fn delete(
    fixture: &mut Fixture,
    topics: Vec<DeleteRecordsTopic>,
) -> Vec<DeleteRecordsPartitionResult> {
    let response = fixture.call(&request(topics), 2).await;
    let topics = response.topics.into_iter();
    topics.flat_map(|topic| topic.partitions).collect()
}

async fn with_records(count: usize) -> Fixture {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for _ in 0..count {
        fixture.produce("t", batch(&["a", "b"])).await;
    }
    fixture
}

/// The offsets that can be read from `from` on.
async fn offsets(fixture: &mut Fixture, from: i64) -> Vec<i64> {
    let fetched = fixture.fetch("t", from).await;
    assert_code(fetched.error_code, ErrorCode::None);
    let values = values(fetched.records).into_iter();
    values.map(|(offset, _)| offset).collect()
}

#[tokio::test]
async fn what_lies_below_is_gone_when_it_is_answered_and_does_not_come_back() {
    let mut fixture = with_records(4).await;
    for (version, offset) in (0..=2).zip([2, 4, 5]) {
        let request = request(vec![topic("t", &[(0, offset)])]);
        let mut response = fixture.call(&request, version).await;
        let deleted = response.topics.remove(0).partitions.remove(0);
        assert_code(deleted.error_code, ErrorCode::None);
        assert_eq!(deleted.low_watermark, offset);
        let below = fixture.fetch("t", offset - 1).await;
        assert_code(below.error_code, ErrorCode::OffsetOutOfRange);
    }
    // 5 is in the middle of a batch, which is sent whole.
    assert_eq!(offsets(&mut fixture, 5).await, [4, 5, 6, 7]);
    let mut fixture = fixture.restart().await;
    let below = fixture.fetch("t", 4).await;
    assert_code(below.error_code, ErrorCode::OffsetOutOfRange);
    let fetched = fixture.fetch("t", 5).await;
    assert_eq!((fetched.log_start_offset, fetched.high_watermark), (5, 8));
}

#[tokio::test]
async fn minus_one_is_everything_and_offsets_go_on() {
    let mut fixture = with_records(2).await;
    let deleted = delete(&mut fixture, vec![topic("t", &[(0, -1)])]).await;
    assert_code(deleted[0].error_code, ErrorCode::None);
    assert_eq!(deleted[0].low_watermark, 4);
    assert_eq!(offsets(&mut fixture, 4).await, [0_i64; 0]);
    // Again, and further back: nothing to do.
    for offset in [-1, 4, 3, 0] {
        let deleted = delete(&mut fixture, vec![topic("t", &[(0, offset)])]).await;
        assert_code(deleted[0].error_code, ErrorCode::None);
        assert_eq!(deleted[0].low_watermark, 4, "{offset}");
    }
    let produced = fixture.produce("t", batch(&["c"])).await;
    assert_eq!((produced.base_offset, produced.log_start_offset), (4, 4));
}

#[tokio::test]
async fn it_is_answered_when_it_is_durable_and_not_before() {
    let mut fixture = with_stalled_disk().await;
    let wanted = request(vec![topic("t", &[(0, 1)])]);
    let mut deleting = Later::of(&mut fixture, &wanted, 2);
    assert!(!deleting.is_there());
    // Nobody is told of what a power cut can take back.
    assert_eq!(offsets(&mut fixture, 0).await, [0]);
    assert!(!deleting.is_there());
    fixture.disk.set(Forces::Pass);
    let Answered::Response(response) = decode::<DeleteRecordsRequest>(deleting.0.await, 2) else {
        panic!("no response");
    };
    assert_eq!(response.topics[0].partitions[0].low_watermark, 1);
    let below = fixture.fetch("t", 0).await;
    assert_code(below.error_code, ErrorCode::OffsetOutOfRange);
}

#[tokio::test]
async fn a_disk_that_does_not_come_back_is_a_timeout_of_the_partition() {
    let mut fixture = with_stalled_disk().await;
    let wanted = DeleteRecordsRequest {
        timeout_ms: 0,
        ..request(vec![topic("t", &[(0, 1), (7, 1)])])
    };
    let response = fixture.call(&wanted, 2).await;
    let partitions = &response.topics[0].partitions;
    assert_code(partitions[0].error_code, ErrorCode::RequestTimedOut);
    assert_eq!(partitions[0].low_watermark, -1);
    assert_code(partitions[1].error_code, ErrorCode::UnknownTopicOrPartition);
    fixture.disk.set(Forces::Pass);
}

#[tokio::test]
async fn partitions_fail_by_themselves() {
    let mut fixture = with_records(2).await;
    fixture.have_groups().await;
    let cases = [
        ("t", 1, 0, ErrorCode::UnknownTopicOrPartition),
        ("missing", 0, 0, ErrorCode::UnknownTopicOrPartition),
        ("__consumer_offsets", 0, 0, ErrorCode::InvalidTopicException),
        ("t", 0, 3, ErrorCode::None),
    ];
    let topics = cases
        .iter()
        .map(|(name, partition, offset, _)| topic(name, &[(*partition, *offset)]));
    let deleted = delete(&mut fixture, topics.collect()).await;
    for (deleted, (_, _, offset, code)) in deleted.iter().zip(cases) {
        assert_code(deleted.error_code, code);
        let low_watermark = if code == ErrorCode::None { offset } else { -1 };
        assert_eq!(deleted.low_watermark, low_watermark);
    }
    for offset in [5, i64::MAX, -2, i64::MIN] {
        let deleted = delete(&mut fixture, vec![topic("t", &[(0, offset)])]).await;
        assert_code(deleted[0].error_code, ErrorCode::OffsetOutOfRange);
    }
    assert_eq!(offsets(&mut fixture, 3).await, [2, 3]);
}

#[tokio::test]
async fn of_a_partition_named_twice_the_last_offset_counts() {
    let mut fixture = with_records(4).await;
    let topics = vec![topic("t", &[(0, 8), (0, 6)]), topic("t", &[(0, 3), (1, 0)])];
    let deleted = delete(&mut fixture, topics).await;
    let answers: Vec<_> = deleted
        .iter()
        .map(|one| (one.partition_index, one.low_watermark))
        .collect();
    assert_eq!(answers, [(0, 3), (1, -1)]);
    assert_eq!(offsets(&mut fixture, 3).await, [2, 3, 4, 5, 6, 7]);
}
