//! The partitions of a group member, in the form that consumers share among themselves: brokers
//! pass it on without looking. A version, an array of topics with their partitions, and bytes for
//! the assignor; later versions only add behind.

use bytes::{Buf, BufMut, Bytes, BytesMut};
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

/// The form that every reader knows, without bytes for the assignor.
const VERSION: i16 = 0;

/// Writes an assignment. The partitions of a topic follow one another.
pub(crate) fn encode(partitions: &[TopicPartition]) -> Bytes {
    let topics: Vec<&[TopicPartition]> = partitions
        .chunk_by(|one, next| one.topic == next.topic)
        .collect();
    let mut bytes = BytesMut::new();
    bytes.put_i16(VERSION);
    put_count(&mut bytes, topics.len());
    for of_topic in topics {
        put_topic(&mut bytes, &of_topic[0].topic);
        put_count(&mut bytes, of_topic.len());
        for at in of_topic {
            bytes.put_i32(at.partition);
        }
    }
    bytes.put_i32(NO_BYTES);
    bytes.freeze()
}

/// Writes the subscription of a member: the topics that it wants partitions of.
pub(crate) fn encode_subscription(topics: &[&str]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(VERSION);
    put_count(&mut bytes, topics.len());
    for topic in topics {
        put_topic(&mut bytes, topic);
    }
    bytes.put_i32(NO_BYTES);
    bytes.freeze()
}

/// The length of bytes that are null.
const NO_BYTES: i32 = -1;

fn put_count(bytes: &mut BytesMut, count: usize) {
    bytes.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
}

/// A topic's name, which has at most 249 bytes.
fn put_topic(bytes: &mut BytesMut, name: &str) {
    bytes.put_u16(u16::try_from(name.len()).unwrap_or(u16::MAX));
    bytes.put_slice(name.as_bytes());
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
    fn what_is_written_is_what_other_clients_write() {
        let partitions = decode(&Bytes::from_static(TWO_TOPICS)).unwrap();
        let written = encode(&partitions);
        assert_eq!(written[..2], [0, 0]);
        assert_eq!(written[2..], TWO_TOPICS[2..]);
        let subscription = encode_subscription(&["a", "bc"]);
        assert_eq!(
            &subscription[..],
            b"\0\0\0\0\0\x02\0\x01a\0\x02bc\xff\xff\xff\xff"
        );
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
