//! What a log gives back.

use super::harness::{Asks, GROUP, Harness};
use crate::*;

#[test]
fn a_restart_finds_the_last_finished_rebalance() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default(), Asks::instance("i")]);
    h.commit(&members[0].member_id, members[0].generation_id, 5)
        .unwrap();
    let before = h.coordinator.describe(GROUP).unwrap();
    h.restart();
    assert_eq!(h.coordinator.describe(GROUP).unwrap(), before);
    assert_eq!(h.offset(), Some(5));
    // Sessions begin anew.
    h.pass_ms(9_999);
    for member in &members {
        let beat = h.heartbeat(&member.member_id, member.generation_id);
        assert_eq!(beat, Ok(()));
    }
    let token = h.join(Asks::instance("i"));
    assert_eq!(h.joined(token).generation_id, members[1].generation_id);
    h.pass_ms(10_000);
    assert_eq!(h.state(), GroupState::Empty);
}

#[test]
fn a_restart_in_a_rebalance_goes_back_to_the_one_before() {
    let mut h = Harness::new();
    let members = h.stable(vec![Asks::default()]);
    let before = h.coordinator.describe(GROUP).unwrap();
    h.join(Asks::default());
    let token = h.join(Asks::id(&members[0].member_id));
    let joined = h.joined(token);
    assert_eq!(joined.generation_id, 2);
    assert_eq!(h.replayed().snapshot(), h.coordinator.snapshot());
    h.restart();
    assert_eq!(h.coordinator.describe(GROUP).unwrap(), before);
    let sync = h.sync(&joined);
    assert_eq!(h.sync_reply(sync), Err(GroupError::IllegalGeneration));
}

#[test]
fn records_that_cannot_be_read_are_errors_and_strange_ones_are_skipped() {
    let mut coordinator = Coordinator::new(GroupSettings::default());
    let value = Some(bytes::Bytes::from_static(&[0, 9]));
    let strange = [0, 40, 1, 2, 3];
    assert_eq!(coordinator.replay(&strange, value.clone()), Ok(()));
    let key = [0, 2, 0, 1, b'g'];
    assert_eq!(
        coordinator.replay(&key, value),
        Err(RecordError::UnknownVersion(9))
    );
    let dots = [0, 1, 0, 1, b'g', 0, 1, b'.', 0, 0, 0, 0];
    assert_eq!(
        coordinator.replay(&dots, None),
        Err(RecordError::BadTopicName)
    );
}
