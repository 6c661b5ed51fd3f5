use super::*;

fn header(producer_id: i64, base_offset: i64, attributes: u16) -> BatchHeader {
    BatchHeader {
        base_offset,
        bytes: 100,
        leader_epoch: 0,
        crc: 0,
        attributes,
        last_offset_delta: 0,
        max_timestamp: 0,
        producer_id,
        producer_epoch: 0,
        base_sequence: 0,
    }
}

fn ends(is_commit: bool) -> Option<Marker> {
    Some(Marker {
        is_commit,
        coordinator_epoch: 0,
    })
}

const DATA: u16 = 0x10;
const MARKER: u16 = 0x30;

#[test]
fn the_first_open_transaction_holds_the_last_stable_offset() {
    let mut transactions = Transactions::default();
    assert_eq!(transactions.last_stable_offset(9), 9);
    transactions.apply(&header(1, 3, 0), None);
    assert_eq!(transactions.last_stable_offset(9), 9, "no transaction");
    transactions.apply(&header(1, 4, DATA), None);
    transactions.apply(&header(2, 5, DATA), None);
    transactions.apply(&header(1, 6, DATA), None);
    assert_eq!(transactions.last_stable_offset(9), 4);
    transactions.apply(&header(1, 7, MARKER), ends(true));
    assert_eq!(transactions.last_stable_offset(9), 5);
    transactions.apply(&header(2, 8, MARKER), ends(false));
    assert_eq!(transactions.last_stable_offset(9), 9);
}

#[test]
fn aborted_transactions_are_found_by_the_offsets_they_meet() {
    let mut transactions = Transactions::default();
    for (first, last) in [(0, 4), (10, 14)] {
        transactions.apply(&header(1, first, DATA), None);
        transactions.apply(&header(1, last, MARKER), ends(false));
    }
    let found = |from, end| {
        let aborted = transactions.aborted_in(from, end);
        aborted
            .iter()
            .map(|aborted| aborted.first_offset.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(0, 20), [0, 10]);
    assert_eq!(found(4, 5), [0], "the marker belongs to it");
    assert_eq!(found(5, 10), [0i64; 0]);
    assert_eq!(found(12, 13), [10]);
    let mut later = transactions.clone();
    later.forget_below(5);
    assert_eq!(later.aborted_in(0, 20).len(), 1);
    later.forget_below(15);
    assert!(later.is_empty());
}

#[test]
fn a_snapshot_holds_open_and_aborted_transactions() {
    let mut transactions = Transactions::default();
    transactions.apply(&header(1, 0, DATA), None);
    transactions.apply(&header(1, 4, MARKER), ends(false));
    transactions.apply(&header(2, 5, DATA), None);
    let snapshot = ProducerSnapshot {
        log_id: None,
        offset: 6,
        producers: vec![ProducerSnapshotEntry {
            producer_id: 2,
            producer_epoch: 0,
            coordinator_epoch: -1,
            last_append_ms: 0,
            transaction_start: 5,
            batches: Vec::new(),
        }],
        aborted: transactions.to_snapshot(),
    };
    assert_eq!(Transactions::from_snapshot(&snapshot), transactions);
}
