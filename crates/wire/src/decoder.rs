//! Reading a frame.

use std::fmt;

use bytes::{Buf, Bytes};

use crate::Text;
use crate::field::{Field, Nullable, TEXT_BYTES_MAX};

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the message does.
    Truncated,
    /// An array announces more elements than the bytes left can hold.
    Count,
    /// A length is negative or that of a text that is too long, or null stands where the version does
    /// not allow it.
    Length,
    /// A variable-length number is longer than its type.
    Varint,
    /// A text is not UTF-8.
    Utf8,
    /// A tagged field does not fill the size it announces.
    TagSize,
    /// This codec does not know the version.
    Version,
    /// The message would take far more memory than bytes were received.
    Memory,
    /// Bytes are left after the message.
    TrailingBytes,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the message is cut short",
            Self::Count => "an array announces more elements than the message can hold",
            Self::Length => "a length is negative or too large, or null is not allowed",
            Self::Varint => "a variable-length number is too long",
            Self::Utf8 => "a text is not UTF-8",
            Self::TagSize => "a tagged field does not fill its size",
            Self::Version => "the version is not known",
            Self::Memory => "the message would take too much memory",
            Self::TrailingBytes => "bytes are left after the message",
        })
    }
}

impl std::error::Error for DecodeError {}

/// Memory that the arrays of any message may take, in bytes, however short its frame is.
const ARRAYS_BYTES_MIN: usize = 64 * 1024;
/// Memory that the arrays of a message may take beyond that, for each byte of its frame. An honest
/// message stays well below: only arrays of nothing but empty values come near.
const ARRAYS_BYTES_PER_BYTE: usize = 8;
/// Where that ends for a request: one whose arrays take more may only take twice the bytes of its
/// frame. What fills a request so large is records.
const REQUEST_ARRAYS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Elements for which memory is always taken at once.
const ELEMENTS_AT_ONCE: usize = 4;

/// Reads a frame from front to end. What it yields shares the frame's memory.
#[derive(Clone, Debug)]
pub struct Decoder {
    frame: Bytes,
    version: i16,
    is_flexible: bool,
    arrays_left_bytes: usize,
}

impl Decoder {
    /// Starts at the first byte of a request, which is taken without its length prefix. Anybody may
    /// have sent it.
    pub fn new(frame: Bytes) -> Self {
        let twice = frame.len().saturating_mul(2);
        let mut decoder = Self::of_answer(frame);
        let arrays_bytes = decoder.arrays_left_bytes.min(REQUEST_ARRAYS_BYTES_MAX);
        decoder.arrays_left_bytes = arrays_bytes.max(twice);
        decoder
    }

    /// Starts at the first byte of an answer, which is taken without its length prefix. Who asks about
    /// a large cluster wants to hear about all of it.
    pub fn of_answer(frame: Bytes) -> Self {
        let for_frame = frame.len().saturating_mul(ARRAYS_BYTES_PER_BYTE);
        Self {
            frame,
            version: 0,
            is_flexible: false,
            arrays_left_bytes: for_frame.saturating_add(ARRAYS_BYTES_MIN),
        }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.frame.len()
    }

    /// Fails with [`DecodeError::TrailingBytes`] unless all bytes have been read.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.frame.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::TrailingBytes)
        }
    }

    /// What is read from here on is in this version of its message.
    pub(crate) fn set_format(&mut self, version: i16, is_flexible: bool) {
        self.version = version;
        self.is_flexible = is_flexible;
    }

    fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.frame.len() {
            return Err(DecodeError::Truncated);
        }
        Ok(self.frame.split_to(length))
    }

    fn varint(&mut self) -> Result<u32, DecodeError> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.fixed()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                return Err(DecodeError::Varint);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Varint)
    }

    /// A length in the version's form; `None` is null. `fixed` reads the form before flexible
    /// versions.
    fn length(
        &mut self,
        fixed: impl FnOnce(&mut Self) -> Result<i32, DecodeError>,
    ) -> Result<Option<usize>, DecodeError> {
        if self.is_flexible {
            let Some(length) = self.varint()?.checked_sub(1) else {
                return Ok(None);
            };
            return usize::try_from(length)
                .map(Some)
                .map_err(|_| DecodeError::Length);
        }
        match fixed(self)? {
            -1 => Ok(None),
            length => usize::try_from(length)
                .map(Some)
                .map_err(|_| DecodeError::Length),
        }
    }
}

/// Where the values of a message come from: a frame, or in tests a generator of random values. The
/// generated code says which fields a version has; a source says what is in them.
pub(crate) trait Source: Sized {
    /// The version of the message.
    fn version(&self) -> i16;
    /// So many bytes, as they are.
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError>;
    /// A text, or null.
    fn text(&mut self) -> Result<Option<Text>, DecodeError>;
    /// Bytes with their length in front, or null.
    fn bytes(&mut self) -> Result<Option<Bytes>, DecodeError>;
    /// How many elements an array has, or null; each takes at least `size_min` bytes.
    fn count(&mut self, size_min: usize) -> Result<Option<usize>, DecodeError>;
    /// For how many more elements an array takes memory that is full with `held` of its `count`
    /// elements; at least one.
    fn grow(
        &mut self,
        held: usize,
        count: usize,
        element_bytes: usize,
    ) -> Result<usize, DecodeError>;
    /// The tagged fields at the end of a structure: `known` reads the one with the tag that it is
    /// given, or answers false to have it skipped.
    fn read_tags(
        &mut self,
        known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError>;

    /// Reads a field.
    fn read<T: Field>(&mut self) -> Result<T, DecodeError> {
        T::read(self)
    }

    /// Reads a field that only some versions have.
    fn read_if<T: Field>(&mut self, has_field: bool, absent: T) -> Result<T, DecodeError> {
        if has_field { T::read(self) } else { Ok(absent) }
    }

    /// Reads a field that only some versions allow to be null.
    fn read_nullable<T: Nullable>(&mut self, may_be_null: bool) -> Result<Option<T>, DecodeError> {
        if may_be_null {
            T::read_nullable(self)
        } else {
            T::read(self).map(Some)
        }
    }
}

impl Source for Decoder {
    fn version(&self) -> i16 {
        self.version
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let value = *self.frame.first_chunk().ok_or(DecodeError::Truncated)?;
        self.frame.advance(N);
        Ok(value)
    }

    fn text(&mut self) -> Result<Option<Text>, DecodeError> {
        let length = self.length(|from| from.fixed().map(i16::from_be_bytes).map(i32::from))?;
        let Some(length) = length else {
            return Ok(None);
        };
        // Compact lengths could say more, but no text is longer in any version: each field has some
        // in which this is all that its length can say, and Kafka refuses more too.
        if length > TEXT_BYTES_MAX {
            return Err(DecodeError::Length);
        }
        Text::from_utf8(self.take(length)?)
            .map(Some)
            .ok_or(DecodeError::Utf8)
    }

    fn bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let length = self.length(|from| from.fixed().map(i32::from_be_bytes))?;
        length.map(|length| self.take(length)).transpose()
    }

    fn count(&mut self, size_min: usize) -> Result<Option<usize>, DecodeError> {
        let count = self.length(|from| from.fixed().map(i32::from_be_bytes))?;
        match count {
            Some(count) if count > self.frame.len() / size_min.max(1) => Err(DecodeError::Count),
            count => Ok(count),
        }
    }

    fn grow(
        &mut self,
        held: usize,
        count: usize,
        element_bytes: usize,
    ) -> Result<usize, DecodeError> {
        // Elements may be far larger in memory than on the wire: what is taken at first is a handful
        // or no more than the bytes at hand, and doubles as elements turn out to be there.
        let first = (self.frame.len() / element_bytes.max(1)).max(ELEMENTS_AT_ONCE);
        let left = self.arrays_left_bytes / element_bytes.max(1);
        let more = if held == 0 { first } else { held };
        let more = more.min(count.saturating_sub(held)).min(left);
        if more == 0 {
            return Err(DecodeError::Memory);
        }
        self.arrays_left_bytes -= more * element_bytes;
        Ok(more)
    }

    fn read_tags(
        &mut self,
        mut known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.is_flexible {
            return Ok(());
        }
        for _ in 0..self.varint()? {
            let tag = self.varint()?;
            let size = self.varint()? as usize;
            let after = self
                .remaining()
                .checked_sub(size)
                .ok_or(DecodeError::Truncated)?;
            let rest = self.frame.split_off(size);
            if known(self, tag)? && !self.frame.is_empty() {
                return Err(DecodeError::TagSize);
            }
            debug_assert_eq!(rest.len(), after);
            self.frame = rest;
        }
        Ok(())
    }
}
