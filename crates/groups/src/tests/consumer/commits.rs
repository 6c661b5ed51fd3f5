//! Offsets of consumer groups.

use super::member::{Member, describe, settle};
use crate::tests::harness::{GROUP, Harness, offset_to_commit};
use crate::*;

fn member(h: &mut Harness) -> Member {
    h.topics.create("t", 2);
    let mut member = Member::new("a", &["t"]);
    member.join(h).unwrap();
    member
}

#[test]
fn members_commit_in_their_epoch_only() {
    let mut h = Harness::new();
    let mut a = member(&mut h);
    a.commit(&mut h, 5).unwrap();
    for epoch in [0, 2, -1] {
        a.epoch = epoch;
        assert_eq!(a.commit(&mut h, 6), Err(GroupError::StaleMemberEpoch));
    }
    a.id = "stranger".into();
    a.epoch = 1;
    assert_eq!(a.commit(&mut h, 6), Err(GroupError::UnknownMemberId));
    assert_eq!(h.offset(), Some(5));
}

#[test]
fn a_request_that_knows_no_epochs_is_of_no_use_to_a_member() {
    let mut h = Harness::new();
    let a = member(&mut h);
    let request = CommitRequest {
        knows_member_epochs: false,
        ..a.commit_request()
    };
    let error = h.commit_with(request).unwrap_err();
    assert_eq!(error, GroupError::UnsupportedVersion);
}

#[test]
fn outsiders_commit_while_there_are_no_members() {
    let mut h = Harness::new();
    let mut a = member(&mut h);
    assert_eq!(h.commit("", -1, 5), Err(GroupError::UnknownMemberId));
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    h.commit("", -1, 5).unwrap();
    assert_eq!(h.offset(), Some(5));
}

#[test]
fn offsets_are_deleted_unless_a_member_reads_the_topic_by_name_or_pattern() {
    let mut h = Harness::new();
    let outsider = Member::new("", &[]);
    for topic in ["t", "u", "v"] {
        h.topics.create(topic, 1);
        h.commit_with(CommitRequest {
            offsets: vec![offset_to_commit(topic, 0, 5)],
            generation_id: -1,
            ..outsider.commit_request()
        })
        .unwrap();
    }
    let mut a = Member::new("a", &["t"]).pattern("u.*");
    a.join(&mut h).unwrap();
    h.find_patterns();
    let all = [("t", 0), ("u", 0), ("v", 0)];
    let in_use = Err(GroupError::GroupSubscribedToTopic);
    assert_eq!(h.delete_offsets(&all), Ok(vec![in_use, in_use, Ok(())]));
    assert_eq!((h.offset(), h.offset_of("v", 0)), (Some(5), None));
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    assert_eq!(h.delete_offsets(&all), Ok(vec![Ok(()); 3]));
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
}

#[test]
fn members_fetch_in_their_epoch_and_outsiders_always() {
    let mut h = Harness::new();
    let a = member(&mut h);
    let fetch = |member_id, epoch| h.coordinator.admit_fetch(GROUP, member_id, epoch);
    assert_eq!(fetch(None, -1), Ok(()));
    assert_eq!(fetch(Some("a"), a.epoch), Ok(()));
    assert_eq!(fetch(Some("a"), 0), Err(GroupError::StaleMemberEpoch));
    assert_eq!(fetch(Some("b"), 1), Err(GroupError::UnknownMemberId));
    let nobody = h.coordinator.admit_fetch("no group", Some("b"), 1);
    assert_eq!(nobody, Ok(()));
}

#[test]
fn offsets_of_topics_that_nobody_subscribes_to_expire() {
    let mut h = Harness::with(GroupSettings {
        offsets_retention_ms: 600_000,
        offsets_retention_check_interval_ms: 60_000,
        ..GroupSettings::default()
    });
    h.topics.create("u", 1);
    let mut a = member(&mut h);
    let commit = CommitRequest {
        offsets: vec![offset_to_commit("t", 0, 1), offset_to_commit("u", 0, 1)],
        ..a.commit_request()
    };
    h.commit_with(commit).unwrap();
    for _ in 0..17 {
        h.pass_ms(40_000);
        a.report(&mut h).unwrap();
    }
    assert_eq!(h.offset_of("t", 0), Some(1));
    assert_eq!(h.offset_of("u", 0), None);
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    h.pass_ms(660_000);
    assert_eq!(h.state_of_any(), GroupState::Dead, "with its last offset");
    assert_eq!(h.replayed().snapshot(), []);
}

#[test]
fn only_groups_without_members_are_deleted() {
    let mut h = Harness::new();
    let mut a = member(&mut h);
    a.commit(&mut h, 5).unwrap();
    settle(&mut h, &mut [&mut a]);
    assert_eq!(h.delete_group(), Err(GroupError::NonEmptyGroup));
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    assert_eq!(describe(&h).state, GroupState::Empty);
    assert_eq!(h.delete_group(), Ok(()));
    assert_eq!(h.state_of_any(), GroupState::Dead);
    assert_eq!(h.replayed().snapshot(), []);
}
