//! The records of `__transaction_state`, folded as a start of the broker folds them.
//!
//! The input is records one after the other: a key and a value, each with its length in two bytes before
//! it. A value of no bytes is a tombstone.

use std::time::Duration;

use bytes::Bytes;
use coordination::Now;
use transactions::{Call, Coordinator, InitProducerId, TransactionSettings, TransactionValue};

use crate::input::{Input, put_piece};
use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    memory_limits: |received_bytes| times_received(received_bytes, TOPIC_GROWTH),
    ..Target::new("transaction_records", "records of __transaction_state", run)
};

/// A topic with one partition takes eight bytes of a record, and entries of two trees in memory; what is being
/// ended has its partitions twice.
const TOPIC_GROWTH: usize = 128;

const KEY: &[u8] = b"\0\0\0\x02tx";

fn seeds() -> Vec<Vec<u8>> {
    let empty: &[u8] = b"\0\x01\0\0\0\0\0\0\x03\xe8\0\0\0\0\xea\x60\0\0\0\0\x01\x8b\xcf\xe5\x68\0\xff\xff\xff\xff\xff\xff\xff\xff\0";
    let ongoing: &[u8] = b"\0\x01\0\0\0\0\0\0\x03\xe8\0\0\0\0\xea\x60\x01\x02\x02t\x02\0\0\0\x03\0\0\0\x01\x8b\xcf\xe5\x68\0\0\0\x01\x8b\xcf\xe5\x68\0\x01\x02\x02\0\x02";
    let version_0: &[u8] = b"\0\0\0\0\0\0\0\0\x03\xe8\0\0\0\0\xea\x60\x01\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x03\0\0\x01\x8b\xcf\xe5\x68\0\0\0\x01\x8b\xcf\xe5\x68\0";
    let state_at = 16;
    let in_state = |state: u8| {
        let mut value = ongoing.to_vec();
        value[state_at] = state;
        value
    };
    let records = |values: &[&[u8]]| {
        let mut seed = Vec::new();
        for value in values {
            put_piece(&mut seed, KEY);
            put_piece(&mut seed, value);
        }
        seed
    };
    vec![
        records(&[empty]),
        records(&[ongoing]),
        records(&[version_0]),
        records(&[empty, ongoing, &in_state(2)]),
        records(&[ongoing, &in_state(3)]),
        records(&[ongoing, b""]),
    ]
}

fn run(input: &[u8]) {
    let settings = TransactionSettings::default();
    let mut coordinator = Coordinator::new(settings);
    let mut input = Input::new(input);
    while !input.is_empty() {
        let (key, value) = (input.piece(), input.piece());
        if let Ok(read) = TransactionValue::decode(value) {
            let again = TransactionValue::decode(&read.encode());
            assert_eq!(again.as_ref(), Ok(&read), "what was written");
        }
        let value = (!value.is_empty()).then(|| Bytes::copy_from_slice(value));
        if coordinator.replay(key, value).is_err() {
            // The broker takes no requests for what it could not read to its end.
            return;
        }
    }
    coordinator.finish_replay(now(Duration::ZERO));
    coordinator.check_invariants();
    the_snapshot_says_the_same(&coordinator, settings);
    let mut records = Vec::new();
    let mut call = Call {
        now: now(Duration::ZERO),
        records: &mut records,
    };
    end_everything(&mut coordinator, &call);
    take_over(&mut coordinator, &mut call);
    for _ in 0..4 {
        let Some(deadline) = coordinator.next_deadline() else {
            break;
        };
        call.now = now(deadline);
        coordinator.tick(&mut call);
        coordinator.check_invariants();
        end_everything(&mut coordinator, &call);
    }
}

fn now(monotonic: Duration) -> Now {
    Now {
        monotonic,
        wall_ms: 1_767_225_600_000,
    }
}

/// What is being ended comes to its end.
fn end_everything(coordinator: &mut Coordinator, call: &Call<'_>) {
    let preparing: Vec<_> = coordinator.preparing().cloned().collect();
    for id in preparing {
        let ending = coordinator.ending(&id, call.now.wall_ms);
        coordinator.complete(ending.expect("it is being ended"), call.now);
        coordinator.check_invariants();
    }
}

/// A new instance asks for every id.
fn take_over(coordinator: &mut Coordinator, call: &mut Call<'_>) {
    let ids: Vec<_> = coordinator.list().map(|one| one.transactional_id).collect();
    for id in ids {
        let request = InitProducerId {
            transactional_id: &id,
            timeout_ms: 1_000,
            producer: None,
            fresh_id: Some(model::ProducerId(i64::MAX)),
        };
        let _ = coordinator.init_producer_id(&request, call);
        coordinator.check_invariants();
    }
}

fn the_snapshot_says_the_same(coordinator: &Coordinator, settings: TransactionSettings) {
    let snapshot = coordinator.snapshot();
    let mut again = Coordinator::new(settings);
    for record in &snapshot {
        again
            .replay(&record.key, record.value.clone())
            .expect("what was written can be read");
    }
    again.finish_replay(now(Duration::ZERO));
    assert_eq!(again.snapshot(), snapshot);
}
