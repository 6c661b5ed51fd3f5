//! What a restart keeps.

use model::ErrorCode;
use wire::messages::metadata::MetadataRequest;

use crate::support::{Fixture, assert_code, batch, idempotent_batch, values};

#[tokio::test]
async fn topics_records_and_the_cluster_id_are_kept() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "2")]).await;
    let before = fixture.topic("t").await;
    let cluster_id = fixture.broker.cluster_id().unwrap().to_owned();
    assert_eq!(cluster_id.len(), 22);
    for value in ["a", "b"] {
        fixture.produce("t", batch(&[value])).await;
    }

    let mut fixture = fixture.restart().await;
    assert_eq!(fixture.broker.cluster_id(), Some(&*cluster_id));
    let after = fixture.topic("t").await;
    assert_eq!(after.topic_id, before.topic_id);
    assert_eq!(after.partitions.len(), 2);
    assert!(after.partitions[0].leader_epoch > before.partitions[0].leader_epoch);
    let records = values(fixture.fetch("t", 0).await.records);
    assert_eq!(records, [(0, "a".to_owned()), (1, "b".to_owned())]);
    assert_eq!(fixture.produce("t", batch(&["c"])).await.base_offset, 2);
    assert!(fixture.broker.health().is_empty());
}

#[tokio::test]
async fn an_idempotent_producer_is_still_known() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for sequence in 0..7 {
        fixture
            .produce("t", idempotent_batch(7, 0, sequence, &["a"]))
            .await;
    }
    let mut fixture = fixture.restart().await;
    let retried = fixture
        .produce("t", idempotent_batch(7, 0, 4, &["a"]))
        .await;
    assert_code(retried.error_code, ErrorCode::None);
    assert_eq!(retried.base_offset, 4);
    let gap = fixture
        .produce("t", idempotent_batch(7, 0, 9, &["a"]))
        .await;
    assert_code(gap.error_code, ErrorCode::OutOfOrderSequenceNumber);
    let next = fixture
        .produce("t", idempotent_batch(7, 0, 7, &["a"]))
        .await;
    assert_eq!(next.base_offset, 7);
}

#[tokio::test]
async fn many_changes_leave_a_short_metadata_log() {
    let mut fixture = Fixture::open().await;
    let names: Vec<&'static str> = (0..40)
        .map(|number| &*String::leak(format!("topic-{number}")))
        .collect();
    for name in &names {
        fixture.topic(name).await;
    }
    for _ in 0..3 {
        fixture = fixture.restart().await;
    }
    let response = fixture
        .call(
            &MetadataRequest {
                topics: None,
                ..MetadataRequest::default()
            },
            9,
        )
        .await;
    assert_eq!(response.topics.len(), names.len());
}
