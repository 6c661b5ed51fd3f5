//! What a record holds. Its value begins with a marker that says which record it is: a reader
//! knows it without the journal, and a search finds it in the files of a data directory.

use std::fmt::Write as _;

use crate::random::Random;

/// The length of a marker, and so of the smallest value.
pub const MARKER_BYTES: usize = 10;
/// The largest value.
pub const VALUE_BYTES_MAX: u64 = 200_000;
/// The first sequence that a marker cannot name.
pub const SEQUENCE_END: u32 = 10_000_000;

/// Which record it is: the `sequence`th of a producer of the workload. (Kafka's producer ids and
/// sequences are the client's own affair.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The producer, below 100.
    pub producer: u16,
    /// Its records are numbered from 0 without gaps, over all topics and partitions.
    pub sequence: u32,
}

impl Identity {
    /// The bytes that only this record's value begins with: `02.0012345`.
    pub fn marker(self) -> [u8; MARKER_BYTES] {
        let text = format!("{:02}.{:07}", self.producer, self.sequence);
        text.as_bytes().try_into().unwrap_or([b'?'; MARKER_BYTES])
    }

    /// The record whose marker these bytes begin with, if they do.
    pub fn of(value: &[u8]) -> Option<Self> {
        let marker = std::str::from_utf8(value.get(..MARKER_BYTES)?).ok()?;
        let (producer, sequence) = marker.split_once('.')?;
        let identity = Self {
            producer: producer.parse().ok()?,
            sequence: sequence.parse().ok()?,
        };
        (identity.marker() == value[..MARKER_BYTES]).then_some(identity)
    }
}

/// Key, headers and value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The headers, in order; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The value.
    pub value: Vec<u8>,
}

impl Content {
    /// Draws the content of a record. Most are small, some are as large as 200 kB.
    pub fn draw(identity: Identity, random: &mut Random) -> Self {
        let bytes = match random.between(0, 99) {
            0..=69 => random.magnitude(MARKER_BYTES as u64, 1_000),
            70..=94 => random.magnitude(1_000, 20_000),
            _ => random.between(20_000, VALUE_BYTES_MAX),
        };
        let key = random
            .percent(80)
            .then(|| format!("key-{}", random.between(0, 999)).into_bytes());
        let header = |random: &mut Random| {
            let name = format!("header-{}", random.between(0, 3));
            let value = random
                .percent(80)
                .then(|| random.bits().to_be_bytes().to_vec());
            (name, value)
        };
        let count = random.between(0, 3);
        Self {
            key,
            headers: (0..count).map(|_| header(random)).collect(),
            value: value(identity, bytes as usize, random),
        }
    }

    /// A checksum of all of it.
    pub fn digest(&self) -> u64 {
        let headers = self.headers.iter();
        digest(
            self.key.as_deref(),
            headers.map(|(name, value)| (name.as_str(), value.as_deref())),
            Some(&self.value),
        )
    }
}

/// The marker and then hexadecimal digits: a codec makes about half of them.
fn value(identity: Identity, bytes: usize, random: &mut Random) -> Vec<u8> {
    let mut text = String::with_capacity(bytes + 16);
    text.push_str(&String::from_utf8_lossy(&identity.marker()));
    while text.len() < bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{:016x}", random.bits());
    }
    text.truncate(bytes);
    text.into_bytes()
}

/// A checksum (FNV-1a, 64 bits) of key, headers and value. What is absent differs from what is empty.
pub fn digest<'a>(
    key: Option<&[u8]>,
    headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    value: Option<&[u8]>,
) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.add_field(key);
    for (name, value) in headers {
        hash.add_field(Some(name.as_bytes()));
        hash.add_field(value);
    }
    hash.add_field(value);
    hash.0
}

struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn add_field(&mut self, field: Option<&[u8]>) {
        let length = field.map_or(u64::MAX, |bytes| bytes.len() as u64);
        self.add(&length.to_le_bytes());
        self.add(field.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        producer: 3,
        sequence: 12_345,
    };

    #[test]
    fn a_marker_names_its_record() {
        assert_eq!(&IDENTITY.marker(), b"03.0012345");
        assert_eq!(Identity::of(b"03.0012345abc"), Some(IDENTITY));
        for other in [
            &b"03.001234"[..],
            b"03:0012345",
            b"+3.0012345",
            b"3.00012345",
        ] {
            assert_eq!(Identity::of(other), None, "{other:?}");
        }
    }

    #[test]
    fn contents_are_found_by_their_markers_and_differ_by_their_digests() {
        let mut random = Random::new(1, 1);
        let mut sizes = Vec::new();
        for sequence in 0..1_000 {
            let identity = Identity {
                producer: 99,
                sequence,
            };
            let content = Content::draw(identity, &mut random);
            assert_eq!(Identity::of(&content.value), Some(identity));
            sizes.push(content.value.len());
            let mut changed = content.clone();
            *changed.value.last_mut().expect("not empty") ^= 1;
            assert_ne!(changed.digest(), content.digest());
            let mut changed = content.clone();
            changed.key = match content.key {
                Some(_) => None,
                None => Some(Vec::new()),
            };
            assert_ne!(changed.digest(), content.digest());
            let mut changed = content.clone();
            changed.headers.push((String::new(), None));
            assert_ne!(changed.digest(), content.digest());
        }
        assert_eq!(sizes.iter().min(), Some(&MARKER_BYTES));
        assert!(sizes.iter().any(|bytes| *bytes > 100_000), "{sizes:?}");
    }
}
