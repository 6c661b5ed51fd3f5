//! The codecs that record batches may be compressed with.
//!
//! A broker passes batches through as they are; it opens them only to look for a record inside or
//! to change the codec. What is opened comes from clients: output has a cap, and memory is taken as
//! output arrives, so a bomb fails without the memory it asks for.

mod lz4;
mod snappy;

use std::fmt;
use std::io::{self, Read, Write};

/// How the records of a batch are compressed; bits 0 to 2 of its attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Codec {
    /// Not at all.
    #[default]
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Snappy, in the framing of the xerial library or raw.
    Snappy = 2,
    /// lz4 frames.
    Lz4 = 3,
    /// zstd (KIP-110).
    Zstd = 4,
}

impl Codec {
    /// Every codec, in ascending order of its number.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this number; `None` for a number that is not in use.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The number in the attributes of a batch.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// The name in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why compressed bytes cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecompressError {
    /// They are not what the codec writes.
    Malformed,
    /// They hold more than the cap allows.
    TooLarge,
}

impl fmt::Display for DecompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the compressed bytes are malformed",
            Self::TooLarge => "the compressed bytes hold more than is allowed",
        })
    }
}

impl std::error::Error for DecompressError {}

/// zstd window that is always allowed, as a power of two: 8 MiB, which every decoder must take
/// (RFC 8878, 3.1.1.1.2) and which only the highest levels exceed.
const ZSTD_WINDOW_LOG_MIN: u32 = 23;
/// Largest zstd window that the format allows without extensions of the decoder.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Opens compressed bytes that hold at most `bytes_max`.
pub fn decompress(
    codec: Codec,
    bytes: &[u8],
    bytes_max: usize,
) -> Result<Vec<u8>, DecompressError> {
    match codec {
        Codec::None if bytes.len() > bytes_max => Err(DecompressError::TooLarge),
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => read_capped(flate2::bufread::MultiGzDecoder::new(bytes), bytes_max),
        Codec::Snappy => snappy::decompress(bytes, bytes_max),
        Codec::Lz4 => read_capped(lz4::decoder(bytes)?, bytes_max),
        Codec::Zstd => {
            let malformed = |_| DecompressError::Malformed;
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(malformed)?;
            // The window is memory that is taken by the frame's word alone.
            let window = bytes_max.checked_ilog2().unwrap_or(0);
            let window = window.clamp(ZSTD_WINDOW_LOG_MIN, ZSTD_WINDOW_LOG_MAX);
            decoder.window_log_max(window).map_err(malformed)?;
            read_capped(decoder, bytes_max)
        }
    }
}

/// Compresses bytes so that every client can open them, with the codec's usual level.
pub fn compress(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    compress_at(codec, None, bytes)
}

/// Compresses bytes so that every client can open them. `level` is one of gzip (1 to 9) or of zstd
/// (-131072 to 22); `None` is the usual one, and the other codecs have no other.
pub fn compress_at(codec: Codec, level: Option<i32>, bytes: &[u8]) -> Vec<u8> {
    let compressed = match codec {
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => {
            let level = level.and_then(|level| u32::try_from(level).ok());
            let level = level.map_or_else(flate2::Compression::default, |level| {
                flate2::Compression::new(level.min(9))
            });
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).and_then(|()| encoder.finish())
        }
        Codec::Snappy => snappy::compress(bytes),
        Codec::Lz4 => lz4::compress(bytes),
        Codec::Zstd => {
            let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
            zstd::bulk::compress(bytes, level)
        }
    };
    compressed.expect("compressing from memory to memory has nothing that can fail")
}

/// Output for which memory is taken before any has arrived, in bytes.
const OUTPUT_BYTES_MIN: usize = 4096;

/// Reads to the end, but no more than `bytes_max`; the memory for the result never exceeds that.
fn read_capped(mut from: impl Read, bytes_max: usize) -> Result<Vec<u8>, DecompressError> {
    let mut output = Vec::new();
    loop {
        let start = output.len();
        let wanted = start
            .saturating_mul(2)
            .clamp(OUTPUT_BYTES_MIN, bytes_max.max(OUTPUT_BYTES_MIN));
        let end = wanted.min(bytes_max);
        if end == start {
            // The cap is reached: what is left may only be the end.
            return match read_some(&mut from, &mut [0])? {
                0 => Ok(output),
                _ => Err(DecompressError::TooLarge),
            };
        }
        output.reserve_exact(end - start);
        output.resize(end, 0);
        let mut filled = start;
        while filled < end {
            match read_some(&mut from, &mut output[filled..])? {
                0 => {
                    output.truncate(filled);
                    return Ok(output);
                }
                count => filled += count,
            }
        }
    }
}

fn read_some(from: &mut impl Read, into: &mut [u8]) -> Result<usize, DecompressError> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map_err(|_| DecompressError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests;
