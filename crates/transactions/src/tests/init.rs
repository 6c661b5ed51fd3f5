//! Who the producer of a transactional id is.

use super::harness::{Harness, ID, TIMEOUT_MS, producer};
use crate::ClientVersion::{One, Two};
use crate::Outcome::{Abort, Commit};
use crate::TransactionError::*;
use crate::*;

#[test]
fn each_instance_gets_the_next_epoch() {
    let mut h = Harness::new();
    for epoch in 0..3 {
        assert_eq!(h.init(), Ok(producer(1001, epoch)));
    }
    assert_eq!(h.state(), Some(TransactionState::Empty));
    assert_eq!(h.log.len(), 3);
}

#[test]
fn bad_requests_leave_nothing_behind() {
    let mut h = Harness::new();
    for (id, timeout_ms, error) in [
        (String::new(), 1, InvalidTransactionalId),
        ("x".repeat(32_768), 1, InvalidTransactionalId),
        (ID.to_owned(), 0, InvalidTimeout),
        (ID.to_owned(), -1, InvalidTimeout),
        (ID.to_owned(), 900_001, InvalidTimeout),
    ] {
        let request = InitProducerId {
            transactional_id: &id,
            timeout_ms,
            producer: None,
            fresh_id: Some(h.fresh_id()),
        };
        let answer = h.run(|coordinator, call| coordinator.init_producer_id(&request, call));
        assert_eq!(answer, Err(error));
    }
    assert_eq!(h.coordinator.list().count(), 0);
    assert_eq!(h.coordinator.next_deadline(), None);
    assert_eq!(h.log, []);
    assert_eq!(h.init_with(None, 900_000).map(|p| p.epoch.0), Ok(0));
    assert_eq!(h.coordinator.describe(ID).unwrap().timeout_ms, 900_000);
}

#[test]
fn an_instance_that_takes_over_aborts_what_is_under_way() {
    for version in [One, Two] {
        let mut h = Harness::new();
        let old = h.init().unwrap();
        h.add(old, &[("t", 0)], version).unwrap();
        assert_eq!(h.init(), Err(ConcurrentTransactions));
        assert_eq!(h.state(), Some(TransactionState::Prepare(Abort)));
        // The fence is an epoch that nobody has.
        let markers = h.ending().unwrap().markers;
        assert_eq!(markers[0].producer, producer(1001, 1));
        assert_eq!(markers[0].outcome, Abort);
        assert_eq!(h.init(), Err(ConcurrentTransactions));
        h.complete();
        let new = h.init().unwrap();
        assert_eq!(new, producer(1001, 2));
        for version in [One, Two] {
            assert_eq!(h.add(old, &[("t", 0)], version), Err(ProducerFenced));
            assert_eq!(h.end(old, Commit, version), Err(ProducerFenced));
            assert_eq!(h.end(old, Abort, version), Err(ProducerFenced));
        }
        assert_eq!(h.go_on(old), Err(ProducerFenced));
    }
}

#[test]
fn one_that_was_fenced_is_not_taken_for_one_that_has_not_heard_its_answer() {
    let mut h = Harness::new();
    let old = h.init().unwrap();
    h.add(old, &[("t", 0)], Two).unwrap();
    assert_eq!(h.init(), Err(ConcurrentTransactions));
    h.complete();
    // The epoch is one behind, as it is after an end of its own.
    assert_eq!(h.end(old, Abort, Two), Err(ProducerFenced));
    assert_eq!(h.go_on(old), Err(ProducerFenced));
}

#[test]
fn a_producer_goes_on_with_its_id_and_may_ask_again() {
    let mut h = Harness::new();
    let first = h.init().unwrap();
    let second = h.go_on(first).unwrap();
    assert_eq!(second, producer(1001, 1));
    let written = h.log.len();
    for _ in 0..2 {
        // The answer got lost.
        assert_eq!(h.go_on(first), Ok(second));
        h.restart();
    }
    assert_eq!(h.log.len(), written);
    assert_eq!(h.go_on(second), Ok(producer(1001, 2)));
    assert_eq!(h.go_on(first), Err(ProducerFenced));
    // Somebody new takes over: nobody may ask again.
    let new = h.init().unwrap();
    assert_eq!(h.go_on(producer(1001, 2)), Err(ProducerFenced));
    assert_eq!(h.owner(), new);
    assert_eq!(h.go_on(producer(77, 0)), Err(ProducerFenced));
}

#[test]
fn one_that_goes_on_without_being_known_begins_anew() {
    let mut h = Harness::new();
    assert_eq!(h.go_on(producer(5, 5)), Ok(producer(1001, 0)));
}

#[test]
fn a_stale_instance_does_not_abort_the_transaction_of_the_new_one() {
    let mut h = Harness::new();
    let old = h.init().unwrap();
    let new = h.init().unwrap();
    h.add(new, &[("t", 0)], One).unwrap();
    assert_eq!(h.go_on(old), Err(ProducerFenced));
    assert_eq!(h.state(), Some(TransactionState::Ongoing));
    // Its own it may.
    assert_eq!(h.go_on(new), Err(ConcurrentTransactions));
    assert_eq!(h.state(), Some(TransactionState::Prepare(Abort)));
}

/// A producer with the last epoch that is given.
fn at_last_epoch(h: &mut Harness) -> Producer {
    let mut last = h.init().unwrap();
    while last.epoch.0 < i16::MAX - 1 {
        last = h.init().unwrap();
    }
    assert_eq!(last, producer(1001, 32_766));
    last
}

#[test]
fn behind_the_last_epoch_there_is_another_id() {
    let mut h = Harness::new();
    let last = at_last_epoch(&mut h);
    let new = h.go_on(last).unwrap();
    assert_eq!(new, producer(1002, 0));
    for _ in 0..2 {
        assert_eq!(h.go_on(last), Ok(new));
        h.restart();
    }
    h.add(new, &[("t", 0)], One).unwrap();
    assert_eq!(h.go_on(last), Err(ProducerFenced));
    assert_eq!(h.add(last, &[("t", 0)], One), Err(InvalidProducerIdMapping));
}

#[test]
fn the_last_epoch_can_be_fenced() {
    let mut h = Harness::new();
    let last = at_last_epoch(&mut h);
    h.add(last, &[("t", 0)], Two).unwrap();
    assert_eq!(h.init(), Err(ConcurrentTransactions));
    h.complete();
    assert_eq!(h.markers[0].producer, producer(1001, 32_767));
    assert_eq!(h.owner(), producer(1001, 32_767));
    // Nobody has that epoch, whoever says so.
    let nobody = producer(1001, 32_767);
    for version in [One, Two] {
        assert_eq!(h.add(nobody, &[("t", 0)], version), Err(ProducerFenced));
        assert_eq!(h.end(nobody, Abort, version), Err(ProducerFenced));
    }
    h.restart();
    assert_eq!(h.init(), Ok(producer(1002, 0)));
}

#[test]
fn the_timeout_is_that_of_the_newest_instance() {
    let mut h = Harness::new();
    h.init().unwrap();
    assert_eq!(h.coordinator.describe(ID).unwrap().timeout_ms, TIMEOUT_MS);
    h.init_with(None, 5).unwrap();
    assert_eq!(h.coordinator.describe(ID).unwrap().timeout_ms, 5);
}
