//! The one thing a broker reads in what members say to each other: the topics a consumer wants.
//!
//! The metadata of the `consumer` protocol type is a version (i16) followed, in every version, by
//! the topic names. What comes after them (user data, owned partitions, generation, rack) is for
//! the leader only.

use crate::records::Reader;

/// The topics of a consumer's subscription; `None` if the bytes are no subscription. A member is
/// never refused for that: its topics are merely unknown.
pub(crate) fn subscribed_topics(metadata: &[u8]) -> Option<Vec<&str>> {
    let mut reader = Reader::new(metadata);
    if reader.i16().ok()? < 0 {
        return None;
    }
    let count = reader.i32().ok()?;
    if count < 0 {
        return None;
    }
    let mut topics = Vec::new();
    for _ in 0..count {
        topics.push(reader.text().ok()?);
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_whatever_the_version_and_what_follows() {
        let body = [0, 0, 0, 2, 0, 1, b'a', 0, 2, b'b', b'c'];
        for version in [0_u8, 1, 3, 9] {
            let mut metadata = vec![0, version];
            metadata.extend(body);
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
        }
    }
}
