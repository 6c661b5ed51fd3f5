//! How each type of the protocol is read and written.

use bytes::Bytes;
use chunks::Chunk;
use model::TopicId;

use crate::decoder::{DecodeError, Source};
use crate::{Chunks, Encoder, Text};

/// A type of the protocol.
pub(crate) trait Field: Sized {
    /// Fewest bytes that a value takes in any version.
    const SIZE_MIN: usize;

    /// Reads a value.
    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError>;

    /// Writes the value.
    fn write(&self, to: &mut Encoder);
}

/// A type that may be null where its field says so.
pub(crate) trait Nullable: Field + Default {
    /// Reads a value or null.
    fn read_nullable<S: Source>(from: &mut S) -> Result<Option<Self>, DecodeError>;

    /// Writes null.
    fn write_null(to: &mut Encoder);

    /// Writes the value where null could be.
    fn write_present(&self, to: &mut Encoder) {
        self.write(to);
    }
}

impl<T: Nullable> Field for Option<T> {
    const SIZE_MIN: usize = 1;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        from.read_nullable(true)
    }

    fn write(&self, to: &mut Encoder) {
        match self {
            Some(value) => value.write_present(to),
            None => T::write_null(to),
        }
    }
}

/// Lets a structure be null: a byte before it says whether it is there.
macro_rules! nullable_struct {
    ($name:ident) => {
        impl crate::field::Nullable for $name {
            fn read_nullable<S: crate::decoder::Source>(
                from: &mut S,
            ) -> Result<Option<Self>, crate::decoder::DecodeError> {
                match i8::read(from)? {
                    ..0 => Ok(None),
                    0.. => Self::read(from).map(Some),
                }
            }

            fn write_null(to: &mut crate::Encoder) {
                (-1_i8).write(to);
            }

            fn write_present(&self, to: &mut crate::Encoder) {
                1_i8.write(to);
                self.write(to);
            }
        }
    };
}

pub(crate) use nullable_struct;

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Field for $number {
            const SIZE_MIN: usize = size_of::<Self>();

            fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
                from.fixed().map(Self::from_be_bytes)
            }

            fn write(&self, to: &mut Encoder) {
                to.put(&self.to_be_bytes());
            }
        }
    )*};
}

numbers! { i8 i16 i32 i64 u16 u32 f64 }

impl Field for bool {
    const SIZE_MIN: usize = 1;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        from.fixed().map(|[byte]| byte != 0)
    }

    fn write(&self, to: &mut Encoder) {
        to.put(&[u8::from(*self)]);
    }
}

impl Field for TopicId {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        from.fixed().map(Self)
    }

    fn write(&self, to: &mut Encoder) {
        to.put(&self.0);
    }
}

/// Longest text that every version can carry, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = i16::MAX as usize;

impl Field for Text {
    const SIZE_MIN: usize = 1;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        from.text()?.ok_or(DecodeError::Length)
    }

    /// A text too long for the protocol is cut: its start says more than a broken frame.
    fn write(&self, to: &mut Encoder) {
        let bytes = self.bytes();
        if bytes.len() <= TEXT_BYTES_MAX {
            to.put_text_length(Some(bytes.len() as u16));
            return to.put_shared(bytes);
        }
        let end = self.floor_char_boundary(TEXT_BYTES_MAX);
        to.put_text_length(Some(end as u16));
        to.put_shared(&bytes.slice(..end));
    }
}

impl Nullable for Text {
    fn read_nullable<S: Source>(from: &mut S) -> Result<Option<Self>, DecodeError> {
        from.text()
    }

    fn write_null(to: &mut Encoder) {
        to.put_text_length(None);
    }
}

impl Field for Bytes {
    const SIZE_MIN: usize = 1;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        from.bytes()?.ok_or(DecodeError::Length)
    }

    fn write(&self, to: &mut Encoder) {
        to.put_length(Some(self.len()));
        to.put_shared(self);
    }
}

impl Nullable for Bytes {
    fn read_nullable<S: Source>(from: &mut S) -> Result<Option<Self>, DecodeError> {
        from.bytes()
    }

    fn write_null(to: &mut Encoder) {
        to.put_length(None);
    }
}

impl Field for Chunks {
    const SIZE_MIN: usize = 1;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        Bytes::read(from).map(Self::from)
    }

    fn write(&self, to: &mut Encoder) {
        to.put_length(Some(self.len()));
        for chunk in self.as_slice() {
            match chunk {
                Chunk::Memory(bytes) => to.put_shared(bytes),
                Chunk::File(_) => to.put_chunk(chunk.clone()),
            }
        }
    }
}

impl Nullable for Chunks {
    fn read_nullable<S: Source>(from: &mut S) -> Result<Option<Self>, DecodeError> {
        Ok(from.bytes()?.map(Self::from))
    }

    fn write_null(to: &mut Encoder) {
        to.put_length(None);
    }
}

impl<T: Field> Field for Vec<T> {
    const SIZE_MIN: usize = 1;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        Self::read_nullable(from)?.ok_or(DecodeError::Length)
    }

    fn write(&self, to: &mut Encoder) {
        to.put_length(Some(self.len()));
        for element in self {
            element.write(to);
        }
    }
}

impl<T: Field> Nullable for Vec<T> {
    fn read_nullable<S: Source>(from: &mut S) -> Result<Option<Self>, DecodeError> {
        let Some(count) = from.count(T::SIZE_MIN)? else {
            return Ok(None);
        };
        let mut elements = Self::new();
        for held in 0..count {
            if held == elements.capacity() {
                elements.reserve_exact(from.grow(held, count, size_of::<T>())?);
            }
            elements.push(T::read(from)?);
        }
        Ok(Some(elements))
    }

    fn write_null(to: &mut Encoder) {
        to.put_length(None);
    }
}
