use model::{Offset, ProducerId};

use super::*;

const TRANSACTIONAL: u16 = 1 << 4;

fn header(producer_id: i64, base_offset: i64) -> BatchHeader {
    BatchHeader {
        base_offset,
        bytes: 61,
        leader_epoch: 0,
        crc: 0,
        attributes: TRANSACTIONAL,
        last_offset_delta: 0,
        max_timestamp: 0,
        producer_id,
        producer_epoch: 0,
        base_sequence: 0,
    }
}

fn aborted(producer_id: i64, first: i64, last: i64) -> AbortedTransaction {
    AbortedTransaction {
        producer_id: ProducerId(producer_id),
        first_offset: Offset(first),
        last_offset: Offset(last),
    }
}

#[test]
fn a_batch_is_aborted_between_the_first_of_its_transaction_and_the_marker() {
    let list = [aborted(1, 10, 20), aborted(2, 12, 30), aborted(1, 40, 50)];
    let seen = SeenTransactions::new(&list, false);
    let is_aborted = |producer_id, offset| seen.is_aborted(&header(producer_id, offset));
    assert!(!is_aborted(1, 9));
    assert!(is_aborted(1, 10) && is_aborted(1, 19));
    assert!(!is_aborted(1, 21) && !is_aborted(1, 39));
    assert!(is_aborted(1, 40) && !is_aborted(1, 51));
    assert!(is_aborted(2, 21) && !is_aborted(3, 15));
    let plain = BatchHeader {
        attributes: 0,
        ..header(1, 15)
    };
    assert!(!seen.is_aborted(&plain));
}

#[test]
fn a_marker_is_needed_while_batches_of_its_transaction_are_there() {
    let mut seen = SeenTransactions::new(&[], false);
    seen.see_data(&header(1, 0));
    seen.see_data(&header(2, 1));
    assert_eq!(seen.see_marker(&header(1, 2), true), MarkerUse::Needed);
    assert_eq!(seen.see_marker(&header(2, 3), false), MarkerUse::Needed);
    assert_eq!(seen.see_marker(&header(1, 4), true), MarkerUse::Spare);
    assert_eq!(seen.see_marker(&header(2, 5), false), MarkerUse::Spare);
    assert_eq!(seen.into_gone(), []);
}

#[test]
fn an_aborted_transaction_leaves_the_list_before_its_marker_goes() {
    let list = [aborted(1, 0, 2), aborted(1, 3, 5)];
    let mut seen = SeenTransactions::new(&list, false);
    assert_eq!(
        seen.see_marker(&header(1, 2), false),
        MarkerUse::StillListed
    );
    seen.see_data(&header(1, 3));
    assert_eq!(seen.see_marker(&header(1, 5), false), MarkerUse::Needed);
    assert_eq!(seen.into_gone(), [list[0]]);
    let mut older_on_disk = SeenTransactions::new(&list[1..], true);
    assert_eq!(
        older_on_disk.see_marker(&header(1, 2), false),
        MarkerUse::StillListed,
        "a restart would bring it back"
    );
    assert_eq!(
        older_on_disk.see_marker(&header(1, 9), true),
        MarkerUse::Spare
    );
}
