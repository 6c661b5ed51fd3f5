//! JoinGroup and SyncGroup.

use super::harness::{Asks, Harness};
use crate::*;

#[test]
fn one_member_joins_syncs_and_beats() {
    let mut h = Harness::new();
    let token = h.join(Asks::default());
    let joined = h.joined(token);
    assert_eq!(joined.generation_id, 1);
    assert_eq!(joined.protocol_type, "consumer");
    assert_eq!(joined.protocol_name, "range");
    assert_eq!(joined.leader, joined.member_id);
    assert!(joined.member_id.starts_with("client-"));
    assert_eq!(joined.member_id.len(), "client-".len() + 36);
    assert_eq!(joined.members.len(), 1);
    assert_eq!(&joined.members[0].metadata[..], b"r");
    assert_eq!(h.state(), GroupState::CompletingRebalance);
    assert_eq!(h.heartbeat(&joined.member_id, 1), Ok(()));
    assert!(h.log.is_empty(), "joins and heartbeats write nothing");

    let sync = h.sync(&joined);
    assert_eq!(h.sync_reply(sync), Ok(format!("for {}", joined.member_id)));
    assert_eq!(h.state(), GroupState::Stable);
    assert_eq!(h.log.len(), 1);
    assert_eq!(h.heartbeat(&joined.member_id, 1), Ok(()));
    assert_eq!(
        h.heartbeat(&joined.member_id, 2),
        Err(GroupError::IllegalGeneration)
    );
    assert_eq!(h.heartbeat("other", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_member_without_an_id_is_sent_back_for_one_and_is_no_member_until_then() {
    let mut h = Harness::new();
    let asks = Asks {
        version: 4,
        ..Asks::default()
    };
    let token = h.join(asks.clone());
    let (error, member_id) = h.join_error(token);
    assert_eq!(error, GroupError::MemberIdRequired);
    assert_eq!(h.state(), GroupState::Empty);
    assert!(h.coordinator.describe("g").unwrap().members.is_empty());
    let token = h.join(Asks {
        member_id: member_id.clone(),
        ..asks.clone()
    });
    assert_eq!(h.joined(token).member_id, member_id);

    // An id that does not come back is good for one session timeout.
    let token = h.join(asks.clone());
    let (_, late) = h.join_error(token);
    h.pass_ms(10_000);
    let token = h.join(Asks::id(&late));
    assert_eq!(
        h.join_error(token),
        (GroupError::UnknownMemberId, late.clone())
    );
}

#[test]
fn a_group_nobody_came_back_to_is_forgotten() {
    let mut h = Harness::new();
    h.join(Asks {
        version: 4,
        ..Asks::default()
    });
    assert_eq!(h.coordinator.group_count(), 1);
    h.pass_ms(10_000);
    assert_eq!(h.coordinator.group_count(), 0);
    assert!(h.log.is_empty());
}

#[test]
fn bad_joins_are_refused_and_leave_nothing() {
    let mut h = Harness::new();
    for (asks, error) in [
        (
            Asks {
                session_timeout_ms: 5_999,
                ..Asks::default()
            },
            GroupError::InvalidSessionTimeout,
        ),
        (
            Asks {
                session_timeout_ms: 1_800_001,
                ..Asks::default()
            },
            GroupError::InvalidSessionTimeout,
        ),
        (
            Asks {
                protocols: Vec::new(),
                ..Asks::default()
            },
            GroupError::InconsistentGroupProtocol,
        ),
        (
            Asks {
                protocol_type: "",
                ..Asks::default()
            },
            GroupError::InconsistentGroupProtocol,
        ),
        (Asks::id("nobody"), GroupError::UnknownMemberId),
    ] {
        let member_id = asks.member_id.clone();
        let token = h.join(asks);
        assert_eq!(h.join_error(token), (error, member_id));
    }
    assert_eq!(h.coordinator.group_count(), 0);
    assert_eq!(h.coordinator.next_deadline(), None);
}

#[test]
fn the_first_rebalance_waits_and_newcomers_prolong_it() {
    let mut h = Harness::with(GroupSettings::default());
    let asks = Asks {
        rebalance_timeout_ms: 7_000,
        ..Asks::default()
    };
    let first = h.join(asks.clone());
    h.pass_ms(2_999);
    assert!(h.is_parked(first));
    let second = h.join(asks.clone());
    h.pass_ms(1);
    assert!(h.is_parked(first), "prolonged to 6 s");
    h.pass_ms(2_000);
    let third = h.join(asks.clone());
    h.pass_ms(1_000);
    assert!(h.is_parked(first), "prolonged to the rebalance timeout");
    let fourth = h.join(asks);
    h.pass_ms(1_000);
    let generation = h.joined(first).generation_id;
    for token in [second, third, fourth] {
        assert_eq!(h.joined(token).generation_id, generation);
    }
    assert_eq!(h.joined(first).members.len(), 4);
    assert_eq!(h.joined(second).members.len(), 0);
}

#[test]
fn the_first_rebalance_ends_after_the_delay_if_nobody_else_comes() {
    let mut h = Harness::with(GroupSettings::default());
    let first = h.join(Asks::default());
    h.pass_ms(2_999);
    assert!(h.is_parked(first));
    h.pass_ms(1);
    assert_eq!(h.joined(first).generation_id, 1);
}

#[test]
fn a_rebalance_waits_for_known_members_and_drops_the_absent() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::default(), Asks::default()]);
    let generation_id = members[0].generation_id;
    let newcomer = h.join(Asks::default());
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    assert_eq!(
        h.heartbeat(&members[0].member_id, generation_id),
        Err(GroupError::RebalanceInProgress)
    );
    let again = h.join(Asks::id(&members[0].member_id));
    // The others beat, so that their sessions last, but do not join.
    for _ in 0..10 {
        h.pass_ms(5_000);
        for member in &members[1..] {
            let beat = h.heartbeat(&member.member_id, generation_id);
            assert_eq!(beat, Err(GroupError::RebalanceInProgress));
        }
        assert!(h.is_parked(newcomer) && h.is_parked(again));
    }
    h.pass_ms(10_000);
    let joined = h.joined(again);
    assert_eq!(joined.generation_id, generation_id + 1);
    assert_eq!(joined.members.len(), 2);
    assert_eq!(h.joined(newcomer).generation_id, generation_id + 1);
    assert_eq!(
        h.heartbeat(&members[1].member_id, generation_id),
        Err(GroupError::UnknownMemberId)
    );
}

#[test]
fn members_that_wait_in_join_are_not_missed_but_new_ones_are_after_five_minutes() {
    let mut h = Harness::new();
    let slow = Asks {
        rebalance_timeout_ms: 600_000,
        session_timeout_ms: 1_800_000,
        ..Asks::default()
    };
    let members = h.stable(vec![slow, Asks::default()]);
    let newcomer = h.join(Asks::default());
    let known = h.join(Asks::id(&members[1].member_id));
    h.pass_ms(299_999);
    assert!(h.is_parked(newcomer) && h.is_parked(known));
    h.pass_ms(1);
    assert_eq!(
        h.join_error(newcomer),
        (GroupError::UnknownMemberId, String::new())
    );
    assert!(h.is_parked(known));
    h.pass_ms(300_000);
    assert_eq!(h.joined(known).members.len(), 1, "it leads now");
}

#[test]
fn the_protocol_is_chosen_by_vote_among_those_all_know() {
    let mut h = Harness::new();
    let asks = |protocols| Asks {
        protocols,
        ..Asks::default()
    };
    let members = h.stable(vec![
        asks(vec![("a", b"1"), ("b", b"1"), ("c", b"1")]),
        asks(vec![("d", b"2"), ("c", b"2"), ("b", b"2")]),
        asks(vec![("c", b"3"), ("b", b"3")]),
    ]);
    assert_eq!(members[0].protocol_name, "c");
    let stranger = h.join(asks(vec![("a", b"4")]));
    assert_eq!(
        h.join_error(stranger),
        (GroupError::InconsistentGroupProtocol, String::new())
    );
    let other_type = h.join(Asks {
        protocol_type: "connect",
        ..asks(vec![("c", b"4")])
    });
    assert_eq!(
        h.join_error(other_type),
        (GroupError::InconsistentGroupProtocol, String::new())
    );
    assert_eq!(h.state(), GroupState::Stable, "refusals disturb nobody");
}

#[test]
fn lost_answers_are_given_again() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::default()]);
    let (leader, follower) = (&members[0], &members[1]);

    // Stable: a follower gets the same generation, and its assignment again.
    let token = h.join(Asks::id(&follower.member_id));
    assert_eq!(h.joined(token), *follower);
    let sync = h.sync(follower);
    assert_eq!(
        h.sync_reply(sync),
        Ok(format!("for {}", follower.member_id))
    );
    assert_eq!(h.state(), GroupState::Stable);

    // The leader causes a rebalance.
    let token = h.join(Asks::id(&leader.member_id));
    assert!(h.is_parked(token));
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    let other = h.join(Asks::id(&follower.member_id));
    let (leader, follower) = (h.joined(token), h.joined(other));
    assert_eq!(h.state(), GroupState::CompletingRebalance);

    // Completing: both get the same answer again, the leader with the members.
    let token = h.join(Asks::id(&leader.member_id));
    assert_eq!(h.joined(token), leader);
    let token = h.join(Asks::id(&follower.member_id));
    assert_eq!(h.joined(token), follower);

    // A sync that is asked twice, or given up for a join, is answered each time.
    let first = h.sync(&follower);
    let second = h.sync(&follower);
    assert_eq!(h.sync_reply(first), Err(GroupError::RebalanceInProgress));
    assert!(h.is_parked(second));
    let token = h.join(Asks::id(&follower.member_id));
    assert_eq!(h.sync_reply(second), Err(GroupError::RebalanceInProgress));
    assert_eq!(h.joined(token), follower);

    // A join that is asked twice leaves the first.
    h.sync(&leader);
    let first = h.join(Asks::id(&leader.member_id));
    let second = h.join(Asks::id(&leader.member_id));
    assert_eq!(
        h.join_error(first),
        (GroupError::RebalanceInProgress, leader.member_id.clone())
    );
    assert!(h.is_parked(second));
}

#[test]
fn a_follower_with_other_metadata_causes_a_rebalance() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::default()]);
    let follower = Asks {
        protocols: vec![("range", b"more")],
        ..Asks::id(&members[1].member_id)
    };
    let token = h.join(follower.clone());
    assert!(h.is_parked(token));
    let leader = h.join(Asks::id(&members[0].member_id));
    assert_eq!(h.joined(leader).generation_id, members[0].generation_id + 1);
    // And again while the leader assigns: those who wait for it join again.
    let waiting = h.joined(leader);
    let token = h.joined(token);
    let sync = h.sync(&token);
    let changed = h.join(Asks {
        protocols: vec![("range", b"even more")],
        ..follower
    });
    assert_eq!(h.sync_reply(sync), Err(GroupError::RebalanceInProgress));
    assert!(h.is_parked(changed));
    let sync = h.sync(&waiting);
    assert_eq!(h.sync_reply(sync), Err(GroupError::RebalanceInProgress));
}

#[test]
fn syncs_wait_for_the_leader_and_who_gets_nothing_gets_no_bytes() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::default()]);
    let leader = h.join(Asks::id(&members[0].member_id));
    let follower = h.join(Asks::id(&members[1].member_id));
    let (leader, follower) = (h.joined(leader), h.joined(follower));
    let waiting = h.sync(&follower);
    // Longer than its session: it waits for us, not we for it.
    for _ in 0..3 {
        h.pass_ms(9_000);
        assert_eq!(h.heartbeat(&leader.member_id, leader.generation_id), Ok(()));
    }
    assert!(h.is_parked(waiting));
    let mut request = h.sync_request(&leader);
    request
        .assignments
        .retain(|(member_id, _)| *member_id == leader.member_id);
    request
        .assignments
        .push(("stranger".into(), bytes::Bytes::from_static(b"x")));
    let own = h.sync_with(request);
    assert_eq!(h.sync_reply(own), Ok(format!("for {}", leader.member_id)));
    assert_eq!(h.sync_reply(waiting), Ok(String::new()));
}

#[test]
fn wrong_syncs_are_refused() {
    let mut h = Harness::new();
    let token = h.join(Asks::default());
    let joined = h.joined(token);
    let right = h.sync_request(&joined);
    let wrong = |change: &dyn Fn(&mut SyncRequest)| {
        let mut request = right.clone();
        change(&mut request);
        request
    };
    for (request, error) in [
        (
            wrong(&|r| r.group_id = String::new()),
            GroupError::InvalidGroupId,
        ),
        (
            wrong(&|r| r.group_id = "no".into()),
            GroupError::UnknownMemberId,
        ),
        (
            wrong(&|r| r.member_id = "no".into()),
            GroupError::UnknownMemberId,
        ),
        (
            wrong(&|r| r.generation_id = 2),
            GroupError::IllegalGeneration,
        ),
        (
            wrong(&|r| r.protocol_type = Some("connect".into())),
            GroupError::InconsistentGroupProtocol,
        ),
        (
            wrong(&|r| r.protocol_name = Some("sticky".into())),
            GroupError::InconsistentGroupProtocol,
        ),
        (
            wrong(&|r| r.group_instance_id = Some("i".into())),
            GroupError::UnknownMemberId,
        ),
    ] {
        let token = h.sync_with(request);
        assert_eq!(h.sync_reply(token), Err(error));
    }
    let token = h.sync_with(wrong(&|r| {
        r.protocol_type = Some("consumer".into());
        r.protocol_name = Some("range".into());
    }));
    h.sync_reply(token).unwrap();
    h.join(Asks::default());
    let token = h.sync(&joined);
    assert_eq!(h.sync_reply(token), Err(GroupError::RebalanceInProgress));
}

#[test]
fn who_does_not_sync_within_the_rebalance_timeout_is_dropped() {
    let mut h = Harness::new();
    let patient = Asks {
        session_timeout_ms: 600_000,
        ..Asks::default()
    };
    let members = h.stable(vec![patient.clone(), patient.clone()]);
    let again = |member: &Joined| Asks {
        member_id: member.member_id.clone(),
        ..patient.clone()
    };
    // The leader syncs, the follower does not.
    let leader = h.join(again(&members[0]));
    let follower = h.join(again(&members[1]));
    let (leader, follower) = (h.joined(leader), h.joined(follower));
    h.sync(&leader);
    h.pass_ms(59_999);
    assert_eq!(h.state(), GroupState::Stable);
    h.pass_ms(1);
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    let beat = h.heartbeat(&follower.member_id, follower.generation_id);
    assert_eq!(beat, Err(GroupError::UnknownMemberId));
    // Now the leader is alone, joins, and does not sync.
    let token = h.join(again(&members[0]));
    assert_eq!(h.joined(token).members.len(), 1);
    h.pass_ms(60_000);
    assert_eq!(h.state(), GroupState::Empty);
}

#[test]
fn a_full_group_refuses_more_members() {
    let mut h = Harness::with(GroupSettings {
        initial_rebalance_delay_ms: 0,
        group_size_max: 2,
        ..GroupSettings::default()
    });
    let members = h.stable(vec![Asks::default(), Asks::default()]);
    let token = h.join(Asks::default());
    assert_eq!(
        h.join_error(token),
        (GroupError::GroupMaxSizeReached, String::new())
    );
    assert_eq!(h.state(), GroupState::Stable);
    // In a rebalance those who come first stay.
    h.join(Asks {
        protocols: vec![("range", b"changed")],
        ..Asks::id(&members[0].member_id)
    });
    h.join(Asks::default());
    let late = h.join(Asks::id(&members[1].member_id));
    assert_eq!(
        h.join_error(late),
        (GroupError::GroupMaxSizeReached, String::new())
    );
    assert_eq!(h.state(), GroupState::CompletingRebalance);
}

#[test]
fn what_would_not_fit_a_record_is_refused() {
    let mut h = Harness::new();
    let huge: &'static [u8] = Box::leak(vec![0; 4 * 1024 * 1024 + 1].into());
    let token = h.join(Asks {
        protocols: vec![("range", huge)],
        ..Asks::default()
    });
    assert_eq!(
        h.join_error(token),
        (GroupError::GroupTooLarge, String::new())
    );
    let token = h.join(Asks::default());
    let joined = h.joined(token);
    let mut request = h.sync_request(&joined);
    request.assignments[0].1 = vec![0; GROUP_RECORD_BYTES_MAX].into();
    let sync = h.sync_with(request);
    assert_eq!(h.sync_reply(sync), Err(GroupError::GroupTooLarge));
    assert!(h.log.is_empty());
    let sync = h.sync(&joined);
    h.sync_reply(sync).unwrap();
}
