//! Batches to send: of all sizes, codecs and kinds of producers.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use sim::Dice;

use super::promise::Producer;
use crate::batch::{self, HEADER_BYTES, Kind, Recipe};

/// How records are compressed, by Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

impl Codec {
    pub(super) fn roll(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self::Gzip,
            1 => Self::Snappy,
            2 => Self::Lz4,
            3 => Self::Zstd,
            _ => Self::None,
        }
    }

    fn compress(self, bytes: &[u8]) -> Vec<u8> {
        let compressed = match self {
            Self::None => Ok(bytes.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Self::Snappy => {
                let compressed = snap::raw::Encoder::new().compress_vec(bytes);
                compressed.map_err(std::io::Error::other)
            }
            Self::Lz4 => {
                let info = FrameInfo::new().block_mode(BlockMode::Independent);
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                let written = encoder.write_all(bytes);
                written.and_then(|()| encoder.finish().map_err(std::io::Error::other))
            }
            Self::Zstd => zstd::encode_all(bytes, 1),
        };
        compressed.expect("memory takes all that is written")
    }
}

/// A batch of some records at a time, of a producer if there is one.
pub(super) fn roll(dice: &mut Dice, timestamp_ms: i64, producer: Option<&Producer>) -> Vec<u8> {
    let bytes_max = match dice.below(12) {
        0 => 1_500,
        1..4 => 1_000,
        _ => 300,
    };
    let recipe = Recipe {
        records: 1 + dice.below(8) as u32,
        value: value(dice, bytes_max),
        timestamp_ms,
        producer: producer.map(|producer| (producer.id, producer.epoch, producer.next_sequence)),
        kind: Kind::Plain,
    };
    let codec = Codec::roll(dice);
    compressed(batch::build(&recipe), codec)
}

/// Two batches of the same form with other values.
pub(super) fn twins(dice: &mut Dice, timestamp_ms: i64, bytes: u64) -> [Vec<u8>; 2] {
    let records = 1 + dice.below(3) as u32;
    [(); 2].map(|()| {
        let value = (0..bytes).map(|_| dice.number() as u8).collect();
        batch::build(&Recipe {
            records,
            value,
            timestamp_ms,
            producer: None,
            kind: Kind::Plain,
        })
    })
}

/// Bytes of a random length, half of them random.
fn value(dice: &mut Dice, bytes_max: u64) -> Vec<u8> {
    let mut value: Vec<u8> = (0..1 + dice.below(bytes_max) / 8)
        .flat_map(|_| dice.number().to_le_bytes())
        .collect();
    let half = value.len() / 2;
    value[half..].fill(b'x');
    value
}

/// The same batch with its records compressed.
pub(super) fn compressed(mut batch: Vec<u8>, codec: Codec) -> Vec<u8> {
    let records = codec.compress(&batch[HEADER_BYTES..]);
    batch.truncate(HEADER_BYTES);
    batch.extend_from_slice(&records);
    let length = i32::try_from(batch.len() - 12).expect("a small batch");
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[22] |= codec as u8;
    batch::seal(&mut batch);
    batch
}
