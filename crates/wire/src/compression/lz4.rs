//! lz4 in its frame format, as Kafka uses it since record format 1.

use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::DecompressError;

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
/// Bits of the frame's flags.
const BLOCK_CHECKSUMS: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const CONTENT_CHECKSUM: u8 = 1 << 2;
const DICTIONARY_ID: u8 = 1;
/// The bit of a block's size that says it is stored as it is.
const STORED: u32 = 1 << 31;

/// A decoder of exactly one whole frame. It takes two blocks of memory, 8 MiB at most.
///
/// The frame is walked first: the library takes one that stops between two blocks for complete, and
/// goes on to a second frame, which Kafka does not have.
pub(super) fn decoder(bytes: &[u8]) -> Result<FrameDecoder<&[u8]>, DecompressError> {
    match walk(bytes) {
        Some([]) => Ok(FrameDecoder::new(bytes)),
        _ => Err(DecompressError::Malformed),
    }
}

/// What is left after the first frame; `None` if it is not whole.
fn walk(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (&[flags, _block_size], rest) = rest.split_first_chunk()?;
    let has = |flag: u8, bytes: usize| if flags & flag == 0 { 0 } else { bytes };
    let header_checksum = 1;
    let mut rest = rest.get(has(CONTENT_SIZE, 8) + has(DICTIONARY_ID, 4) + header_checksum..)?;
    loop {
        let (&size, after) = rest.split_first_chunk()?;
        let size = u32::from_le_bytes(size);
        if size == 0 {
            return after.get(has(CONTENT_CHECKSUM, 4)..);
        }
        let size = usize::try_from(size & !STORED).ok()?;
        rest = after.get(size..)?.get(has(BLOCK_CHECKSUMS, 4)..)?;
    }
}

/// Writes one frame. Its blocks are independent, because Java refuses others.
pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let info = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
