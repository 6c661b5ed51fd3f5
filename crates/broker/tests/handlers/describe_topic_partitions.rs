//! DescribeTopicPartitions.

use model::ErrorCode;
use wire::Text;
use wire::messages::create_topics::CreatableTopic;
use wire::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicRequest,
};

use crate::support::{Fixture, assert_code};
use crate::topics_admin::{create, topic};

/// A broker with the topics `a` (2 partitions), `b` (3) and `c` (1).
async fn with_topics() -> Fixture {
    let mut fixture = Fixture::open().await;
    let with = |name, num_partitions| CreatableTopic {
        num_partitions,
        ..topic(name)
    };
    let topics = vec![with("b", 3), with("c", 1), with("a", 2)];
    for created in create(&mut fixture, topics).await {
        assert_code(created.error_code, ErrorCode::None);
    }
    fixture
}

fn asking(names: &[&'static str], limit: i32) -> DescribeTopicPartitionsRequest {
    let names = names.iter().map(|name| TopicRequest {
        name: Text::from_static(name),
    });
    DescribeTopicPartitionsRequest {
        topics: names.collect(),
        response_partition_limit: limit,
        cursor: None,
    }
}

fn cursor(topic_name: &'static str, partition_index: i32) -> Cursor {
    Cursor {
        topic_name: Text::from_static(topic_name),
        partition_index,
    }
}

/// What a page holds, as `topic-index`; a topic with an error as `topic!CODE`.
fn listed(response: &DescribeTopicPartitionsResponse) -> Vec<String> {
    let mut listed = Vec::new();
    for topic in &response.topics {
        let name = topic.name.as_deref().unwrap();
        match ErrorCode::from_code(topic.error_code).unwrap() {
            ErrorCode::None => {}
            error => listed.push(format!("{name}!{error}")),
        }
        for partition in &topic.partitions {
            listed.push(format!("{name}-{}", partition.partition_index));
        }
    }
    listed
}

/// All pages, one after the other.
async fn pages(
    fixture: &mut Fixture,
    mut request: DescribeTopicPartitionsRequest,
) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let response = fixture.call(&request, 0).await;
        pages.push(listed(&response));
        assert!(pages.len() < 20, "no end: {pages:?}");
        request.cursor = response.next_cursor;
        if request.cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn a_partition_is_described_as_metadata_does() {
    let mut fixture = with_topics().await;
    let metadata = fixture.topic("b").await;
    let mut response = fixture.call(&asking(&["b"], 2000), 0).await;
    assert_eq!(response.next_cursor, None);
    let topic = response.topics.remove(0);
    assert_eq!(topic.topic_id, metadata.topic_id);
    assert!(!topic.is_internal);
    assert_eq!(topic.topic_authorized_operations, 3576);
    for (partition, of_metadata) in topic.partitions.iter().zip(&metadata.partitions) {
        assert_code(partition.error_code, ErrorCode::None);
        assert_eq!(partition.partition_index, of_metadata.partition_index);
        assert_eq!(partition.leader_id, of_metadata.leader_id);
        assert_eq!(partition.leader_epoch, of_metadata.leader_epoch);
        assert_eq!(partition.replica_nodes, of_metadata.replica_nodes);
        assert_eq!(partition.isr_nodes, of_metadata.isr_nodes);
        assert_eq!(partition.eligible_leader_replicas, Some(Vec::new()));
    }
}

#[tokio::test]
async fn pages_hold_everything_once_whatever_their_size() {
    let mut fixture = with_topics().await;
    let all = ["a-0", "a-1", "b-0", "b-1", "b-2", "c-0"];
    for limit in [1, 2, 3, 4, 5, 6, 7, 2000, i32::MAX] {
        let size = usize::try_from(limit).unwrap();
        for names in [&[][..], &["c", "a", "b", "a"]] {
            let pages = pages(&mut fixture, asking(names, limit)).await;
            assert_eq!(pages.concat(), all, "limit {limit}");
            assert!(pages.iter().all(|page| page.len() <= size), "{pages:?}");
            assert_eq!(pages.len(), all.len().div_ceil(size.min(all.len())));
        }
    }
    // What makes no sense is one at a time.
    for limit in [0, -1] {
        assert_eq!(pages(&mut fixture, asking(&[], limit)).await.len(), 6);
    }
}

#[tokio::test]
async fn a_cursor_begins_in_the_middle_or_behind_what_is_gone() {
    let mut fixture = with_topics().await;
    for (names, cursor, expected) in [
        (&[][..], cursor("b", 1), &["b-1", "b-2", "c-0"][..]),
        (&[], cursor("b", 3), &["c-0"]),
        (&[], cursor("b", -5), &["b-0", "b-1", "b-2", "c-0"]),
        (&[], cursor("aa", 1), &["b-0", "b-1", "b-2", "c-0"]),
        (&[], cursor("d", 0), &[]),
        (&["c", "a"], cursor("a", 1), &["a-1", "c-0"]),
        (
            &["c", "a"],
            cursor("b", 0),
            &["a!INVALID_REQUEST", "c!INVALID_REQUEST"],
        ),
    ] {
        let request = DescribeTopicPartitionsRequest {
            cursor: Some(cursor),
            ..asking(names, 2000)
        };
        let what = format!("{request:?}");
        assert_eq!(listed(&fixture.call(&request, 0).await), expected, "{what}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_told_in_its_place_and_not_created() {
    let mut fixture = with_topics().await;
    let request = asking(&["c", "bad name", "aa", "a"], 3);
    for _ in 0..2 {
        assert_eq!(
            pages(&mut fixture, request.clone()).await,
            [[
                "a-0",
                "a-1",
                "aa!UNKNOWN_TOPIC_OR_PARTITION",
                "bad name!INVALID_TOPIC_EXCEPTION",
                "c-0"
            ]]
        );
    }
}
