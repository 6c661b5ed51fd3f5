//! Old records go by themselves.

use std::time::Duration;

use model::ErrorCode;
use wire::Text;
use wire::messages::create_topics::{CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use crate::support::{Fixture, NOW_MS, assert_code, batch, batch_at};
use crate::topics_admin::topic;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The first offset of partition 0.
async fn log_start(fixture: &mut Fixture) -> i64 {
    let request = ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: Text::from_static("t"),
            partitions: vec![ListOffsetsPartition {
                timestamp: -2,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    fixture.call(&request, 5).await.topics[0].partitions[0].offset
}

#[tokio::test]
async fn records_go_when_they_are_older_than_the_topic_keeps_them() {
    let mut fixture = Fixture::open().await;
    let config = |name, value| CreatableTopicConfig {
        name: Text::from_static(name),
        value: Some(Text::from_static(value)),
    };
    let request = CreateTopicsRequest {
        topics: vec![wire::messages::create_topics::CreatableTopic {
            configs: vec![
                config("retention.ms", "7200000"),
                config("segment.ms", "3600000"),
            ],
            ..topic("t")
        }],
        ..CreateTopicsRequest::default()
    };
    fixture.call(&request, 7).await;
    fixture.produce("t", batch(&["old", "old"])).await;
    fixture
        .produce("t", batch_at(NOW_MS + 3_000_000, &["old"]))
        .await;
    assert_eq!(log_start(&mut fixture).await, 0);

    // Each hour the timer looks a dozen times; the segments are written in between on threads of
    // their own. A record that is always young stays.
    let mut hours = 0;
    while log_start(&mut fixture).await < 3 {
        fixture.clock.advance(HOUR);
        hours += 1;
        assert!(hours < 10_000, "nothing is ever removed");
        let now_ms = NOW_MS + 3_600_000 * hours;
        let response = fixture.produce("t", batch_at(now_ms, &["young"])).await;
        assert_code(response.error_code, ErrorCode::None);
    }
    assert!(hours >= 2, "they are kept for two hours");
    let fetched = fixture.fetch("t", 0).await;
    assert_code(fetched.error_code, ErrorCode::OffsetOutOfRange);
    let end = fixture
        .produce("t", batch_at(NOW_MS, &["last"]))
        .await
        .base_offset;
    assert_eq!(fixture.fetch("t", end).await.high_watermark, end + 1);
}
