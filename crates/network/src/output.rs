//! Answers on their way into the socket.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::limits::{COPIED_PIECE_BYTES_MAX, WRITE_PIECES_MAX};
use crate::service::Chunks;

/// The bytes that are to be written, in order. Small pieces are copied together; large ones are kept as
/// they are.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pieces: VecDeque<Bytes>,
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
        let length: usize = answer.iter().map(Bytes::len).sum();
        let Ok(announced) = i32::try_from(length) else {
            return false;
        };
        self.bytes += 4 + length;
        self.tail.extend_from_slice(&announced.to_be_bytes());
        for piece in answer {
            if piece.len() < COPIED_PIECE_BYTES_MAX {
                self.tail.extend_from_slice(&piece);
            } else {
                self.close_tail();
                self.pieces.push_back(piece);
            }
        }
        true
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.tail).into());
        }
    }

    /// Has `write` write from the front, and takes off what it has written.
    pub(crate) fn write<E>(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.close_tail();
        let mut slices = [IoSlice::new(&[]); WRITE_PIECES_MAX];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        let written = write(slices.get(..count).unwrap_or_default())?;
        self.advance(written);
        Ok(written)
    }

    fn advance(&mut self, written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        let mut left = written;
        while let Some(front) = self.pieces.front_mut() {
            if front.len() > left {
                front.advance(left);
                return;
            }
            left -= front.len();
            self.pieces.pop_front();
        }
        // Nothing is kept for a connection that may be idle from now on.
        self.pieces = VecDeque::new();
    }
}
