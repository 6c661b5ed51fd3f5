//! Bytes in pieces that lie in memory or in files: what goes from storage through the encoder to the
//! network without being copied together.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// One piece of what is sent.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Bytes in memory.
    Memory(Bytes),
    /// Bytes in a file, which the kernel can send without their being read.
    File(FileRange),
}

/// Bytes of a file that do not change any more.
#[derive(Clone, Debug)]
pub struct FileRange {
    /// The file.
    pub file: Arc<File>,
    /// Where in the file they begin.
    pub position: u64,
    /// How many there are.
    pub bytes: usize,
}

impl Chunk {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(range) => range.bytes,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes. A range of a file is read; what cannot be read is missing at the end.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File(range) => range.read(),
        }
    }
}

impl FileRange {
    fn read(&self) -> Bytes {
        let mut bytes = vec![0; self.bytes];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, self.position + filled as u64) {
                Ok(count) if count > 0 => filled += count,
                _ => break,
            }
        }
        bytes.truncate(filled);
        bytes.into()
    }
}

impl From<Bytes> for Chunk {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

/// Bytes in several pieces that follow one another.
#[derive(Clone, Default)]
pub struct Chunks(Vec<Chunk>);

impl Chunks {
    /// No bytes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many bytes there are in all pieces.
    pub fn len(&self) -> usize {
        self.0.iter().map(Chunk::len).sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Chunk::is_empty)
    }

    /// The pieces.
    pub fn as_slice(&self) -> &[Chunk] {
        &self.0
    }

    /// The pieces.
    pub fn into_vec(self) -> Vec<Chunk> {
        self.0
    }

    /// All bytes in one piece; copies only if there are several. See [`Chunk::into_bytes`] for what
    /// lies in files.
    pub fn into_bytes(mut self) -> Bytes {
        if self.0.len() <= 1 {
            return self.0.pop().map(Chunk::into_bytes).unwrap_or_default();
        }
        let mut all = BytesMut::with_capacity(self.len());
        for chunk in self.0 {
            all.extend_from_slice(&chunk.into_bytes());
        }
        all.freeze()
    }
}

impl From<Bytes> for Chunks {
    fn from(bytes: Bytes) -> Self {
        Self(vec![bytes.into()])
    }
}

impl From<Vec<u8>> for Chunks {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<Vec<Chunk>> for Chunks {
    fn from(chunks: Vec<Chunk>) -> Self {
        Self(chunks)
    }
}

/// Equal bytes are equal, however they are cut and wherever they lie.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn range(bytes: usize) -> FileRange {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"0123456789").unwrap();
        FileRange {
            file: Arc::new(file),
            position: 3,
            bytes,
        }
    }

    #[test]
    fn bytes_are_the_same_wherever_they_lie() {
        let chunks = |range| {
            Chunks::from(vec![
                Bytes::from_static(b"ab").into(),
                Chunk::File(range),
                Bytes::new().into(),
                Bytes::from_static(b"c").into(),
            ])
        };
        let read = chunks(range(4));
        assert_eq!((read.len(), read.is_empty()), (7, false));
        assert_eq!(read, Chunks::from(b"ab3456c".to_vec()));
        assert_ne!(read, Chunks::from(b"ab3457c".to_vec()));
        assert_eq!(read.into_bytes(), "ab3456c");
        // A file that is shorter than it was does not become longer by being read.
        assert_eq!(chunks(range(8)).into_bytes(), "ab3456789c");
        assert_eq!(Chunk::File(range(8)).into_bytes(), "3456789");
        assert!(Chunks::from(vec![Chunk::File(range(0))]).is_empty());
    }
}
