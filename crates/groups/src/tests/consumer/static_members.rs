//! Members that keep their place over a restart of theirs.

use super::member::{Member, beat, describe, settle, shares};
use crate::tests::harness::{GROUP, Harness};
use crate::*;

fn two_static_members(h: &mut Harness) -> (Member, Member) {
    h.topics.create("t", 4);
    let mut a = Member::new("a1", &["t"]).instance("a");
    let mut b = Member::new("b1", &["t"]).instance("b");
    a.join(h).unwrap();
    b.join(h).unwrap();
    settle(h, &mut [&mut a, &mut b]);
    (a, b)
}

#[test]
fn one_that_comes_back_gets_what_it_had_and_disturbs_nobody() {
    let mut h = Harness::new();
    let (mut a, b) = two_static_members(&mut h);
    let epoch = describe(&h).group_epoch;
    a.leave(&mut h, LEAVE_STATIC_EPOCH).unwrap();
    assert_eq!(describe(&h).members[0].member_epoch, LEAVE_STATIC_EPOCH);
    let reply = beat(&mut h, &b.quiet()).unwrap();
    assert_eq!((reply.member_epoch, reply.assignment), (b.epoch, None));
    let mut again = Member::new("a2", &["t"]).instance("a");
    again.join(&mut h).unwrap();
    assert_eq!((again.epoch, &again.owned), (epoch, &a.owned));
    let group = describe(&h);
    assert_eq!(
        (group.group_epoch, group.state),
        (epoch, GroupState::Stable)
    );
    assert_eq!(group.members.len(), 2);
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
    // The one before is known no more, under its own name and under the instance's.
    a.epoch = epoch;
    assert_eq!(beat(&mut h, &a.quiet()), Err(GroupError::FencedInstanceId));
    a.instance_id = None;
    assert_eq!(beat(&mut h, &a.quiet()), Err(GroupError::UnknownMemberId));
    assert_eq!(a.commit(&mut h, 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn one_that_is_away_too_long_loses_its_place() {
    let mut h = Harness::new();
    let (mut a, mut b) = two_static_members(&mut h);
    a.leave(&mut h, LEAVE_STATIC_EPOCH).unwrap();
    assert_eq!(a.commit(&mut h, 1), Err(GroupError::StaleMemberEpoch));
    for _ in 0..9 {
        b.report(&mut h).unwrap();
        assert_eq!(b.owned.len(), 2);
        h.pass_ms(5_000);
    }
    b.report(&mut h).unwrap();
    assert_eq!(b.owned.len(), 4);
    let mut again = Member::new("a2", &["t"]).instance("a");
    again.join(&mut h).unwrap();
    settle(&mut h, &mut [&mut again, &mut b]);
    assert_eq!(shares(&[&again, &b]), [2, 2]);
}

#[test]
fn an_instance_has_one_member_at_a_time() {
    let mut h = Harness::new();
    let (mut a, _b) = two_static_members(&mut h);
    let mut usurper = Member::new("a2", &["t"]).instance("a");
    let error = usurper.join(&mut h).unwrap_err();
    assert_eq!(error, GroupError::UnreleasedInstanceId);
    assert_eq!(describe(&h).members.len(), 2);
    // The same member may begin anew.
    a.join(&mut h).unwrap();
    assert_eq!(a.owned.len(), 2);
    // And may not become another instance.
    let other = a.clone().instance("c").join(&mut h).unwrap_err();
    assert_eq!(other, GroupError::InvalidRequest);
    // One that leaves for good is gone.
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    usurper.join(&mut h).unwrap();
    assert_eq!(describe(&h).members.len(), 2);
}

#[test]
fn one_that_leaves_while_it_must_give_up_has_given_up() {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    let mut a = Member::new("a1", &["t"]).instance("a");
    let mut b = Member::new("b", &["t"]);
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    assert_eq!(
        beat(&mut h, &a.quiet()).unwrap().assignment.unwrap().len(),
        2
    );
    a.leave(&mut h, LEAVE_STATIC_EPOCH).unwrap();
    b.report(&mut h).unwrap();
    assert_eq!(b.owned.len(), 2);
    let mut again = Member::new("a2", &["t"]).instance("a");
    again.join(&mut h).unwrap();
    assert_eq!(again.owned.len(), 2);
    assert!(h.coordinator.describe_consumer(GROUP).is_some());
}
