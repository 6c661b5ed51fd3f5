//! What consumers say to each other through a classic group: the protocol type `consumer`.
//!
//! The members of a classic group bring bytes that the broker hands to the leader, and the leader
//! gives bytes back for each. Under this protocol type the broker knows what they mean: it must know
//! which topics a group reads, and it speaks for the leader to members of a consumer group that are
//! still on the classic protocol.
//!
//! Both messages are a version (i16, 0 to 3) and fields in the non-flexible encoding. The order of the
//! fields is the same in every version, and a version above 3 is read as 3.
//!
//! - Subscription: topics, user data; v1 adds the owned partitions, v2 the generation, v3 the rack.
//! - Assignment: partitions by topic name, user data.

use bytes::Bytes;
use coordination::{Reader, Writer};

use crate::partitions::Partitions;
use crate::records::RecordError;
use crate::topics::Topics;

/// The protocol type of consumers.
pub(crate) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// What a consumer tells the leader of its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription<'a> {
    /// The topics it subscribes to.
    pub(crate) topics: Vec<&'a str>,
    /// The partitions it has not given up; none in version 0 and from a consumer that gives up all
    /// before it joins.
    pub(crate) owned: Vec<(&'a str, i32)>,
    /// Its rack.
    pub(crate) rack_id: Option<&'a str>,
}

/// What a leader tells a consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assignment<'a> {
    /// What to read.
    pub(crate) partitions: Vec<(&'a str, i32)>,
    /// Whether there is more, which only the assignor of the leader understands.
    pub(crate) has_user_data: bool,
}

/// The topics of a consumer's subscription; `None` if the bytes are no subscription. A member is
/// never refused for that: its topics are merely unknown.
pub(crate) fn subscribed_topics(metadata: &[u8]) -> Option<Vec<&str>> {
    let mut reader = Reader::new(metadata);
    read_version(&mut reader).ok()?;
    read_topics(&mut reader).ok()
}

impl<'a> Subscription<'a> {
    /// Reads a subscription; `None` if the bytes are none.
    pub(crate) fn decode(metadata: &'a [u8]) -> Option<Self> {
        Self::read(metadata).ok()
    }

    /// The topics as a member of a consumer group has them.
    pub(crate) fn sorted_topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.topics.iter().map(|name| (*name).to_owned()).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    fn read(metadata: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(metadata);
        let version = read_version(&mut reader)?;
        let topics = read_topics(&mut reader)?;
        let _user_data = reader.nullable_bytes()?;
        let mut subscription = Self {
            topics,
            ..Self::default()
        };
        if version >= 1 {
            subscription.owned = read_partitions(&mut reader)?;
        }
        if version >= 2 {
            let _generation = reader.i32()?;
        }
        if version >= 3 {
            subscription.rack_id = reader.nullable_text()?;
        }
        Ok(subscription)
    }
}

impl<'a> Assignment<'a> {
    /// Reads an assignment; `None` if the bytes are none. A member that was given no bytes has been
    /// assigned nothing.
    pub(crate) fn decode(assignment: &'a [u8]) -> Option<Self> {
        if assignment.is_empty() {
            return Some(Self::default());
        }
        Self::read(assignment).ok()
    }

    fn read(assignment: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(assignment);
        read_version(&mut reader)?;
        let partitions = read_partitions(&mut reader)?;
        let user_data = reader.nullable_bytes()?;
        Ok(Self {
            partitions,
            has_user_data: user_data.is_some_and(|user_data| !user_data.is_empty()),
        })
    }
}

/// Writes an assignment for a member with this subscription, in the version that the member speaks.
/// Topics that are gone are left out.
pub(crate) fn encode_assignment(
    subscription: &[u8],
    partitions: &Partitions,
    topics: &dyn Topics,
) -> Bytes {
    let version = read_version(&mut Reader::new(subscription)).unwrap_or(0);
    let named: Vec<_> = partitions
        .topics()
        .filter_map(|(topic, indexes)| Some((topics.name(topic)?, indexes)))
        .collect();
    let mut writer = Writer::default();
    writer.i16(version);
    writer.count(named.len());
    for (name, indexes) in named {
        writer.text(name);
        writer.count(indexes.len());
        for index in indexes {
            writer.i32(*index);
        }
    }
    writer.null_bytes();
    writer.finish()
}

/// Partitions by the ids of their topics, as far as these exist.
pub(crate) fn by_id(partitions: &[(&str, i32)], topics: &dyn Topics) -> Partitions {
    let found = partitions
        .iter()
        .filter_map(|(name, index)| Some((topics.by_name(name)?.id, *index)));
    found.collect()
}

fn read_version(reader: &mut Reader<'_>) -> Result<i16, RecordError> {
    match reader.i16()? {
        ..0 => Err(RecordError::BadLength),
        version => Ok(version.min(3)),
    }
}

fn read_topics<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>, RecordError> {
    let mut topics = Vec::new();
    for _ in 0..reader.count()? {
        topics.push(reader.text()?);
    }
    Ok(topics)
}

fn read_partitions<'a>(reader: &mut Reader<'a>) -> Result<Vec<(&'a str, i32)>, RecordError> {
    let mut partitions = Vec::new();
    for _ in 0..reader.count()? {
        let topic = reader.text()?;
        for _ in 0..reader.count()? {
            partitions.push((topic, reader.i32()?));
        }
    }
    Ok(partitions)
}

#[cfg(test)]
mod tests {
    use model::TopicId;

    use super::*;
    use crate::tests::FakeTopics;

    const TOPICS: [u8; 11] = [0, 0, 0, 2, 0, 1, b'a', 0, 2, b'b', b'c'];
    const NO_USER_DATA: [u8; 4] = [0xff; 4];
    const A_7: [u8; 15] = [0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 7];

    #[test]
    fn topics_are_read_whatever_the_version_and_what_follows() {
        for version in [0_u8, 1, 3, 9] {
            let mut metadata = vec![0, version];
            metadata.extend(TOPICS);
            metadata.extend([1, 2, 3]);
            assert_eq!(subscribed_topics(&metadata), Some(vec!["a", "bc"]));
        }
    }

    #[test]
    fn other_bytes_are_no_subscription() {
        for metadata in [
            &[][..],
            &[0],
            &[0xff, 0xff, 0, 0, 0, 0],
            &[0, 0, 0xff, 0xff, 0xff, 0xff],
            &[0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, b'a'],
            &[0, 0, 0, 0, 0, 1, 0, 1, 0xff],
        ] {
            assert_eq!(subscribed_topics(metadata), None, "{metadata:?}");
            assert_eq!(Subscription::decode(metadata), None, "{metadata:?}");
        }
    }

    #[test]
    fn each_version_of_a_subscription_adds_a_field() {
        let subscription = |version: u8, rest: &[&[u8]]| {
            let mut metadata = vec![0, version];
            metadata.extend(TOPICS);
            metadata.extend(NO_USER_DATA);
            metadata.extend(rest.concat());
            metadata
        };
        let mut expected = Subscription {
            topics: vec!["a", "bc"],
            ..Subscription::default()
        };
        let v0 = subscription(0, &[]);
        assert_eq!(Subscription::decode(&v0), Some(expected.clone()));
        expected.owned = vec![("a", 7)];
        let v1 = subscription(1, &[&A_7]);
        assert_eq!(Subscription::decode(&v1), Some(expected.clone()));
        let v2 = subscription(2, &[&A_7, &[0, 0, 0, 5]]);
        assert_eq!(Subscription::decode(&v2), Some(expected.clone()));
        expected.rack_id = Some("r");
        let v3 = subscription(3, &[&A_7, &[0, 0, 0, 5], &[0, 1, b'r']]);
        assert_eq!(Subscription::decode(&v3), Some(expected.clone()));
        let later = subscription(8, &[&A_7, &[0, 0, 0, 5], &[0, 1, b'r'], b"more"]);
        assert_eq!(Subscription::decode(&later), Some(expected));
        for end in 0..v3.len() {
            assert_eq!(Subscription::decode(&v3[..end]), None, "{end}");
        }
    }

    #[test]
    fn assignments_are_written_in_the_version_of_the_member_and_read_back() {
        let mut topics = FakeTopics::default();
        let a = topics.create("a", 8);
        let partitions: Partitions = [(a, 7), (TopicId([9; 16]), 1)].into_iter().collect();
        let mut expected = vec![0, 1];
        expected.extend(A_7);
        expected.extend(NO_USER_DATA);
        let written = encode_assignment(&[0, 1], &partitions, &topics);
        assert_eq!(written, expected);
        let read = Assignment {
            partitions: vec![("a", 7)],
            has_user_data: false,
        };
        assert_eq!(Assignment::decode(&written), Some(read.clone()));
        let found = by_id(&[("a", 7), ("gone", 1)], &topics);
        assert_eq!(found, [(a, 7)].into_iter().collect());

        expected.truncate(expected.len() - NO_USER_DATA.len());
        expected.extend([0, 0, 0, 1, 0xee]);
        let with_user_data = Assignment {
            has_user_data: true,
            ..read
        };
        assert_eq!(Assignment::decode(&expected), Some(with_user_data));
        assert_eq!(Assignment::decode(&[]), Some(Assignment::default()));
        for end in 1..expected.len() {
            assert_eq!(Assignment::decode(&expected[..end]), None, "{end}");
        }
    }
}
