use bytes::Bytes;
use model::TopicId;

use super::hex;
use crate::records::*;

const TIMESTAMP_MS: i64 = 1_700_000_000_000;

fn offset_commit() -> OffsetCommitValue {
    OffsetCommitValue {
        offset: 5,
        leader_epoch: -1,
        metadata: String::new(),
        commit_timestamp_ms: TIMESTAMP_MS,
        expire_timestamp_ms: None,
        topic_id: TopicId::ZERO,
    }
}

#[test]
fn keys_have_kafkas_bytes() {
    let key = offset_commit_key("g1", "t", 3);
    assert_eq!(key, hex("00010002673100017400000003"));
    let decoded = RecordKey::OffsetCommit {
        group_id: "g1".into(),
        topic: "t".into(),
        partition: 3,
    };
    assert_eq!(RecordKey::decode(&key), Ok(decoded.clone()));
    let legacy = hex("00000002673100017400000003");
    assert_eq!(RecordKey::decode(&legacy), Ok(decoded));

    let key = group_metadata_key("g1");
    assert_eq!(key, hex("000200026731"));
    let decoded = RecordKey::GroupMetadata {
        group_id: "g1".into(),
    };
    assert_eq!(RecordKey::decode(&key), Ok(decoded));
    assert_eq!(RecordKey::decode(&hex("0009")), Ok(RecordKey::Other(9)));
    assert_eq!(RecordKey::decode(&hex("00")), Err(RecordError::Truncated));
    assert_eq!(
        RecordKey::decode(&hex("0002ffff")),
        Err(RecordError::BadLength)
    );
    assert_eq!(
        RecordKey::decode(&hex("00020001ff")),
        Err(RecordError::NotUtf8)
    );
}

#[test]
fn offset_commits_have_kafkas_bytes() {
    let value = offset_commit();
    let bytes = hex("00030000000000000005ffffffff00000000018bcfe56800");
    assert_eq!(value.encode(), bytes);
    assert_eq!(OffsetCommitValue::decode(&bytes), Ok(value.clone()));

    let flexible = hex("00040000000000000005ffffffff010000018bcfe5680000");
    assert_eq!(OffsetCommitValue::decode(&flexible), Ok(value.clone()));

    let with_id = hex("00040000000000000005ffffffff010000018bcfe56800 01 00 10 \
                       000102030405060708090a0b0c0d0e0f");
    let id: [u8; 16] = std::array::from_fn(|index| index as u8);
    assert_eq!(
        OffsetCommitValue::decode(&with_id),
        Ok(OffsetCommitValue {
            topic_id: TopicId(id),
            ..value
        })
    );
}

#[test]
fn older_offset_commits_are_read() {
    for version in ["0000", "0002"] {
        let bytes = hex(&format!("{version} 0000000000000005 0000 0000018bcfe56800"));
        assert_eq!(OffsetCommitValue::decode(&bytes), Ok(offset_commit()));
    }
    let endless = hex("0001 0000000000000005 0000 0000018bcfe56800 ffffffffffffffff");
    assert_eq!(OffsetCommitValue::decode(&endless), Ok(offset_commit()));
    let expiring = OffsetCommitValue {
        metadata: "m".into(),
        expire_timestamp_ms: Some(TIMESTAMP_MS + 1),
        ..offset_commit()
    };
    let bytes = hex("0001 0000000000000005 0001 6d 0000018bcfe56800 0000018bcfe56801");
    assert_eq!(expiring.encode(), bytes);
    assert_eq!(OffsetCommitValue::decode(&bytes), Ok(expiring));
    assert_eq!(
        OffsetCommitValue::decode(&hex("0005 00")),
        Err(RecordError::UnknownVersion(5))
    );
}

fn empty_group() -> GroupMetadataValue {
    GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation_id: 1,
        protocol_name: None,
        leader: None,
        state_timestamp_ms: TIMESTAMP_MS,
        members: Vec::new(),
    }
}

fn full_group() -> GroupMetadataValue {
    GroupMetadataValue {
        protocol_name: Some("range".into()),
        leader: Some("m1".into()),
        members: vec![MemberValue {
            member_id: "m1".into(),
            group_instance_id: Some("i".into()),
            client_id: "c".into(),
            client_host: "/h".into(),
            rebalance_timeout_ms: 300,
            session_timeout_ms: 100,
            subscription: Bytes::from_static(&[1, 2]),
            assignment: Bytes::from_static(&[3]),
        }],
        ..empty_group()
    }
}

#[test]
fn group_metadata_has_kafkas_bytes() {
    let bytes = hex("00030008636f6e73756d657200000001ffffffff0000018bcfe5680000000000");
    assert_eq!(empty_group().encode(), bytes);
    assert_eq!(GroupMetadataValue::decode(&bytes), Ok(empty_group()));

    let bytes = hex(
        "0003 0008636f6e73756d6572 00000001 000572616e6765 00026d31 0000018bcfe56800 \
                     00000001 00026d31 000169 000163 00022f68 0000012c 00000064 00000002 0102 \
                     00000001 03",
    );
    assert_eq!(full_group().encode(), bytes);
    assert_eq!(GroupMetadataValue::decode(&bytes), Ok(full_group()));
}

#[test]
fn all_versions_of_group_metadata_are_read() {
    let mut expected = full_group();
    let bytes = hex(
        "0004 09636f6e73756d6572 00000001 0672616e6765 036d31 0000018bcfe56800 \
                     02 036d31 0269 0263 032f68 0000012c 00000064 03 0102 02 03 00 00",
    );
    assert_eq!(GroupMetadataValue::decode(&bytes), Ok(expected.clone()));

    expected.members[0].group_instance_id = None;
    let bytes = hex(
        "0002 0008636f6e73756d6572 00000001 000572616e6765 00026d31 0000018bcfe56800 \
                     00000001 00026d31 000163 00022f68 0000012c 00000064 00000002 0102 00000001 03",
    );
    assert_eq!(GroupMetadataValue::decode(&bytes), Ok(expected.clone()));

    expected.state_timestamp_ms = -1;
    let bytes = hex(
        "0001 0008636f6e73756d6572 00000001 000572616e6765 00026d31 \
                     00000001 00026d31 000163 00022f68 0000012c 00000064 00000002 0102 00000001 03",
    );
    assert_eq!(GroupMetadataValue::decode(&bytes), Ok(expected.clone()));

    expected.members[0].rebalance_timeout_ms = 100;
    let bytes = hex(
        "0000 0008636f6e73756d6572 00000001 000572616e6765 00026d31 \
                     00000001 00026d31 000163 00022f68 00000064 00000002 0102 00000001 03",
    );
    assert_eq!(GroupMetadataValue::decode(&bytes), Ok(expected));

    for version in ["0005", "ffff", "7fff"] {
        let error = GroupMetadataValue::decode(&hex(version)).unwrap_err();
        assert!(matches!(error, RecordError::UnknownVersion(_)), "{version}");
    }
}

#[test]
fn a_cut_anywhere_is_an_error_and_a_large_count_allocates_nothing() {
    let bytes = full_group().encode();
    for end in 0..bytes.len() {
        assert!(GroupMetadataValue::decode(&bytes[..end]).is_err(), "{end}");
    }
    let bytes = offset_commit().encode();
    for end in 0..bytes.len() {
        assert!(OffsetCommitValue::decode(&bytes[..end]).is_err(), "{end}");
    }
    let huge = hex("0003 0000 00000001 ffff ffff 0000000000000000 7fffffff");
    assert_eq!(
        GroupMetadataValue::decode(&huge),
        Err(RecordError::Truncated)
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, version in 0_u8..6) {
        let mut value = vec![0, version];
        value.extend(&bytes);
        let _ = RecordKey::decode(&value);
        if let Ok(decoded) = OffsetCommitValue::decode(&value) {
            let again = OffsetCommitValue { topic_id: TopicId::ZERO, ..decoded };
            // With an expiry the version written has no place for the epoch.
            if again.expire_timestamp_ms.is_none() || again.leader_epoch == -1 {
                proptest::prop_assert_eq!(OffsetCommitValue::decode(&again.encode()), Ok(again));
            }
        }
        if let Ok(decoded) = GroupMetadataValue::decode(&value) {
            proptest::prop_assert_eq!(GroupMetadataValue::decode(&decoded.encode()), Ok(decoded));
        }
    }
}

#[test]
fn a_group_that_cannot_be_is_refused() {
    let member = |member_id: &str, instance_id: Option<&str>| MemberValue {
        member_id: member_id.to_owned(),
        group_instance_id: instance_id.map(str::to_owned),
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 10_000,
        subscription: Bytes::new(),
        assignment: Bytes::new(),
    };
    let read = |generation_id, members| {
        let group = GroupMetadataValue {
            protocol_type: "consumer".to_owned(),
            generation_id,
            protocol_name: Some("range".to_owned()),
            leader: Some("a".to_owned()),
            state_timestamp_ms: TIMESTAMP_MS,
            members,
        };
        GroupMetadataValue::decode(&group.encode()).map(|read| read == group)
    };
    let refused = Err(RecordError::ImpossibleGroup);
    let two = vec![member("a", Some("one")), member("b", Some("two"))];
    assert_eq!(read(0, two.clone()), Ok(true));
    assert_eq!(read(-1, two), refused);
    assert_eq!(read(0, vec![member("a", None), member("a", None)]), refused);
    let same_instance = vec![member("a", Some("one")), member("b", Some("one"))];
    assert_eq!(read(0, same_instance), refused);
}
