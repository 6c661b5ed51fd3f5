//! How transactions end.

use model::TransactionalId;

use super::harness::{Harness, ID, producer};
use crate::ClientVersion::{One, Two};
use crate::Outcome::{Abort, Commit};
use crate::TransactionError::*;
use crate::*;

#[test]
fn an_end_is_decided_then_marked_then_complete() {
    for (version, epoch) in [(One, 0), (Two, 1)] {
        for outcome in [Commit, Abort] {
            let mut h = Harness::new();
            let me = h.init().unwrap();
            h.add(me, &[("t", 0), ("u", 1)], version).unwrap();
            let next = h.end(me, outcome, version).unwrap();
            assert_eq!(next, producer(1001, epoch));
            assert_eq!(h.state(), Some(TransactionState::Prepare(outcome)));
            let ending = h.ending().unwrap();
            let places: Vec<_> = ending
                .markers
                .iter()
                .map(|m| (&*m.topic, m.partition))
                .collect();
            assert_eq!(places, [("t", 0), ("u", 1)]);
            for marker in &ending.markers {
                assert_eq!((marker.producer, marker.outcome), (next, outcome));
            }
            h.complete();
            assert_eq!(h.state(), Some(TransactionState::Complete(outcome)));
            assert_eq!(h.ending().map(|ending| ending.markers), None);
            h.add(next, &[("t", 0)], version).unwrap();
        }
    }
}

#[test]
fn markers_are_written_one_by_one_where_they_must() {
    let mut h = Harness::new();
    let me = h.init().unwrap();
    h.add(me, &[("t", 0), ("t", 1), ("u", 1)], Two).unwrap();
    h.end(me, Commit, Two).unwrap();
    let id = TransactionalId::new(ID);
    let markers = h.ending().unwrap().markers;
    h.run(|coordinator, _| coordinator.marker_written(&id, &markers[1]));
    assert_eq!(
        h.ending().unwrap().markers,
        [markers[0].clone(), markers[2].clone()]
    );
    let described = h.coordinator.describe(ID).unwrap();
    assert_eq!(described.partitions.iter().count(), 2);
    // A restart does not know of it.
    h.restart();
    assert_eq!(h.ending().unwrap().markers, markers);
    for marker in &markers {
        h.run(|coordinator, _| coordinator.marker_written(&id, marker));
    }
    assert_eq!(h.ending().unwrap().markers, []);
    assert_eq!(h.state(), Some(TransactionState::Prepare(Commit)));
    h.complete();
    assert_eq!(h.state(), Some(TransactionState::Complete(Commit)));
}

/// What is done before an EndTxn, by a client of the version.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    Begin,
    Prepare(Outcome),
    Complete(Outcome),
}

/// All answers to EndTxn by the state, for the producer that the id belongs to and for a request that comes
/// for the second time.
#[test]
fn every_state_has_its_answer() {
    use Before::*;
    let state = |before| match before {
        Nothing => TransactionState::Empty,
        Begin => TransactionState::Ongoing,
        Prepare(outcome) => TransactionState::Prepare(outcome),
        Complete(outcome) => TransactionState::Complete(outcome),
    };
    for (version, is_again, before, outcome, expected) in [
        (One, false, Nothing, Commit, Err(InvalidState)),
        (One, false, Nothing, Abort, Err(InvalidState)),
        (One, false, Begin, Commit, Ok(0)),
        (One, false, Begin, Abort, Ok(0)),
        (
            One,
            true,
            Prepare(Commit),
            Commit,
            Err(ConcurrentTransactions),
        ),
        (
            One,
            true,
            Prepare(Commit),
            Abort,
            Err(ConcurrentTransactions),
        ),
        (
            One,
            true,
            Prepare(Abort),
            Commit,
            Err(ConcurrentTransactions),
        ),
        (
            One,
            true,
            Prepare(Abort),
            Abort,
            Err(ConcurrentTransactions),
        ),
        (One, true, Complete(Commit), Commit, Ok(0)),
        (One, true, Complete(Commit), Abort, Err(InvalidState)),
        (One, true, Complete(Abort), Commit, Err(InvalidState)),
        (One, true, Complete(Abort), Abort, Ok(0)),
        (Two, false, Nothing, Commit, Err(InvalidState)),
        (Two, false, Nothing, Abort, Ok(1)),
        (Two, false, Begin, Commit, Ok(1)),
        (Two, false, Begin, Abort, Ok(1)),
        (
            Two,
            false,
            Prepare(Commit),
            Commit,
            Err(ConcurrentTransactions),
        ),
        (
            Two,
            false,
            Prepare(Abort),
            Abort,
            Err(ConcurrentTransactions),
        ),
        (Two, false, Complete(Commit), Commit, Err(InvalidState)),
        (Two, false, Complete(Commit), Abort, Ok(2)),
        (Two, false, Complete(Abort), Commit, Err(InvalidState)),
        (Two, false, Complete(Abort), Abort, Ok(2)),
        (
            Two,
            true,
            Prepare(Commit),
            Commit,
            Err(ConcurrentTransactions),
        ),
        (Two, true, Prepare(Commit), Abort, Err(InvalidState)),
        (Two, true, Prepare(Abort), Commit, Err(InvalidState)),
        (
            Two,
            true,
            Prepare(Abort),
            Abort,
            Err(ConcurrentTransactions),
        ),
        (Two, true, Complete(Commit), Commit, Ok(1)),
        (Two, true, Complete(Commit), Abort, Err(InvalidState)),
        (Two, true, Complete(Abort), Commit, Err(InvalidState)),
        (Two, true, Complete(Abort), Abort, Ok(1)),
    ] {
        for restarts in [false, true] {
            let case = format!("{version:?} {is_again} {before:?} {outcome:?} {restarts}");
            let mut h = Harness::new();
            let first = h.init().unwrap();
            let mut current = first;
            if !matches!(before, Nothing) {
                h.add(first, &[("t", 0)], version).unwrap();
            }
            if let Prepare(outcome) | Complete(outcome) = before {
                current = h.end(first, outcome, version).unwrap();
            }
            if let Complete(_) = before {
                h.complete();
            }
            if restarts {
                h.restart();
            }
            assert_eq!(h.state(), Some(state(before)), "{case}");
            let asking = if is_again { first } else { current };
            let written = h.log.len();
            let answer = h.end(asking, outcome, version);
            assert_eq!(answer.map(|p| p.epoch.0), expected, "{case}");
            let decides = expected.is_ok() && !is_again;
            assert_eq!(h.log.len() - written, usize::from(decides), "{case}");
            let other = producer(1, 0);
            let refused = h.end(other, outcome, version);
            assert_eq!(refused, Err(InvalidProducerIdMapping), "{case}");
        }
    }
}

#[test]
fn nobody_ends_what_is_not_known() {
    let mut h = Harness::new();
    for version in [One, Two] {
        let refused = h.end(producer(1001, 0), Commit, version);
        assert_eq!(refused, Err(InvalidProducerIdMapping));
    }
}

#[test]
fn the_late_end_of_one_transaction_does_not_end_the_next() {
    let mut h = Harness::new();
    let first = h.init().unwrap();
    h.add(first, &[("t", 0)], Two).unwrap();
    let second = h.end_wholly(first, Commit, Two).unwrap();
    h.add(second, &[("t", 0)], Two).unwrap();
    for outcome in [Commit, Abort] {
        assert_eq!(h.end(first, outcome, Two), Err(ProducerFenced));
    }
    assert_eq!(h.state(), Some(TransactionState::Ongoing));
    let third = h.end_wholly(second, Abort, Two).unwrap();
    assert_eq!(h.end(first, Commit, Two), Err(ProducerFenced));
    assert_eq!(h.end(second, Abort, Two), Ok(third));
}

#[test]
fn an_abort_of_nothing_needs_no_marker() {
    let mut h = Harness::new();
    let first = h.init().unwrap();
    let second = h.end(first, Abort, Two).unwrap();
    assert_eq!(h.ending().unwrap().markers, []);
    h.complete();
    assert_eq!(h.end(first, Abort, Two), Ok(second));
    let third = h.end_wholly(second, Abort, Two).unwrap();
    assert_eq!(third, producer(1001, 2));
}

#[test]
fn a_producer_at_its_last_epoch_ends_its_transaction_and_gets_another_id() {
    let mut h = Harness::new();
    let mut me = h.init().unwrap();
    for _ in 0..32_766 {
        me = h.end_wholly(me, Abort, Two).unwrap();
    }
    assert_eq!(me, producer(1001, 32_766));
    h.add(me, &[("t", 0)], Two).unwrap();
    let next = h.end(me, Commit, Two).unwrap();
    assert_eq!(next, producer(1002, 0));
    assert_eq!(
        h.ending().unwrap().markers[0].producer,
        producer(1001, 32_767)
    );
    assert_eq!(h.end(me, Commit, Two), Err(ConcurrentTransactions));
    h.restart();
    assert_eq!(h.end(me, Commit, Two), Err(ConcurrentTransactions));
    // The client has heard already who it is.
    assert_eq!(h.add(next, &[("t", 0)], Two), Err(ConcurrentTransactions));
    assert_eq!(h.go_on(next), Err(ConcurrentTransactions));
    h.complete();
    for _ in 0..2 {
        assert_eq!(h.end(me, Commit, Two), Ok(next));
        assert_eq!(h.end(me, Abort, Two), Err(InvalidState));
        h.restart();
    }
    h.add(next, &[("t", 0)], Two).unwrap();
    assert_eq!(h.end(me, Commit, Two), Err(InvalidProducerIdMapping));
    assert_eq!(h.end_wholly(next, Commit, Two), Ok(producer(1002, 1)));
}
