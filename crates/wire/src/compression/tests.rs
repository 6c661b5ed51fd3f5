//! Each codec there and back, capped, and on bytes that are no such thing.

use std::io::Write;

use proptest::prelude::*;

use super::*;

const BYTES_MAX: usize = 1 << 20;

fn compressible() -> impl Strategy<Value = Vec<u8>> {
    // Runs of bytes, so that copies and literals both occur.
    prop::collection::vec((any::<u8>(), 1..3000usize), 0..60).prop_map(|runs| {
        runs.into_iter()
            .flat_map(|(byte, length)| vec![byte; length])
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_compressed_comes_back(bytes in compressible(), noise: [u8; 32]) {
        let bytes = [bytes, noise.to_vec()].concat();
        for codec in Codec::ALL {
            let compressed = compress(codec, &bytes);
            for cap in [BYTES_MAX, bytes.len()] {
                let opened = decompress(codec, &compressed, cap);
                prop_assert_eq!(opened.as_ref(), Ok(&bytes), "{}", codec);
            }
            prop_assert_eq!(
                decompress(codec, &compressed, bytes.len() - 1),
                Err(DecompressError::TooLarge),
                "{}", codec
            );
        }
    }

    #[test]
    fn arbitrary_bytes_are_opened_or_refused(bytes: Vec<u8>, cap in 0..5000usize) {
        for codec in Codec::ALL {
            if let Ok(output) = decompress(codec, &bytes, cap) {
                prop_assert!(output.len() <= cap && output.capacity() <= cap.max(bytes.len()));
            }
        }
    }

    #[test]
    fn damaged_bytes_are_opened_or_refused(
        bytes in compressible(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cap in 0..200_000usize,
    ) {
        for codec in Codec::ALL {
            let mut compressed = compress(codec, &bytes);
            for (at, byte) in &damages {
                if !compressed.is_empty() {
                    let at = at.index(compressed.len());
                    compressed[at] = *byte;
                }
            }
            if let Ok(output) = decompress(codec, &compressed, cap) {
                prop_assert!(output.len() <= cap && output.capacity() <= cap.max(compressed.len()));
            }
        }
    }

    #[test]
    fn cut_bytes_are_refused(bytes in compressible(), noise: [u8; 32], at: prop::sample::Index) {
        let bytes = [bytes, noise.to_vec()].concat();
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let compressed = compress(codec, &bytes);
            let cut = &compressed[..at.index(compressed.len())];
            match decompress(codec, cut, BYTES_MAX) {
                // A cut between two blocks of xerial framing, or before the first byte of a stream,
                // cannot be seen; the records say how many they are.
                Ok(output) => prop_assert!(
                    output.is_empty() || codec == Codec::Snappy && bytes.starts_with(&output),
                    "{}", codec
                ),
                Err(error) => prop_assert_eq!(error, DecompressError::Malformed, "{}", codec),
            }
        }
    }
}

#[test]
fn bombs_fail_at_the_cap() {
    let zeros = vec![0; 50 << 20];
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bomb = compress(codec, &zeros);
        assert_eq!(
            decompress(codec, &bomb, BYTES_MAX),
            Err(DecompressError::TooLarge),
            "{codec}"
        );
    }
}

#[test]
fn raw_snappy_is_opened_too() {
    let bytes = b"raw raw raw raw raw raw raw raw".repeat(20);
    let raw = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
    assert_eq!(
        decompress(Codec::Snappy, &raw, BYTES_MAX).as_ref(),
        Ok(&bytes)
    );
    assert_eq!(
        decompress(Codec::Snappy, &raw, 600),
        Err(DecompressError::TooLarge)
    );
}

#[test]
fn snappy_is_written_in_xerial_framing() {
    let compressed = compress(Codec::Snappy, &vec![1; 40_000]);
    assert_eq!(compressed[..16], *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    let length = u32::from_be_bytes(compressed[16..20].try_into().unwrap()) as usize;
    assert_eq!(
        snap::raw::decompress_len(&compressed[20..20 + length]),
        Ok(32 * 1024)
    );
}

#[test]
fn a_snappy_block_cannot_promise_more_than_it_can_hold() {
    // The length says 1 MiB, and five bytes follow.
    assert_eq!(
        decompress(Codec::Snappy, b"\x80\x80\x40\x00\x00\x00\x00\x00", 2 << 20),
        Err(DecompressError::Malformed)
    );
}

#[test]
fn lz4_is_written_with_independent_blocks() {
    let compressed = compress(Codec::Lz4, &vec![1; 200_000]);
    assert_eq!(compressed[..4], [0x04, 0x22, 0x4d, 0x18]);
    assert_ne!(compressed[4] & 0x20, 0, "the flag for independent blocks");
}

#[test]
fn lz4_with_linked_blocks_and_all_checksums_is_opened() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let bytes: Vec<u8> = (0..300_000u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect();
    let info = FrameInfo::new()
        .block_mode(BlockMode::Linked)
        .block_size(BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true)
        .content_size(Some(bytes.len() as u64));
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(&bytes).unwrap();
    let frame = encoder.finish().unwrap();
    assert_eq!(
        decompress(Codec::Lz4, &frame, BYTES_MAX).as_ref(),
        Ok(&bytes)
    );
    let two = [frame.as_slice(), &frame].concat();
    assert_eq!(
        decompress(Codec::Lz4, &two, BYTES_MAX),
        Err(DecompressError::Malformed)
    );
}

#[test]
fn zstd_frames_that_do_not_know_their_size_are_opened() {
    let bytes = b"some bytes of many bytes".repeat(3000);
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    for part in bytes.chunks(1000) {
        encoder.write_all(part).unwrap();
    }
    let frame = encoder.finish().unwrap();
    assert_eq!(
        decompress(Codec::Zstd, &frame, BYTES_MAX).as_ref(),
        Ok(&bytes)
    );
}

#[test]
fn a_zstd_window_beyond_the_cap_is_refused() {
    // A frame without a size, with a window of 128 MiB and one stored, empty, last block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
    assert_eq!(
        decompress(Codec::Zstd, &frame, BYTES_MAX),
        Err(DecompressError::Malformed)
    );
    assert_eq!(decompress(Codec::Zstd, &frame, 128 << 20), Ok(Vec::new()));
}

#[test]
fn codecs_have_kafkas_numbers() {
    for (bits, codec) in Codec::ALL.into_iter().enumerate() {
        assert_eq!(Codec::from_bits(bits as u8), Some(codec));
        assert_eq!(usize::from(codec.bits()), bits);
    }
    assert_eq!(Codec::from_bits(5), None);
}
