//! Joining, sharing, leaving, and silence.

use super::member::{Member, REBALANCE_TIMEOUT_MS, beat, describe, settle, shares};
use crate::tests::harness::{GROUP, Harness};
use crate::*;

fn harness() -> Harness {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    h
}

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut h = harness();
    let mut a = Member::new("a", &["t", "absent"]);
    a.join(&mut h).unwrap();
    assert_eq!((a.epoch, a.owned.len()), (1, 4));
    let group = describe(&h);
    assert_eq!(group.state, GroupState::Stable);
    assert_eq!((group.group_epoch, group.assignment_epoch), (1, 1));
    assert_eq!(group.assignor_name, "uniform");
    assert_eq!(group.members[0].topics, ["absent", "t"]);
    assert_eq!(group.members[0].assigned, group.members[0].target);
    // Nothing new is answered with nothing, and written nowhere.
    let records = h.log.len();
    let reply = beat(&mut h, &a.quiet()).unwrap();
    assert_eq!((reply.member_epoch, reply.assignment), (1, None));
    assert_eq!(h.log.len(), records);
    // Who says everything hears everything.
    let reply = beat(&mut h, &a.full()).unwrap();
    assert_eq!(reply.assignment, Some(a.owned.clone()));
    assert_eq!(h.log.len(), records);
}

#[test]
fn a_partition_changes_hands_only_when_its_owner_has_let_go() {
    let mut h = harness();
    let mut a = Member::new("a", &["t"]);
    a.join(&mut h).unwrap();
    a.report(&mut h).unwrap();
    let mut b = Member::new("b", &["t"]);
    b.join(&mut h).unwrap();
    assert_eq!((b.epoch, b.owned.len()), (2, 0), "everything is A's");
    assert_eq!(describe(&h).state, GroupState::Reconciling);
    let all = a.owned.clone();
    // A is told, and keeps its epoch until it has confirmed.
    let reply = beat(&mut h, &a.quiet()).unwrap();
    assert_eq!(reply.member_epoch, 1);
    let kept = reply.assignment.unwrap();
    assert_eq!(kept.len(), 2);
    b.report(&mut h).unwrap();
    assert_eq!(b.owned.len(), 0, "A has not confirmed");
    let still = ConsumerHeartbeat {
        owned: Some(all),
        ..a.quiet()
    };
    let reply = beat(&mut h, &still).unwrap();
    assert_eq!((reply.member_epoch, reply.assignment), (1, None));
    assert_eq!(beat(&mut h, &a.quiet()).unwrap().member_epoch, 1);
    b.report(&mut h).unwrap();
    assert_eq!(b.owned.len(), 0, "A still has all");
    // A commits what it has read before it lets go.
    a.commit(&mut h, 5).unwrap();
    a.owned = kept;
    a.report(&mut h).unwrap();
    assert_eq!(a.epoch, 2);
    b.report(&mut h).unwrap();
    assert_eq!(shares(&[&a, &b]), [2, 2]);
    assert!(a.owned.is_disjoint(&b.owned));
    assert_eq!(describe(&h).state, GroupState::Stable);
}

#[test]
fn one_that_does_not_let_go_is_fenced_after_its_rebalance_timeout() {
    let mut h = harness();
    let mut a = Member::new("a", &["t"]);
    let mut b = Member::new("b", &["t"]);
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    let mut passed_ms = 0;
    while passed_ms < REBALANCE_TIMEOUT_MS {
        assert_eq!(beat(&mut h, &a.quiet()).unwrap().member_epoch, 1);
        b.report(&mut h).unwrap();
        assert_eq!(b.owned.len(), 0);
        h.pass_ms(5_000);
        passed_ms += 5_000;
    }
    let error = beat(&mut h, &a.quiet()).unwrap_err();
    assert_eq!(error, GroupError::UnknownMemberId);
    assert_eq!(a.commit(&mut h, 5), Err(GroupError::UnknownMemberId));
    b.report(&mut h).unwrap();
    assert_eq!(b.owned.len(), 4);
}

#[test]
fn the_silent_are_fenced_after_the_session_timeout() {
    let mut h = harness();
    let (mut a, mut b) = (Member::new("a", &["t"]), Member::new("b", &["t"]));
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    settle(&mut h, &mut [&mut a, &mut b]);
    for _ in 0..8 {
        h.pass_ms(5_000);
        b.report(&mut h).unwrap();
    }
    h.pass_ms(4_999);
    assert_eq!(describe(&h).members.len(), 2);
    h.pass_ms(1);
    assert_eq!(describe(&h).members.len(), 1);
    b.report(&mut h).unwrap();
    assert_eq!((b.owned.len(), b.epoch), (4, 3));
    assert_eq!(a.commit(&mut h, 5), Err(GroupError::UnknownMemberId));
    assert_eq!(beat(&mut h, &a.quiet()), Err(GroupError::UnknownMemberId));
    a.join(&mut h).unwrap();
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [2, 2]);
}

#[test]
fn what_one_leaves_behind_is_shared_at_the_next_heartbeat() {
    let mut h = harness();
    let mut members: Vec<Member> = ["a", "b", "c", "d"]
        .map(|id| Member::new(id, &["t"]))
        .into();
    for member in &mut members {
        member.join(&mut h).unwrap();
    }
    let mut refs: Vec<&mut Member> = members.iter_mut().collect();
    settle(&mut h, &mut refs);
    let mut d = members.pop().unwrap();
    d.leave(&mut h, LEAVE_EPOCH).unwrap();
    assert_eq!(describe(&h).state, GroupState::Assigning);
    let mut refs: Vec<&mut Member> = members.iter_mut().collect();
    settle(&mut h, &mut refs);
    let mut shares: Vec<usize> = members.iter().map(|member| member.owned.len()).collect();
    shares.sort_unstable();
    assert_eq!(shares, [1, 1, 2]);
    for mut member in members {
        member.leave(&mut h, LEAVE_EPOCH).unwrap();
    }
    assert_eq!(describe(&h).state, GroupState::Empty);
}

#[test]
fn a_topic_that_comes_grows_or_goes_makes_a_new_assignment() {
    let mut h = harness();
    let (mut a, mut b) = (Member::new("a", &["t", "u"]), Member::new("b", &["t", "u"]));
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    settle(&mut h, &mut [&mut a, &mut b]);
    let epoch = describe(&h).group_epoch;
    h.topics.create("of-no-interest", 9);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(describe(&h).group_epoch, epoch);
    let u = h.topics.create("u", 2);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [3, 3]);
    h.topics.create("u", 6);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [5, 5]);
    h.topics.delete("u");
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [2, 2]);
    // A topic that is made again is another one.
    assert_ne!(h.topics.create("u", 2), u);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [3, 3]);
    assert!(a.owned.of(u).is_none() && b.owned.of(u).is_none());
}

#[test]
fn a_member_may_change_what_it_subscribes_to() {
    let mut h = harness();
    h.topics.create("u", 2);
    let (mut a, mut b) = (Member::new("a", &["t"]), Member::new("b", &["t"]));
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    settle(&mut h, &mut [&mut a, &mut b]);
    a.topics = vec!["u"];
    let reply = beat(&mut h, &a.full()).unwrap();
    a.hear(reply);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [2, 4]);
    a.topics = Vec::new();
    let reply = beat(&mut h, &a.full()).unwrap();
    a.hear(reply);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [0, 4]);
}

#[test]
fn most_members_choose_the_assignor() {
    let mut h = harness();
    let mut a = Member::new("a", &["t"]);
    let mut b = Member::new("b", &["t"]);
    b.assignor = Some("range");
    a.join(&mut h).unwrap();
    assert_eq!(describe(&h).assignor_name, "uniform");
    b.join(&mut h).unwrap();
    assert_eq!(describe(&h).assignor_name, "range");
    settle(&mut h, &mut [&mut a, &mut b]);
    let partitions: Vec<i32> = a.owned.iter().map(|(_, partition)| partition).collect();
    assert_eq!(partitions, [0, 1]);
}

#[test]
fn a_full_group_takes_nobody_but_its_members() {
    let mut h = Harness::with(GroupSettings {
        consumer_group_size_max: 1,
        ..GroupSettings::default()
    });
    let mut a = Member::new("a", &["t"]);
    a.join(&mut h).unwrap();
    let mut b = Member::new("b", &["t"]);
    assert_eq!(b.join(&mut h), Err(GroupError::GroupMaxSizeReached));
    a.join(&mut h).unwrap();
}

#[test]
fn the_broker_makes_an_id_for_a_member_that_has_none() {
    let mut h = harness();
    let (mut a, mut b) = (Member::new("", &["t"]), Member::new("", &["t"]));
    let request = ConsumerHeartbeat {
        random: [7; 16],
        ..a.full()
    };
    let reply = beat(&mut h, &request).unwrap();
    a.hear(reply);
    b.join(&mut h).unwrap();
    assert_eq!(a.id.len(), 22);
    assert_ne!(a.id, b.id);
}

#[test]
fn a_group_has_members_of_one_kind_and_changes_its_kind_when_it_is_empty() {
    let mut h = harness();
    let mut a = Member::new("a", &["t"]);
    a.join(&mut h).unwrap();
    a.commit(&mut h, 5).unwrap();
    assert_eq!(h.coordinator.describe(GROUP), None);
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    let joined = h.stable(vec![Default::default()]);
    assert_eq!(h.coordinator.describe_consumer(GROUP), None);
    assert_eq!(h.offset(), Some(5), "offsets stay");
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
    h.leave_one(&joined[0].member_id).unwrap();
    a.join(&mut h).unwrap();
    assert_eq!(a.epoch, 1);
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
    let list: Vec<GroupListing> = h.coordinator.list().collect();
    assert_eq!(list[0].kind, GroupKind::Consumer);
    assert_eq!(list[0].protocol_type, "consumer");
}

#[test]
fn texts_that_no_record_has_room_for_are_refused() {
    let mut h = harness();
    let a = Member::new("a", &["t"]);
    let long = "x".repeat(40_000);
    let with_topic = ConsumerHeartbeat {
        topics: Some(vec![&long]),
        ..a.full()
    };
    let with_instance = ConsumerHeartbeat {
        instance_id: Some(&long),
        ..a.full()
    };
    for request in [with_topic, with_instance] {
        assert_eq!(beat(&mut h, &request), Err(GroupError::InvalidRequest));
    }
    for group_id in ["", &long] {
        let request = ConsumerHeartbeat {
            group_id,
            ..a.full()
        };
        assert_eq!(beat(&mut h, &request), Err(GroupError::InvalidGroupId));
    }
    assert_eq!(h.log, []);
}
