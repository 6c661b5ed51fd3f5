//! What happens when nobody does anything.

use super::harness::{Harness, ID, TIMEOUT_MS, producer};
use crate::ClientVersion::{One, Two};
use crate::Outcome::{Abort, Commit};
use crate::TransactionError::*;
use crate::*;

#[test]
fn a_transaction_that_is_too_old_is_aborted_and_its_producer_fenced() {
    for version in [One, Two] {
        let mut h = Harness::new();
        let me = h.init().unwrap();
        h.add(me, &[("t", 0)], version).unwrap();
        h.pass_ms(30_000);
        // More partitions do not make it younger.
        h.add(me, &[("t", 1)], version).unwrap();
        h.pass_ms(29_999);
        assert_eq!(h.state(), Some(TransactionState::Ongoing));
        // It is looked for every ten seconds.
        h.pass_ms(10_001);
        assert_eq!(h.state(), Some(TransactionState::Prepare(Abort)));
        assert_eq!(h.ending().unwrap().markers[0].producer, producer(1001, 1));
        h.complete();
        for outcome in [Commit, Abort] {
            assert_eq!(h.end(me, outcome, version), Err(ProducerFenced));
        }
        assert_eq!(h.add(me, &[("t", 0)], version), Err(ProducerFenced));
        assert_eq!(h.init(), Ok(producer(1001, 2)));
    }
}

#[test]
fn an_id_without_a_transaction_is_left_alone() {
    let mut h = Harness::new();
    let me = h.init().unwrap();
    h.add(me, &[("t", 0)], One).unwrap();
    h.end_wholly(me, Commit, One).unwrap();
    h.pass_ms(10 * TIMEOUT_MS as u64);
    assert_eq!(h.end(me, Commit, One), Ok(me));
}

#[test]
fn a_restart_does_not_make_a_transaction_younger() {
    let mut h = Harness::new();
    let me = h.init().unwrap();
    h.add(me, &[("t", 0)], One).unwrap();
    h.pass_ms(50_000);
    h.restart();
    h.pass_ms(9_000);
    assert_eq!(h.state(), Some(TransactionState::Ongoing));
    h.pass_ms(11_000);
    assert_eq!(h.state(), Some(TransactionState::Prepare(Abort)));
}

#[test]
fn a_wall_clock_that_jumps_ends_nothing_and_keeps_nothing_alive() {
    let hour_ms = 3_600_000;
    for jump_ms in [hour_ms, -hour_ms] {
        let mut h = Harness::new();
        let me = h.init().unwrap();
        h.add(me, &[("t", 0)], One).unwrap();
        h.now.wall_ms += jump_ms;
        h.pass_ms(59_000);
        assert_eq!(h.state(), Some(TransactionState::Ongoing));
        h.pass_ms(11_000);
        assert_eq!(h.state(), Some(TransactionState::Prepare(Abort)));
    }
    // After a restart it is all there is to go by; it may not stretch the time.
    let mut h = Harness::new();
    let me = h.init().unwrap();
    h.add(me, &[("t", 0)], One).unwrap();
    h.now.wall_ms -= hour_ms;
    h.restart();
    h.pass_ms(TIMEOUT_MS as u64 + 10_000);
    assert_eq!(h.state(), Some(TransactionState::Prepare(Abort)));
}

#[test]
fn ids_that_nobody_uses_are_forgotten() {
    let week_ms = 604_800_000;
    let mut h = Harness::new();
    let me = h.init().unwrap();
    h.pass_ms(week_ms - 1);
    assert_eq!(h.owner(), me);
    h.pass_ms(3_600_001);
    assert_eq!(h.coordinator.describe(ID), None);
    assert_eq!(h.log.last().unwrap().value, None);
    assert_eq!(h.replayed().list().count(), 0);
    assert_eq!(h.coordinator.next_deadline(), None);
    assert_eq!(h.add(me, &[("t", 0)], One), Err(InvalidProducerIdMapping));
    assert_eq!(h.init(), Ok(producer(1002, 0)), "never the same id again");

    // What is being ended is not.
    let me = producer(1002, 0);
    h.add(me, &[("t", 0)], Two).unwrap();
    h.end(me, Commit, Two).unwrap();
    h.pass_ms(2 * week_ms);
    assert_eq!(h.state(), Some(TransactionState::Prepare(Commit)));
    h.complete();
    h.pass_ms(2 * week_ms);
    assert_eq!(h.coordinator.describe(ID), None);
}
