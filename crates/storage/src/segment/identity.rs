//! Whether a file is the segment that was written under its name. A batch says neither which log it
//! is of nor, in what its checksum covers, at which offset it stands; so the checkpoint remembers the
//! first and the last batch of each segment.

use std::io;

use env::File;

use super::SegmentFacts;
use crate::batch::{self, BatchHeader};
use crate::format::checkpoint::SegmentEnds;

/// What stands where a batch should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// That batch; whether it is sound, reading it will tell.
    Same,
    /// A sound batch, and another one.
    Other,
    Nothing,
}

/// Whether the file can be the one that was written. One of its ends may be damaged, and the offsets,
/// which no checksum covers, may be wrong; what reads it finds that, unless compaction has left a gap
/// there.
pub(super) fn is_own(file: &dyn File, facts: &SegmentFacts) -> io::Result<bool> {
    let Some(ends) = facts.ends else {
        return Ok(true);
    };
    let last_position = facts.bytes.saturating_sub(u64::from(ends.last_bytes));
    let found = [
        find(file, 0, facts.bytes, ends.first_crc)?,
        find(file, last_position, facts.bytes, ends.last_crc)?,
    ];
    Ok(found.contains(&Found::Same) && !found.contains(&Found::Other))
}

fn find(file: &dyn File, position: u64, end: u64, crc: u32) -> io::Result<Found> {
    let mut bytes = vec![0; batch::HEADER_BYTES];
    let read = file.read_at(&mut bytes, position)?;
    let header = bytes.get(..read).and_then(BatchHeader::parse);
    let header = header.filter(|header| position + header.bytes as u64 <= end);
    let Some(header) = header else {
        return Ok(Found::Nothing);
    };
    if header.crc == crc {
        return Ok(Found::Same);
    }
    bytes.resize(header.bytes, 0);
    let read = file.read_at(&mut bytes, position)?;
    let sound = bytes.get(..read).and_then(BatchHeader::parse_sound);
    Ok(sound.map_or(Found::Nothing, |_| Found::Other))
}

impl SegmentEnds {
    /// The ends of a segment that begins with this batch.
    pub(crate) fn first(header: &BatchHeader) -> Self {
        Self {
            first_crc: header.crc,
            ..Self::default()
        }
        .with_last(header)
    }

    /// The same with this batch behind the others.
    pub(crate) fn with_last(self, header: &BatchHeader) -> Self {
        Self {
            last_crc: header.crc,
            last_bytes: u32::try_from(header.bytes).unwrap_or(u32::MAX),
            ..self
        }
    }
}
