//! Members of consumer groups.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use model::ErrorCode;
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use wire::{Chunks, Text};

use super::{Case, TOPIC, make_topic, no_error, repeated};
use crate::door::{Door, call, read};

const HEARTBEAT_VERSION: i16 = 4;
const OFFSET_COMMIT_VERSION: i16 = 8;
const OFFSET_FETCH_VERSION: i16 = 7;

const GROUP: Text = Text::from_static("billing");

/// The only member of a stable group is alive.
pub(super) const HEARTBEAT: Case = Case {
    name: "heartbeat",
    prepare: |door, count| {
        let joined = join(door)?;
        let request = HeartbeatRequest {
            group_id: GROUP,
            generation_id: joined.generation_id,
            member_id: joined.member_id,
            group_instance_id: None,
        };
        let check = |chunks| {
            let response = read::<HeartbeatRequest>(chunks, HEARTBEAT_VERSION)?;
            no_error("heartbeat", response.error_code)
        };
        Ok(repeated(&request, HEARTBEAT_VERSION, count, check))
    },
};

/// A member commits one partition.
pub(super) const OFFSET_COMMIT: Case = Case {
    name: "offset commit",
    prepare: |door, count| {
        let request = commit(door)?;
        Ok(repeated(
            &request,
            OFFSET_COMMIT_VERSION,
            count,
            check_committed,
        ))
    },
};

/// What was committed for one partition.
pub(super) const OFFSET_FETCH: Case = Case {
    name: "offset fetch",
    prepare: |door, count| {
        let request = commit(door)?;
        for sent in repeated(&request, OFFSET_COMMIT_VERSION, 1, check_committed) {
            (sent.check)(door.exchange(sent.frame)?)?;
        }
        let request = OffsetFetchRequest {
            group_id: GROUP,
            topics: Some(vec![OffsetFetchRequestTopic {
                name: TOPIC,
                partition_indexes: vec![0],
            }]),
            ..OffsetFetchRequest::default()
        };
        let check = |chunks| {
            let response = read::<OffsetFetchRequest>(chunks, OFFSET_FETCH_VERSION)?;
            no_error("offset fetch", response.error_code)?;
            for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
                ensure!(partition.committed_offset == 1, "another offset");
            }
            Ok(())
        };
        Ok(repeated(&request, OFFSET_FETCH_VERSION, count, check))
    },
};

/// Has the broker make the topic in which it keeps groups.
pub(super) fn have_coordinator(door: &mut dyn Door, key: Text, key_type: i8) -> Result<()> {
    let request = FindCoordinatorRequest {
        key,
        key_type,
        ..FindCoordinatorRequest::default()
    };
    no_error("a coordinator", call(door, &request, 3)?.error_code)?;
    door.rest()
}

/// The only member of a group that is stable then.
fn join(door: &mut dyn Door) -> Result<JoinGroupResponse> {
    have_coordinator(door, GROUP, 0)?;
    let request = |member_id| JoinGroupRequest {
        group_id: GROUP,
        session_timeout_ms: 45_000,
        rebalance_timeout_ms: 60_000,
        member_id,
        protocol_type: Text::from_static("consumer"),
        protocols: vec![JoinGroupRequestProtocol {
            name: Text::from_static("range"),
            metadata: Bytes::from_static(b"subscription"),
        }],
        ..JoinGroupRequest::default()
    };
    let asked = call(door, &request(Text::EMPTY), 9)?;
    let wanted = ErrorCode::MemberIdRequired.code();
    ensure!(
        asked.error_code == wanted,
        "no member id: {}",
        asked.error_code
    );
    let joined = call(door, &request(asked.member_id), 9)?;
    no_error("join", joined.error_code)?;
    let synced = SyncGroupRequest {
        group_id: GROUP,
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some(Text::from_static("consumer")),
        protocol_name: Some(Text::from_static("range")),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: Bytes::from_static(b"all"),
        }],
        ..SyncGroupRequest::default()
    };
    no_error("sync", call(door, &synced, 5)?.error_code)?;
    Ok(joined)
}

/// A commit by the only member of a group.
fn commit(door: &mut dyn Door) -> Result<OffsetCommitRequest> {
    make_topic(door, TOPIC)?;
    let joined = join(door).context("a member")?;
    Ok(OffsetCommitRequest {
        group_id: GROUP,
        generation_id_or_member_epoch: joined.generation_id,
        member_id: joined.member_id,
        topics: vec![OffsetCommitRequestTopic {
            name: TOPIC,
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: 1,
                committed_leader_epoch: -1,
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    })
}

fn check_committed(chunks: Chunks) -> Result<()> {
    let response = read::<OffsetCommitRequest>(chunks, OFFSET_COMMIT_VERSION)?;
    let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.try_for_each(|partition| no_error("offset commit", partition.error_code))
}
