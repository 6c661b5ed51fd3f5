//! Lost and doubled messages, and members that have lost track.

use super::member::{Member, beat, describe, settle, shares};
use crate::tests::harness::Harness;
use crate::*;

fn two_members(h: &mut Harness) -> (Member, Member) {
    h.topics.create("t", 4);
    let (mut a, mut b) = (Member::new("a", &["t"]), Member::new("b", &["t"]));
    a.join(h).unwrap();
    b.join(h).unwrap();
    settle(h, &mut [&mut a, &mut b]);
    (a, b)
}

#[test]
fn a_member_that_missed_the_answer_with_its_new_epoch_is_told_again() {
    let mut h = Harness::new();
    let (mut a, mut b) = two_members(&mut h);
    b.leave(&mut h, LEAVE_EPOCH).unwrap();
    let lost = beat(&mut h, &a.quiet()).unwrap();
    assert_eq!((lost.member_epoch, a.epoch), (3, 2));
    // Without a list of what it owns there is no telling what it has missed.
    let error = beat(&mut h, &a.quiet()).unwrap_err();
    assert_eq!(error, GroupError::FencedMemberEpoch);
    a.report(&mut h).unwrap();
    assert_eq!((a.epoch, a.owned.len()), (3, 4));
    // Once it has answered with the new epoch, the old one is gone with the next change.
    a.epoch = 1;
    assert_eq!(a.report(&mut h), Err(GroupError::FencedMemberEpoch));
}

#[test]
fn a_member_of_an_older_epoch_may_not_have_what_is_not_its_own() {
    let mut h = Harness::new();
    let (mut a, b) = two_members(&mut h);
    let mut c = Member::new("c", &["t"]);
    c.join(&mut h).unwrap();
    while a.epoch < 3 {
        a.report(&mut h).unwrap();
    }
    a.epoch = 2;
    let had = a.owned.clone();
    a.owned.extend(b.owned.iter());
    assert_eq!(a.report(&mut h), Err(GroupError::FencedMemberEpoch));
    a.owned = had;
    a.report(&mut h).unwrap();
    assert_eq!(a.epoch, 3);
    // It has spoken in its new epoch, so what comes from the old one is late.
    a.report(&mut h).unwrap();
    a.epoch = 2;
    assert_eq!(a.report(&mut h), Err(GroupError::FencedMemberEpoch));
}

#[test]
fn an_epoch_ahead_of_the_group_is_fenced_and_comes_back_with_nothing() {
    let mut h = Harness::new();
    let (mut a, mut b) = two_members(&mut h);
    a.epoch = 9;
    assert_eq!(a.report(&mut h), Err(GroupError::FencedMemberEpoch));
    let before = describe(&h);
    a.join(&mut h).unwrap();
    assert_eq!(describe(&h), before, "it never left");
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [2, 2]);
}

#[test]
fn doubled_requests_are_answered_alike_and_written_once() {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    let a = Member::new("a", &["t"]);
    let reply = beat(&mut h, &a.full()).unwrap();
    let records = h.log.len();
    assert_eq!(beat(&mut h, &a.full()), Ok(reply));
    assert_eq!(h.log.len(), records);
    let leave = ConsumerHeartbeat {
        member_epoch: LEAVE_EPOCH,
        ..a.quiet()
    };
    assert!(beat(&mut h, &leave).is_ok());
    assert_eq!(beat(&mut h, &leave), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_member_that_joins_again_confirms_with_it_that_it_has_nothing() {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    let (mut a, mut b) = (Member::new("a", &["t"]), Member::new("b", &["t"]));
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    assert_eq!(beat(&mut h, &a.quiet()).unwrap().member_epoch, 1);
    a.join(&mut h).unwrap();
    assert_eq!((a.epoch, a.owned.len()), (2, 2));
    b.report(&mut h).unwrap();
    assert_eq!(shares(&[&a, &b]), [2, 2]);
    // Also before it has been told to give anything up.
    let mut c = Member::new("c", &["t"]);
    c.join(&mut h).unwrap();
    for member in [&mut a, &mut b] {
        member.join(&mut h).unwrap();
        assert_eq!(member.epoch, 3);
    }
    c.report(&mut h).unwrap();
    assert_eq!(shares(&[&a, &b, &c]).iter().sum::<usize>(), 4);
}

#[test]
fn a_list_without_a_partition_confirms_nothing_before_the_member_was_told() {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    let (mut a, mut b) = (Member::new("a", &["t"]), Member::new("b", &["t"]));
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    // A has not taken up yet what it was given, and says so; it may be about to.
    let taking_up = ConsumerHeartbeat {
        owned: Some(Partitions::new()),
        ..a.quiet()
    };
    assert_eq!(beat(&mut h, &taking_up).unwrap().member_epoch, 1);
    b.report(&mut h).unwrap();
    assert_eq!(b.owned.len(), 0);
}

#[test]
fn strangers_are_told_to_join() {
    let mut h = Harness::new();
    let mut a = Member::new("a", &["t"]);
    a.epoch = 3;
    for epoch in [3, LEAVE_EPOCH, LEAVE_STATIC_EPOCH] {
        a.epoch = epoch;
        assert_eq!(beat(&mut h, &a.quiet()), Err(GroupError::UnknownMemberId));
    }
    let _ = two_members(&mut h);
    let mut c = Member::new("c", &["t"]);
    c.epoch = 2;
    assert_eq!(beat(&mut h, &c.quiet()), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_restart_finds_everything_and_gives_everyone_its_time_anew() {
    let mut h = Harness::new();
    let (mut a, mut b) = two_members(&mut h);
    let mut c = Member::new("c", &["t"]);
    c.join(&mut h).unwrap();
    // A is told to give something up, and its answer is lost with the broker.
    let told = beat(&mut h, &a.quiet()).unwrap();
    let before = describe(&h);
    h.pass_ms(44_000);
    h.restart();
    assert_eq!(describe(&h), before);
    h.pass_ms(29_999);
    assert_eq!(describe(&h).members.len(), 3);
    b.report(&mut h).unwrap();
    c.report(&mut h).unwrap();
    assert_eq!(c.owned.len(), 0, "nobody has confirmed anything");
    a.hear(told);
    settle(&mut h, &mut [&mut a, &mut b, &mut c]);
    assert_eq!(shares(&[&a, &b, &c]).iter().sum::<usize>(), 4);
}
