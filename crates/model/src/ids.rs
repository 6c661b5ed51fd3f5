//! Identities that are numbers: topics, logs, producers.

use std::fmt;
use std::str::FromStr;

/// The identity of a topic (KIP-516): 16 random bytes, made when the topic is created and never
/// used again. A topic deleted and made anew under the same name has another one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// "No id", as the protocol writes it.
    pub const ZERO: Self = Self([0; 16]);

    /// Makes an id of 16 random bytes, marked as a version 4 UUID.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Whether this is [`TopicId::ZERO`].
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The form that Kafka's tools print: 22 characters of URL-safe base64 without padding.
impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.0.chunks(3) {
            let word = group
                .iter()
                .fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
                << (8 * (3 - group.len()));
            for position in 0..=group.len() {
                let index = (word >> (18 - 6 * position)) & 0x3f;
                fmt::Write::write_char(f, char::from(BASE64_URL[index as usize]))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 22 characters of URL-safe base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTopicIdError;

impl fmt::Display for ParseTopicIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a topic id is 22 characters of URL-safe base64")
    }
}

impl std::error::Error for ParseTopicIdError {}

impl FromStr for TopicId {
    type Err = ParseTopicIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 22 {
            return Err(ParseTopicIdError);
        }
        let mut value: u128 = 0;
        for (position, character) in text.bytes().enumerate() {
            let digit = BASE64_URL
                .iter()
                .position(|candidate| *candidate == character)
                .ok_or(ParseTopicIdError)? as u128;
            if position < 21 {
                value = (value << 6) | digit;
            } else if digit & 0x0f != 0 {
                return Err(ParseTopicIdError);
            } else {
                value = (value << 2) | (digit >> 4);
            }
        }
        Ok(Self(value.to_be_bytes()))
    }
}

/// The identity of a log in the storage engine; given out in ascending order and never used again.
/// Log 0 is the broker's metadata log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub u32);

impl LogId {
    /// The log that holds the broker's own metadata.
    pub const METADATA: Self = Self(0);
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0)
    }
}

/// The identity of an idempotent producer; -1 means "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProducerId(pub i64);

impl ProducerId {
    /// "Not an idempotent producer", as record batches write it.
    pub const NONE: Self = Self(-1);
}

/// How often a producer id has been taken over by a newer instance; -1 means "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProducerEpoch(pub i16);

impl ProducerEpoch {
    /// "Not an idempotent producer", as record batches write it.
    pub const NONE: Self = Self(-1);
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for ProducerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_id_prints_as_kafka_prints_it_and_parses_back() {
        let id = TopicId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(id.to_string(), "AAECAwQFBgcICQoLDA0ODw");
        assert_eq!("AAECAwQFBgcICQoLDA0ODw".parse(), Ok(id));
        assert_eq!(
            TopicId([255; 16]).to_string().parse(),
            Ok(TopicId([255; 16]))
        );
        assert_eq!(
            "AAECAwQFBgcICQoLDA0ODx".parse::<TopicId>(),
            Err(ParseTopicIdError)
        );
        assert_eq!("short".parse::<TopicId>(), Err(ParseTopicIdError));
    }
}
