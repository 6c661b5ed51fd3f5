//! DescribeQuorum. The answers are those of Apache Kafka 4.4 with one node.

use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData,
    QuorumPartitionData, ReplicaState, TopicData,
};

use crate::support::{Fixture, NOW_MS, assert_code};

const METADATA: &str = "__cluster_metadata";

fn asking(topics: &[(&'static str, &[i32])]) -> DescribeQuorumRequest {
    let topics = topics.iter().map(|(name, partitions)| TopicData {
        topic_name: Text::from_static(name),
        partitions: partitions
            .iter()
            .map(|partition_index| PartitionData {
                partition_index: *partition_index,
            })
            .collect(),
    });
    DescribeQuorumRequest {
        topics: topics.collect(),
    }
}

/// The one partition of an answer about the metadata.
fn metadata(response: &DescribeQuorumResponse) -> &QuorumPartitionData {
    let [topic] = response.topics.as_slice() else {
        panic!("not one topic: {response:?}");
    };
    let [partition] = topic.partitions.as_slice() else {
        panic!("not one partition: {topic:?}");
    };
    assert_code(response.error_code, ErrorCode::None);
    assert_eq!(topic.topic_name, *METADATA);
    partition
}

#[tokio::test]
async fn this_node_is_the_quorum_in_every_version() {
    let mut fixture = Fixture::with_settings(&[("node.id", "3")]).await;
    let mut ends = Vec::new();
    for version in 0..=2 {
        let response = fixture.call(&asking(&[(METADATA, &[0])]), version).await;
        let partition = metadata(&response);
        let end = partition.high_watermark;
        let now_ms = if version >= 1 { NOW_MS } else { -1 };
        let this = ReplicaState {
            replica_id: 3,
            replica_directory_id: TopicId::ZERO,
            log_end_offset: end,
            last_fetch_timestamp: now_ms,
            last_caught_up_timestamp: now_ms,
        };
        let with_messages = version >= 2;
        let message = (!with_messages).then(|| Text::from_static(""));
        let expected = QuorumPartitionData {
            partition_index: 0,
            error_code: 0,
            error_message: message.clone(),
            leader_id: 3,
            leader_epoch: partition.leader_epoch,
            high_watermark: end,
            current_voters: vec![this],
            observers: Vec::new(),
        };
        assert_eq!(*partition, expected, "version {version}");
        assert_eq!(response.error_message, message);
        let node = Node {
            node_id: 3,
            listeners: vec![Listener {
                name: Text::from_static("PLAINTEXT"),
                host: Text::from_static("broker.example"),
                port: 9092,
            }],
        };
        let nodes = if with_messages {
            vec![node]
        } else {
            Vec::new()
        };
        assert_eq!(response.nodes, nodes);
        ends.push(end);
    }
    assert!(ends[0] > 0, "the cluster has an id");
    assert_eq!(ends, [ends[0]; 3]);
}

#[tokio::test]
async fn the_end_rises_with_changes_and_the_epoch_with_restarts() {
    let mut fixture = Fixture::open().await;
    let request = asking(&[(METADATA, &[0])]);
    let before = metadata(&fixture.call(&request, 2).await).clone();
    fixture.topic("t").await;
    let changed = metadata(&fixture.call(&request, 2).await).clone();
    assert_eq!(changed.high_watermark, before.high_watermark + 1);
    assert_eq!(changed.leader_epoch, before.leader_epoch);

    let mut fixture = fixture.restart().await;
    let restarted = metadata(&fixture.call(&request, 2).await).clone();
    assert_eq!(restarted.high_watermark, changed.high_watermark);
    assert_eq!(restarted.leader_epoch, changed.leader_epoch + 1);
    // It is the epoch that clients see of every partition.
    let topic = fixture.topic("t").await;
    assert_eq!(restarted.leader_epoch, topic.partitions[0].leader_epoch);
}

#[tokio::test]
async fn whatever_else_is_named_has_no_quorum_and_hides_the_one_there_is() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let cases: [&[(&'static str, &[i32])]; 9] = [
        &[],
        &[(METADATA, &[])],
        &[(METADATA, &[1])],
        &[(METADATA, &[0, 0])],
        &[(METADATA, &[0, 1])],
        &[(METADATA, &[0]), (METADATA, &[0])],
        &[(METADATA, &[0]), ("t", &[])],
        &[("t", &[0])],
        &[("t", &[0, 5]), ("missing", &[-1])],
    ];
    for asked in cases {
        for version in 0..=2 {
            let response = fixture.call(&asking(asked), version).await;
            assert_code(response.error_code, ErrorCode::None);
            assert!(response.nodes.is_empty());
            let mut answered = Vec::new();
            for topic in &response.topics {
                let mut indexes = Vec::new();
                for partition in &topic.partitions {
                    assert_code(partition.error_code, ErrorCode::UnknownTopicOrPartition);
                    let message = partition.error_message.as_deref();
                    assert_eq!(message.is_some_and(|text| !text.is_empty()), version >= 2);
                    assert_eq!((partition.leader_id, partition.leader_epoch), (0, 0));
                    assert_eq!(partition.high_watermark, 0);
                    assert!(partition.current_voters.is_empty());
                    indexes.push(partition.partition_index);
                }
                answered.push((topic.topic_name.as_str(), indexes));
            }
            let expected = asked
                .iter()
                .map(|(name, indexes)| (*name, indexes.to_vec()));
            assert_eq!(answered, expected.collect::<Vec<_>>(), "version {version}");
        }
    }
}
