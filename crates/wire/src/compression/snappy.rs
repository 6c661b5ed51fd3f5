//! Snappy: blocks in the framing of the xerial library, as Java writes them, or one raw block, as
//! some other clients do.

use std::io;

use super::DecompressError;

/// How the xerial framing begins; the numbers of its version and of the oldest reader follow.
const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// Size of the blocks that are written, in bytes before compression.
const BLOCK_BYTES: usize = 32 * 1024;
/// A block cannot hold more than this many times its own bytes: the densest element is a copy of 64
/// bytes in 3.
const RATIO_MAX: usize = 22;

pub(super) fn decompress(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, DecompressError> {
    let mut output = Vec::new();
    let Some(framed) = bytes.strip_prefix(&MAGIC) else {
        block(bytes, bytes_max, &mut output)?;
        return Ok(output);
    };
    let mut rest = framed
        .get(VERSIONS.len()..)
        .ok_or(DecompressError::Malformed)?;
    while !rest.is_empty() {
        let (&length, after) = rest.split_first_chunk().ok_or(DecompressError::Malformed)?;
        let length = usize::try_from(i32::from_be_bytes(length));
        let length = length.map_err(|_| DecompressError::Malformed)?;
        let (compressed, after) = after
            .split_at_checked(length)
            .ok_or(DecompressError::Malformed)?;
        block(compressed, bytes_max, &mut output)?;
        rest = after;
    }
    Ok(output)
}

/// Opens one block behind what has been put out so far.
fn block(bytes: &[u8], bytes_max: usize, output: &mut Vec<u8>) -> Result<(), DecompressError> {
    let malformed = |_| DecompressError::Malformed;
    let length = snap::raw::decompress_len(bytes).map_err(malformed)?;
    if length > bytes.len().saturating_mul(RATIO_MAX) {
        return Err(DecompressError::Malformed);
    }
    let start = output.len();
    let end = start.saturating_add(length);
    if end > bytes_max {
        return Err(DecompressError::TooLarge);
    }
    if end > output.capacity() {
        // Many blocks follow one another: grow by doubling, but never past the cap.
        let capacity = start.saturating_mul(2).clamp(end, bytes_max);
        output.reserve_exact(capacity - start);
    }
    output.resize(end, 0);
    let written = snap::raw::Decoder::new().decompress(bytes, &mut output[start..]);
    match written.map_err(malformed)? {
        written if written == length => Ok(()),
        _ => Err(DecompressError::Malformed),
    }
}

pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut output = [MAGIC, VERSIONS].concat();
    let mut encoder = snap::raw::Encoder::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let compressed = encoder.compress_vec(block)?;
        let length = i32::try_from(compressed.len()).map_err(io::Error::other)?;
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(&compressed);
    }
    Ok(output)
}
