//! Answers on their way into the socket.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use chunks::{Chunk, Chunks};

use crate::limits::{COPIED_PIECE_BYTES_MAX, WRITE_PIECES_MAX};

/// Where answers go.
pub(crate) trait Sink {
    /// Writes bytes from memory; returns how many were taken.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Writes so many bytes of a file from a position; returns how many were taken, none if the file
    /// ends before.
    fn write_file(&mut self, file: &File, position: u64, bytes: usize) -> io::Result<usize>;
}

/// The bytes that are to be written, in order. Small pieces are copied together; large ones are kept as
/// they are.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pieces: VecDeque<Chunk>,
    /// Small pieces behind `pieces`.
    tail: Vec<u8>,
    bytes: usize,
}

impl Output {
    /// Bytes that are not written yet.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Adds an answer with its length before it. Returns false, and adds nothing, if the answer is
    /// longer than a length can say.
    #[must_use]
    pub(crate) fn push_answer(&mut self, answer: Chunks) -> bool {
        let length = answer.len();
        let Ok(announced) = i32::try_from(length) else {
            return false;
        };
        self.bytes += 4 + length;
        let copied_first = answer.as_slice().iter().map_while(copied).map(<[u8]>::len);
        // Most answers are this, and alone: a buffer of just their size.
        self.tail.reserve(4 + copied_first.sum::<usize>());
        self.tail.extend_from_slice(&announced.to_be_bytes());
        for piece in answer.into_vec() {
            match copied(&piece) {
                Some(bytes) => self.tail.extend_from_slice(bytes),
                None if piece.is_empty() => {}
                None => {
                    self.close_tail();
                    self.pieces.push_back(piece);
                }
            }
        }
        true
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = Bytes::from(std::mem::take(&mut self.tail));
            self.pieces.push_back(tail.into());
        }
    }

    /// Writes from the front: as many pieces of memory as lie there, or one range of a file. Takes off
    /// what was written, and returns how much that was.
    pub(crate) fn write(&mut self, sink: &mut impl Sink) -> io::Result<usize> {
        let written = match self.pieces.front() {
            Some(Chunk::File(range)) => {
                sink.write_file(&range.file, range.position, range.bytes)?
            }
            _ => {
                let mut slices = [IoSlice::new(&[]); WRITE_PIECES_MAX];
                let mut count = 0;
                for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                    let Chunk::Memory(bytes) = piece else {
                        break;
                    };
                    *slice = IoSlice::new(bytes);
                    count += 1;
                }
                if count == self.pieces.len()
                    && !self.tail.is_empty()
                    && let Some(slice) = slices.get_mut(count)
                {
                    *slice = IoSlice::new(&self.tail);
                    count += 1;
                }
                sink.write(slices.get(..count).unwrap_or_default())?
            }
        };
        self.advance(written);
        Ok(written)
    }

    fn advance(&mut self, written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        let mut left = written;
        while let Some(front) = self.pieces.front_mut() {
            if front.len() > left {
                match front {
                    Chunk::Memory(bytes) => bytes.advance(left),
                    Chunk::File(range) => {
                        range.position += left as u64;
                        range.bytes -= left;
                    }
                }
                return;
            }
            left -= front.len();
            self.pieces.pop_front();
        }
        // Nothing is kept for a connection that may be idle from now on.
        self.pieces = VecDeque::new();
        if left >= self.tail.len() {
            self.tail = Vec::new();
        } else if left > 0 {
            // The rest is a piece from now on, which is cut without being moved.
            let mut rest = Bytes::from(std::mem::take(&mut self.tail));
            rest.advance(left);
            self.pieces.push_back(rest.into());
        }
    }
}

/// The bytes of a piece that is so small that it is copied together with others.
fn copied(piece: &Chunk) -> Option<&[u8]> {
    match piece {
        Chunk::Memory(bytes) if bytes.len() < COPIED_PIECE_BYTES_MAX => Some(bytes),
        _ => None,
    }
}
