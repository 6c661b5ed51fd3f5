//! Reading and writing the primitive fields of internal records, both encodings.

use bytes::Bytes;

use super::RecordError;

/// Reads fields from the front of a slice. Nothing is allocated here, so no count can be too large:
/// a list that promises more elements than there are bytes ends in [`RecordError::Truncated`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn i8(&mut self) -> Result<i8, RecordError> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    pub(crate) fn i16(&mut self) -> Result<i16, RecordError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, RecordError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, RecordError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn uuid(&mut self) -> Result<[u8; 16], RecordError> {
        self.array()
    }

    pub(crate) fn uvarint(&mut self) -> Result<u32, RecordError> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array::<1>()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(RecordError::BadLength)
    }

    /// A text that may be null: `None`.
    pub(crate) fn nullable_text(&mut self) -> Result<Option<&'a str>, RecordError> {
        match self.i16()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| RecordError::BadLength)?;
                utf8(self.take(length)?).map(Some)
            }
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, RecordError> {
        self.nullable_text()?.ok_or(RecordError::BadLength)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        self.nullable_bytes()?.ok_or(RecordError::BadLength)
    }

    /// Bytes that may be null: `None`.
    pub(crate) fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, RecordError> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| RecordError::BadLength)?;
                self.take(length).map(Some)
            }
        }
    }

    /// The number of elements that follow.
    pub(crate) fn count(&mut self) -> Result<usize, RecordError> {
        usize::try_from(self.i32()?).map_err(|_| RecordError::BadLength)
    }

    /// The length of a compact field; `None` is null.
    pub(crate) fn compact_length(&mut self) -> Result<Option<usize>, RecordError> {
        Ok(self.uvarint()?.checked_sub(1).map(|length| length as usize))
    }

    pub(crate) fn compact_nullable_text(&mut self) -> Result<Option<&'a str>, RecordError> {
        match self.compact_length()? {
            None => Ok(None),
            Some(length) => utf8(self.take(length)?).map(Some),
        }
    }

    pub(crate) fn compact_text(&mut self) -> Result<&'a str, RecordError> {
        self.compact_nullable_text()?.ok_or(RecordError::BadLength)
    }

    pub(crate) fn compact_bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let length = self.compact_length()?.ok_or(RecordError::BadLength)?;
        self.take(length)
    }

    pub(crate) fn compact_texts(&mut self) -> Result<Vec<String>, RecordError> {
        let count = self.compact_length()?.ok_or(RecordError::BadLength)?;
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.compact_text()?.to_owned());
        }
        Ok(texts)
    }

    /// Walks a tag section (KIP-482) and hands each tag with its payload to `field`.
    pub(crate) fn tags(
        &mut self,
        mut field: impl FnMut(u32, Reader<'a>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let size = self.uvarint()? as usize;
            field(tag, Reader::new(self.take(size)?))?;
        }
        Ok(())
    }

    pub(crate) fn skip_tags(&mut self) -> Result<(), RecordError> {
        self.tags(|_, _| Ok(()))
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, RecordError> {
    std::str::from_utf8(bytes).map_err(|_| RecordError::NotUtf8)
}

/// Writes fields, in the non-flexible encoding and, under names that begin with `compact`, in the
/// flexible one.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn i8(&mut self, value: i8) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn uuid(&mut self, value: [u8; 16]) {
        self.bytes.extend_from_slice(&value);
    }

    pub(crate) fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Every text in a record came in through a request, which bounds it to 32767 bytes in the old
    /// encodings; one that a flexible request made longer is cut at a character.
    pub(crate) fn text(&mut self, text: &str) {
        let text = fitting(text);
        self.i16(text.len() as i16);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn compact_text(&mut self, text: &str) {
        let text = fitting(text);
        self.compact_count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn compact_nullable_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.compact_text(text),
            None => self.uvarint(0),
        }
    }

    pub(crate) fn compact_texts(&mut self, texts: &[String]) {
        self.compact_count(texts.len());
        for text in texts {
            self.compact_text(text);
        }
    }

    pub(crate) fn compact_bytes(&mut self, bytes: &[u8]) {
        self.compact_count(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// The length of a compact field, or the number of elements that follow.
    pub(crate) fn compact_count(&mut self, count: usize) {
        self.uvarint(u32::try_from(count).map_or(u32::MAX, |count| count.saturating_add(1)));
    }

    /// A tag section (KIP-482) without tags.
    pub(crate) fn no_tags(&mut self) {
        self.uvarint(0);
    }

    /// A tag section with nothing but tag 0.
    pub(crate) fn tag_0(&mut self, payload: Self) {
        self.uvarint(1);
        self.uvarint(0);
        self.uvarint(u32::try_from(payload.bytes.len()).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice(&payload.bytes);
    }

    pub(crate) fn nullable_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.i16(-1),
        }
    }

    /// Bytes came in through a frame, whose length is an i32.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn null_bytes(&mut self) {
        self.i32(-1);
    }

    /// The number of elements that follow.
    pub(crate) fn count(&mut self, count: usize) {
        self.i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    pub(crate) fn finish(self) -> Bytes {
        self.bytes.into()
    }
}

/// The part of a text that a record has room for.
fn fitting(text: &str) -> &str {
    let end = text.floor_char_boundary(i16::MAX as usize);
    text.get(..end).unwrap_or_default()
}
