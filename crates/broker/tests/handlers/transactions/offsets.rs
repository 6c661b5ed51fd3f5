//! Offsets that are committed as a part of transactions.

use model::ErrorCode;
use wire::Text;
use wire::messages::add_offsets_to_txn::AddOffsetsToTxnRequest;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use wire::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::client::*;
use super::ending::state;
use crate::gated_disk::Forces;
use crate::groups::{GROUP, commit, commit_request, committed as committed_offset, open, stable};
use crate::support::{Answered, Fixture, assert_code, decode};

const NONE: ErrorCode = ErrorCode::None;
/// What OffsetFetch answers where nothing is committed.
const NOTHING: i64 = -1;

pub(super) fn offsets_request(
    producer: Producer,
    topic: &'static str,
    offset: i64,
) -> TxnOffsetCommitRequest {
    TxnOffsetCommitRequest {
        transactional_id: ID,
        group_id: GROUP,
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: Text::from_static(topic),
            partitions: vec![TxnOffsetCommitRequestPartition {
                committed_offset: offset,
                committed_metadata: Some(Text::from_static("where it was")),
                ..TxnOffsetCommitRequestPartition::default()
            }],
        }],
        ..TxnOffsetCommitRequest::default()
    }
}

pub(super) async fn try_offsets(
    fixture: &mut Fixture,
    request: &TxnOffsetCommitRequest,
    version: i16,
) -> ErrorCode {
    let response = fixture.call(request, version).await;
    let code = response.topics[0].partitions[0].error_code;
    ErrorCode::from_code(code).unwrap()
}

/// Commits the offset of partition 0 of `t` in the newest way.
async fn offsets(fixture: &mut Fixture, producer: Producer, offset: i64) {
    let request = offsets_request(producer, "t", offset);
    assert_eq!(try_offsets(fixture, &request, 5).await, NONE);
}

async fn add_offsets(fixture: &mut Fixture, producer: Producer) -> ErrorCode {
    let request = AddOffsetsToTxnRequest {
        transactional_id: ID,
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        group_id: GROUP,
    };
    let response = fixture.call(&request, 3).await;
    ErrorCode::from_code(response.error_code).unwrap()
}

/// The offset of partition 0 of `t`, for who asks for stable ones; in all ways to ask.
pub(super) async fn stable_offset(fixture: &mut Fixture) -> Result<i64, ErrorCode> {
    let topic = OffsetFetchRequestTopic {
        name: Text::from_static("t"),
        partition_indexes: vec![0],
    };
    let request = |topics| OffsetFetchRequest {
        group_id: GROUP,
        topics,
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let by_name = fixture.call(&request(Some(vec![topic])), 7).await;
    let partition = &by_name.topics[0].partitions[0];
    let result = match ErrorCode::from_code(partition.error_code).unwrap() {
        ErrorCode::None => Ok(partition.committed_offset),
        error => Err(error),
    };
    let all = fixture.call(&request(None), 7).await;
    let listed = all.topics.first().map(|topic| &topic.partitions[0]);
    assert!(listed.is_none_or(|listed| listed == partition));
    let group = OffsetFetchRequestGroup {
        group_id: GROUP,
        topics: Some(vec![OffsetFetchRequestTopics {
            name: Text::from_static("t"),
            partition_indexes: vec![0],
            ..OffsetFetchRequestTopics::default()
        }]),
        ..OffsetFetchRequestGroup::default()
    };
    let many = OffsetFetchRequest {
        groups: vec![group],
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let many = fixture.call(&many, 8).await;
    let found = &many.groups[0].topics[0].partitions[0];
    assert_eq!(
        (found.error_code, found.committed_offset),
        (partition.error_code, partition.committed_offset)
    );
    result
}

#[tokio::test]
async fn offsets_wait_for_the_end_of_their_transaction_over_restarts() {
    for version in [KEEPS, BUMPS] {
        let mut fixture = open().await;
        fixture.topic("t").await;
        let mut me = init(&mut fixture).await;
        let mut before = NOTHING;
        for (number, commits) in [(1, true), (2, false), (3, true)] {
            if version == KEEPS {
                assert_eq!(add_offsets(&mut fixture, me).await, NONE);
                let request = offsets_request(me, "t", number);
                assert_eq!(try_offsets(&mut fixture, &request, 4).await, NONE);
            } else {
                offsets(&mut fixture, me, number).await;
            }
            for _ in 0..2 {
                assert_eq!(committed_offset(&mut fixture, "t").await, before);
                let unstable = stable_offset(&mut fixture).await;
                assert_eq!(unstable, Err(ErrorCode::UnstableOffsetCommit));
                fixture = fixture.restart().await;
            }
            me = end(&mut fixture, me, commits, version).await;
            if commits {
                before = number;
            }
            for _ in 0..2 {
                assert_eq!(stable_offset(&mut fixture).await, Ok(before));
                assert_eq!(committed_offset(&mut fixture, "t").await, before);
                fixture = fixture.restart().await;
            }
        }
        assert_eq!(state(&mut fixture).await, "CompleteCommit");
    }
}

#[tokio::test]
async fn every_version_stores_what_it_has() {
    for version in 0..=5 {
        let mut fixture = open().await;
        fixture.topic("t").await;
        let me = init(&mut fixture).await;
        assert_eq!(add_offsets(&mut fixture, me).await, NONE);
        let mut request = offsets_request(me, "t", 7);
        request.topics[0].partitions[0].committed_leader_epoch = 0;
        assert_eq!(try_offsets(&mut fixture, &request, version).await, NONE);
        end(&mut fixture, me, true, BUMPS).await;
        let fetch = OffsetFetchRequest {
            group_id: GROUP,
            topics: None,
            ..OffsetFetchRequest::default()
        };
        let fetched = fixture.call(&fetch, 7).await;
        let found = &fetched.topics[0].partitions[0];
        assert_eq!(found.committed_offset, 7);
        assert_eq!(found.metadata.as_deref(), Some("where it was"));
        let epoch = if version >= 2 { 0 } else { -1 };
        assert_eq!(found.committed_leader_epoch, epoch);
    }
}

#[tokio::test]
async fn a_group_that_was_not_added_gets_what_its_client_knows() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    fixture.have_groups().await;
    let me = init(&mut fixture).await;
    let request = offsets_request(me, "t", 7);
    for (version, code) in [
        (3, ErrorCode::InvalidTxnState),
        (4, ErrorCode::TransactionAbortable),
    ] {
        assert_eq!(try_offsets(&mut fixture, &request, version).await, code);
        assert_eq!(stable_offset(&mut fixture).await, Ok(NOTHING));
    }
    let stranger = offsets_request(Producer { id: 999, epoch: 0 }, "t", 7);
    let code = try_offsets(&mut fixture, &stranger, 5).await;
    assert_eq!(code, ErrorCode::InvalidProducerIdMapping);
    let mut nobody = request.clone();
    nobody.group_id = Text::EMPTY;
    let code = try_offsets(&mut fixture, &nobody, 5).await;
    assert_eq!(code, ErrorCode::InvalidGroupId);
    let mut member = request.clone();
    member.generation_id = 3;
    member.member_id = Text::from_static("m");
    let code = try_offsets(&mut fixture, &member, 5).await;
    assert_eq!(code, ErrorCode::IllegalGeneration);
}

#[tokio::test]
async fn a_fenced_producer_commits_no_offsets() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let zombie = init(&mut fixture).await;
    assert_eq!(add_offsets(&mut fixture, zombie).await, NONE);
    let first = offsets_request(zombie, "t", 1);
    assert_eq!(try_offsets(&mut fixture, &first, 3).await, NONE);
    let mut next = try_init(&mut fixture, 4).await;
    if next == Err(ErrorCode::ConcurrentTransactions) {
        next = try_init(&mut fixture, 4).await;
    }
    let next = next.unwrap();
    for version in [0, 3, 5] {
        let code = try_offsets(&mut fixture, &first, version).await;
        assert_eq!(code, ErrorCode::InvalidProducerEpoch);
    }
    assert_eq!(stable_offset(&mut fixture).await, Ok(NOTHING));
    offsets(&mut fixture, next, 2).await;
    end(&mut fixture, next, true, BUMPS).await;
    assert_eq!(stable_offset(&mut fixture).await, Ok(2));
}

#[tokio::test]
async fn one_bad_partition_spoils_only_itself() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let mut request = offsets_request(me, "t", 7);
    let good = request.topics[0].partitions[0].clone();
    request.topics[0].partitions.extend([
        TxnOffsetCommitRequestPartition {
            partition_index: 9,
            ..good.clone()
        },
        TxnOffsetCommitRequestPartition {
            committed_metadata: Some("x".repeat(5_000).into()),
            ..good
        },
    ]);
    request.topics.push(TxnOffsetCommitRequestTopic {
        name: Text::from_static("missing"),
        partitions: request.topics[0].partitions[..1].to_vec(),
    });
    let response = fixture.call(&request, 5).await;
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    let codes: Vec<_> = partitions
        .map(|one| ErrorCode::from_code(one.error_code).unwrap())
        .collect();
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(
        codes,
        [NONE, unknown, ErrorCode::OffsetMetadataTooLarge, unknown]
    );
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(stable_offset(&mut fixture).await, Ok(7));
}

/// A consumer that has lost its partition must not commit through its producer.
#[tokio::test]
async fn a_member_is_held_to_its_generation() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let member = stable(&mut fixture).await;
    let me = init(&mut fixture).await;
    let mut request = offsets_request(me, "t", 7);
    request.member_id = member.member_id.clone();
    request.generation_id = member.generation_id - 1;
    let code = try_offsets(&mut fixture, &request, 5).await;
    assert_eq!(code, ErrorCode::IllegalGeneration);
    request.generation_id = member.generation_id;
    assert_eq!(try_offsets(&mut fixture, &request, 5).await, NONE);
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(stable_offset(&mut fixture).await, Ok(7));
}

#[tokio::test]
async fn a_later_commit_is_not_undone_by_an_earlier_one_that_ends_later() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    offsets(&mut fixture, me, 5).await;
    let code = commit(&mut fixture, &commit_request("t", 9), 8).await;
    assert_code(code, NONE);
    end(&mut fixture, me, true, BUMPS).await;
    assert_eq!(stable_offset(&mut fixture).await, Ok(9));
    let mut fixture = fixture.restart().await;
    assert_eq!(stable_offset(&mut fixture).await, Ok(9));
}

#[tokio::test]
async fn what_is_deleted_does_not_come_back_with_the_marker() {
    for deletes_topic in [false, true] {
        let mut fixture = open().await;
        fixture.topic("t").await;
        let me = init(&mut fixture).await;
        offsets(&mut fixture, me, 5).await;
        if deletes_topic {
            let request = DeleteTopicsRequest {
                topic_names: vec![Text::from_static("t")],
                ..DeleteTopicsRequest::default()
            };
            let response = fixture.call(&request, 4).await;
            assert_code(response.responses[0].error_code, NONE);
            fixture.topic("t").await;
        } else {
            let request = OffsetDeleteRequest {
                group_id: GROUP,
                topics: vec![OffsetDeleteRequestTopic {
                    name: Text::from_static("t"),
                    partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
                }],
            };
            let response = fixture.call(&request, 0).await;
            assert_code(response.topics[0].partitions[0].error_code, NONE);
        }
        assert_eq!(stable_offset(&mut fixture).await, Ok(NOTHING));
        let mut fixture = fixture.restart().await;
        assert_eq!(stable_offset(&mut fixture).await, Ok(NOTHING));
        end(&mut fixture, me, true, BUMPS).await;
        assert_eq!(stable_offset(&mut fixture).await, Ok(NOTHING));
        let mut fixture = fixture.restart().await;
        assert_eq!(stable_offset(&mut fixture).await, Ok(NOTHING));
    }
}

/// More offsets than go into one batch.
#[tokio::test]
async fn many_offsets_come_and_go_together() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "600")]).await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    let mut request = offsets_request(me, "t", 5);
    let one = request.topics[0].partitions[0].clone();
    request.topics[0].partitions = (0..600)
        .map(|index| TxnOffsetCommitRequestPartition {
            partition_index: index,
            committed_metadata: Some("x".repeat(4_000).into()),
            ..one.clone()
        })
        .collect();
    let response = fixture.call(&request, 5).await;
    let mut partitions = response.topics[0].partitions.iter();
    assert!(partitions.all(|partition| partition.error_code == 0));
    let mut fixture = fixture.restart().await;
    end(&mut fixture, me, true, BUMPS).await;
    let mut fixture = fixture.restart().await;
    let fetch = OffsetFetchRequest {
        group_id: GROUP,
        topics: None,
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let fetched = fixture.call(&fetch, 7).await;
    let partitions = &fetched.topics[0].partitions;
    assert_eq!(partitions.len(), 600);
    assert!(partitions.iter().all(|found| found.committed_offset == 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_leaves_before_the_offsets_are_durable() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    // The group is in the transaction already: nothing but the offsets is written.
    offsets(&mut fixture, me, 1).await;
    fixture.disk.set(Forces::Wait);
    let frame = fixture.frame(&offsets_request(me, "t", 2), 5);
    let answer = begin(fixture.dispatch(frame));
    fixture.disk.wait_until_forcing();
    fixture.disk.set(Forces::Pass);
    let answered = decode::<TxnOffsetCommitRequest>(answer.await, 5);
    let Answered::Response(response) = answered else {
        panic!("no answer");
    };
    assert_code(response.topics[0].partitions[0].error_code, NONE);
}

/// It gives up then, and after a loss of power nobody would have taken over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_is_told_that_it_is_fenced_when_that_is_durable() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    // Makes the topic of the groups.
    let code = commit(&mut fixture, &commit_request("t", 1), 8).await;
    assert_code(code, NONE);
    let me = init(&mut fixture).await;
    fixture.disk.set(Forces::Wait);
    let frame = fixture.frame(&init_request(None), 4);
    let taking_over = begin(fixture.dispatch(frame));
    fixture.disk.wait_until_forcing();
    let frame = fixture.frame(&offsets_request(me, "t", 2), 5);
    let refusing = begin(fixture.dispatch(frame));
    fixture.disk.set(Forces::Pass);
    taking_over.await;
    let Answered::Response(response) = decode::<TxnOffsetCommitRequest>(refusing.await, 5) else {
        panic!("no answer");
    };
    let code = response.topics[0].partitions[0].error_code;
    assert_code(code, ErrorCode::InvalidProducerEpoch);
}
