//! The five codecs, with bombs among what they open.
//!
//! The input is the codec's number and then the compressed bytes.

use wire::compression::{Codec, compress, decompress};

use crate::{MemoryLimits, Target};

pub(super) const TARGET: Target = Target {
    seeds,
    memory_limits: opened_limits,
    ..Target::new("compression", "the five codecs", run)
};

/// The cap on what is opened.
pub(super) const OPENED_BYTES_MAX: usize = 1 << 20;

/// What a decoder holds for itself, whatever the cap: two of lz4's largest blocks.
const DECODER_BYTES_MAX: usize = 2 * (4 << 20) + (128 << 10);

/// The cap, and what the decoder holds.
pub(super) fn opened_limits(received_bytes: usize) -> MemoryLimits {
    let opened_bytes = OPENED_BYTES_MAX + DECODER_BYTES_MAX;
    MemoryLimits {
        at_once_bytes: opened_bytes,
        held_bytes: 2 * opened_bytes + 8 * received_bytes,
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let repetitive = b"hear, hear! ".repeat(40);
    let varied: Vec<u8> = (0..600u32).map(|n| ((n * n) >> 5) as u8).collect();
    let bomb = vec![0; 3 * OPENED_BYTES_MAX / 2];
    let mut seeds = Vec::new();
    for codec in Codec::ALL.into_iter().skip(1) {
        for content in [&repetitive, &varied, &bomb, &Vec::new()] {
            seeds.push([&[codec.bits()], &compress(codec, content)[..]].concat());
        }
    }
    seeds
}

fn run(input: &[u8]) {
    let Some((&number, compressed)) = input.split_first() else {
        return;
    };
    let Some(codec) = Codec::from_bits(number % 8) else {
        return;
    };
    let Ok(opened) = decompress(codec, compressed, OPENED_BYTES_MAX) else {
        return;
    };
    if codec != Codec::None {
        assert!(opened.len() <= OPENED_BYTES_MAX, "the cap holds");
    }
    // Not of what is large: compressing takes longer than what is tried here.
    if opened.len() <= 4096 {
        let again = decompress(codec, &compress(codec, &opened), opened.len());
        assert_eq!(again, Ok(opened), "what was compressed comes back");
    }
}
