//! Leaving, silence, and static members.

use super::harness::{Asks, Harness};
use crate::*;

#[test]
fn the_silent_are_dropped_and_each_valid_call_renews_the_session() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::default()]);
    let generation_id = members[0].generation_id;
    for step in 0..10 {
        h.pass_ms(9_999);
        assert_eq!(h.state(), GroupState::Stable);
        assert_eq!(h.heartbeat(&members[0].member_id, generation_id), Ok(()));
        h.commit(&members[1].member_id, generation_id, step)
            .unwrap();
    }
    h.pass_ms(9_999);
    assert_eq!(h.heartbeat(&members[0].member_id, generation_id), Ok(()));
    h.pass_ms(1);
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    let token = h.join(Asks::id(&members[0].member_id));
    assert_eq!(h.joined(token).members.len(), 1);
}

#[test]
fn an_empty_group_keeps_its_type_and_counts_on() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default()]);
    assert_eq!(h.leave_one(&members[0].member_id), Ok(()));
    let group = h.coordinator.describe("g").unwrap();
    assert_eq!(group.state, GroupState::Empty);
    assert_eq!(group.generation_id, 2);
    assert_eq!(group.protocol_type, "consumer");
    assert_eq!(h.log.len(), 2);
    let value = h.log[1].value.clone().unwrap();
    let value = GroupMetadataValue::decode(&value).unwrap();
    assert_eq!(value.generation_id, 2);
    assert_eq!((value.leader, value.protocol_name), (None, None));
    // Another type may move in.
    let token = h.join(Asks {
        protocol_type: "connect",
        ..Asks::default()
    });
    assert_eq!(h.joined(token).generation_id, 3);
    assert_eq!(h.joined(token).protocol_type, "connect");
}

#[test]
fn leaving_is_answered_per_member_and_rebalances_once() {
    let mut h = Harness::new();
    let members = h.stable(vec![
        Asks::instance("i1"),
        Asks::instance("i2"),
        Asks::default(),
    ]);
    let leaver = |member_id, group_instance_id| Leaver {
        member_id,
        group_instance_id,
    };
    let results = h.leave(&[
        leaver("", Some("i1")),
        leaver("", None),
        leaver("stranger", None),
        leaver("stranger", Some("i2")),
        leaver(&members[1].member_id, Some("i2")),
        leaver(&members[1].member_id, Some("i2")),
    ]);
    assert_eq!(
        results,
        [
            Ok(()),
            Err(GroupError::UnknownMemberId),
            Err(GroupError::UnknownMemberId),
            Err(GroupError::FencedInstanceId),
            Ok(()),
            Err(GroupError::UnknownMemberId),
        ]
    );
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    let token = h.join(Asks::id(&members[2].member_id));
    assert_eq!(h.joined(token).generation_id, members[2].generation_id + 1);
    assert_eq!(h.joined(token).leader, members[2].member_id);
}

#[test]
fn a_pending_member_that_leaves_disturbs_nobody() {
    let mut h = Harness::new();
    h.stable(vec![Asks::default()]);
    let token = h.join(Asks {
        version: 4,
        ..Asks::default()
    });
    let (_, pending) = h.join_error(token);
    assert_eq!(h.leave_one(&pending), Ok(()));
    assert_eq!(h.state(), GroupState::Stable);
    assert_eq!(h.leave_one(&pending), Err(GroupError::UnknownMemberId));
    assert_eq!(
        Harness::new().leave_one("x"),
        Err(GroupError::UnknownMemberId)
    );
}

#[test]
fn a_rebalance_waits_for_pending_members_until_their_ids_expire() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default()]);
    h.join(Asks {
        version: 4,
        ..Asks::default()
    });
    h.pass_ms(1_000);
    let token = h.join(Asks::id(&members[0].member_id));
    assert!(h.is_parked(token));
    h.pass_ms(8_999);
    assert!(h.is_parked(token));
    h.pass_ms(1);
    assert_eq!(h.joined(token).generation_id, 2);
}

#[test]
fn a_removed_member_that_waits_is_told() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::default()]);
    let waiting = h.join(Asks::id(&members[0].member_id));
    h.leave_one(&members[0].member_id).unwrap();
    assert_eq!(
        h.join_error(waiting),
        (GroupError::UnknownMemberId, String::new())
    );
    let token = h.join(Asks::id(&members[1].member_id));
    let other = h.join(Asks::default());
    assert!(h.is_parked(other));
    let again = h.join(Asks::id(&members[1].member_id));
    let first = h.join_reply(token);
    assert!(first.is_ok(), "{first:?}");
    let (leader, follower) = (h.joined(again), h.joined(other));
    assert_eq!(leader.members.len(), 2);
    let waiting = h.sync(&follower);
    h.leave_one(&follower.member_id).unwrap();
    assert_eq!(h.sync_reply(waiting), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_static_member_takes_its_place_without_a_rebalance() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::instance("lead"), Asks::instance("follow")]);
    let (leader, follower) = (&members[0], &members[1]);
    assert!(leader.member_id.starts_with("lead-"));
    let written = h.log.len();

    let token = h.join(Asks::instance("follow"));
    let joined = h.joined(token);
    assert_ne!(joined.member_id, follower.member_id);
    assert_eq!(joined.generation_id, follower.generation_id);
    assert_eq!(joined.leader, leader.member_id);
    assert!(!joined.skip_assignment && joined.members.is_empty());
    assert_eq!(h.state(), GroupState::Stable);
    assert_eq!(
        h.log.len(),
        written + 1,
        "the new id must survive a restart"
    );
    let sync = h.sync(&joined);
    assert_eq!(
        h.sync_reply(sync),
        Ok(format!("for {}", follower.member_id)),
        "the assignment is the instance's"
    );

    // The old id is fenced where the instance is named, else unknown.
    let mut request = h.sync_request(follower);
    assert_eq!(
        h.heartbeat(&follower.member_id, follower.generation_id),
        Err(GroupError::UnknownMemberId)
    );
    request.group_instance_id = Some("follow".into());
    let token = h.sync_with(request);
    assert_eq!(h.sync_reply(token), Err(GroupError::FencedInstanceId));
    let token = h.join(Asks {
        member_id: follower.member_id.clone(),
        ..Asks::instance("follow")
    });
    assert_eq!(
        h.join_error(token),
        (GroupError::FencedInstanceId, follower.member_id.clone())
    );

    // A leader that knows how is told to lead without assigning, ...
    let token = h.join(Asks {
        version: 9,
        ..Asks::instance("lead")
    });
    let second = h.joined(token);
    assert!(second.skip_assignment);
    assert_eq!(second.leader, second.member_id);
    assert_eq!(second.members.len(), 2);
    // ... an older one that another leads.
    let token = h.join(Asks::instance("lead"));
    let third = h.joined(token);
    assert!(!third.skip_assignment && third.members.is_empty());
    assert_eq!(third.leader, second.member_id);
    assert_eq!(h.state(), GroupState::Stable);
}

#[test]
fn a_static_member_with_another_protocol_causes_a_rebalance() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::instance("i")]);
    let token = h.join(Asks {
        protocols: vec![("sticky", b"s")],
        ..Asks::instance("i")
    });
    let joined = h.joined(token);
    assert_eq!(joined.generation_id, members[0].generation_id + 1);
    assert_eq!(joined.protocol_name, "sticky");
    assert_eq!(joined.leader, joined.member_id);
}

#[test]
fn a_take_over_fences_the_request_that_waits() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::instance("i")]);
    let waiting = h.join(Asks {
        protocols: vec![("range", b"changed")],
        member_id: members[1].member_id.clone(),
        ..Asks::instance("i")
    });
    let successor = h.join(Asks::instance("i"));
    assert_eq!(
        h.join_error(waiting),
        (GroupError::FencedInstanceId, members[1].member_id.clone())
    );
    assert!(h.is_parked(successor));
    let leader = h.join(Asks::id(&members[0].member_id));
    let (leader, successor) = (h.joined(leader), h.joined(successor));
    // While the leader assigns, an assignment for the old id would reach nobody.
    let waiting = h.sync(&successor);
    let third = h.join(Asks::instance("i"));
    assert_eq!(h.sync_reply(waiting), Err(GroupError::FencedInstanceId));
    assert!(h.is_parked(third));
    let sync = h.sync(&leader);
    assert_eq!(h.sync_reply(sync), Err(GroupError::RebalanceInProgress));
}

#[test]
fn static_members_stay_until_their_session_ends() {
    let mut h = Harness::new();
    let asks = Asks {
        session_timeout_ms: 200_000,
        ..Asks::instance("i")
    };
    let members = h.stable(vec![Asks::default(), asks]);
    let newcomer = h.join(Asks::default());
    let leader = h.join(Asks::id(&members[0].member_id));
    h.pass_ms(60_000);
    let joined = h.joined(leader);
    assert_eq!(joined.members.len(), 3, "absent, but still a member");
    let newcomer = h.joined(newcomer);
    h.sync(&joined);
    h.sync(&newcomer);
    for _ in 0..13 {
        h.pass_ms(9_999);
        assert_eq!(h.heartbeat(&joined.member_id, joined.generation_id), Ok(()));
        assert_eq!(
            h.heartbeat(&newcomer.member_id, joined.generation_id),
            Ok(())
        );
    }
    h.pass_ms(9_999);
    assert_eq!(h.heartbeat(&joined.member_id, joined.generation_id), Ok(()));
    h.pass_ms(14);
    assert_eq!(
        h.heartbeat(&joined.member_id, joined.generation_id),
        Err(GroupError::RebalanceInProgress)
    );
}

#[test]
fn a_rebalance_that_only_absent_static_members_could_join_waits_for_their_sessions() {
    let mut h = Harness::new();
    let asks = Asks {
        session_timeout_ms: 100_000,
        rebalance_timeout_ms: 0,
        ..Asks::instance("i")
    };
    let members = h.stable(vec![
        asks,
        Asks {
            rebalance_timeout_ms: 0,
            ..Asks::default()
        },
    ]);
    h.leave_one(&members[1].member_id).unwrap();
    h.pass_ms(99_999);
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    h.pass_ms(1);
    assert_eq!(h.state(), GroupState::Empty);
}

#[test]
fn groups_are_listed_and_described() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::instance("i")]);
    let group = h.coordinator.describe("g").unwrap();
    assert_eq!(group.protocol_name, "range");
    assert_eq!(
        group.members,
        [MemberDescription {
            member_id: members[0].member_id.clone(),
            group_instance_id: Some("i".into()),
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            metadata: "r".into(),
            assignment: format!("for {}", members[0].member_id).into(),
        }]
    );
    h.join(Asks::default());
    let group = h.coordinator.describe("g").unwrap();
    assert_eq!(group.protocol_name, "");
    let shown: Vec<(usize, bool)> = group
        .members
        .iter()
        .map(|member| (member.metadata.len(), member.assignment.is_empty()))
        .collect();
    // What the first member still works on, and the newcomer with nothing.
    assert!(shown.contains(&(0, false)) && shown.contains(&(0, true)));
    assert_eq!(h.coordinator.describe("unknown"), None);
    let list: Vec<GroupListing> = h.coordinator.list().collect();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].state, GroupState::PreparingRebalance);
    assert_eq!(
        GroupState::from_name("preparingrebalance"),
        Some(list[0].state)
    );
    assert_eq!(GroupState::from_name("rebalancing"), None);
}
