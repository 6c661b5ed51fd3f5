//! Bytes in pieces.

use std::fmt;

use bytes::{Bytes, BytesMut};

/// Bytes in several pieces that follow one another: how record batches come out of storage and how
/// frames go out to the network, without being copied together.
#[derive(Clone, Default)]
pub struct Chunks(Vec<Bytes>);

impl Chunks {
    /// No bytes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many bytes there are in all pieces.
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, chunk: Bytes) {
        self.0.push(chunk);
    }

    /// The pieces.
    pub fn as_slice(&self) -> &[Bytes] {
        &self.0
    }

    /// The pieces.
    pub fn into_vec(self) -> Vec<Bytes> {
        self.0
    }

    /// All bytes in one piece; copies only if there are several.
    pub fn into_bytes(mut self) -> Bytes {
        if self.0.len() <= 1 {
            return self.0.pop().unwrap_or_default();
        }
        let mut all = BytesMut::with_capacity(self.len());
        for chunk in &self.0 {
            all.extend_from_slice(chunk);
        }
        all.freeze()
    }
}

impl From<Bytes> for Chunks {
    fn from(bytes: Bytes) -> Self {
        Self(vec![bytes])
    }
}

impl From<Vec<u8>> for Chunks {
    fn from(bytes: Vec<u8>) -> Self {
        Self(vec![bytes.into()])
    }
}

impl From<Vec<Bytes>> for Chunks {
    fn from(chunks: Vec<Bytes>) -> Self {
        Self(chunks)
    }
}

/// Equal bytes are equal, however they are cut.
impl PartialEq for Chunks {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |chunks: &Self| chunks.clone().into_bytes();
        self.len() == other.len() && bytes(self) == bytes(other)
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunks({} bytes in {})", self.len(), self.0.len())
    }
}
