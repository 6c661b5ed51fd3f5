//! ElectLeaders, AlterPartitionReassignments and ListPartitionReassignments: one broker has nothing to
//! elect and nothing to move. The codes are those of Apache Kafka 4.4 with one node.

use model::ErrorCode;
use wire::Text;
use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use wire::messages::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};

use crate::support::{Fixture, assert_code};

fn election(election_type: i8) -> ElectLeadersRequest {
    let topic = |name, partitions: &[i32]| TopicPartitions {
        topic: Text::from_static(name),
        partitions: partitions.to_vec(),
    };
    ElectLeadersRequest {
        election_type,
        topic_partitions: Some(vec![topic("t", &[0, 9]), topic("missing", &[0])]),
        ..ElectLeadersRequest::default()
    }
}

#[tokio::test]
async fn no_election_is_needed() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for version in 0..=2 {
        for election_type in [0, 1, 7] {
            let response = fixture.call(&election(election_type), version).await;
            let is_known = version == 0 || election_type != 7;
            let codes = match is_known {
                true => [
                    ErrorCode::ElectionNotNeeded,
                    ErrorCode::UnknownTopicOrPartition,
                    ErrorCode::UnknownTopicOrPartition,
                ],
                false => [ErrorCode::InvalidRequest; 3],
            };
            let results = response
                .replica_election_results
                .iter()
                .flat_map(|topic| &topic.partition_result);
            for (result, code) in results.zip(codes) {
                assert_code(result.error_code, code);
                assert!(result.error_message.is_some());
            }
            let of_request = match is_known {
                true => ErrorCode::None,
                false => ErrorCode::InvalidRequest,
            };
            assert_code(response.error_code, of_request);
        }
        let all = ElectLeadersRequest {
            topic_partitions: None,
            ..election(0)
        };
        let response = fixture.call(&all, version).await;
        assert_code(response.error_code, ErrorCode::None);
        assert!(response.replica_election_results.is_empty());
    }
}

#[tokio::test]
async fn a_partition_can_only_stay_where_it_is() {
    let mut fixture = Fixture::with_settings(&[("node.id", "3")]).await;
    fixture.topic("t").await;
    let partition = |partition_index, replicas: Option<&[i32]>| ReassignablePartition {
        partition_index,
        replicas: replicas.map(<[i32]>::to_vec),
    };
    let topic = |name, partitions| ReassignableTopic {
        name: Text::from_static(name),
        partitions,
    };
    let cases = [
        (partition(0, Some(&[3])), ErrorCode::None),
        (partition(0, None), ErrorCode::NoReassignmentInProgress),
        (partition(0, Some(&[])), ErrorCode::InvalidReplicaAssignment),
        (
            partition(0, Some(&[0])),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            partition(0, Some(&[3, 3])),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            partition(0, Some(&[3, 4])),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (partition(9, Some(&[3])), ErrorCode::UnknownTopicOrPartition),
    ];
    let (partitions, codes): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    for version in 0..=1 {
        for allow_replication_factor_change in [true, false] {
            let request = AlterPartitionReassignmentsRequest {
                allow_replication_factor_change,
                topics: vec![
                    topic("t", partitions.clone()),
                    topic("missing", vec![partition(0, Some(&[3]))]),
                ],
                ..AlterPartitionReassignmentsRequest::default()
            };
            let response = fixture.call(&request, version).await;
            assert_code(response.error_code, ErrorCode::None);
            assert_eq!(response.error_message, None);
            let is_repeated = version == 0 || allow_replication_factor_change;
            assert_eq!(response.allow_replication_factor_change, is_repeated);
            for (answer, code) in response.responses[0].partitions.iter().zip(&codes) {
                assert_code(answer.error_code, *code);
                assert_eq!(answer.error_message.is_some(), *code != ErrorCode::None);
            }
            assert_code(
                response.responses[1].partitions[0].error_code,
                ErrorCode::UnknownTopicOrPartition,
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_being_moved() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let topic = |name| ListPartitionReassignmentsTopics {
        name: Text::from_static(name),
        partition_indexes: vec![0],
    };
    for topics in [None, Some(vec![]), Some(vec![topic("t"), topic("missing")])] {
        let request = ListPartitionReassignmentsRequest {
            topics,
            ..ListPartitionReassignmentsRequest::default()
        };
        let response = fixture.call(&request, 0).await;
        assert_code(response.error_code, ErrorCode::None);
        assert_eq!((response.error_message, response.topics.len()), (None, 0));
    }
}
