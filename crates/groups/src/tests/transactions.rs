//! Offsets that wait for the end of a transaction.

mod random;
mod steps;

use super::harness::{Asks, GROUP, Harness, offset_to_commit};
use crate::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn request(offsets: Vec<OffsetToCommit>) -> CommitRequest<'static> {
    CommitRequest {
        group_id: GROUP,
        member_id: "",
        group_instance_id: None,
        generation_id: -1,
        knows_member_epochs: false,
        retention_ms: None,
        offsets,
    }
}

/// Commits one offset of partition 0.
fn pend(h: &mut Harness, producer: i64, offset: i64) {
    let offsets = vec![offset_to_commit("t", 0, offset)];
    let results = h.commit_in_transaction(producer, request(offsets));
    assert_eq!(results, Ok(vec![Ok(())]));
}

fn is_pending(h: &Harness) -> bool {
    h.coordinator.has_pending(GROUP, "t", 0)
}

#[test]
fn offsets_are_shown_when_their_transaction_commits() {
    let mut h = Harness::new();
    h.commit("", -1, 3).unwrap();
    pend(&mut h, 1, 5);
    assert_eq!((h.offset(), is_pending(&h)), (Some(3), true));
    assert!(!h.coordinator.has_pending(GROUP, "t", 1));
    assert!(!h.coordinator.has_pending("other", "t", 0));
    pend(&mut h, 1, 6);
    h.compare_with_restart();
    h.end_transaction(2, true);
    assert_eq!((h.offset(), is_pending(&h)), (Some(3), true), "another's");
    h.end_transaction(1, true);
    assert_eq!((h.offset(), is_pending(&h)), (Some(6), false));
    h.end_transaction(1, false);
    assert_eq!(
        h.offset(),
        Some(6),
        "that was the next one, without offsets"
    );
    h.compare_with_restart();
}

#[test]
fn offsets_of_an_aborted_transaction_are_never_shown() {
    let mut h = Harness::new();
    pend(&mut h, 1, 5);
    assert_eq!(h.coordinator.group_count(), 1);
    assert_eq!(h.coordinator.group_offsets(GROUP).count(), 0);
    assert_eq!(h.coordinator.topics().count(), 1);
    h.end_transaction(1, false);
    assert_eq!((h.offset(), is_pending(&h)), (None, false));
    assert_eq!(h.coordinator.group_count(), 0, "there is nothing of it");
    h.compare_with_restart();
}

/// Compaction keeps the later record, so a marker must not bring the earlier one back.
#[test]
fn the_later_commit_counts_and_not_the_later_marker() {
    let mut h = Harness::new();
    pend(&mut h, 1, 5);
    pend(&mut h, 2, 4);
    h.end_transaction(2, true);
    h.end_transaction(1, true);
    assert_eq!(h.offset(), Some(4));
    h.compare_with_restart();

    pend(&mut h, 1, 9);
    h.commit("", -1, 7).unwrap();
    h.end_transaction(1, true);
    assert_eq!((h.offset(), is_pending(&h)), (Some(7), false));
    h.compare_with_restart();
}

#[test]
fn what_is_deleted_does_not_come_back_with_a_commit() {
    for deletes in [
        |h: &mut Harness| drop(h.delete_offsets(&[("t", 0)])),
        |h: &mut Harness| h.delete_topic("t"),
        |h: &mut Harness| h.delete_group().unwrap(),
    ] {
        for is_committed_before in [false, true] {
            let mut h = Harness::new();
            if is_committed_before {
                h.commit("", -1, 3).unwrap();
            }
            pend(&mut h, 1, 5);
            deletes(&mut h);
            assert!(!is_pending(&h));
            h.compare_with_restart();
            h.end_transaction(1, true);
            assert_eq!((h.offset(), h.coordinator.group_count()), (None, 0));
            h.compare_with_restart();
        }
    }
}

#[test]
fn what_is_pending_keeps_offset_and_group_from_expiring() {
    let mut h = Harness::new();
    h.commit("", -1, 3).unwrap();
    pend(&mut h, 1, 5);
    h.pass_ms(8 * DAY_MS);
    assert_eq!(h.offset(), Some(3));
    h.compare_with_restart();
    h.end_transaction(1, false);
    h.pass_ms(DAY_MS);
    assert_eq!((h.offset(), h.coordinator.group_count()), (None, 0));
    h.compare_with_restart();
}

#[test]
fn a_transaction_need_not_name_a_member_but_a_named_one_must_be_right() {
    let mut h = Harness::new();
    let one = || vec![offset_to_commit("t", 0, 1)];
    let unknown = CommitRequest {
        generation_id: 0,
        ..request(one())
    };
    let refused = h.commit_in_transaction(1, unknown);
    assert_eq!(refused, Err(GroupError::IllegalGeneration));
    let members = h.stable(vec![Asks::instance("i")]);
    let member = &members[0];
    assert_eq!(h.commit_in_transaction(1, request(one())), Ok(vec![Ok(())]));
    let named = || CommitRequest {
        member_id: &member.member_id,
        group_instance_id: Some("i"),
        generation_id: member.generation_id,
        ..request(one())
    };
    assert_eq!(h.commit_in_transaction(1, named()), Ok(vec![Ok(())]));
    let other = CommitRequest {
        group_instance_id: None,
        member_id: "other",
        ..named()
    };
    let refused = h.commit_in_transaction(1, other);
    assert_eq!(refused, Err(GroupError::UnknownMemberId));
    let older = CommitRequest {
        generation_id: member.generation_id - 1,
        ..named()
    };
    let refused = h.commit_in_transaction(1, older);
    assert_eq!(refused, Err(GroupError::IllegalGeneration));
    // What it has processed was assigned before.
    h.join(Asks {
        member_id: member.member_id.clone(),
        protocols: vec![("range", b"changed")],
        ..Asks::instance("i")
    });
    assert_eq!(h.state(), GroupState::CompletingRebalance);
    let joined = CommitRequest {
        generation_id: member.generation_id + 1,
        ..named()
    };
    assert_eq!(h.commit_in_transaction(1, joined), Ok(vec![Ok(())]));
}

#[test]
fn metadata_too_long_spoils_its_own_offset_only() {
    let mut h = Harness::new();
    let mut long = offset_to_commit("t", 1, 1);
    long.metadata = "x".repeat(5_000);
    let offsets = vec![long, offset_to_commit("t", 0, 1)];
    let results = h.commit_in_transaction(1, request(offsets)).unwrap();
    assert_eq!(results, [Err(GroupError::OffsetMetadataTooLarge), Ok(())]);
    assert!(is_pending(&h) && !h.coordinator.has_pending(GROUP, "t", 1));
    h.compare_with_restart();
}

/// Nothing may be known before the log knows it.
#[test]
fn what_the_log_does_not_take_has_not_happened() {
    let mut h = Harness::new();
    let offsets = vec![offset_to_commit("t", 0, 5)];
    let result = h.run(|coordinator, call| {
        let result = coordinator.commit_in_transaction(request(offsets), call);
        call.effects.transactional.clear();
        result
    });
    assert_eq!(result, Ok(vec![Ok(())]));
    assert!(!is_pending(&h));
    assert_eq!(h.coordinator.group_count(), 0);
    h.compare_with_restart();
}
