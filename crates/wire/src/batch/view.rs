//! Looking at a batch without copying it, and setting what the broker sets.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use model::{LeaderEpoch, Offset, TimestampMs};

use super::header::{
    ATTRIBUTES_AT, CHECKED_FROM, CRC_AT, LEADER_EPOCH_AT, LENGTH_END, MAX_TIMESTAMP_AT,
};
use super::{Attributes, BatchHeader, HEADER_BYTES, MAGIC, Records};
use crate::compression::{Codec, DecompressError, decompress};

/// Why bytes do not begin with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// There are fewer bytes than the batch has: more may follow, or the end was cut off.
    Truncated,
    /// The length field is smaller than a header.
    Length(i32),
    /// The format is not 2.
    Magic(i8),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the batch is cut short"),
            Self::Length(length) => write!(f, "{length} cannot be the length of a batch"),
            Self::Magic(magic) => write!(f, "magic {magic} is not served"),
        }
    }
}

impl std::error::Error for BatchError {}

/// A batch in borrowed bytes: there is exactly as much of it as its header says, and its magic is 2.
/// Nothing else is checked; the numbers of the header are fields of this by [`Deref`].
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

impl Deref for BatchView<'_> {
    type Target = BatchHeader;

    fn deref(&self) -> &BatchHeader {
        &self.header
    }
}

impl<'a> BatchView<'a> {
    /// Takes the first batch off the bytes, and answers what follows it.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BatchError> {
        // The magic of older formats stands at the same place, but they may be shorter.
        if let Some(&magic) = bytes.get(LENGTH_END + 4)
            && magic.cast_signed() != MAGIC
        {
            return Err(BatchError::Magic(magic.cast_signed()));
        }
        let header = bytes
            .first_chunk::<HEADER_BYTES>()
            .ok_or(BatchError::Truncated)?;
        let header = BatchHeader::from_bytes(header);
        let size = usize::try_from(header.length)
            .ok()
            .map(|length| length + LENGTH_END);
        let size = size.filter(|size| *size >= HEADER_BYTES);
        let size = size.ok_or(BatchError::Length(header.length))?;
        let (bytes, rest) = bytes.split_at_checked(size).ok_or(BatchError::Truncated)?;
        Ok((Self { header, bytes }, rest))
    }

    /// The header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// All bytes of the batch.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes the batch takes, its header included.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The records as they stand there, compressed or not.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Whether the checksum agrees with the bytes.
    pub fn crc_is_valid(&self) -> bool {
        checksum(self.bytes) == self.header.crc
    }

    /// The records, one by one, out of a batch that is not compressed. For one that is, the bytes
    /// of [`BatchView::decompressed`] go into [`Records::new`].
    pub fn records(&self) -> Records<'a> {
        match self.attributes.codec() {
            Some(Codec::None) => Records::new(self.payload(), self.record_count),
            _ => Records::compressed(),
        }
    }

    /// The records in uncompressed form, at most `bytes_max` of them if they have to be opened.
    pub fn decompressed(&self, bytes_max: usize) -> Result<Cow<'a, [u8]>, DecompressError> {
        match self.attributes.codec().ok_or(DecompressError::Malformed)? {
            Codec::None => Ok(Cow::Borrowed(self.payload())),
            codec => decompress(codec, self.payload(), bytes_max).map(Cow::Owned),
        }
    }
}

/// The batches that follow one another in some bytes; ends at the first error, and at the end.
#[derive(Clone, Debug)]
pub struct Batches<'a>(&'a [u8]);

impl<'a> Batches<'a> {
    /// The batches in these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let parsed = BatchView::parse(self.0);
        self.0 = parsed.as_ref().map_or(&[], |(_, rest)| rest);
        Some(parsed.map(|(batch, _)| batch))
    }
}

/// The checksum of a batch: CRC-32C from the attributes on.
pub(super) fn checksum(batch: &[u8]) -> u32 {
    let checked = batch.get(CHECKED_FROM..).unwrap_or_default();
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, checked) as u32
}

fn put(batch: &mut [u8], at: usize, number: &[u8]) {
    batch[at..at + number.len()].copy_from_slice(number);
}

/// Gives a batch its place in the log. The checksum does not cover either number.
///
/// # Panics
///
/// If `batch` is shorter than a header: what is stamped has been parsed before.
pub fn stamp(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    assert!(
        batch.len() >= HEADER_BYTES,
        "only a whole batch can be stamped"
    );
    put(batch, 0, &base_offset.0.to_be_bytes());
    put(batch, LEADER_EPOCH_AT, &leader_epoch.0.to_be_bytes());
}

/// Gives all records of a batch the time at which it is appended, and makes the checksum anew.
///
/// # Panics
///
/// If `batch` is shorter than a header: what is stamped has been parsed before.
pub fn stamp_log_append_time(batch: &mut [u8], now_ms: TimestampMs) {
    let header = batch
        .first_chunk::<HEADER_BYTES>()
        .expect("only a whole batch can be stamped");
    let attributes = BatchHeader::from_bytes(header).attributes.0 | Attributes::LOG_APPEND_TIME;
    put(batch, ATTRIBUTES_AT, &attributes.to_be_bytes());
    put(batch, MAX_TIMESTAMP_AT, &now_ms.to_be_bytes());
    let crc = checksum(batch);
    put(batch, CRC_AT, &crc.to_be_bytes());
}
