//! The header of a record batch (Kafka's magic 2, big-endian), as far as a log must know it.
//!
//! The engine never opens records to append them; it checks what it stores and serves by the
//! batch's own checksum.

use model::{LeaderEpoch, Offset};
use wire::batch::BatchView;

use crate::format::bytes::crc32c;
use crate::format::is_offset;

/// The length of the header in bytes.
pub(crate) const HEADER_BYTES: usize = 61;
/// How far a batch is opened to look at its records, in bytes.
pub(crate) const OPENED_BYTES_MAX: usize = 128 << 20;
/// What `length` does not count: the base offset and itself.
pub(crate) const LENGTH_OVERHEAD: usize = 12;

const CRC_FROM: usize = 21;
const LOG_APPEND_TIME: u16 = 1 << 3;
const TRANSACTIONAL: u16 = 1 << 4;
const CONTROL: u16 = 1 << 5;

/// The header fields of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub base_offset: i64,
    /// The length of the whole batch in bytes.
    pub bytes: usize,
    pub leader_epoch: i32,
    pub crc: u32,
    pub attributes: u16,
    pub last_offset_delta: i32,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
}

fn array<const N: usize>(bytes: &[u8], position: usize) -> Option<[u8; N]> {
    bytes.get(position..)?.first_chunk::<N>().copied()
}

impl BatchHeader {
    /// Reads the header at the front of the bytes; `None` if there is none of magic 2 with a
    /// possible length. The rest of the batch need not be there.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < HEADER_BYTES || bytes.get(16) != Some(&2) {
            return None;
        }
        let length = usize::try_from(i32::from_be_bytes(array(bytes, 8)?)).ok()?;
        let header = Self {
            base_offset: i64::from_be_bytes(array(bytes, 0)?),
            bytes: length.checked_add(LENGTH_OVERHEAD)?,
            leader_epoch: i32::from_be_bytes(array(bytes, 12)?),
            crc: u32::from_be_bytes(array(bytes, 17)?),
            attributes: u16::from_be_bytes(array(bytes, 21)?),
            last_offset_delta: i32::from_be_bytes(array(bytes, 23)?),
            max_timestamp: i64::from_be_bytes(array(bytes, 35)?),
            producer_id: i64::from_be_bytes(array(bytes, 43)?),
            producer_epoch: i16::from_be_bytes(array(bytes, 51)?),
            base_sequence: i32::from_be_bytes(array(bytes, 53)?),
        };
        let possible = header.bytes >= HEADER_BYTES
            && header.last_offset_delta >= 0
            && header.base_offset >= 0
            && header
                .base_offset
                .checked_add(i64::from(header.last_offset_delta))
                .is_some_and(is_offset);
        possible.then_some(header)
    }

    /// The header of a batch that is there as a whole and has the right checksum.
    pub(crate) fn parse_sound(bytes: &[u8]) -> Option<Self> {
        let header = Self::parse(bytes)?;
        let batch = bytes.get(..header.bytes)?;
        (crc32c(batch.get(CRC_FROM..)?) == header.crc).then_some(header)
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// How the records are compressed, by Kafka's numbers.
    pub(crate) fn codec(&self) -> u8 {
        (self.attributes & 7) as u8
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(crate) fn has_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// The sequence number of the last record, as they wrap after 2^31 - 1.
    pub(crate) fn last_sequence(&self) -> i32 {
        add_sequence(self.base_sequence, self.last_offset_delta)
    }
}

/// Adds to a sequence number, which goes on at 0 after 2^31 - 1.
pub(crate) fn add_sequence(sequence: i32, count: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(count);
    // The remainder of a division by 2^31 fits.
    i32::try_from(sum.rem_euclid(1 << 31)).unwrap_or(0)
}

/// The end of a transaction, as a control batch says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub is_commit: bool,
    /// Which coordinator wrote it; -1 if it does not say.
    pub coordinator_epoch: i32,
}

/// What a batch with this header says, if it is a marker that ends a transaction.
pub(crate) fn transaction_marker(header: &BatchHeader, batch: &[u8]) -> Option<Marker> {
    if !header.is_control() {
        return None;
    }
    let record = BatchView::parse(batch).ok()?.0.records().next()?.ok()?;
    let is_commit = match i16::from_be_bytes(array(record.key?, 2)?) {
        0 => false,
        1 => true,
        _ => return None,
    };
    // A version in front, as with the key.
    let epoch = record.value.and_then(|value| array(value, 2));
    Some(Marker {
        is_commit,
        coordinator_epoch: epoch.map_or(-1, i32::from_be_bytes),
    })
}

/// Writes what the broker decides into a batch: its base offset, the leader epoch and, if the log
/// keeps the broker's time, that time with a new checksum.
pub(crate) fn stamp(
    batch: &mut [u8],
    base_offset: i64,
    leader_epoch: i32,
    log_append_time_ms: Option<i64>,
) {
    wire::batch::stamp(batch, Offset(base_offset), LeaderEpoch(leader_epoch));
    if let Some(now_ms) = log_append_time_ms {
        wire::batch::stamp_log_append_time(batch, now_ms);
    }
}
