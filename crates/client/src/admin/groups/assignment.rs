//! The partitions of a group member, in the form that consumers share among themselves: brokers
//! pass it on without looking. A version, an array of topics with their partitions, and bytes for
//! the assignor; later versions only add behind.

use bytes::{Buf, Bytes};
use model::TopicName;

use crate::offsets::TopicPartition;

/// Reads an assignment; `None` if the bytes are none. A member that waits for its first one has no
/// bytes at all.
pub(crate) fn decode(bytes: &Bytes) -> Option<Vec<TopicPartition>> {
    let mut partitions = Vec::new();
    if bytes.is_empty() {
        return Some(partitions);
    }
    let mut rest = bytes.clone();
    let _version = rest.try_get_i16().ok()?;
    for _ in 0..rest.try_get_i32().ok()? {
        let length = usize::try_from(rest.try_get_i16().ok()?).ok()?;
        if length > rest.remaining() {
            return None;
        }
        let topic = rest.split_to(length);
        // A name is kept for each of its partitions, so it must not be longer than names are.
        let topic = TopicName::new(std::str::from_utf8(&topic).ok()?).ok()?;
        for _ in 0..rest.try_get_i32().ok()? {
            partitions.push(TopicPartition::new(
                topic.as_str(),
                rest.try_get_i32().ok()?,
            ));
        }
    }
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_TOPICS: &[u8] = b"\0\x01\0\0\0\x02\
        \0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x07\
        \0\x02bc\0\0\0\x01\0\0\0\x01\
        \xff\xff\xff\xff";

    #[test]
    fn topics_and_their_partitions_are_read() {
        let expected = vec![
            TopicPartition::new("a", 0),
            TopicPartition::new("a", 7),
            TopicPartition::new("bc", 1),
        ];
        assert_eq!(decode(&Bytes::from_static(TWO_TOPICS)), Some(expected));
        assert_eq!(decode(&Bytes::new()), Some(Vec::new()));
    }

    #[test]
    fn bytes_that_end_early_or_promise_too_much_are_no_assignment() {
        // All but the assignor's own bytes, which are not looked at.
        for length in 1..TWO_TOPICS.len() - 4 {
            assert_eq!(
                decode(&Bytes::from_static(&TWO_TOPICS[..length])),
                None,
                "{length}"
            );
        }
        assert_eq!(
            decode(&Bytes::from_static(b"\0\0\x7f\xff\xff\xff\0\0")),
            None
        );
        assert_eq!(decode(&Bytes::from_static(b"\0\0\0\0\0\x01\xff\xff")), None);
    }

    #[test]
    fn a_name_that_no_topic_has_is_not_kept_for_each_of_its_partitions() {
        let named = |name: &[u8]| {
            let length = u16::try_from(name.len()).unwrap().to_be_bytes();
            let assignment = [
                b"\0\0\0\0\0\x01",
                &length[..],
                name,
                &[0, 0, 0, 1, 0, 0, 0, 7],
            ];
            decode(&Bytes::from(assignment.concat()))
        };
        let longest = vec![b'a'; 249];
        assert_eq!(named(&longest).map(|partitions| partitions.len()), Some(1));
        assert_eq!(named(&vec![b'a'; 250]), None);
        assert_eq!(named(b"a/b"), None);
    }
}
