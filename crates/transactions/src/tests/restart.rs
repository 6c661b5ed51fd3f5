//! What a log gives back.

use super::harness::{Harness, ID, producer};
use crate::ClientVersion::Two;
use crate::Outcome::Commit;
use crate::*;

#[test]
fn a_restart_finds_every_state() {
    let mut h = Harness::new();
    let check = |h: &mut Harness, state| {
        let before = h.coordinator.describe(ID).unwrap();
        assert_eq!(before.state, state);
        h.restart();
        assert_eq!(h.coordinator.describe(ID).unwrap(), before);
    };
    let first = h.init().unwrap();
    check(&mut h, TransactionState::Empty);
    h.add(first, &[("t", 0), ("u", 0)], Two).unwrap();
    check(&mut h, TransactionState::Ongoing);
    h.end(first, Commit, Two).unwrap();
    check(&mut h, TransactionState::Prepare(Commit));
    assert_eq!(h.coordinator.preparing().len(), 1);
    h.complete();
    assert_eq!(h.markers.len(), 2);
    check(&mut h, TransactionState::Complete(Commit));
    assert_eq!(h.owner(), producer(1001, 1));
    assert_eq!(h.coordinator.snapshot(), [h.log.last().unwrap().clone()]);
}

#[test]
fn records_of_other_types_are_skipped_and_those_that_cannot_be_read_are_errors() {
    let mut coordinator = Coordinator::new(TransactionSettings::default());
    let value = Some(bytes::Bytes::from_static(&[0, 9]));
    assert_eq!(coordinator.replay(&[0, 3, 1], value.clone()), Ok(()));
    let key = [0, 0, 0, 1, b'x'];
    assert_eq!(
        coordinator.replay(&key, value),
        Err(RecordError::UnknownVersion(9))
    );
    assert_eq!(coordinator.replay(&key, None), Ok(()));
    assert_eq!(coordinator.list().count(), 0);
}
