//! The records of a batch, read one by one.

use std::fmt;
use std::slice::Iter;

use super::varint::{read_i32, read_i64};

/// Why the next record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The records are compressed, or with a codec that is not in use.
    Compressed,
    /// The bytes are not a record, or there are fewer records than the header says.
    Malformed,
    /// Bytes follow the last record.
    TrailingBytes,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compressed => "the records are compressed",
            Self::Malformed => "a record is malformed",
            Self::TrailingBytes => "bytes follow the last record",
        })
    }
}

impl std::error::Error for RecordError {}

/// A record in borrowed bytes; all of it has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Offset, counted from the base offset of the batch.
    pub offset_delta: i32,
    /// Timestamp, counted from the base timestamp of the batch, in ms. Does not count in a batch
    /// with log append time.
    pub timestamp_delta: i64,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// The headers of a record: names and values, in the order in which they were sent. A name is
/// meant to be UTF-8, which nobody checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Headers<'a> {
    /// The headers as they stand in the record, behind their number.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.count = self.count.checked_sub(1)?;
        let mut bytes = self.bytes.iter();
        let header = header(&mut bytes);
        self.bytes = bytes.as_slice();
        header
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// Reads the records out of uncompressed bytes, and checks them as it goes. Ends after the first
/// error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    left: i32,
    error: Option<RecordError>,
}

impl<'a> Records<'a> {
    /// The records in these bytes; as many as the header of their batch says.
    pub fn new(bytes: &'a [u8], record_count: i32) -> Self {
        match record_count {
            0.. => Self {
                bytes,
                left: record_count,
                error: None,
            },
            _ => Self {
                bytes: &[],
                left: 0,
                error: Some(RecordError::Malformed),
            },
        }
    }

    /// Records that cannot be read.
    pub(super) fn compressed() -> Self {
        Self {
            bytes: &[],
            left: 0,
            error: Some(RecordError::Compressed),
        }
    }

    /// Reads all records and checks them as the iterator does, without what it takes to be able to stop
    /// between two of them.
    ///
    /// # Errors
    ///
    /// The first error that the iterator would end with; those before it have been handed on.
    #[inline]
    pub fn read_all(self, mut each: impl FnMut(RecordView<'a>)) -> Result<(), RecordError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut bytes = self.bytes.iter();
        for _ in 0..self.left {
            each(record(&mut bytes).ok_or(RecordError::Malformed)?);
        }
        match bytes.as_slice() {
            [] => Ok(()),
            _ => Err(RecordError::TrailingBytes),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordView<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        if self.left == 0 {
            let trailing = !self.bytes.is_empty();
            self.bytes = &[];
            return trailing.then_some(Err(RecordError::TrailingBytes));
        }
        self.left -= 1;
        let mut bytes = self.bytes.iter();
        let record = record(&mut bytes).ok_or(RecordError::Malformed);
        self.bytes = bytes.as_slice();
        if record.is_err() {
            (self.bytes, self.left) = (&[], 0);
        }
        Some(record)
    }
}

// Compiled into whoever reads records, so that nothing is made of what is not asked for.
#[inline(always)]
fn record<'a>(from: &mut Iter<'a, u8>) -> Option<RecordView<'a>> {
    let length = usize::try_from(read_i32(from)?).ok()?;
    let mut body = take(from, length)?.iter();
    let _attributes = body.next()?;
    let timestamp_delta = read_i64(&mut body)?;
    let offset_delta = read_i32(&mut body)?;
    let key = nullable(&mut body)?;
    let value = nullable(&mut body)?;
    let count = usize::try_from(read_i32(&mut body)?).ok()?;
    let headers = Headers {
        bytes: body.as_slice(),
        count,
    };
    for _ in 0..count {
        header(&mut body)?;
    }
    body.as_slice().is_empty().then_some(RecordView {
        offset_delta,
        timestamp_delta,
        key,
        value,
        headers,
    })
}

fn header<'a>(from: &mut Iter<'a, u8>) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    // A name is never null.
    let name = nullable(from)??;
    Some((name, nullable(from)?))
}

/// Bytes with their length in front; -1 is null.
#[inline]
fn nullable<'a>(from: &mut Iter<'a, u8>) -> Option<Option<&'a [u8]>> {
    match read_i32(from)? {
        -1 => Some(None),
        length => take(from, usize::try_from(length).ok()?).map(Some),
    }
}

#[inline]
fn take<'a>(from: &mut Iter<'a, u8>, length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.as_slice().split_at_checked(length)?;
    *from = rest.iter();
    Some(taken)
}
