//! From a classic group to a consumer group and back, with members in it.

use super::classic_member::{ClassicMember, assignment_of};
use super::member::{Member, beat, describe, settle, shares};
use crate::tests::harness::{Asks, GROUP, Harness};
use crate::*;

fn harness() -> Harness {
    let mut h = Harness::new();
    h.topics.create("t", 4);
    h
}

/// A classic group of one, which reads everything.
fn classic_group(h: &mut Harness, mut member: ClassicMember) -> ClassicMember {
    let token = member.join(h);
    member.hear_join(h, token).unwrap();
    let all = assignment_of("t", &[0, 1, 2, 3]);
    let token = member.sync(h, vec![(member.id.clone(), all)]);
    member.hear_sync(h, token).unwrap();
    assert_eq!(member.owned.len(), 4);
    assert_eq!(h.state(), GroupState::Stable);
    member
}

fn is_replayed(h: &Harness) {
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
}

#[test]
fn the_first_consumer_takes_its_share_of_a_classic_group_and_the_last_gives_it_back() {
    for member in [
        ClassicMember::eager(&["t"]),
        ClassicMember::cooperative(&["t"]),
    ] {
        let mut h = harness();
        let mut old = classic_group(&mut h, member);
        let mut new = Member::new("new", &["t"]);
        new.join(&mut h).unwrap();
        is_replayed(&h);
        assert_eq!(
            (new.epoch, new.owned.len()),
            (2, 0),
            "the old one has everything"
        );
        let group = describe(&h);
        assert_eq!(group.state, GroupState::Reconciling);
        assert!(group.members[0].is_classic && !group.members[1].is_classic);
        assert_eq!(h.coordinator.describe(GROUP), None);
        // The old one goes on until it has heard of it.
        assert_eq!(h.commit(&old.id, old.generation_id, 5), Ok(()));
        old.follow(&mut h);
        assert_eq!((old.generation_id, old.owned.len()), (2, 2));
        new.report(&mut h).unwrap();
        assert_eq!(new.owned.len(), 2);
        assert_eq!(describe(&h).state, GroupState::Stable);
        assert_eq!(h.commit(&old.id, 1, 5), Err(GroupError::IllegalGeneration));
        is_replayed(&h);

        new.leave(&mut h, LEAVE_EPOCH).unwrap();
        assert_eq!(h.coordinator.describe_consumer(GROUP), None);
        assert_eq!(h.state(), GroupState::PreparingRebalance);
        is_replayed(&h);
        assert_eq!(old.heartbeat(&mut h), Err(GroupError::RebalanceInProgress));
        old = classic_group(&mut h, old);
        assert_eq!(old.heartbeat(&mut h), Ok(()));
        assert_eq!(h.offset(), Some(5));
        is_replayed(&h);
    }
}

#[test]
fn several_members_move_over_one_by_one() {
    let mut h = harness();
    let mut a = classic_group(&mut h, ClassicMember::eager(&["t"]));
    let mut x = Member::new("x", &["t"]);
    x.join(&mut h).unwrap();
    let mut b = ClassicMember::cooperative(&["t"]);
    b.join_and_sync(&mut h).unwrap();
    for _ in 0..5 {
        a.follow(&mut h);
        b.follow(&mut h);
        x.report(&mut h).unwrap();
    }
    assert_eq!(describe(&h).state, GroupState::Stable);
    let mut shares = [a.owned.len(), b.owned.len(), x.owned.len()];
    shares.sort_unstable();
    assert_eq!(shares, [1, 1, 2]);
    let gone = h.leave_one(&a.id);
    assert_eq!(gone, Ok(()));
    for _ in 0..5 {
        b.follow(&mut h);
        x.report(&mut h).unwrap();
    }
    assert_eq!((b.owned.len(), x.owned.len()), (2, 2));
    assert_eq!(h.leave_one(&b.id), Ok(()));
    x.report(&mut h).unwrap();
    assert_eq!(x.owned.len(), 4);
    assert!(describe(&h).members.iter().all(|member| !member.is_classic));
    is_replayed(&h);
}

#[test]
fn a_cooperative_member_keeps_its_epoch_until_it_has_let_go() {
    let mut h = harness();
    let mut old = classic_group(&mut h, ClassicMember::cooperative(&["t"]));
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    // It joins with everything in hand, and is told what it keeps.
    old.join_and_sync(&mut h).unwrap();
    assert_eq!((old.generation_id, old.owned.len()), (1, 2));
    new.report(&mut h).unwrap();
    assert_eq!(new.owned.len(), 0, "not yet");
    // With the next join it says that it has let go.
    assert_eq!(old.heartbeat(&mut h), Err(GroupError::RebalanceInProgress));
    old.join_and_sync(&mut h).unwrap();
    assert_eq!((old.generation_id, old.owned.len()), (2, 2));
    new.report(&mut h).unwrap();
    assert_eq!(new.owned.len(), 2);
}

#[test]
fn a_rebalance_that_is_under_way_is_begun_anew() {
    let mut h = harness();
    let mut a = classic_group(&mut h, ClassicMember::eager(&["t"]));
    // Another one joins, and the group waits for the first.
    let mut b = ClassicMember::eager(&["t"]);
    let waiting = b.join(&mut h);
    assert!(h.is_parked(waiting));
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    assert_eq!(
        b.hear_join(&h, waiting),
        Err(GroupError::RebalanceInProgress)
    );
    assert_eq!(new.owned.len(), 0, "A may still have everything");
    for _ in 0..5 {
        a.follow(&mut h);
        if b.heartbeat(&mut h).is_err() {
            b.join_and_sync(&mut h).unwrap();
        }
        new.report(&mut h).unwrap();
    }
    assert_eq!(describe(&h).members.len(), 3);
    assert_eq!(a.owned.len() + b.owned.len() + new.owned.len(), 4);
    is_replayed(&h);
}

#[test]
fn what_a_member_owns_counts_although_its_rebalance_came_to_nothing() {
    let mut h = harness();
    let mut old = classic_group(&mut h, ClassicMember::cooperative(&["t"]));
    // It is let into a generation that never gets an assignment: another one joins before that.
    let token = old.join(&mut h);
    old.hear_join(&h, token).unwrap();
    let mut other = ClassicMember::cooperative(&["t"]);
    other.join(&mut h);
    let described = h.coordinator.describe(GROUP).unwrap();
    assert!(
        described
            .members
            .iter()
            .all(|member| member.assignment.is_empty())
    );
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    assert_eq!(new.owned.len(), 0, "the old one still has everything");
}

#[test]
fn a_static_member_moves_over_under_its_instance() {
    let mut h = harness();
    let old = classic_group(&mut h, ClassicMember::eager(&["t"]).instance("i"));
    let mut new = Member::new("new", &["t"]).instance("i");
    new.join(&mut h).unwrap();
    assert_eq!(new.owned.len(), 4, "it is the same one");
    assert_eq!(old.heartbeat(&mut h), Err(GroupError::FencedInstanceId));
    assert_eq!(describe(&h).members.len(), 1);
    // And back, without having left.
    let mut again = ClassicMember::eager(&["t"]).instance("i");
    again = classic_group(&mut h, again);
    assert_eq!(h.coordinator.describe_consumer(GROUP), None);
    assert_eq!(beat(&mut h, &new.quiet()), Err(GroupError::UnknownMemberId));
    assert_eq!(again.heartbeat(&mut h), Ok(()));
    is_replayed(&h);
}

#[test]
fn a_classic_member_takes_over_from_a_consumer_that_is_not_the_last() {
    let mut h = harness();
    let mut x = Member::new("x", &["t"]);
    let mut y = Member::new("y", &["t"]).instance("i");
    x.join(&mut h).unwrap();
    y.join(&mut h).unwrap();
    settle(&mut h, &mut [&mut x, &mut y]);
    let mut old = ClassicMember::eager(&["t"]).instance("i");
    old.join_and_sync(&mut h).unwrap();
    assert_eq!(old.owned.len(), 2);
    assert_eq!(beat(&mut h, &y.quiet()), Err(GroupError::FencedInstanceId));
    assert_eq!(describe(&h).members.len(), 2);
}

#[test]
fn only_consumers_whose_leader_says_nothing_else_can_be_moved() {
    let mut h = harness();
    let joined = h.stable(vec![Asks {
        protocol_type: "connect",
        ..Default::default()
    }]);
    let mut new = Member::new("new", &["t"]);
    assert_eq!(new.join(&mut h), Err(GroupError::GroupIdNotFound));
    h.leave_one(&joined[0].member_id).unwrap();

    for assignor in ["range", "cooperative-sticky", "somebody's own"] {
        let mut h = harness();
        let mut old = ClassicMember {
            assignor,
            ..ClassicMember::eager(&["t"])
        };
        let token = old.join(&mut h);
        old.hear_join(&h, token).unwrap();
        let mut with_user_data = assignment_of("t", &[0]).to_vec();
        with_user_data.truncate(with_user_data.len() - 4);
        with_user_data.extend([0, 0, 0, 1, 7]);
        let token = old.sync(&mut h, vec![(old.id.clone(), with_user_data.into())]);
        old.hear_sync(&h, token).unwrap();
        let mut new = Member::new("new", &["t"]);
        if assignor != "somebody's own" {
            // What librdkafka's leader puts there is what the member has told it.
            new.join(&mut h).unwrap();
            old.follow(&mut h);
            continue;
        }
        assert_eq!(new.join(&mut h), Err(GroupError::GroupIdNotFound));
        assert_eq!(h.state(), GroupState::Stable, "nobody has noticed");
        assert_eq!(old.heartbeat(&mut h), Ok(()));
    }
}

#[test]
fn the_policy_decides_which_way_a_group_may_go() {
    let policy = |name| GroupSettings {
        initial_rebalance_delay_ms: 0,
        consumer_migration: MigrationPolicy::from_name(name).unwrap(),
        ..GroupSettings::default()
    };
    for (name, may_upgrade, may_downgrade) in [
        ("disabled", false, false),
        ("UPGRADE", true, false),
        ("downgrade", false, true),
        ("bidirectional", true, true),
    ] {
        let mut h = Harness::with(policy(name));
        h.topics.create("t", 4);
        classic_group(&mut h, ClassicMember::eager(&["t"]));
        let mut new = Member::new("new", &["t"]);
        let expected = if may_upgrade {
            Ok(())
        } else {
            Err(GroupError::GroupIdNotFound)
        };
        assert_eq!(new.join(&mut h), expected, "{name}");

        let mut h = Harness::with(policy(name));
        h.topics.create("t", 4);
        new.join(&mut h).unwrap();
        let mut old = ClassicMember::eager(&["t"]);
        old.join_and_sync(&mut h).unwrap();
        new.leave(&mut h, LEAVE_EPOCH).unwrap();
        let is_classic = h.coordinator.describe_consumer(GROUP).is_none();
        assert_eq!(is_classic, may_downgrade, "{name}");
        if !may_downgrade {
            old.follow(&mut h);
            assert_eq!(old.owned.len(), 4, "{name}");
        }
    }
    assert_eq!(MigrationPolicy::from_name("sideways"), None);
}

#[test]
fn classic_members_have_deadlines_of_their_own() {
    // Told to join, it does not.
    let mut h = harness();
    let old = classic_group(&mut h, ClassicMember::eager(&["t"]));
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    for _ in 0..12 {
        assert_eq!(old.heartbeat(&mut h), Err(GroupError::RebalanceInProgress));
        h.pass_ms(5_000);
        let _ = new.report(&mut h);
    }
    assert_eq!(old.heartbeat(&mut h), Err(GroupError::UnknownMemberId));
    new.report(&mut h).unwrap();
    assert_eq!(new.owned.len(), 4);

    // It joins and does not fetch its assignment.
    let mut old = ClassicMember::eager(&["t"]);
    let token = old.join(&mut h);
    old.hear_join(&h, token).unwrap();
    for _ in 0..12 {
        assert_eq!(describe(&h).members.len(), 2);
        let _ = old.heartbeat(&mut h);
        h.pass_ms(5_000);
        new.report(&mut h).unwrap();
    }
    assert_eq!(describe(&h).members.len(), 1);

    // It is silent for longer than it said it would be.
    let mut old = ClassicMember::eager(&["t"]);
    old.join_and_sync(&mut h).unwrap();
    h.pass_ms(9_999);
    assert_eq!(describe(&h).members.len(), 2);
    h.pass_ms(1);
    assert_eq!(describe(&h).members.len(), 1);
}

#[test]
fn classic_requests_are_checked_in_a_consumer_group_too() {
    let mut h = harness();
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    let mut old = ClassicMember::eager(&["t"]);
    // A member id first, for those who know of that.
    let token = h.join_with(|request| {
        request.requires_known_member_id = true;
        request.protocols = vec![Protocol {
            name: "range".into(),
            metadata: bytes::Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        }];
    });
    assert_eq!(old.hear_join(&h, token), Err(GroupError::MemberIdRequired));
    assert!(!old.id.is_empty());
    old.join_and_sync(&mut h).unwrap();
    let joined = |h: &mut Harness, ask: fn(&mut JoinRequest)| {
        let token = h.join_with(ask);
        h.join_reply(token).unwrap_err().error
    };
    let error = GroupError::InconsistentGroupProtocol;
    assert_eq!(
        joined(&mut h, |request| request.protocol_type = "connect".into()),
        error
    );
    assert_eq!(joined(&mut h, |_| {}), error, "no protocols");
    let unknown = |request: &mut JoinRequest| {
        request.protocols = vec![Protocol {
            name: "sticky".into(),
            metadata: bytes::Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        }];
    };
    assert_eq!(joined(&mut h, unknown), error, "nothing in common");
    let malformed = |request: &mut JoinRequest| {
        request.protocols = vec![Protocol {
            name: "range".into(),
            metadata: bytes::Bytes::from_static(b"?"),
        }];
    };
    assert_eq!(joined(&mut h, malformed), error, "not a subscription");

    old.generation_id += 1;
    assert_eq!(old.heartbeat(&mut h), Err(GroupError::IllegalGeneration));
    let token = old.sync(&mut h, Vec::new());
    assert_eq!(old.hear_sync(&h, token), Err(GroupError::IllegalGeneration));
    old.id = "new".into();
    assert_eq!(old.heartbeat(&mut h), Err(GroupError::UnknownMemberId));
    let stranger = Leaver {
        member_id: "stranger",
        group_instance_id: None,
    };
    assert_eq!(h.leave(&[stranger]), [Err(GroupError::UnknownMemberId)]);
    assert_eq!(shares(&[&new]), [4]);
}

#[test]
fn a_restart_after_a_downgrade_leaves_the_rebalance_to_come() {
    let mut h = harness();
    let mut old = classic_group(&mut h, ClassicMember::eager(&["t"]));
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    old.follow(&mut h);
    new.report(&mut h).unwrap();
    let before = describe(&h);
    h.restart();
    assert_eq!(describe(&h), before, "also with members of both kinds");
    new.leave(&mut h, LEAVE_EPOCH).unwrap();
    let before = h.coordinator.describe(GROUP);
    h.restart();
    assert_eq!(h.coordinator.describe(GROUP), before);
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    // Nobody gets anything before the old one has given it up.
    let mut other = ClassicMember::eager(&["t"]);
    let waiting = other.join(&mut h);
    assert!(h.is_parked(waiting));
    assert_eq!(h.commit(&old.id, old.generation_id, 5), Ok(()));
    assert_eq!(old.heartbeat(&mut h), Err(GroupError::RebalanceInProgress));
    let token = old.join(&mut h);
    old.hear_join(&h, token).unwrap();
    other.hear_join(&h, waiting).unwrap();
    assert!(old.generation_id > 2, "{}", old.generation_id);

    // One that does not come back is not waited for longer than at any other time.
    h.restart();
    assert_eq!(h.state(), GroupState::PreparingRebalance);
    h.pass_ms(10_000);
    assert_eq!(h.state(), GroupState::Empty);
}

#[test]
fn a_classic_member_that_was_fenced_gives_up_what_it_has_before_it_joins_again() {
    let mut h = harness();
    let mut old = classic_group(&mut h, ClassicMember::cooperative(&["t"]));
    let mut new = Member::new("new", &["t"]);
    new.join(&mut h).unwrap();
    h.pass_ms(10_000);
    new.report(&mut h).unwrap();
    assert_eq!(new.owned.len(), 4);
    // It keeps what it has over a rebalance, and does not know that it has nothing any more.
    assert_eq!(old.join_and_sync(&mut h), Err(GroupError::UnknownMemberId));
    old.owned.clear();
    old.join_and_sync(&mut h).unwrap();
    assert_eq!(old.owned, []);
    new.report(&mut h).unwrap();
    assert_eq!(new.owned.len(), 2);
}
