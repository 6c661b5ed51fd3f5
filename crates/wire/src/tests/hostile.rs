//! Bytes that are no messages: cut, changed, arbitrary.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{TestMessage, assert_read, decoded, encoded};
use crate::decoder::Source;
use crate::filler::Filler;
use crate::messages::{self, for_each_api};
use crate::{Decoder, RequestHeader};

/// What is cut anywhere is refused.
fn cut<M: TestMessage>(seed: u64) {
    for version in M::VERSIONS {
        let message: M = Filler::new(seed, 3).message(version);
        let bytes = encoded(&message, version);
        // All ends of what is short, some of what is long.
        for end in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
            let read = decoded::<M>(bytes.slice(..end), version);
            assert!(
                read.is_err(),
                "version {version}: {end} of {} bytes",
                bytes.len()
            );
        }
    }
}

/// What is changed is read or refused, and what is read is written in a form that reads as the same.
fn change<M: TestMessage>(seed: u64, changes: &[(Index, u8)]) {
    for version in M::VERSIONS {
        let message: M = Filler::new(seed, 3).message(version);
        let mut bytes = encoded(&message, version).to_vec();
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        }
        read_any::<M>(&bytes.into(), version);
    }
}

fn read_any<M: TestMessage>(bytes: &Bytes, version: i16) {
    if let Ok(message) = M::decode(&mut Decoder::new(bytes.clone()), version) {
        let read = decoded::<M>(encoded(&message, version), version);
        assert_read(&read, &message, version);
    }
}

fn arbitrary<M: TestMessage>(bytes: &Bytes) {
    for version in M::VERSIONS {
        read_any::<M>(bytes, version);
    }
}

macro_rules! each_message {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        fn cut_all(seed: u64) {
            $(
                cut::<messages::$module::$request>(seed);
                cut::<messages::$module::$response>(seed);
            )*
        }

        fn change_all(seed: u64, changes: &[(Index, u8)]) {
            $(
                change::<messages::$module::$request>(seed, changes);
                change::<messages::$module::$response>(seed, changes);
            )*
        }

        fn arbitrary_all(bytes: &Bytes) {
            $(
                arbitrary::<messages::$module::$request>(bytes);
                arbitrary::<messages::$module::$response>(bytes);
            )*
        }
    };
}

for_each_api!(each_message);

/// Bytes with more of those that lengths and counts are made of.
fn lengths() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0..4u8, 1 => Just(0xff), 1 => Just(0x7f), 1 => any::<u8>()];
    prop::collection::vec(byte, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_cut_message_is_refused(seed: u64) {
        cut_all(seed);
    }

    #[test]
    fn a_changed_message_is_read_or_refused(
        seed: u64,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        change_all(seed, &changes);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes: Vec<u8>, lengths in lengths()) {
        for bytes in [Bytes::from(bytes), lengths.into()] {
            arbitrary_all(&bytes);
            let _ = RequestHeader::decode(&mut Decoder::new(bytes));
        }
    }

    #[test]
    fn memory_is_taken_for_what_has_arrived(left in 0..10_000usize, count: u32, element in 1..200usize) {
        let decoder = Decoder::new(vec![0; left].into());
        let count = count as usize;
        let at_once = decoder.capacity(count, element);
        prop_assert!(at_once <= count && (at_once <= 4 || at_once * element <= left));
    }
}
