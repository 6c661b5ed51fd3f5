//! Random messages: a source of values that takes the place of a frame, so that the same code that
//! reads a version's fields fills them.

use bytes::Bytes;

use crate::decoder::{DecodeError, Source};
use crate::field::{Field, Nullable};
use crate::{Message, Text};

/// Tags that are tried on every structure; none that a message knows is higher.
const TAGS_END: u32 = 8;

/// A generator of values, decided by its seed.
pub(crate) struct Filler {
    state: u64,
    size_max: u64,
    version: i16,
    is_flexible: bool,
}

impl Filler {
    /// Texts, bytes and arrays will have up to `size_max` bytes or elements.
    pub(crate) fn new(seed: u64, size_max: u64) -> Self {
        Self {
            state: seed,
            size_max,
            version: 0,
            is_flexible: false,
        }
    }

    /// A message with random values in the fields that the version has.
    pub(crate) fn message<M: Message + Field>(&mut self, version: i16) -> M {
        self.version = version;
        self.is_flexible = version >= M::FLEXIBLE_FROM;
        M::read(self).expect("a filler has whatever it is asked for")
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn size(&mut self) -> usize {
        self.below(self.size_max + 1) as usize
    }
}

impl Source for Filler {
    fn version(&self) -> i16 {
        self.version
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        // Small numbers and the ends of the range more often than chance has them.
        let byte = match self.below(6) {
            0 => 0,
            1 => 0xff,
            _ => return Ok(std::array::from_fn(|_| self.next() as u8)),
        };
        let mut value = [byte; N];
        if self.below(2) == 0 {
            value[N - 1] = self.next() as u8;
        }
        Ok(value)
    }

    fn text(&mut self) -> Result<Option<Text>, DecodeError> {
        let alphabet = ['a', 'Z', '.', '-', '\0', 'ü', '語', '🦦'];
        let text: String = (0..self.size())
            .map(|_| alphabet[self.below(8) as usize])
            .collect();
        Ok(Some(text.into()))
    }

    fn bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        // Some long enough to be handed on rather than copied.
        let size = if self.below(8) == 0 {
            1000 + self.size() * 16
        } else {
            self.size()
        };
        Ok(Some((0..size).map(|_| self.next() as u8).collect()))
    }

    fn count(&mut self, _size_min: usize) -> Result<Option<usize>, DecodeError> {
        Ok(Some(self.size()))
    }

    fn grow(
        &mut self,
        held: usize,
        count: usize,
        _element_bytes: usize,
    ) -> Result<usize, DecodeError> {
        Ok(count - held)
    }

    fn read_tags(
        &mut self,
        mut known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        for tag in 0..TAGS_END {
            if self.is_flexible && self.below(2) == 0 {
                known(self, tag)?;
            }
        }
        Ok(())
    }

    fn read_nullable<T: Nullable>(&mut self, may_be_null: bool) -> Result<Option<T>, DecodeError> {
        if may_be_null && self.below(4) == 0 {
            Ok(None)
        } else {
            T::read(self).map(Some)
        }
    }
}
