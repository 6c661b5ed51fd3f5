//! The records of `__consumer_offsets`, folded as a start of the broker folds them.
//!
//! The input is records one after the other: a key and a value, each with its length in two bytes before
//! it. A value of no bytes is a tombstone.

use std::time::Duration;

use bytes::Bytes;
use coordination::Now;
use groups::{
    Call, ConsumerHeartbeat, Coordinator, Effects, GroupKind, GroupMetadataValue, GroupSettings,
    MemberValue, OffsetCommitValue, Partitions, RecordKey, TopicShape, Topics,
};
use model::{TopicId, TopicName};

use crate::input::{Input, put_piece};
use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    memory_limits: |received_bytes| times_received(received_bytes, MEMBER_GROWTH),
    ..Target::new("group_records", "records of __consumer_offsets", run)
};

/// A member is larger in memory than its record with nothing in it, and a list of them doubles as it
/// grows.
const MEMBER_GROWTH: usize = 24;

/// A member's metadata for the `consumer` type: version, topics, user data.
const SUBSCRIPTION: &[u8] = b"\0\x01\0\0\0\x01\0\x06topic1\0\0\0\0";

/// A consumer group: a member that reads partition 0 and is to read both, and has a pattern.
const CONSUMER_GROUP: &[(&[u8], &[u8])] = &[
    (
        b"\0\x05\0\x05group\0\x06member",
        b"\0\0\x09instance\0\x07client\x0b/127.0.0.1\x02\x07topic1\x07topic.\0\0\xea\x60\0\0",
    ),
    (b"\0\x03\0\x05group", b"\0\0\0\0\0\x02\0"),
    (
        b"\0\x07\0\x05group\0\x06member",
        b"\0\0\x020123456789abcdef\x03\0\0\0\0\0\0\0\x01\0\0",
    ),
    (b"\0\x06\0\x05group", b"\0\0\0\0\0\x02\0"),
    (
        b"\0\x08\0\x05group\0\x06member",
        b"\0\0\0\0\0\x02\0\0\0\x01\0\x020123456789abcdef\x02\0\0\0\0\0\x01\0",
    ),
    (
        b"\0\x10\0\x05group\0\x06topic.",
        b"\0\0\x02\x07topic1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0",
    ),
];

fn seeds() -> Vec<Vec<u8>> {
    let offset = |expire_timestamp_ms| OffsetCommitValue {
        offset: 42,
        leader_epoch: 3,
        metadata: "noted".to_owned(),
        commit_timestamp_ms: 1_767_225_600_000,
        expire_timestamp_ms,
        topic_id: TopicId::ZERO,
    };
    let member = MemberValue {
        member_id: "client-1".to_owned(),
        group_instance_id: Some("instance".to_owned()),
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 10_000,
        subscription: Bytes::from_static(SUBSCRIPTION),
        assignment: Bytes::from_static(SUBSCRIPTION),
    };
    let group = GroupMetadataValue {
        protocol_type: "consumer".to_owned(),
        generation_id: 7,
        protocol_name: Some("range".to_owned()),
        leader: Some("client-1".to_owned()),
        state_timestamp_ms: 1_767_225_600_000,
        members: vec![member],
    };
    let empty = GroupMetadataValue {
        protocol_name: None,
        leader: None,
        members: Vec::new(),
        ..group.clone()
    };
    let offset_key: &[u8] = b"\0\x01\0\x05group\0\x06topic1\0\0\0\x02";
    let group_key: &[u8] = b"\0\x02\0\x05group";
    let flexible: &[u8] =
        b"\0\x04\0\0\0\0\0\0\0\x09\0\0\0\x01\x06noted\0\0\0\0\0\0\0\x05\x01\0\x100123456789abcdef";
    let records = |records: &[(&[u8], &[u8])]| {
        let mut seed = Vec::new();
        for (key, value) in records {
            put_piece(&mut seed, key);
            put_piece(&mut seed, value);
        }
        seed
    };
    vec![
        records(&[(offset_key, &offset(None).encode())]),
        records(&[(offset_key, &offset(Some(9)).encode())]),
        records(&[(offset_key, flexible)]),
        records(&[(group_key, &group.encode())]),
        records(&[
            (group_key, &group.encode()),
            (offset_key, &offset(None).encode()),
        ]),
        records(&[
            (group_key, &empty.encode()),
            (offset_key, &offset(Some(9)).encode()),
        ]),
        records(&[(group_key, &group.encode()), (group_key, b"")]),
        records(CONSUMER_GROUP),
        records(&CONSUMER_GROUP[..3]),
    ]
}

/// The one topic that the inputs name, of two partitions.
struct OneTopic;

impl OneTopic {
    const NAME: &str = "topic1";
    const ID: TopicId = TopicId(*b"0123456789abcdef");
}

impl Topics for OneTopic {
    fn version(&self) -> u64 {
        1
    }

    fn by_name(&self, name: &str) -> Option<TopicShape> {
        (name == Self::NAME).then_some(TopicShape {
            id: Self::ID,
            partition_count: 2,
        })
    }

    fn name(&self, _id: TopicId) -> Option<&TopicName> {
        None
    }
}

fn run(input: &[u8]) {
    let settings = GroupSettings::default();
    let mut coordinator = Coordinator::new(settings.clone());
    let mut input = Input::new(input);
    while !input.is_empty() {
        let (key, value) = (input.piece(), input.piece());
        read_and_write(key, value);
        let value = (!value.is_empty()).then(|| Bytes::copy_from_slice(value));
        if coordinator.replay(key, value).is_err() {
            // The broker takes no requests for what it could not read to its end.
            return;
        }
    }
    if coordinator.finish_replay(Duration::ZERO).is_err() {
        return;
    }
    coordinator.check_invariants();
    the_snapshot_says_the_same(&coordinator, settings);
    let mut effects = Effects::default();
    let mut call = Call {
        now: now(Duration::ZERO),
        topics: &OneTopic,
        effects: &mut effects,
    };
    a_member_joins(&mut coordinator, &mut call);
    for _ in 0..4 {
        let Some(deadline) = coordinator.next_deadline() else {
            break;
        };
        call.now = now(deadline);
        coordinator.tick(&mut call);
        coordinator.check_invariants();
    }
}

fn now(monotonic: Duration) -> Now {
    Now {
        monotonic,
        wall_ms: 1_767_225_600_000,
    }
}

/// Every consumer group has a new target assignment made.
fn a_member_joins(coordinator: &mut Coordinator, call: &mut Call<'_>) {
    let groups: Vec<_> = coordinator
        .list()
        .filter(|group| group.kind == GroupKind::Consumer)
        .collect();
    for group in groups {
        let heartbeat = ConsumerHeartbeat {
            group_id: &group.group_id,
            member_id: "somebody new",
            rebalance_timeout_ms: Some(60_000),
            session_timeout_ms: 45_000,
            topics: Some(vec![OneTopic::NAME]),
            owned: Some(Partitions::new()),
            ..ConsumerHeartbeat::default()
        };
        let _ = coordinator.consumer_heartbeat(&heartbeat, call);
        coordinator.check_invariants();
    }
}

/// What is read is written in a form that reads as the same.
fn read_and_write(key: &[u8], value: &[u8]) {
    match RecordKey::decode(key) {
        Ok(RecordKey::OffsetCommit { .. }) => {
            if let Ok(read) = OffsetCommitValue::decode(value) {
                let again = OffsetCommitValue::decode(&read.encode()).expect("what was written");
                assert_eq!(again.encode(), read.encode());
            }
        }
        Ok(RecordKey::GroupMetadata { .. }) => {
            if let Ok(read) = GroupMetadataValue::decode(value) {
                let again = GroupMetadataValue::decode(&read.encode()).expect("what was written");
                assert_eq!(again.encode(), read.encode());
            }
        }
        Ok(RecordKey::Consumer { .. } | RecordKey::Other(_)) | Err(_) => {}
    }
}

fn the_snapshot_says_the_same(coordinator: &Coordinator, settings: GroupSettings) {
    let snapshot = coordinator.snapshot();
    let mut again = Coordinator::new(settings);
    for record in &snapshot {
        again
            .replay(&record.key, record.value.clone())
            .expect("what was written can be read");
    }
    again
        .finish_replay(Duration::ZERO)
        .expect("what was written does not contradict itself");
    assert_eq!(again.snapshot(), snapshot);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_read_to_its_end() {
        for seed in seeds() {
            let mut coordinator = Coordinator::new(GroupSettings::default());
            let mut input = Input::new(&seed);
            while !input.is_empty() {
                let (key, value) = (input.piece(), input.piece());
                let value = (!value.is_empty()).then(|| Bytes::copy_from_slice(value));
                coordinator.replay(key, value).unwrap();
            }
            coordinator.finish_replay(Duration::ZERO).unwrap();
        }
    }
}
