//! Reading and writing the primitive fields of internal records, both encodings.

use std::fmt;

use bytes::Bytes;

/// Why a field cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The bytes end within it.
    Truncated,
    /// It is a text and not UTF-8.
    NotUtf8,
    /// It must be there and is null, or its length is negative.
    BadLength,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the record ends within a field",
            Self::NotUtf8 => "a text in the record is not UTF-8",
            Self::BadLength => "a length in the record is negative or not allowed",
        })
    }
}

impl std::error::Error for FieldError {}

/// Reads fields from the front of a slice. Nothing is allocated here, so no count can be too large:
/// a list that promises more elements than there are bytes ends in [`FieldError::Truncated`].
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the front of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next bytes, this many.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], FieldError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(FieldError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FieldError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(FieldError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A number of one byte.
    pub fn i8(&mut self) -> Result<i8, FieldError> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    /// A number of two bytes.
    pub fn i16(&mut self) -> Result<i16, FieldError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// A number of four bytes.
    pub fn i32(&mut self) -> Result<i32, FieldError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A number of eight bytes.
    pub fn i64(&mut self) -> Result<i64, FieldError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// An id of 16 bytes.
    pub fn uuid(&mut self) -> Result<[u8; 16], FieldError> {
        self.array()
    }

    /// A number of as many bytes as it needs.
    pub fn uvarint(&mut self) -> Result<u32, FieldError> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array::<1>()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FieldError::BadLength)
    }

    /// A text that may be null: `None`.
    pub fn nullable_text(&mut self) -> Result<Option<&'a str>, FieldError> {
        match self.i16()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| FieldError::BadLength)?;
                utf8(self.take(length)?).map(Some)
            }
        }
    }

    /// A text.
    pub fn text(&mut self) -> Result<&'a str, FieldError> {
        self.nullable_text()?.ok_or(FieldError::BadLength)
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self) -> Result<&'a [u8], FieldError> {
        self.nullable_bytes()?.ok_or(FieldError::BadLength)
    }

    /// Bytes that may be null: `None`.
    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, FieldError> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| FieldError::BadLength)?;
                self.take(length).map(Some)
            }
        }
    }

    /// The number of elements that follow.
    pub fn count(&mut self) -> Result<usize, FieldError> {
        self.nullable_count()?.ok_or(FieldError::BadLength)
    }

    /// The number of elements of a list that may be null: `None`.
    pub fn nullable_count(&mut self) -> Result<Option<usize>, FieldError> {
        match self.i32()? {
            -1 => Ok(None),
            count => usize::try_from(count)
                .map(Some)
                .map_err(|_| FieldError::BadLength),
        }
    }

    /// The length of a compact field; `None` is null.
    pub fn compact_length(&mut self) -> Result<Option<usize>, FieldError> {
        Ok(self.uvarint()?.checked_sub(1).map(|length| length as usize))
    }

    /// A text that may be null: `None`.
    pub fn compact_nullable_text(&mut self) -> Result<Option<&'a str>, FieldError> {
        match self.compact_length()? {
            None => Ok(None),
            Some(length) => utf8(self.take(length)?).map(Some),
        }
    }

    /// A text.
    pub fn compact_text(&mut self) -> Result<&'a str, FieldError> {
        self.compact_nullable_text()?.ok_or(FieldError::BadLength)
    }

    /// Bytes behind their length.
    pub fn compact_bytes(&mut self) -> Result<&'a [u8], FieldError> {
        let length = self.compact_length()?.ok_or(FieldError::BadLength)?;
        self.take(length)
    }

    /// A list of texts.
    pub fn compact_texts(&mut self) -> Result<Vec<String>, FieldError> {
        let count = self.compact_length()?.ok_or(FieldError::BadLength)?;
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.compact_text()?.to_owned());
        }
        Ok(texts)
    }

    /// Walks a tag section (KIP-482) and hands each tag with its payload to `field`.
    pub fn tags<E: From<FieldError>>(
        &mut self,
        mut field: impl FnMut(u32, Reader<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let size = self.uvarint()? as usize;
            field(tag, Reader::new(self.take(size)?))?;
        }
        Ok(())
    }

    /// Walks a tag section without a look at the tags.
    pub fn skip_tags(&mut self) -> Result<(), FieldError> {
        self.tags(|_, _| Ok(()))
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, FieldError> {
    std::str::from_utf8(bytes).map_err(|_| FieldError::NotUtf8)
}

/// Writes fields, in the non-flexible encoding and, under names that begin with `compact`, in the
/// flexible one.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Has room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
        }
    }

    /// A number of one byte.
    pub fn i8(&mut self, value: i8) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A number of two bytes.
    pub fn i16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A number of four bytes.
    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A number of eight bytes.
    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// An id of 16 bytes.
    pub fn uuid(&mut self, value: [u8; 16]) {
        self.bytes.extend_from_slice(&value);
    }

    /// A number of as many bytes as it needs.
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Every text in a record came in through a request, which bounds it to 32767 bytes in the old
    /// encodings; one that a flexible request made longer is cut at a character.
    pub fn text(&mut self, text: &str) {
        let text = fitting(text);
        self.i16(text.len() as i16);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A text, cut like [`Writer::text`].
    pub fn compact_text(&mut self, text: &str) {
        let text = fitting(text);
        self.compact_count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A text that may be null.
    pub fn compact_nullable_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.compact_text(text),
            None => self.uvarint(0),
        }
    }

    /// A list of texts.
    pub fn compact_texts(&mut self, texts: &[String]) {
        self.compact_count(texts.len());
        for text in texts {
            self.compact_text(text);
        }
    }

    /// Bytes behind their length.
    pub fn compact_bytes(&mut self, bytes: &[u8]) {
        self.compact_count(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// The length of a compact field, or the number of elements that follow.
    pub fn compact_count(&mut self, count: usize) {
        self.uvarint(u32::try_from(count).map_or(u32::MAX, |count| count.saturating_add(1)));
    }

    /// A tag section (KIP-482) without tags.
    pub fn no_tags(&mut self) {
        self.uvarint(0);
    }

    /// A tag section with nothing but tag 0.
    pub fn tag_0(&mut self, payload: Self) {
        self.tags([(0, payload.bytes)].into_iter());
    }

    /// A tag section with these tags, which must ascend, and their payloads.
    pub fn tags(&mut self, fields: impl Iterator<Item = (u32, Vec<u8>)> + Clone) {
        self.uvarint(u32::try_from(fields.clone().count()).unwrap_or(u32::MAX));
        for (tag, payload) in fields {
            self.uvarint(tag);
            self.uvarint(u32::try_from(payload.len()).unwrap_or(u32::MAX));
            self.bytes.extend_from_slice(&payload);
        }
    }

    /// A text that may be null.
    pub fn nullable_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.i16(-1),
        }
    }

    /// Bytes came in through a frame, whose length is an i32.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.bytes.extend_from_slice(bytes);
    }

    /// Null in the place of bytes.
    pub fn null_bytes(&mut self) {
        self.i32(-1);
    }

    /// The number of elements that follow.
    pub fn count(&mut self, count: usize) {
        self.i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    /// What has been written.
    pub fn finish(self) -> Bytes {
        self.bytes.into()
    }
}

/// The part of a text that a record has room for.
fn fitting(text: &str) -> &str {
    let end = text.floor_char_boundary(i16::MAX as usize);
    text.get(..end).unwrap_or_default()
}
