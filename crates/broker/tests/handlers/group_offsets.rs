//! Committed offsets: stored, fetched, refused, and what the log holds of them.

use model::ErrorCode;
use wire::batch::BatchView;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::offset_commit::OffsetCommitRequestPartition;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use wire::{Chunks, Text};

use crate::groups::{GROUP, ONE_PARTITION, commit, commit_request, committed, open, stable};
use crate::support::{Fixture, NOW_MS, assert_code};

/// An index takes four bytes of a request; what is told of it may take four thousand.
#[tokio::test]
async fn what_is_asked_again_is_not_told_again() {
    let mut fixture = open().await;
    let id = fixture.topic("t").await.topic_id;
    let code = commit(&mut fixture, &commit_request("t", 5), 8).await;
    assert_code(code, ErrorCode::None);
    let again_and_again = vec![0; 1_000];
    let request = OffsetFetchRequest {
        group_id: GROUP,
        topics: Some(vec![
            OffsetFetchRequestTopic {
                name: Text::from_static("t"),
                partition_indexes: again_and_again.clone(),
            };
            2
        ]),
        ..OffsetFetchRequest::default()
    };
    let topics = fixture.call(&request, 7).await.topics;
    let told: Vec<usize> = topics.iter().map(|topic| topic.partitions.len()).collect();
    assert_eq!(told, [1, 0]);

    let group = |topics| OffsetFetchRequestGroup {
        group_id: GROUP,
        topics,
        ..OffsetFetchRequestGroup::default()
    };
    let topic = OffsetFetchRequestTopics {
        name: Text::from_static("t"),
        topic_id: id,
        partition_indexes: again_and_again,
    };
    let request = OffsetFetchRequest {
        groups: vec![[Some(vec![topic]), None].map(group); 3].concat(),
        ..OffsetFetchRequest::default()
    };
    for version in 8..=10 {
        let groups = fixture.call(&request, version).await.groups;
        let told = groups.iter().map(|group| {
            assert_code(group.error_code, ErrorCode::None);
            let topics = group.topics.iter();
            topics.map(|topic| topic.partitions.len()).sum::<usize>()
        });
        assert_eq!(told.collect::<Vec<_>>(), [1, 1, 0, 0, 0, 0]);
    }
}

#[tokio::test]
async fn offsets_are_stored_and_fetched_in_every_version() {
    let mut fixture = open().await;
    let id = fixture.topic("t").await.topic_id;
    for version in 2..=10 {
        let mut request = commit_request("t", i64::from(version));
        request.topics[0].topic_id = id;
        let code = commit(&mut fixture, &request, version).await;
        assert_code(code, ErrorCode::None);
        assert_eq!(committed(&mut fixture, "t").await, i64::from(version));
    }
    for version in 1..=7 {
        for all in [false, true] {
            if all && version < 2 {
                continue;
            }
            let request = OffsetFetchRequest {
                group_id: GROUP,
                topics: (!all).then(|| {
                    vec![OffsetFetchRequestTopic {
                        name: Text::from_static("t"),
                        partition_indexes: vec![0],
                    }]
                }),
                ..OffsetFetchRequest::default()
            };
            let topics = fixture.call(&request, version).await.topics;
            assert_eq!((topics.len(), topics[0].partitions.len()), (1, 1));
            let partition = &topics[0].partitions[0];
            assert_eq!(partition.committed_offset, 10);
            assert_eq!(partition.metadata.as_deref(), Some("note"));
            let epoch = if version >= 5 { 3 } else { -1 };
            assert_eq!(partition.committed_leader_epoch, epoch);
        }
    }
    for version in 8..=10 {
        let group = |group_id, topics| OffsetFetchRequestGroup {
            group_id,
            topics,
            ..OffsetFetchRequestGroup::default()
        };
        let topic = OffsetFetchRequestTopics {
            name: Text::from_static("t"),
            topic_id: id,
            partition_indexes: vec![0, 7],
        };
        let request = OffsetFetchRequest {
            groups: vec![
                group(GROUP, None),
                group(GROUP, Some(vec![topic.clone()])),
                group(Text::from_static("nobody"), Some(vec![topic])),
                group(Text::from_static("nobody"), None),
            ],
            ..OffsetFetchRequest::default()
        };
        let groups = fixture.call(&request, version).await.groups;
        let offsets = groups.iter().map(|group| {
            assert_code(group.error_code, ErrorCode::None);
            let partitions = group.topics.iter().flat_map(|topic| {
                assert_eq!(topic.topic_id.is_zero(), version < 10);
                &topic.partitions
            });
            let offsets = partitions.map(|partition| {
                assert_code(partition.error_code, ErrorCode::None);
                assert!(partition.metadata.is_some());
                partition.committed_offset
            });
            offsets.collect::<Vec<i64>>()
        });
        let offsets: Vec<Vec<i64>> = offsets.collect();
        assert_eq!(offsets, [vec![10], vec![10, -1], vec![-1, -1], vec![]]);
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_offset_spoils_no_other() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let mut request = commit_request("t", 5);
    let good = request.topics[0].partitions[0].clone();
    request.topics[0]
        .partitions
        .push(OffsetCommitRequestPartition {
            partition_index: 1,
            ..good.clone()
        });
    request.topics[0]
        .partitions
        .push(OffsetCommitRequestPartition {
            committed_metadata: Some(Text::from("x".repeat(4097))),
            ..good
        });
    request
        .topics
        .insert(0, commit_request("missing", 1).topics.remove(0));
    let response = fixture.call(&request, 9).await;
    let codes: Vec<i16> = response
        .topics
        .iter()
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|partition| partition.error_code)
        })
        .collect();
    let expected = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::None,
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::OffsetMetadataTooLarge,
    ];
    assert_eq!(codes, expected.map(ErrorCode::code));
    let by_id = commit(&mut fixture, &commit_request("t", 5), 10).await;
    assert_code(by_id, ErrorCode::UnknownTopicId);

    // What is wrong with the member spoils all.
    request.generation_id_or_member_epoch = 3;
    request.member_id = Text::from_static("stranger");
    let response = fixture.call(&request, 9).await;
    let code = |topic: usize| response.topics[topic].partitions[0].error_code;
    assert_code(code(0), ErrorCode::UnknownTopicOrPartition);
    assert_code(code(1), ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn a_topic_made_anew_has_no_offsets() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    commit(&mut fixture, &commit_request("t", 5), 9).await;
    let delete = DeleteTopicsRequest {
        topics: vec![DeleteTopicState {
            name: Some(Text::from_static("t")),
            ..DeleteTopicState::default()
        }],
        ..DeleteTopicsRequest::default()
    };
    let deleted = fixture.call(&delete, 6).await;
    assert_code(deleted.responses[0].error_code, ErrorCode::None);
    let code = commit(&mut fixture, &commit_request("t", 6), 9).await;
    assert_code(code, ErrorCode::UnknownTopicOrPartition);
    let create = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Text::from_static("t"),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let created = fixture.call(&create, 7).await;
    assert_code(created.topics[0].error_code, ErrorCode::None);
    assert_eq!(committed(&mut fixture, "t").await, -1);
    let mut fixture = fixture.restart().await;
    assert_eq!(committed(&mut fixture, "t").await, -1);
}

#[tokio::test]
async fn the_log_holds_kafkas_records() {
    let mut fixture = Fixture::with_settings(&[ONE_PARTITION]).await;
    fixture.topic("t").await;
    commit(&mut fixture, &commit_request("t", 5), 9).await;
    let fetched = fixture.fetch("__consumer_offsets", 0).await;
    let bytes = fetched.records.map(Chunks::into_bytes).unwrap_or_default();
    let (batch, rest) = BatchView::parse(&bytes).unwrap();
    assert!(batch.crc_is_valid() && rest.is_empty());
    let record = batch.records().next().unwrap().unwrap();
    let key = b"\0\x01\0\x01g\0\x01t\0\0\0\0";
    let value = [
        &[0, 3][..],
        &5_i64.to_be_bytes(),
        &3_i32.to_be_bytes(),
        &[0, 4],
        b"note",
        &NOW_MS.to_be_bytes(),
    ];
    assert_eq!(record.key, Some(&key[..]));
    assert_eq!(record.value, Some(&value.concat()[..]));
}

fn offset_delete(group_id: Text, topics: &[(&'static str, i32)]) -> OffsetDeleteRequest {
    let topics = topics
        .iter()
        .map(|(name, partition_index)| OffsetDeleteRequestTopic {
            name: Text::from_static(name),
            partitions: vec![OffsetDeleteRequestPartition {
                partition_index: *partition_index,
            }],
        });
    OffsetDeleteRequest {
        group_id,
        topics: topics.collect(),
    }
}

#[tokio::test]
async fn offsets_are_deleted_one_by_one_and_do_not_come_back() {
    let mut fixture = open().await;
    for name in ["t", "u"] {
        fixture.topic(name).await;
        let request = commit_request(name, 5);
        assert_code(commit(&mut fixture, &request, 9).await, ErrorCode::None);
    }
    let request = offset_delete(GROUP, &[("t", 0), ("missing", 0), ("t", 7)]);
    let response = fixture.call(&request, 0).await;
    assert_code(response.error_code, ErrorCode::None);
    let answers: Vec<_> = response
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.partitions[0].error_code))
        .collect();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(answers, [("t", 0), ("missing", unknown), ("t", unknown)]);
    let mut fixture = fixture.restart().await;
    assert_eq!(committed(&mut fixture, "t").await, -1);
    assert_eq!(committed(&mut fixture, "u").await, 5);
}

#[tokio::test]
async fn offsets_in_use_and_those_of_no_group_are_not_deleted() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let commit_one = commit_request("t", 5);
    let nobody = Text::from_static("nobody");
    for has_groups in [false, true] {
        if has_groups {
            assert_code(commit(&mut fixture, &commit_one, 9).await, ErrorCode::None);
        }
        for (request, code) in [
            (
                offset_delete(nobody.clone(), &[("t", 0)]),
                ErrorCode::GroupIdNotFound,
            ),
            // Whether or not there is anything to delete.
            (
                offset_delete(nobody.clone(), &[]),
                ErrorCode::GroupIdNotFound,
            ),
            (
                offset_delete(Text::EMPTY, &[("t", 0)]),
                ErrorCode::InvalidGroupId,
            ),
        ] {
            let response = fixture.call(&request, 0).await;
            assert_code(response.error_code, code);
            assert!(response.topics.is_empty());
        }
    }
    stable(&mut fixture).await;
    let response = fixture.call(&offset_delete(GROUP, &[("t", 0)]), 0).await;
    assert_code(response.error_code, ErrorCode::None);
    assert_code(
        response.topics[0].partitions[0].error_code,
        ErrorCode::GroupSubscribedToTopic,
    );
    assert_eq!(committed(&mut fixture, "t").await, 5);
}
