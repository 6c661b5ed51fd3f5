//! Subscriptions by pattern.

use super::member::{Member, beat, describe, settle, shares};
use crate::tests::harness::Harness;
use crate::*;

#[test]
fn a_pattern_is_looked_up_aside_and_assigned_with_the_next_heartbeat() {
    let mut h = Harness::new();
    h.topics.create("orders-1", 2);
    h.topics.create("other", 2);
    let mut a = Member::new("a", &[]).pattern("orders-.*");
    a.join(&mut h).unwrap();
    assert_eq!((a.epoch, a.owned.len()), (1, 0));
    assert_eq!(h.lookups.len(), 1);
    a.report(&mut h).unwrap();
    assert_eq!(h.lookups.len(), 1, "one at a time");
    h.find_patterns();
    a.report(&mut h).unwrap();
    assert_eq!((a.epoch, a.owned.len()), (2, 2));
    let group = describe(&h);
    assert_eq!(group.members[0].pattern.as_deref(), Some("orders-.*"));
    assert_eq!(group.state, GroupState::Stable);
    // Another one with the same pattern need not wait.
    let mut b = Member::new("b", &[]).pattern("orders-.*");
    b.join(&mut h).unwrap();
    assert_eq!(h.lookups, []);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [1, 1]);
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
}

#[test]
fn topics_that_come_and_go_are_found_after_a_while() {
    let mut h = Harness::new();
    h.topics.create("orders-1", 1);
    let mut a = Member::new("a", &["other"]).pattern("orders-.*");
    a.join(&mut h).unwrap();
    h.find_patterns();
    a.report(&mut h).unwrap();
    h.topics.create("orders-2", 1);
    h.topics.create("other", 1);
    a.report(&mut h).unwrap();
    assert_eq!(h.lookups, [], "not so soon after the last");
    assert_eq!(a.owned.len(), 2, "a name is no pattern");
    h.pass_ms(10_000);
    a.report(&mut h).unwrap();
    h.find_patterns();
    a.report(&mut h).unwrap();
    assert_eq!(a.owned.len(), 3);
    h.topics.delete("orders-1");
    a.report(&mut h).unwrap();
    a.report(&mut h).unwrap();
    assert_eq!(a.owned.len(), 2);
    // A lookup that finds what was known changes nothing.
    let epoch = describe(&h).group_epoch;
    h.pass_ms(10_000);
    a.report(&mut h).unwrap();
    h.find_patterns();
    h.topics.create("unrelated", 1);
    h.pass_ms(10_000);
    a.report(&mut h).unwrap();
    let records = h.log.len();
    h.find_patterns();
    assert_eq!(h.log.len(), records);
    assert_eq!(
        describe(&h).group_epoch,
        epoch + 1,
        "for orders-1, which is gone"
    );
}

#[test]
fn a_lookup_that_never_comes_back_is_begun_anew() {
    let mut h = Harness::new();
    let mut a = Member::new("a", &[]).pattern("t");
    a.join(&mut h).unwrap();
    h.lookups.clear();
    h.pass_ms(30_000);
    a.report(&mut h).unwrap();
    assert_eq!(h.lookups, []);
    h.pass_ms(30_000);
    a.report(&mut h).unwrap();
    assert_eq!(h.lookups.len(), 1);
}

#[test]
fn patterns_are_looked_up_again_now_and_then_whatever_happens() {
    let mut h = Harness::with(GroupSettings {
        pattern_refresh_interval_ms: 30_000,
        ..GroupSettings::default()
    });
    let mut a = Member::new("a", &[]).pattern("t");
    a.join(&mut h).unwrap();
    h.find_patterns();
    h.pass_ms(29_999);
    a.report(&mut h).unwrap();
    assert_eq!(h.lookups, []);
    h.pass_ms(1);
    a.report(&mut h).unwrap();
    assert_eq!(h.lookups.len(), 1);
}

#[test]
fn a_pattern_that_nobody_subscribes_to_is_forgotten() {
    let mut h = Harness::new();
    h.topics.create("t", 1);
    let mut a = Member::new("a", &[]).pattern("t");
    let mut b = Member::new("b", &[]).pattern("t");
    a.join(&mut h).unwrap();
    b.join(&mut h).unwrap();
    h.find_patterns();
    settle(&mut h, &mut [&mut a, &mut b]);
    let is_pattern = |record: &GroupRecord| record.key.starts_with(&[0, 16]);
    b.pattern = Some("");
    let reply = beat(&mut h, &b.full()).unwrap();
    b.hear(reply);
    settle(&mut h, &mut [&mut a, &mut b]);
    assert_eq!(shares(&[&a, &b]), [1, 0]);
    assert!(h.coordinator.snapshot().iter().any(is_pattern));
    a.leave(&mut h, LEAVE_EPOCH).unwrap();
    assert!(!h.coordinator.snapshot().iter().any(is_pattern));
    // What a lookup finds too late is of no use.
    let late = FoundPatterns {
        group_id: model::GroupId::new("g"),
        topics_version: 1,
        topics: [("t".to_owned(), vec!["t".to_owned()])].into(),
    };
    let epoch = describe(&h).group_epoch;
    h.run(|coordinator, call| coordinator.patterns_found(late, call));
    assert_eq!(describe(&h).group_epoch, epoch);
    assert!(!h.coordinator.snapshot().iter().any(is_pattern));
}
