//! Writing a frame.

use bytes::{BufMut, Bytes, BytesMut};
use chunks::{Chunk, Chunks};

use crate::field::{Field, Nullable};

/// Bytes from this size on are handed on as they are; shorter ones are copied, because a piece of
/// its own costs more than the copy.
const SHARED_BYTES_MIN: usize = 1024;

/// Writes a message front to end and yields it in [`Chunks`].
#[derive(Debug, Default)]
pub struct Encoder {
    version: i16,
    is_flexible: bool,
    /// All that was copied.
    copied: BytesMut,
    /// What was handed on, and after how many copied bytes it belongs.
    shared: Vec<(usize, Chunk)>,
    shared_bytes: usize,
    error_codes: Vec<i16>,
}

impl Encoder {
    /// Starts an empty frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a frame for which about so many bytes will be copied.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            copied: BytesMut::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.copied.len() + self.shared_bytes
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The error codes other than 0 that have been written, at whatever level of the message, in
    /// their order. Who counts errors need not know where each message keeps them.
    pub fn error_codes(&self) -> &[i16] {
        &self.error_codes
    }

    /// What has been written.
    pub fn finish(self) -> Chunks {
        let mut rest = self.copied.freeze();
        let mut chunks = Vec::with_capacity(2 * self.shared.len() + 1);
        let mut taken = 0;
        for (position, chunk) in self.shared {
            if position > taken {
                chunks.push(rest.split_to(position - taken).into());
                taken = position;
            }
            chunks.push(chunk);
        }
        if !rest.is_empty() {
            chunks.push(rest.into());
        }
        Chunks::from(chunks)
    }

    /// Starts a frame with room for its length, for [`Encoder::finish_frame`].
    pub fn for_frame() -> Self {
        let mut encoder = Self::with_capacity(256);
        encoder.put(&[0; 4]);
        encoder
    }

    /// What has been written, behind its length as a big-endian i32: a frame as it is sent. Starts
    /// from an encoder made by [`Encoder::for_frame`].
    pub fn finish_frame(mut self) -> Chunks {
        let length = u32::try_from(self.len().saturating_sub(4)).unwrap_or(u32::MAX);
        debug_assert!(length <= i32::MAX as u32, "no frame is that long");
        if let Some(prefix) = self.copied.first_chunk_mut() {
            *prefix = length.to_be_bytes();
        }
        self.finish()
    }

    /// What is written from here on is in this version of its message.
    pub(crate) fn set_format(&mut self, version: i16, is_flexible: bool) {
        self.version = version;
        self.is_flexible = is_flexible;
    }

    /// The version of the message.
    pub(crate) fn version(&self) -> i16 {
        self.version
    }

    /// Writes a field.
    pub(crate) fn write<T: Field>(&mut self, value: &T) {
        value.write(self);
    }

    /// Writes a field that only some versions have.
    pub(crate) fn write_if<T: Field>(&mut self, has_field: bool, value: &T) {
        if has_field {
            value.write(self);
        }
    }

    /// Writes an error code and keeps it for [`Encoder::error_codes`].
    pub(crate) fn write_error(&mut self, code: &i16) {
        if *code != 0 {
            self.error_codes.push(*code);
        }
        self.write(code);
    }

    /// Writes an error code that only some versions have.
    pub(crate) fn write_error_if(&mut self, has_field: bool, code: &i16) {
        if has_field {
            self.write_error(code);
        }
    }

    /// Writes a field that only some versions allow to be null.
    pub(crate) fn write_nullable<T: Nullable>(&mut self, may_be_null: bool, value: &Option<T>) {
        match value {
            Some(present) if !may_be_null => present.write(self),
            None if !may_be_null => T::default().write(self),
            value => value.write(self),
        }
    }

    /// Writes bytes as they are.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.copied.put_slice(bytes);
    }

    /// Writes bytes as they are, without copying them if there are many.
    #[inline]
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            return self.put(bytes);
        }
        self.put_chunk(bytes.clone().into());
    }

    /// Writes bytes without copying them, wherever they lie.
    pub(crate) fn put_chunk(&mut self, chunk: Chunk) {
        self.shared_bytes += chunk.len();
        self.shared.push((self.copied.len(), chunk));
    }

    /// Writes the length of a text; null is `None`.
    pub(crate) fn put_text_length(&mut self, length: Option<u16>) {
        match length {
            _ if self.is_flexible => self.put_varint(length.map_or(0, |n| u32::from(n) + 1)),
            Some(length) => self.put(&length.to_be_bytes()),
            None => self.put(&(-1i16).to_be_bytes()),
        }
    }

    /// Writes the length of bytes or the count of elements; null is `None`.
    pub(crate) fn put_length(&mut self, length: Option<usize>) {
        let length = length.map(|length| {
            debug_assert!(length < i32::MAX as usize, "nothing is that long");
            u32::try_from(length).unwrap_or(u32::MAX)
        });
        match length {
            _ if self.is_flexible => self.put_varint(length.map_or(0, |n| n.saturating_add(1))),
            Some(length) => self.put(&length.to_be_bytes()),
            None => self.put(&(-1i32).to_be_bytes()),
        }
    }

    pub(crate) fn put_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.copied.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.copied.put_u8(value as u8);
    }

    fn append(&mut self, other: Self) {
        let start = self.copied.len();
        self.copied.put_slice(&other.copied);
        self.shared_bytes += other.shared_bytes;
        self.shared.extend(
            other
                .shared
                .into_iter()
                .map(|(at, chunk)| (start + at, chunk)),
        );
    }
}

/// The tagged fields at the end of a structure; added in the order of their tags.
#[derive(Default)]
pub(crate) struct Tags {
    count: u32,
    fields: Encoder,
}

impl Tags {
    /// Adds a field, if it is to be written.
    pub(crate) fn add<T: Field>(&mut self, to: &Encoder, tag: u32, is_set: bool, value: &T) {
        if !is_set || !to.is_flexible {
            return;
        }
        let mut field = Encoder::new();
        field.set_format(to.version, to.is_flexible);
        field.write(value);
        self.count += 1;
        self.fields.put_varint(tag);
        self.fields
            .put_varint(u32::try_from(field.len()).unwrap_or(u32::MAX));
        self.fields.append(field);
    }

    /// Writes the fields, in versions that have tagged fields.
    pub(crate) fn write(self, to: &mut Encoder) {
        if to.is_flexible {
            to.put_varint(self.count);
            to.append(self.fields);
        }
    }
}
