//! OffsetForLeaderEpoch.

use model::ErrorCode;
use wire::Text;
use wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use crate::support::{Fixture, assert_code, batch};

async fn look_up(
    fixture: &mut Fixture,
    topic: &'static str,
    current_leader_epoch: i32,
    leader_epoch: i32,
    version: i16,
) -> EpochEndOffset {
    let request = OffsetForLeaderEpochRequest {
        topics: vec![OffsetForLeaderTopic {
            topic: Text::from_static(topic),
            partitions: vec![OffsetForLeaderPartition {
                partition: 0,
                current_leader_epoch,
                leader_epoch,
            }],
        }],
        ..OffsetForLeaderEpochRequest::default()
    };
    let mut response = fixture.call(&request, version).await;
    response.topics.remove(0).partitions.remove(0)
}

#[tokio::test]
async fn epochs_end_where_the_next_one_begins() {
    let mut fixture = Fixture::open().await;
    let first = fixture.topic("t").await.partitions[0].leader_epoch;
    for value in ["a", "b"] {
        fixture.produce("t", batch(&[value])).await;
    }
    let mut fixture = fixture.restart().await;
    let second = fixture.topic("t").await.partitions[0].leader_epoch;
    assert!(second > first);
    fixture.produce("t", batch(&["c"])).await;
    for version in 2..=4 {
        for (asked, epoch, end) in [(first, first, 2), (second, second, 3), (second + 5, -1, -1)] {
            for known in [-1, second] {
                let found = look_up(&mut fixture, "t", known, asked, version).await;
                assert_code(found.error_code, ErrorCode::None);
                let answered = (found.leader_epoch, found.end_offset);
                assert_eq!(answered, (epoch, end), "epoch {asked}, version {version}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_client_knows_is_compared_first() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut fixture = fixture.restart().await;
    let ours = fixture.topic("t").await.partitions[0].leader_epoch;
    for (topic, known, error) in [
        ("t", ours - 1, ErrorCode::FencedLeaderEpoch),
        ("t", ours + 1, ErrorCode::UnknownLeaderEpoch),
        ("nowhere", -1, ErrorCode::UnknownTopicOrPartition),
    ] {
        let found = look_up(&mut fixture, topic, known, 0, 4).await;
        assert_code(found.error_code, error);
        assert_eq!((found.leader_epoch, found.end_offset), (-1, -1));
    }
}
