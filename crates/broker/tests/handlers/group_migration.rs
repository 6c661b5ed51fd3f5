//! Groups whose members move between the classic and the consumer protocol (KIP-848).

use bytes::Bytes;
use model::ErrorCode;
use wire::Text;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use wire::messages::leave_group::LeaveGroupRequest;
use wire::messages::list_groups::ListGroupsRequest;

use crate::consumer_groups::{Member, create};
use crate::groups::{
    GROUP, commit, commit_request, committed, heartbeat_request, join_request, open, sync_request,
};
use crate::support::{Fixture, assert_code};

/// A subscription to the topic `t`, as consumers write it.
const SUBSCRIPTION: &[u8] = &[0, 0, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff];

/// Partitions of the topic `t`, as the leader of a classic group writes them.
fn assignment(partitions: &[i32]) -> Bytes {
    let mut bytes = vec![0, 0, 0, 0, 0, 1, 0, 1, b't'];
    bytes.extend((partitions.len() as i32).to_be_bytes());
    for partition in partitions {
        bytes.extend(partition.to_be_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

fn join(member_id: &Text) -> JoinGroupRequest {
    let mut request = join_request(member_id);
    request.protocols[0].metadata = Bytes::from_static(SUBSCRIPTION);
    request
}

/// Joins again and fetches what there is to read; a leader gives itself both partitions.
async fn rejoin(fixture: &mut Fixture, member_id: &Text) -> (JoinGroupResponse, Bytes) {
    let joined = fixture.call(&join(member_id), 9).await;
    assert_code(joined.error_code, ErrorCode::None);
    let mut request = sync_request(&joined);
    for each in &mut request.assignments {
        each.assignment = assignment(&[0, 1]);
    }
    let synced = fixture.call(&request, 5).await;
    assert_code(synced.error_code, ErrorCode::None);
    (joined, synced.assignment)
}

async fn heartbeat(fixture: &mut Fixture, joined: &JoinGroupResponse) -> i16 {
    let response = fixture.call(&heartbeat_request(joined), 4).await;
    response.error_code
}

/// The kind and the state of the group, as a list shows them.
async fn listed(fixture: &mut Fixture) -> (Text, Text) {
    let listed = fixture.call(&ListGroupsRequest::default(), 5).await;
    let group = listed.groups.into_iter().next().unwrap();
    (group.group_type, group.group_state)
}

fn texts(kind: &'static str, state: &'static str) -> (Text, Text) {
    (Text::from_static(kind), Text::from_static(state))
}

#[tokio::test]
async fn a_group_goes_over_to_the_consumer_protocol_and_back_while_it_reads() {
    let mut fixture = open().await;
    create(&mut fixture, "t", 2).await;
    let asked = fixture.call(&join(&Text::EMPTY), 9).await;
    assert_code(asked.error_code, ErrorCode::MemberIdRequired);
    let (old, share) = rejoin(&mut fixture, &asked.member_id).await;
    assert_eq!(share, assignment(&[0, 1]));
    assert_eq!(listed(&mut fixture).await, texts("classic", "Stable"));

    let mut new = Member::new("new");
    new.beat(&mut fixture).await;
    assert_eq!(new.partitions(), [0; 0], "the old one has everything");
    assert_eq!(listed(&mut fixture).await, texts("consumer", "Reconciling"));
    let mut request = commit_request("t", 7);
    request.member_id.clone_from(&old.member_id);
    request.generation_id_or_member_epoch = old.generation_id;
    assert_code(commit(&mut fixture, &request, 8).await, ErrorCode::None);
    let mut fixture = fixture.restart().await;
    let code = heartbeat(&mut fixture, &old).await;
    assert_code(code, ErrorCode::RebalanceInProgress);
    let (old, share) = rejoin(&mut fixture, &old.member_id).await;
    assert_eq!(share.len(), assignment(&[0]).len(), "one of them");
    assert_eq!(old.leader, "", "nobody leads");
    assert_code(heartbeat(&mut fixture, &old).await, ErrorCode::None);
    new.beat(&mut fixture).await;
    assert_eq!(new.partitions().len(), 1);
    assert_eq!(listed(&mut fixture).await, texts("consumer", "Stable"));

    new.epoch = -1;
    let left = fixture.call(&new.quiet(), 1).await;
    assert_code(left.error_code, ErrorCode::None);
    let state = texts("classic", "PreparingRebalance");
    assert_eq!(listed(&mut fixture).await, state);
    let mut fixture = fixture.restart().await;
    assert_eq!(listed(&mut fixture).await, state);
    let code = heartbeat(&mut fixture, &old).await;
    assert_code(code, ErrorCode::RebalanceInProgress);
    let (old, share) = rejoin(&mut fixture, &old.member_id).await;
    assert_eq!(share, assignment(&[0, 1]));
    assert_eq!(old.leader, old.member_id);
    assert_eq!(listed(&mut fixture).await, texts("classic", "Stable"));
    assert_eq!(committed(&mut fixture, "t").await, 7);
    let request = LeaveGroupRequest {
        group_id: GROUP,
        member_id: old.member_id.clone(),
        ..LeaveGroupRequest::default()
    };
    let left = fixture.call(&request, 2).await;
    assert_code(left.error_code, ErrorCode::None);
    assert_eq!(listed(&mut fixture).await, texts("classic", "Empty"));
}
