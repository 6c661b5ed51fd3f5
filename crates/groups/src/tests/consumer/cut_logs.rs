//! Logs that end within the records of one change, which may stand in several batches, and logs that
//! nobody has written.

use super::classic_member::ClassicMember;
use super::member::{Member, settle};
use crate::records::{ConsumerRecord, CurrentAssignment, GroupEpoch, MemberMetadata, MemberState};
use crate::tests::harness::{GROUP, Harness};
use crate::*;

/// A log in which everything happens once: members come, go, stay away, are fenced, change protocols.
fn eventful_log() -> Harness {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    let mut a = Member::new("a", &["t"]);
    let mut b = Member::new("b", &[]).pattern("t.*").instance("b");
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    h.find_patterns();
    settle(&mut h, &mut [&mut a, &mut b]);
    b.leave(&mut h, LEAVE_STATIC_EPOCH).unwrap();
    let mut b = Member::new("b2", &["t"]).instance("b");
    b.join(&mut h).unwrap();
    let mut classic = ClassicMember::cooperative(&["t"]);
    classic.join_and_sync(&mut h).unwrap();
    for _ in 0..3 {
        a.report(&mut h).unwrap();
        b.report(&mut h).unwrap();
        classic.follow(&mut h);
    }
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    b.leave(&mut h, LEAVE_EPOCH).unwrap();
    assert!(h.coordinator.describe(GROUP).is_some(), "a classic group");
    let mut c = Member::new("c", &["t"]);
    c.join(&mut h).unwrap();
    c.commit(&mut h, 5).unwrap();
    h.pass_ms(100_000);
    assert_eq!(h.state_of_any(), GroupState::Empty);
    h.delete_group().unwrap();
    h
}

#[test]
fn a_log_that_ends_anywhere_can_be_gone_on_with() {
    let whole = eventful_log();
    for end in 0..=whole.log.len() {
        let mut h = Harness::new();
        h.topics.create("t", 4);
        h.log = whole.log.get(..end).unwrap().to_vec();
        h.restart();
        let mut new = Member::new("new", &["t"]);
        new.join(&mut h).unwrap();
        // Whoever is left over shows no sign of life.
        h.pass_ms(40_000);
        new.report(&mut h).unwrap();
        h.pass_ms(40_000);
        new.report(&mut h).unwrap();
        assert_eq!(new.owned.iter().count(), 4, "after {end} records");
        assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
    }
}

fn current(epoch: i32) -> CurrentAssignment {
    CurrentAssignment {
        epoch,
        assigned: [(model::TopicId([1; 16]), 0)].into_iter().collect(),
        ..CurrentAssignment::NEWCOMER
    }
}

/// What comes of these records of one group.
fn replay(records: &[ConsumerRecord]) -> Result<(), RecordError> {
    let mut coordinator = Coordinator::new(GroupSettings::default());
    for record in records {
        let GroupRecord { key, value } = record.encode(GROUP);
        coordinator.replay(&key, value)?;
    }
    coordinator.finish_replay(std::time::Duration::ZERO)?;
    coordinator.check_invariants();
    Ok(())
}

#[test]
fn what_belongs_to_nobody_is_no_group() {
    let target = ConsumerRecord::Target("a".to_owned(), Some(Partitions::new()));
    assert_eq!(replay(&[target]), Ok(()));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let member = |id: &str, instance_id: Option<&str>| {
        let member = MemberMetadata {
            instance_id: instance_id.map(str::to_owned),
            ..MemberMetadata::default()
        };
        ConsumerRecord::Member(id.to_owned(), Some(member))
    };
    let has = |id: &str, current| ConsumerRecord::Current(id.to_owned(), Some(current));
    let group = |epoch| {
        let epoch = GroupEpoch {
            epoch,
            topics_hash: 0,
        };
        ConsumerRecord::Group(Some(epoch))
    };
    let refused = Err(RecordError::ImpossibleGroup);
    let one = [member("a", Some("i")), group(2), has("a", current(2))];
    assert_eq!(replay(&one), Ok(()));
    let with = |more: &[ConsumerRecord]| replay(&[&one[..], more].concat());
    assert_eq!(with(&[member("b", None)]), Ok(()));
    assert_eq!(with(&[member("b", Some("i"))]), refused);
    assert_eq!(with(&[member("b", None), has("b", current(1))]), refused);
    assert_eq!(with(&[has("a", current(3))]), refused);
    assert_eq!(with(&[ConsumerRecord::TargetEpoch(Some(2))]), Ok(()));
    assert_eq!(with(&[ConsumerRecord::TargetEpoch(Some(3))]), refused);
    assert_eq!(with(&[group(-1)]), refused);
    assert_eq!(with(&[has("a", current(-1))]), refused);
    let unrevoked = CurrentAssignment {
        state: MemberState::Unrevoked,
        ..current(1)
    };
    assert_eq!(with(&[has("a", unrevoked)]), refused);
    let twice = CurrentAssignment {
        state: MemberState::Unrevoked,
        revoking: current(1).assigned,
        ..current(1)
    };
    assert_eq!(with(&[has("a", twice)]), refused);
}
