//! The five codecs, with bombs among what they open.
//!
//! The input is the codec's number and then the compressed bytes.

use wire::compression::{Codec, compress, decompress};

use crate::Target;

pub(super) const TARGET: Target = Target {
    seeds,
    allocation_bytes_max: opened_bytes_max,
    ..Target::new("compression", "the five codecs", run)
};

/// The cap on what is opened.
pub(super) const OPENED_BYTES_MAX: usize = 1 << 20;

/// What a decoder holds for itself, whatever the cap: two of lz4's largest blocks.
const DECODER_BYTES_MAX: usize = 2 * (4 << 20) + (128 << 10);

pub(super) fn opened_bytes_max(received_bytes: usize) -> usize {
    (OPENED_BYTES_MAX + DECODER_BYTES_MAX).max(crate::twice_received(received_bytes))
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
