//! Which partitions a transaction has.

use super::harness::{Harness, ID, producer};
use crate::ClientVersion::{One, Two};
use crate::Outcome::Commit;
use crate::TransactionError::*;
use crate::*;

fn has(h: &Harness, producer: Producer, partition: i32) -> Result<bool, TransactionError> {
    let of = ProducerOf {
        transactional_id: ID,
        producer,
    };
    h.coordinator.has_partition(of, "t", partition)
}

#[test]
fn the_first_partitions_begin_a_transaction() {
    for version in [One, Two] {
        let mut h = Harness::new();
        let me = h.init().unwrap();
        assert_eq!(has(&h, me, 0), Ok(false));
        h.pass_ms(5);
        let begun_ms = h.now.wall_ms;
        h.add(me, &[("t", 0), ("t", 2)], version).unwrap();
        assert_eq!(h.state(), Some(TransactionState::Ongoing));
        h.pass_ms(5);
        let written = h.log.len();
        // What is there already needs no record.
        h.add(me, &[("t", 2)], version).unwrap();
        assert_eq!(h.log.len(), written);
        h.add(me, &[("t", 2), ("__consumer_offsets", 7)], version)
            .unwrap();
        assert_eq!(h.log.len(), written + 1);
        let described = h.coordinator.describe(ID).unwrap();
        assert_eq!(described.started_ms, begun_ms);
        let found: Vec<_> = described.partitions.iter().collect();
        let found: Vec<_> = found
            .iter()
            .map(|(topic, p)| (topic.as_str(), *p))
            .collect();
        assert_eq!(found, [("__consumer_offsets", 7), ("t", 0), ("t", 2)]);
        assert_eq!(has(&h, me, 2), Ok(true));
        assert_eq!(has(&h, me, 1), Ok(false));
    }
}

#[test]
fn only_the_producer_itself_adds_and_asks() {
    let mut h = Harness::new();
    let me = producer(1001, 0);
    assert_eq!(h.add(me, &[("t", 0)], One), Err(InvalidProducerIdMapping));
    assert_eq!(has(&h, me, 0), Err(InvalidProducerIdMapping));
    assert_eq!(h.init(), Ok(me));
    for (other, error) in [
        (producer(1000, 0), InvalidProducerIdMapping),
        (producer(1001, 1), ProducerFenced),
        (producer(1001, -1), ProducerFenced),
    ] {
        assert_eq!(h.add(other, &[("t", 0)], One), Err(error));
        assert_eq!(has(&h, other, 0), Err(error));
    }
    let nobody = ProducerOf {
        transactional_id: "",
        producer: me,
    };
    let asked = h.coordinator.has_partition(nobody, "t", 0);
    assert_eq!(asked, Err(InvalidTransactionalId));
}

#[test]
fn nothing_is_added_while_a_transaction_ends() {
    for version in [One, Two] {
        let mut h = Harness::new();
        let me = h.init().unwrap();
        h.add(me, &[("t", 0)], version).unwrap();
        let next = h.end(me, Commit, version).unwrap();
        assert_eq!(
            h.add(next, &[("t", 0)], version),
            Err(ConcurrentTransactions)
        );
        assert_eq!(has(&h, next, 0), Err(ConcurrentTransactions));
        h.complete();
        assert_eq!(has(&h, next, 0), Ok(false));
        h.add(next, &[("t", 1)], version).unwrap();
        assert_eq!(has(&h, next, 0), Ok(false), "it is another transaction");
        assert_eq!(has(&h, next, 1), Ok(true));
    }
}

#[test]
fn a_transaction_has_no_more_partitions_than_a_record_holds() {
    let mut h = Harness::new();
    let me = h.init().unwrap();
    let topics: Vec<_> = (0..70_000).map(|i| format!("{i:0249}")).collect();
    let list: Vec<_> = topics.iter().map(|topic| (topic.as_str(), 0)).collect();
    let written = h.log.len();
    assert_eq!(h.add(me, &list, One), Err(TransactionTooLarge));
    assert_eq!(h.state(), Some(TransactionState::Empty));
    assert_eq!(h.log.len(), written);
    assert_eq!(h.add(me, &list[..60_000], One), Ok(()));
    assert_eq!(h.end_wholly(me, Commit, One), Ok(me));
    assert_eq!(h.markers.len(), 60_000);
}
