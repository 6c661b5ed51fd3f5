use bytes::Bytes;
use model::TopicId;

use super::hex;
use crate::api::Protocol;
use crate::partitions::Partitions;
use crate::records::*;

const TOPIC: TopicId = TopicId([0x11; 16]);
const TOPIC_HEX: &str = "11111111111111111111111111111111";

fn member() -> MemberMetadata {
    MemberMetadata {
        instance_id: Some("i".into()),
        rack_id: None,
        client_id: "c".into(),
        client_host: "/h".into(),
        topics: vec!["a".into(), "b".into()],
        pattern: Some("p.*".into()),
        rebalance_timeout_ms: 300,
        assignor: None,
        classic: None,
    }
}

fn classic_member() -> MemberMetadata {
    MemberMetadata {
        classic: Some(ClassicMetadata {
            session_timeout_ms: 100,
            protocols: vec![Protocol {
                name: "range".into(),
                metadata: Bytes::from_static(&[1, 2]),
            }],
        }),
        ..member()
    }
}

fn current() -> CurrentAssignment {
    CurrentAssignment {
        epoch: 5,
        previous_epoch: 4,
        state: MemberState::Unrevoked,
        assigned: [(TOPIC, 0), (TOPIC, 2)].into_iter().collect(),
        revoking: [(TOPIC, 1)].into_iter().collect(),
    }
}

/// Every record with its key and value in bytes, laid out by hand after Kafka's schemas.
fn vectors() -> Vec<(ConsumerRecord, String, String)> {
    let group = |epoch, topics_hash| ConsumerRecord::Group(Some(GroupEpoch { epoch, topics_hash }));
    let one = format!("02 {TOPIC_HEX} 03 00000000 00000002 00");
    let metadata = "0269 00 0263 032f68 03 0261 0262 04702e2a 0000012c 00";
    vec![
        (group(7, 0), "0003 000167".into(), "0000 00000007 00".into()),
        (
            group(7, 0x0102),
            "0003 000167".into(),
            "0000 00000007 01 00 08 0000000000000102".into(),
        ),
        (
            ConsumerRecord::Member("m".into(), Some(member())),
            "0005 000167 00016d".into(),
            format!("0000 {metadata} 00"),
        ),
        (
            ConsumerRecord::Member("m".into(), Some(classic_member())),
            "0005 000167 00016d".into(),
            format!("0000 {metadata} 01 00 11 01 00000064 02 0672616e6765 03 0102 00 00"),
        ),
        (
            ConsumerRecord::TargetEpoch(Some(7)),
            "0006 000167".into(),
            "0000 00000007 00".into(),
        ),
        (
            ConsumerRecord::Target("m".into(), Some(current().assigned)),
            "0007 000167 00016d".into(),
            format!("0000 {one} 00"),
        ),
        (
            ConsumerRecord::Target("m".into(), Some(Partitions::new())),
            "0007 000167 00016d".into(),
            "0000 01 00".into(),
        ),
        (
            ConsumerRecord::Current("m".into(), Some(current())),
            "0008 000167 00016d".into(),
            format!("0000 00000005 00000004 01 {one} 02 {TOPIC_HEX} 02 00000001 00 00"),
        ),
        (
            ConsumerRecord::Pattern(
                "p.*".into(),
                Some(ResolvedPattern {
                    topics: vec!["p1".into()],
                    timestamp_ms: 1_700_000_000_000,
                }),
            ),
            "0010 000167 0003702e2a".into(),
            "0000 02 037031 0000000000000000 0000018bcfe56800 00".into(),
        ),
    ]
}

/// A record read from its bytes.
fn read(key: &[u8], value: Option<&[u8]>) -> Result<Option<ConsumerRecord>, RecordError> {
    match RecordKey::decode(key)? {
        RecordKey::Consumer { about, .. } => ConsumerRecord::decode(about, value),
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_have_kafkas_bytes() {
    for (record, key, value) in vectors() {
        let (key, value) = (hex(&key), hex(&value));
        let encoded = record.encode("g");
        assert_eq!(encoded.key, key, "{record:?}");
        assert_eq!(encoded.value.as_deref(), Some(&value[..]), "{record:?}");
        assert_eq!(read(&key, Some(&value)), Ok(Some(record)));
    }
}

#[test]
fn a_record_without_a_value_is_a_tombstone() {
    for (record, key, _) in vectors() {
        let gone = read(&hex(&key), None).unwrap().unwrap();
        assert_eq!(gone.encode("g").key, hex(&key));
        assert_eq!(gone.encode("g").value, None);
        assert_ne!(gone, record);
    }
    let partition_metadata = hex("0004 000167");
    assert_eq!(read(&partition_metadata, None), Ok(None));
    assert_eq!(read(&partition_metadata, Some(b"anything")), Ok(None));
}

#[test]
fn what_a_later_version_adds_is_skipped_or_refused() {
    let with_tag = hex("0000 00000007 01 05 01 ff");
    let read_back = read(&hex("0006 000167"), Some(&with_tag));
    assert_eq!(read_back, Ok(Some(ConsumerRecord::TargetEpoch(Some(7)))));
    let state = hex("0000 00000005 00000004 63 01 01 00");
    let Ok(Some(ConsumerRecord::Current(_, Some(read_back)))) =
        read(&hex("0008 000167 00016d"), Some(&state))
    else {
        panic!("a state of a later version is read");
    };
    assert_eq!(read_back.state, MemberState::Unknown);
    for (_, key, value) in vectors() {
        let mut value = hex(&value);
        value[1] = 1;
        assert_eq!(
            read(&hex(&key), Some(&value)),
            Err(RecordError::UnknownVersion(1))
        );
    }
}

#[test]
fn a_cut_anywhere_is_an_error_and_a_large_count_allocates_nothing() {
    for (record, key, value) in vectors() {
        let (key, value) = (hex(&key), hex(&value));
        for end in 0..value.len() {
            assert!(
                read(&key, Some(&value[..end])).is_err(),
                "{record:?}, {end}"
            );
        }
        for end in 0..key.len() {
            assert!(RecordKey::decode(&key[..end]).is_err(), "{record:?}, {end}");
        }
    }
    let huge = hex("0000 ffffffff0f");
    assert_eq!(
        read(&hex("0007 000167 00016d"), Some(&huge)),
        Err(RecordError::Truncated)
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let mut value = vec![0, 0];
        value.extend(&bytes);
        for (_, key, _) in vectors() {
            let key = hex(&key);
            if let Ok(Some(record)) = read(&key, Some(&value)) {
                let encoded = record.encode("g");
                proptest::prop_assert_eq!(read(&key, encoded.value.as_deref()), Ok(Some(record)));
            }
        }
    }
}
