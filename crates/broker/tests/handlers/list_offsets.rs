//! ListOffsets.

use model::ErrorCode;
use wire::Text;
use wire::batch::BatchBuilder;
use wire::compression::Codec;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};

use crate::support::{Fixture, NOW_MS, assert_code, batch_at, build};

fn asking(timestamps: &[i64]) -> ListOffsetsRequest {
    let partitions = timestamps.iter().map(|timestamp| ListOffsetsPartition {
        timestamp: *timestamp,
        ..ListOffsetsPartition::default()
    });
    ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: Text::from_static("t"),
            partitions: partitions.collect(),
        }],
        ..ListOffsetsRequest::default()
    }
}

async fn look_up(
    fixture: &mut Fixture,
    timestamp: i64,
    version: i16,
) -> ListOffsetsPartitionResponse {
    let mut response = fixture.call(&asking(&[timestamp]), version).await;
    response.topics.remove(0).partitions.remove(0)
}

/// Three batches of three records, a second apart, a millisecond between records.
async fn filled() -> Fixture {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for (second, codec) in [(0, Codec::None), (1, Codec::Gzip), (2, Codec::Zstd)] {
        let builder = BatchBuilder::new().codec(codec);
        let batch = build(builder, NOW_MS + 1000 * second, &["a", "b", "c"]);
        fixture.produce("t", batch).await;
    }
    fixture
}

#[tokio::test]
async fn special_offsets_in_every_version_that_has_them() {
    let mut fixture = filled().await;
    for version in 1..=11 {
        for (timestamp, since, offset) in [
            (-1, 1, 9),
            (-2, 1, 0),
            (-3, 7, 8),
            (-4, 8, 0),
            (-5, 9, -1),
            (-6, 11, -1),
        ] {
            let found = look_up(&mut fixture, timestamp, version).await;
            if version < since {
                assert_code(found.error_code, ErrorCode::UnsupportedVersion);
                assert_eq!(found.offset, -1);
                continue;
            }
            assert_code(found.error_code, ErrorCode::None);
            assert_eq!(
                found.offset, offset,
                "timestamp {timestamp}, version {version}"
            );
            let time = if timestamp == -3 { NOW_MS + 2002 } else { -1 };
            assert_eq!(found.timestamp, time, "timestamp {timestamp}");
        }
        let found = look_up(&mut fixture, -7, version).await;
        assert_code(found.error_code, ErrorCode::UnsupportedVersion);
    }
}

#[tokio::test]
async fn a_time_finds_the_first_record_that_is_not_older() {
    let mut fixture = filled().await;
    for (time, offset, found_time) in [
        (0, 0, 0),
        (NOW_MS, 0, 0),
        (NOW_MS + 1, 1, 1),
        (NOW_MS + 3, 3, 1000),
        // Within compressed batches.
        (NOW_MS + 1001, 4, 1001),
        (NOW_MS + 2002, 8, 2002),
    ] {
        let found = look_up(&mut fixture, time, 5).await;
        assert_code(found.error_code, ErrorCode::None);
        assert_eq!(
            (found.offset, found.timestamp),
            (offset, NOW_MS + found_time),
            "{time}"
        );
        assert!(found.leader_epoch >= 0);
    }
    let found = look_up(&mut fixture, NOW_MS + 2003, 5).await;
    assert_code(found.error_code, ErrorCode::None);
    assert_eq!((found.offset, found.timestamp), (-1, -1));
}

#[tokio::test]
async fn an_empty_log_has_ends_and_no_times() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for (timestamp, offset) in [(-1, 0), (-2, 0), (-3, -1), (5, -1)] {
        let found = look_up(&mut fixture, timestamp, 7).await;
        assert_code(found.error_code, ErrorCode::None);
        assert_eq!(found.offset, offset, "timestamp {timestamp}");
    }
}

#[tokio::test]
async fn refusals() {
    let mut fixture = filled().await;
    // The same partition twice.
    let response = fixture.call(&asking(&[-1, -2]), 5).await;
    for partition in &response.topics[0].partitions {
        assert_code(partition.error_code, ErrorCode::InvalidRequest);
    }
    let mut request = asking(&[-1]);
    request.topics[0].partitions[0].partition_index = 3;
    let response = fixture.call(&request, 5).await;
    let partition = &response.topics[0].partitions[0];
    assert_code(partition.error_code, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(partition.partition_index, 3);

    let mut request = asking(&[-1]);
    request.topics[0].name = Text::from_static("missing");
    let response = fixture.call(&request, 5).await;
    assert_code(
        response.topics[0].partitions[0].error_code,
        ErrorCode::UnknownTopicOrPartition,
    );

    let mut request = asking(&[-1]);
    request.topics[0].partitions[0].current_leader_epoch = 9999;
    let response = fixture.call(&request, 5).await;
    assert_code(
        response.topics[0].partitions[0].error_code,
        ErrorCode::UnknownLeaderEpoch,
    );
}

#[tokio::test]
async fn lookups_hold_after_a_restart() {
    let mut fixture = filled().await.restart().await;
    let found = look_up(&mut fixture, NOW_MS + 1001, 5).await;
    assert_eq!((found.offset, found.timestamp), (4, NOW_MS + 1001));
    assert_eq!(look_up(&mut fixture, -3, 7).await.offset, 8);
    fixture.produce("t", batch_at(NOW_MS + 2500, &["d"])).await;
    assert_eq!(look_up(&mut fixture, NOW_MS + 2003, 5).await.offset, 9);
}
