//! The APIs of consumer groups.

use std::time::Duration;

use bytes::Bytes;
use model::ErrorCode;
use network::Reply;
use wire::Text;
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::support::{Answered, Fixture, assert_code, batch, decode, settle};

pub(crate) const GROUP: Text = Text::from_static("g");

/// All groups in one partition.
pub(crate) const ONE_PARTITION: (&str, &str) = ("offsets.topic.num.partitions", "1");

/// A broker whose first rebalances do not wait.
pub(crate) async fn open() -> Fixture {
    Fixture::with_settings(&[("group.initial.rebalance.delay.ms", "0")]).await
}

pub(crate) fn join_request(member_id: &Text) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: GROUP,
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: member_id.clone(),
        protocol_type: Text::from_static("consumer"),
        protocols: vec![JoinGroupRequestProtocol {
            name: Text::from_static("range"),
            metadata: Bytes::from_static(b"subscription"),
        }],
        ..JoinGroupRequest::default()
    }
}

pub(crate) fn sync_request(joined: &JoinGroupResponse) -> SyncGroupRequest {
    let assignments = joined
        .members
        .iter()
        .map(|member| SyncGroupRequestAssignment {
            member_id: member.member_id.clone(),
            assignment: Bytes::from(format!("for {}", member.member_id)),
        });
    SyncGroupRequest {
        group_id: GROUP,
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some(Text::from_static("consumer")),
        protocol_name: Some(Text::from_static("range")),
        assignments: assignments.collect(),
        ..SyncGroupRequest::default()
    }
}

pub(crate) fn heartbeat_request(joined: &JoinGroupResponse) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: GROUP,
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        group_instance_id: None,
    }
}

/// Commits an offset for partition 0 of a topic, as nobody's member.
pub(crate) fn commit_request(topic: &'static str, offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: GROUP,
        topics: vec![OffsetCommitRequestTopic {
            name: Text::from_static(topic),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                committed_leader_epoch: 3,
                committed_metadata: Some(Text::from_static("note")),
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

pub(crate) async fn commit(
    fixture: &mut Fixture,
    request: &OffsetCommitRequest,
    version: i16,
) -> i16 {
    let mut response = fixture.call(request, version).await;
    response.topics.remove(0).partitions.remove(0).error_code
}

pub(crate) async fn committed(fixture: &mut Fixture, topic: &'static str) -> i64 {
    let request = OffsetFetchRequest {
        group_id: GROUP,
        topics: Some(vec![OffsetFetchRequestTopic {
            name: Text::from_static(topic),
            partition_indexes: vec![0],
        }]),
        ..OffsetFetchRequest::default()
    };
    let mut response = fixture.call(&request, 5).await;
    assert_code(response.error_code, ErrorCode::None);
    let partition = response.topics.remove(0).partitions.remove(0);
    assert_code(partition.error_code, ErrorCode::None);
    partition.committed_offset
}

/// Joins alone, by way of MEMBER_ID_REQUIRED, and syncs.
pub(crate) async fn stable(fixture: &mut Fixture) -> JoinGroupResponse {
    let asked = fixture.call(&join_request(&Text::EMPTY), 9).await;
    assert_code(asked.error_code, ErrorCode::MemberIdRequired);
    let joined = fixture.call(&join_request(&asked.member_id), 9).await;
    assert_code(joined.error_code, ErrorCode::None);
    let synced = fixture.call(&sync_request(&joined), 5).await;
    assert_code(synced.error_code, ErrorCode::None);
    let expected = format!("for {}", joined.member_id);
    assert_eq!(synced.assignment, expected.as_bytes());
    joined
}

async fn describe(fixture: &mut Fixture, version: i16) -> DescribedGroup {
    let request = DescribeGroupsRequest {
        groups: vec![GROUP],
        include_authorized_operations: false,
    };
    fixture.call(&request, version).await.groups.remove(0)
}

#[tokio::test]
async fn the_coordinator_is_this_broker_and_its_topic_is_made() {
    let mut fixture = open().await;
    for version in 0..=3 {
        let request = FindCoordinatorRequest {
            key: GROUP,
            ..FindCoordinatorRequest::default()
        };
        let found = fixture.call(&request, version).await;
        assert_code(found.error_code, ErrorCode::None);
        assert_eq!(found.error_message, None);
        assert_eq!((&*found.host, found.port), ("broker.example", 9092));
    }
    for version in 4..=6 {
        let request = FindCoordinatorRequest {
            coordinator_keys: vec![GROUP, Text::from_static("h")],
            ..FindCoordinatorRequest::default()
        };
        let found = fixture.call(&request, version).await.coordinators;
        assert_eq!(found.len(), 2);
        for (coordinator, key) in found.iter().zip(["g", "h"]) {
            assert_code(coordinator.error_code, ErrorCode::None);
            assert_eq!(&*coordinator.key, key);
            assert_eq!(coordinator.port, 9092);
        }
    }
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(Text::from_static("__consumer_offsets")),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    let topic = fixture.call(&request, 9).await.topics.remove(0);
    assert!(topic.is_internal);
    assert_eq!(topic.partitions.len(), 50);
}

#[tokio::test]
async fn coordinators_of_shares_are_refused() {
    let mut fixture = open().await;
    for (key_type, version, expected) in [
        (2, 3, ErrorCode::InvalidRequest),
        (2, 6, ErrorCode::InvalidRequest),
        (3, 6, ErrorCode::InvalidRequest),
    ] {
        let request = FindCoordinatorRequest {
            key: GROUP,
            key_type,
            coordinator_keys: vec![GROUP],
        };
        let found = fixture.call(&request, version).await;
        let (code, message, node_id) = if version >= 4 {
            let found = &found.coordinators[0];
            (found.error_code, &found.error_message, found.node_id)
        } else {
            (found.error_code, &found.error_message, found.node_id)
        };
        assert_code(code, expected);
        assert!(message.is_some());
        assert_eq!(node_id, -1);
    }
}

#[tokio::test]
async fn a_member_joins_syncs_beats_and_leaves() {
    let mut fixture = open().await;
    let joined = stable(&mut fixture).await;
    assert!(joined.member_id.starts_with("test-"));
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    assert_eq!(&joined.members[0].metadata[..], b"subscription");
    for version in 0..=4 {
        let beat = fixture.call(&heartbeat_request(&joined), version).await;
        assert_code(beat.error_code, ErrorCode::None);
    }
    let group = describe(&mut fixture, 6).await;
    assert_eq!(&*group.group_state, "Stable");
    assert_eq!(&*group.protocol_data, "range");
    assert_eq!(&*group.members[0].client_id, "test");
    assert_eq!(&*group.members[0].client_host, "/127.0.0.1");
    let expected = format!("for {}", joined.member_id);
    assert_eq!(group.members[0].member_assignment, expected.as_bytes());

    let leave = LeaveGroupRequest {
        group_id: GROUP,
        members: vec![
            MemberIdentity {
                member_id: joined.member_id.clone(),
                ..MemberIdentity::default()
            },
            MemberIdentity {
                member_id: Text::from_static("stranger"),
                ..MemberIdentity::default()
            },
        ],
        ..LeaveGroupRequest::default()
    };
    let left = fixture.call(&leave, 5).await;
    assert_code(left.error_code, ErrorCode::None);
    assert_code(left.members[0].error_code, ErrorCode::None);
    assert_code(left.members[1].error_code, ErrorCode::UnknownMemberId);
    let beat = fixture.call(&heartbeat_request(&joined), 4).await;
    assert_code(beat.error_code, ErrorCode::UnknownMemberId);
    let leave = LeaveGroupRequest {
        group_id: GROUP,
        member_id: joined.member_id,
        ..LeaveGroupRequest::default()
    };
    let left = fixture.call(&leave, 2).await;
    assert_code(left.error_code, ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn members_wait_for_each_other() {
    let mut fixture = open().await;
    let first = stable(&mut fixture).await;
    let newcomer = fixture.call(&join_request(&Text::EMPTY), 5).await.member_id;
    // The newcomer waits for the first member to come back...
    let frame = fixture.frame(&join_request(&newcomer), 5);
    let Reply::Parked(waiting) = fixture.dispatch(frame) else {
        panic!("a join may wait");
    };
    let waiting = tokio::spawn(waiting);
    loop {
        let beat = fixture.call(&heartbeat_request(&first), 4).await;
        if beat.error_code == ErrorCode::RebalanceInProgress.code() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let leader = fixture.call(&join_request(&first.member_id), 5).await;
    assert_eq!(leader.members.len(), 2);
    let Answered::Response(follower) = decode::<JoinGroupRequest>(waiting.await.unwrap(), 5) else {
        panic!("no answer");
    };
    assert_eq!(follower.generation_id, leader.generation_id);
    assert!(follower.members.is_empty());
    // ...and then for its assignment.
    let frame = fixture.frame(&sync_request(&follower), 5);
    let waiting = tokio::spawn(settle(fixture.dispatch(frame)));
    let synced = fixture.call(&sync_request(&leader), 5).await;
    assert_code(synced.error_code, ErrorCode::None);
    let Answered::Response(synced) = decode::<SyncGroupRequest>(waiting.await.unwrap(), 5) else {
        panic!("no answer");
    };
    assert_code(synced.error_code, ErrorCode::None);
    let expected = format!("for {}", follower.member_id);
    assert_eq!(synced.assignment, expected.as_bytes());
}

#[tokio::test]
async fn a_silent_member_is_dropped_by_the_timer() {
    let mut fixture = open().await;
    stable(&mut fixture).await;
    fixture.clock.advance(Duration::from_secs(10));
    while &*describe(&mut fixture, 0).await.group_state != "Empty" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn refused_joins_have_the_shape_of_their_version() {
    let mut fixture = open().await;
    for version in 0..=9 {
        let request = JoinGroupRequest {
            session_timeout_ms: 1,
            ..join_request(&Text::from_static("me"))
        };
        let refused = fixture.call(&request, version).await;
        assert_code(refused.error_code, ErrorCode::InvalidSessionTimeout);
        assert_eq!(refused.generation_id, -1);
        assert_eq!(&*refused.member_id, "me");
        let name = refused.protocol_name.as_deref();
        assert_eq!(name, (version < 7).then_some(""));
    }
    let request = JoinGroupRequest {
        group_id: Text::EMPTY,
        ..join_request(&Text::EMPTY)
    };
    let refused = fixture.call(&request, 9).await;
    assert_code(refused.error_code, ErrorCode::InvalidGroupId);
}

#[tokio::test]
async fn a_sync_must_name_its_protocol_since_version_5() {
    let mut fixture = open().await;
    let joined = stable(&mut fixture).await;
    let request = SyncGroupRequest {
        protocol_name: None,
        ..sync_request(&joined)
    };
    let refused = fixture.call(&request, 5).await;
    assert_code(refused.error_code, ErrorCode::InconsistentGroupProtocol);
    let synced = fixture.call(&request, 4).await;
    assert_code(synced.error_code, ErrorCode::None);
}

#[tokio::test]
async fn groups_are_listed_described_and_deleted() {
    let mut fixture = open().await;
    assert_eq!(
        fixture.call(&ListGroupsRequest::default(), 4).await.groups,
        []
    );
    assert_eq!(&*describe(&mut fixture, 5).await.group_state, "Dead");
    let unknown = describe(&mut fixture, 6).await;
    assert_code(unknown.error_code, ErrorCode::GroupIdNotFound);
    assert!(unknown.error_message.is_some());
    let delete = DeleteGroupsRequest {
        groups_names: vec![GROUP],
    };
    let deleted = fixture.call(&delete, 2).await.results.remove(0);
    assert_code(deleted.error_code, ErrorCode::GroupIdNotFound);

    fixture.topic("t").await;
    let joined = stable(&mut fixture).await;
    let listed = |states: &'static [&'static str], types: &'static [&'static str]| {
        let texts = |names: &'static [&'static str]| {
            names.iter().map(|name| Text::from_static(name)).collect()
        };
        ListGroupsRequest {
            states_filter: texts(states),
            types_filter: texts(types),
        }
    };
    for (request, count) in [
        (listed(&[], &[]), 1),
        (listed(&["stable", "Empty"], &["Classic"]), 1),
        (listed(&["Empty"], &[]), 0),
        (listed(&["nonsense"], &[]), 0),
        (listed(&[], &["consumer"]), 0),
    ] {
        let groups = fixture.call(&request, 5).await.groups;
        assert_eq!(groups.len(), count, "{request:?}");
        for group in groups {
            assert_eq!(&*group.group_id, "g");
            assert_eq!(&*group.protocol_type, "consumer");
            assert_eq!(&*group.group_state, "Stable");
            assert_eq!(&*group.group_type, "classic");
        }
    }
    let deleted = fixture.call(&delete, 0).await.results.remove(0);
    assert_code(deleted.error_code, ErrorCode::NonEmptyGroup);
    let leave = LeaveGroupRequest {
        group_id: GROUP,
        member_id: joined.member_id,
        ..LeaveGroupRequest::default()
    };
    fixture.call(&leave, 0).await;
    commit(&mut fixture, &commit_request("t", 5), 2).await;
    let deleted = fixture.call(&delete, 1).await.results.remove(0);
    assert_code(deleted.error_code, ErrorCode::None);
    assert_eq!(committed(&mut fixture, "t").await, -1);
}

#[tokio::test]
async fn a_restart_finds_groups_and_offsets() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    let joined = stable(&mut fixture).await;
    let mut request = commit_request("t", 5);
    request.generation_id_or_member_epoch = joined.generation_id;
    request.member_id = joined.member_id.clone();
    let code = commit(&mut fixture, &request, 9).await;
    assert_code(code, ErrorCode::None);
    let before = describe(&mut fixture, 6).await;

    let mut fixture = fixture.restart().await;
    assert_eq!(describe(&mut fixture, 6).await, before);
    assert_eq!(committed(&mut fixture, "t").await, 5);
    let beat = fixture.call(&heartbeat_request(&joined), 4).await;
    assert_code(beat.error_code, ErrorCode::None);
    let code = commit(&mut fixture, &commit_request("t", 9), 9).await;
    assert_code(code, ErrorCode::UnknownMemberId);
}

#[tokio::test]
async fn groups_and_their_lag_are_metrics() {
    let mut fixture = open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["a", "b", "c"])).await;
    stable(&mut fixture).await;
    let other = OffsetCommitRequest {
        group_id: Text::from_static("idle"),
        ..commit_request("t", 1)
    };
    let code = commit(&mut fixture, &other, 9).await;
    assert_code(code, ErrorCode::None);
    let metrics = fixture.broker.render_metrics();
    for line in [
        "ottla_groups{state=\"Stable\"} 1",
        "ottla_groups{state=\"Empty\"} 1",
        "ottla_groups{state=\"PreparingRebalance\"} 0",
        "ottla_group_lag{group=\"idle\",topic=\"t\"} 2",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} is not in\n{metrics}"
        );
    }
}
