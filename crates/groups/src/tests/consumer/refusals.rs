//! What is refused changes nothing, and what no log would take is not written.

use bytes::Bytes;

use super::classic_member::{ClassicMember, assignment_of};
use super::member::{Member, describe};
use crate::tests::harness::{GROUP, Harness};
use crate::{
    GROUP_RECORD_BYTES_MAX, GroupError, GroupSettings, LEAVE_EPOCH, MigrationPolicy, Protocol,
};

fn range(metadata: impl Into<Bytes>) -> Vec<Protocol> {
    vec![Protocol {
        name: "range".into(),
        metadata: metadata.into(),
    }]
}

#[test]
fn a_refused_join_does_not_take_the_place_of_a_static_member() {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    Member::new("x", &["t"]).join(&mut h).unwrap();
    let mut y = Member::new("y", &["t"]).instance("i");
    y.join(&mut h).unwrap();
    h.log.clear();
    let token = h.join_with(|request| {
        request.group_instance_id = Some("i".into());
        request.protocols = range(&b"?"[..]);
    });
    let refused = h.join_reply(token).map_err(|refusal| refusal.error);
    assert_eq!(refused.err(), Some(GroupError::InconsistentGroupProtocol));
    assert!(h.log.is_empty());
    let description = describe(&h);
    let members = description.members.iter();
    let members: Vec<_> = members.map(|member| member.member_id.as_str()).collect();
    assert_eq!(members, ["x", "y"]);
    y.report(&mut h).unwrap();
}

/// As large as the client is allowed to say.
#[test]
fn a_group_too_large_for_a_record_stays_a_consumer_group() {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    let mut x = Member::new("x", &["t"]);
    x.join(&mut h).unwrap();
    let user_data_bytes = 3_900_000_usize;
    let mut subscription = vec![0, 0, 0, 0, 0, 1, 0, 1, b't'];
    subscription.extend((user_data_bytes as i32).to_be_bytes());
    subscription.resize(subscription.len() + user_data_bytes, 0);
    for _ in 0..10 {
        let token = h.join_with(|request| request.protocols = range(subscription.clone()));
        h.joined(token);
    }
    let before = h.log.len();
    x.leave(&mut h, LEAVE_EPOCH).unwrap();
    let values = h.log[before..]
        .iter()
        .filter_map(|record| record.value.as_ref());
    let largest = values.map(|value| value.len()).max();
    assert!(largest.is_some_and(|bytes| bytes <= GROUP_RECORD_BYTES_MAX));
    assert_eq!(describe(&h).members.len(), 10);
    let replayed = h.replayed();
    assert_eq!(replayed.describe_consumer(GROUP).unwrap().members.len(), 10);
}

#[test]
fn members_on_the_classic_protocol_alone_notice_that_a_topic_has_grown() {
    let mut h = Harness::with(GroupSettings {
        initial_rebalance_delay_ms: 0,
        consumer_migration: MigrationPolicy::from_name("upgrade").unwrap(),
        ..GroupSettings::default()
    });
    h.topics.create("t", 4);
    let mut x = Member::new("x", &["t"]);
    x.join(&mut h).unwrap();
    let mut old = ClassicMember::cooperative(&["t"]);
    old.join_and_sync(&mut h).unwrap();
    x.leave(&mut h, LEAVE_EPOCH).unwrap();
    for _ in 0..5 {
        old.follow(&mut h);
    }
    assert_eq!(old.owned.len(), 4);
    h.topics.create("t", 8);
    for _ in 0..5 {
        h.pass_ms(3000);
        old.follow(&mut h);
    }
    assert_eq!(old.owned.len(), 8);
}

#[test]
fn a_consumer_for_whom_there_is_no_room_does_not_move_the_group() {
    let mut h = Harness::with(GroupSettings {
        initial_rebalance_delay_ms: 0,
        consumer_group_size_max: 1,
        ..GroupSettings::default()
    });
    h.topics.create("t", 4);
    let mut old = ClassicMember::eager(&["t"]);
    let token = old.join(&mut h);
    old.hear_join(&h, token).unwrap();
    let all = vec![(old.id.clone(), assignment_of("t", &[0, 1, 2, 3]))];
    let token = old.sync(&mut h, all);
    old.hear_sync(&h, token).unwrap();
    h.log.clear();
    let refused = Member::new("x", &["t"]).join(&mut h);
    assert_eq!(refused.err(), Some(GroupError::GroupMaxSizeReached));
    assert!(h.log.is_empty());
    old.heartbeat(&mut h).unwrap();
}
