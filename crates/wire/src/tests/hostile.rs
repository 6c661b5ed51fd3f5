//! Bytes that are no messages: cut, changed, arbitrary.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{TestMessage, assert_read, decoded, encoded};
use crate::decoder::Source;
use crate::filler::Filler;
use crate::messages::{self, for_each_api};
use crate::{DecodeError, Decoder, RequestHeader};

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
    fn memory_is_taken_for_what_has_arrived(left in 0..10_000usize, count in 1..u32::MAX, element in 1..200usize) {
        let mut decoder = Decoder::new(vec![0; left].into());
        let count = count as usize;
        let first = decoder.grow(0, count, element).unwrap();
        prop_assert!(first <= count && (first <= 4 || first * element <= left));
        // However long it goes on, all of it together stays below eight times the frame and 64 KiB.
        let mut held = first;
        while held < count && let Ok(more) = decoder.grow(held, count, element) {
            prop_assert!(0 < more && more <= held);
            held += more;
        }
        prop_assert!(held * element <= 8 * left + (64 << 10));
    }
}

#[test]
fn arrays_of_large_requests_take_twice_their_bytes_at_most() {
    let taken = |mut decoder: Decoder| {
        let mut held = 0;
        while let Ok(more) = decoder.grow(held, usize::MAX, 1) {
            held += more;
        }
        held
    };
    let frame = |bytes: usize| Bytes::from(vec![0; bytes]);
    assert_eq!(taken(Decoder::new(frame(100))), 800 + (64 << 10));
    assert_eq!(taken(Decoder::new(frame(4 << 20))), 16 << 20);
    assert_eq!(taken(Decoder::new(frame(20 << 20))), 40 << 20);
    // What a large cluster has to tell takes more than its bytes.
    let answer = Decoder::of_answer(frame(20 << 20));
    assert_eq!(taken(answer), (160 << 20) + (64 << 10));
}

#[test]
fn a_text_is_no_longer_in_compact_form() {
    use crate::messages::find_coordinator::FindCoordinatorRequest;
    let key = |bytes: usize| {
        let length = u32::try_from(bytes + 1).unwrap();
        let varint = [
            length as u8 | 0x80,
            (length >> 7) as u8 | 0x80,
            (length >> 14) as u8,
        ];
        // The key, its type, no tags.
        [&varint[..], &vec![b'k'; bytes], &[0, 0]].concat().into()
    };
    let longest = decoded::<FindCoordinatorRequest>(key(32_767), 3).unwrap();
    assert_eq!(longest.key.len(), 32_767);
    assert_eq!(
        decoded::<FindCoordinatorRequest>(key(32_768), 3),
        Err(DecodeError::Length)
    );
}
