//! Commits, their expiry, and deletion.

use super::harness::{Asks, GROUP, Harness, offset_to_commit};
use crate::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn standalone(offsets: Vec<OffsetToCommit>) -> CommitRequest<'static> {
    CommitRequest {
        group_id: GROUP,
        member_id: "",
        group_instance_id: None,
        generation_id: -1,
        knows_member_epochs: true,
        retention_ms: None,
        offsets,
    }
}

#[test]
fn anyone_may_commit_while_there_are_no_members() {
    let mut h = Harness::new();
    assert_eq!(h.commit("", 0, 5), Err(GroupError::IllegalGeneration));
    assert_eq!(h.commit("", -1, 5), Ok(()));
    assert_eq!(h.offset(), Some(5));
    assert_eq!(h.commit("", -1, 3), Ok(()));
    assert_eq!(h.offset(), Some(3), "commits may go back");
    assert_eq!(h.commit("m", 0, 5), Err(GroupError::UnknownMemberId));
    assert_eq!(h.offset_of("t", 1), None);
    assert_eq!(h.offset_of("u", 0), None);
    h.stable(vec![Asks::default()]);
    assert_eq!(h.commit("", -1, 9), Err(GroupError::UnknownMemberId));
    assert_eq!(h.offset(), Some(3));
    let committed = h.coordinator.offset(GROUP, "t", 0).unwrap();
    assert_eq!(committed.leader_epoch, 7);
    assert_eq!(&*committed.metadata, "m");
}

#[test]
fn members_commit_in_their_generation_except_while_it_is_being_assigned() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::instance("i")]);
    let generation_id = members[0].generation_id;
    let member_id = members[0].member_id.as_str();
    assert_eq!(h.commit(member_id, generation_id, 1), Ok(()));
    assert_eq!(
        h.commit(member_id, generation_id - 1, 2),
        Err(GroupError::IllegalGeneration)
    );
    assert_eq!(
        h.commit("other", generation_id, 2),
        Err(GroupError::UnknownMemberId)
    );
    for (instance_id, error) in [
        ("i", GroupError::FencedInstanceId),
        ("j", GroupError::UnknownMemberId),
    ] {
        let result = h.commit_with(CommitRequest {
            group_id: GROUP,
            member_id,
            group_instance_id: Some(instance_id),
            generation_id,
            knows_member_epochs: true,
            retention_ms: None,
            offsets: Vec::new(),
        });
        assert_eq!(result, Err(error));
    }
    h.join(Asks::id(member_id));
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    assert_eq!(h.commit(member_id, generation_id, 4), Ok(()));
    h.join(Asks {
        member_id: members[1].member_id.clone(),
        ..Asks::instance("i")
    });
    assert_eq!(h.state(), GroupState::CompletingRebalance);
    assert_eq!(
        h.commit(member_id, generation_id + 1, 5),
        Err(GroupError::RebalanceInProgress)
    );
    assert_eq!(h.offset(), Some(4));
}

#[test]
fn metadata_is_measured_in_utf16_and_spoils_its_own_offset_only() {
    let mut h = Harness::new();
    let with = |partition, metadata: String| OffsetToCommit {
        metadata,
        ..offset_to_commit("t", partition, 1)
    };
    let results = h
        .commit_with(standalone(vec![
            with(0, "x".repeat(4_096)),
            with(1, "x".repeat(4_097)),
            with(2, "ü".repeat(4_096)),
            with(3, "😀".repeat(2_048)),
            with(4, "😀".repeat(2_049)),
        ]))
        .unwrap();
    let too_large = Err(GroupError::OffsetMetadataTooLarge);
    assert_eq!(results, [Ok(()), too_large, Ok(()), Ok(()), too_large]);
    assert_eq!(h.coordinator.group_offsets(GROUP).count(), 3);
    assert_eq!(h.log.len(), 3);
}

/// A request names its group once, and a record for each offset names it again.
#[test]
fn a_commit_that_would_become_too_large_stores_nothing() {
    let mut h = Harness::new();
    let group_id = "g".repeat(32_000);
    let commit = |count: i32| CommitRequest {
        group_id: &group_id,
        ..standalone((0..count).map(|at| offset_to_commit("t", at, 1)).collect())
    };
    let refused = Err(GroupError::CommitTooLarge);
    assert_eq!(h.commit_with(commit(1_000)), refused);
    assert_eq!(h.commit_in_transaction(1, commit(1_000)), refused);
    assert_eq!(h.coordinator.group_count(), 0);
    assert!(h.log.is_empty());
    assert_eq!(h.commit_with(commit(500)), Ok(vec![Ok(()); 500]));
    let pending = h.commit_in_transaction(1, commit(500));
    assert_eq!(pending, Ok(vec![Ok(()); 500]));
}

#[test]
fn a_commit_that_stores_nothing_makes_no_group() {
    let mut h = Harness::new();
    assert_eq!(h.commit_with(standalone(Vec::new())), Ok(Vec::new()));
    assert_eq!(h.coordinator.group_count(), 0);
}

#[test]
fn offsets_of_a_group_that_never_had_members_expire_one_by_one() {
    let mut h = Harness::new();
    h.commit("", -1, 5).unwrap();
    h.pass_ms(6 * DAY_MS);
    h.commit_with(standalone(vec![offset_to_commit("u", 0, 1)]))
        .unwrap();
    assert_eq!(h.offset(), Some(5));
    h.pass_ms(DAY_MS + 600_000);
    assert_eq!((h.offset(), h.offset_of("u", 0)), (None, Some(1)));
    h.pass_ms(6 * DAY_MS);
    assert_eq!(h.coordinator.group_count(), 0);
    h.restart();
    assert_eq!(h.coordinator.group_count(), 0);
}

#[test]
fn offsets_of_an_emptied_group_expire_together_and_the_group_with_them() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default()]);
    h.commit(&members[0].member_id, 1, 5).unwrap();
    for _ in 0..200 {
        for _ in 0..(60 * 60 / 9) {
            h.pass_ms(9_000);
            h.heartbeat(&members[0].member_id, 1).unwrap();
        }
    }
    assert_eq!(h.offset(), Some(5), "a group at work loses nothing");
    h.leave_one(&members[0].member_id).unwrap();
    h.pass_ms(7 * DAY_MS - 1);
    assert_eq!(h.offset(), Some(5));
    h.restart();
    h.pass_ms(600_000);
    assert_eq!(h.offset(), None);
    assert_eq!(h.coordinator.group_count(), 0);
    assert!(h.replayed().snapshot().is_empty());
}

#[test]
fn a_working_group_loses_only_what_nobody_subscribes_to() {
    // Subscribes to "t".
    const METADATA: &[u8] = &[0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0];
    for (metadata, u) in [(METADATA, None), (b"?", Some(1))] {
        let mut h = Harness::new();
        let day_long = Asks {
            session_timeout_ms: 1_800_000,
            protocols: vec![("range", metadata)],
            ..Asks::default()
        };
        let members = h.stable(vec![day_long]);
        h.commit_with(CommitRequest {
            member_id: &members[0].member_id,
            generation_id: 1,
            ..standalone(vec![
                offset_to_commit("t", 0, 5),
                offset_to_commit("u", 0, 1),
            ])
        })
        .unwrap();
        for _ in 0..(7 * 24 * 3) {
            h.pass_ms(DAY_MS / 24 / 3);
            h.heartbeat(&members[0].member_id, 1).unwrap();
        }
        h.pass_ms(600_000);
        assert_eq!((h.offset(), h.offset_of("u", 0)), (Some(5), u));
    }
}

#[test]
fn an_explicit_retention_overrides_everything() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks {
        session_timeout_ms: 1_800_000,
        ..Asks::default()
    }]);
    h.commit_with(CommitRequest {
        member_id: &members[0].member_id,
        generation_id: 1,
        knows_member_epochs: true,
        retention_ms: Some(60_000),
        ..standalone(vec![offset_to_commit("t", 0, 5)])
    })
    .unwrap();
    let committed = h.coordinator.offset(GROUP, "t", 0).unwrap();
    assert_eq!(committed.leader_epoch, -1, "as a restart would know it");
    h.pass_ms(660_000);
    assert_eq!(h.offset(), None);
    assert_eq!(h.state(), GroupState::Stable);
}

#[test]
fn only_groups_without_members_are_deleted() {
    let mut h = Harness::new();
    assert_eq!(h.delete_group(), Err(GroupError::GroupIdNotFound));
    let members = h.stable(vec![Asks::default()]);
    h.commit(&members[0].member_id, 1, 5).unwrap();
    assert_eq!(h.delete_group(), Err(GroupError::NonEmptyGroup));
    h.leave_one(&members[0].member_id).unwrap();
    assert_eq!(h.delete_group(), Ok(()));
    assert_eq!(h.coordinator.group_count(), 0);
    assert_eq!(h.coordinator.next_deadline(), None);
    assert!(h.replayed().snapshot().is_empty());
}

#[test]
fn deleting_a_topic_deletes_its_offsets() {
    let mut h = Harness::new();
    h.commit_with(standalone(vec![
        offset_to_commit("t", 0, 5),
        offset_to_commit("t", 1, 6),
        offset_to_commit("u", 0, 1),
    ]))
    .unwrap();
    h.delete_topic("t");
    assert_eq!((h.offset(), h.offset_of("u", 0)), (None, Some(1)));
    assert_eq!(h.coordinator.offsets().count(), 1);
    h.restart();
    assert_eq!((h.offset(), h.offset_of("u", 0)), (None, Some(1)));
    h.delete_topic("u");
    assert_eq!(h.coordinator.group_count(), 0);
}

#[test]
fn offsets_are_deleted_unless_a_member_reads_the_topic() {
    const SUBSCRIPTION_TO_T: &[u8] = b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff";
    let mut h = Harness::new();
    assert_eq!(
        h.delete_offsets(&[("t", 0)]),
        Err(GroupError::GroupIdNotFound)
    );
    let offsets = [("t", 0), ("t", 1), ("u", 0)]
        .map(|(topic, partition)| offset_to_commit(topic, partition, 5));
    h.commit_with(standalone(offsets.to_vec())).unwrap();
    let members = h.stable(vec![Asks {
        protocols: vec![("range", SUBSCRIPTION_TO_T)],
        ..Asks::default()
    }]);
    let subscribed = Err(GroupError::GroupSubscribedToTopic);
    assert_eq!(
        h.delete_offsets(&[("t", 0), ("u", 0), ("u", 7)]),
        Ok(vec![subscribed, Ok(()), Ok(())])
    );
    assert_eq!((h.offset(), h.offset_of("u", 0)), (Some(5), None));
    h.leave_one(&members[0].member_id).unwrap();
    let written = h.log.len();
    assert_eq!(
        h.delete_offsets(&[("t", 0), ("t", 0)]),
        Ok(vec![Ok(()), Ok(())])
    );
    assert_eq!((h.offset(), h.offset_of("t", 1)), (None, Some(5)));
    assert_eq!(h.log.len(), written + 1, "one tombstone");
    assert_eq!(h.replayed().offset(GROUP, "t", 0), None);
}

#[test]
fn offsets_are_not_deleted_while_it_is_not_known_what_members_read() {
    let mut h = Harness::new();
    h.commit("", -1, 5).unwrap();
    h.join(Asks {
        version: 3,
        ..Asks::default()
    });
    let subscribed = Err(GroupError::GroupSubscribedToTopic);
    assert_eq!(h.delete_offsets(&[("t", 0)]), Ok(vec![subscribed]));
    let mut h = Harness::new();
    h.commit("", -1, 5).unwrap();
    h.stable(vec![Asks {
        protocol_type: "connect",
        ..Asks::default()
    }]);
    assert_eq!(
        h.delete_offsets(&[("t", 0)]),
        Err(GroupError::NonEmptyGroup)
    );
    assert_eq!(h.offset(), Some(5));
}

#[test]
fn a_group_of_offsets_alone_goes_with_the_last_of_them() {
    let mut h = Harness::new();
    h.commit("", -1, 5).unwrap();
    assert_eq!(h.delete_offsets(&[("t", 0)]), Ok(vec![Ok(())]));
    assert_eq!(h.coordinator.group_count(), 0);
    assert_eq!(h.replayed().group_count(), 0);
}
