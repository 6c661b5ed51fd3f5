use bytes::Bytes;
use coordination::FieldError;
use model::{ProducerEpoch, ProducerId, TopicName};

use super::*;
use crate::state::Outcome;

const TIMESTAMP_MS: i64 = 1_700_000_000_000;

fn hex(text: &str) -> Bytes {
    let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    let pairs = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8);
    pairs.collect()
}

fn empty() -> TransactionValue {
    TransactionValue {
        producer: Producer {
            id: ProducerId(1000),
            epoch: ProducerEpoch(0),
        },
        last_epoch: ProducerEpoch::NONE,
        previous_producer_id: ProducerId::NONE,
        next_producer_id: ProducerId::NONE,
        timeout_ms: 60_000,
        state: TransactionState::Empty,
        partitions: Partitions::default(),
        updated_ms: TIMESTAMP_MS,
        started_ms: -1,
        version: ClientVersion::One,
    }
}

fn ongoing() -> TransactionValue {
    TransactionValue {
        state: TransactionState::Ongoing,
        partitions: [(&TopicName::new("t").unwrap(), 3)].into_iter().collect(),
        started_ms: TIMESTAMP_MS,
        version: ClientVersion::Two,
        ..empty()
    }
}

#[test]
fn keys_have_kafkas_bytes() {
    let key = hex("0000 0002 7478");
    assert_eq!(record("tx", None).key, key);
    assert_eq!(
        TransactionKey::decode(&key),
        Ok(TransactionKey::Transaction("tx".to_owned()))
    );
    assert_eq!(
        TransactionKey::decode(&hex("0007")),
        Ok(TransactionKey::Other(7))
    );
    assert_eq!(
        TransactionKey::decode(&hex("0000ffff")),
        Err(RecordError::Field(FieldError::BadLength))
    );
}

#[test]
fn values_have_kafkas_bytes() {
    let bytes =
        hex("0001 00000000000003e8 0000 0000ea60 00 00 0000018bcfe56800 ffffffffffffffff 00");
    assert_eq!(empty().encode(), bytes);
    assert_eq!(TransactionValue::decode(&bytes), Ok(empty()));

    let bytes = hex(
        "0001 00000000000003e8 0000 0000ea60 01 02 0274 02 00000003 00 0000018bcfe56800 \
         0000018bcfe56800 01 02 02 0002",
    );
    assert_eq!(ongoing().encode(), bytes);
    assert_eq!(TransactionValue::decode(&bytes), Ok(ongoing()));

    let without_partitions = TransactionValue {
        state: TransactionState::Complete(Outcome::Abort),
        partitions: Partitions::default(),
        ..ongoing()
    };
    let bytes = hex(
        "0001 00000000000003e8 0000 0000ea60 05 01 0000018bcfe56800 0000018bcfe56800 01 02 02 0002",
    );
    assert_eq!(without_partitions.encode(), bytes);
    assert_eq!(TransactionValue::decode(&bytes), Ok(without_partitions));
}

#[test]
fn what_a_producer_at_its_last_epoch_needs_stands_in_tags() {
    let value = TransactionValue {
        producer: Producer {
            id: ProducerId(1000),
            epoch: ProducerEpoch(i16::MAX),
        },
        last_epoch: ProducerEpoch(i16::MAX - 1),
        previous_producer_id: ProducerId(1000),
        next_producer_id: ProducerId(2000),
        state: TransactionState::Prepare(Outcome::Commit),
        ..ongoing()
    };
    let bytes = hex(
        "0001 00000000000003e8 7fff 0000ea60 02 02 0274 02 00000003 00 0000018bcfe56800 \
         0000018bcfe56800 04 00 08 00000000000003e8 01 08 00000000000007d0 02 02 0002 04 02 7ffe",
    );
    assert_eq!(value.encode(), bytes);
    assert_eq!(TransactionValue::decode(&bytes), Ok(value));
}

#[test]
fn older_values_and_newer_tags_are_read() {
    let version_0 = hex(
        "0000 00000000000003e8 0000 0000ea60 01 00000001 0001 74 00000001 00000003 0000018bcfe56800 \
         0000018bcfe56800",
    );
    let expected = TransactionValue {
        version: ClientVersion::One,
        ..ongoing()
    };
    assert_eq!(TransactionValue::decode(&version_0), Ok(expected));
    let nobody =
        hex("0000 00000000000003e8 0000 0000ea60 00 ffffffff 0000018bcfe56800 ffffffffffffffff");
    assert_eq!(TransactionValue::decode(&nobody), Ok(empty()));
    // Tags 3 (an epoch of two-phase commit) and 9 (not known).
    let tagged = hex(
        "0001 00000000000003e8 0000 0000ea60 00 00 0000018bcfe56800 ffffffffffffffff \
         02 03 02 0005 09 01 ff",
    );
    assert_eq!(TransactionValue::decode(&tagged), Ok(empty()));
}

#[test]
fn what_cannot_be_is_refused() {
    let good = ongoing().encode();
    for end in 0..good.len() {
        assert_eq!(
            TransactionValue::decode(&good[..end]),
            Err(RecordError::Field(FieldError::Truncated)),
            "{end}"
        );
    }
    assert_eq!(
        TransactionValue::decode(&hex("0002")),
        Err(RecordError::UnknownVersion(2))
    );
    for (position, byte, error) in [
        (16, 6, RecordError::UnknownState(6)),
        (16, 7, RecordError::UnknownState(7)),
        (16, 0xff, RecordError::UnknownState(-1)),
        // Empty, and with a start.
        (16, 0, RecordError::ImpossibleTransaction),
        // Complete, and with partitions.
        (16, 4, RecordError::ImpossibleTransaction),
        // Negative: the producer id and the epoch.
        (2, 0x80, RecordError::ImpossibleTransaction),
        (10, 0x80, RecordError::ImpossibleTransaction),
        // The topic's name.
        (19, b' ', RecordError::BadTopicName),
    ] {
        let mut bytes = good.to_vec();
        bytes[position] = byte;
        assert_eq!(TransactionValue::decode(&bytes), Err(error), "{position}");
    }
}
