//! Taking an input apart, for targets that want more than one run of bytes.

/// An input that is taken from the front. At its end everything is zero or empty, so that every input
/// means something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn u8(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                *byte
            }
            None => 0,
        }
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    /// So many bytes, or those that are left.
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        bytes
    }

    /// Bytes with their length in front, two bytes of it.
    pub(crate) fn piece(&mut self) -> &'a [u8] {
        let count = self.u16();
        self.bytes(usize::from(count))
    }
}

/// Adds bytes with their length in front, as [`Input::piece`] takes them.
pub(crate) fn put_piece(input: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("a seed's pieces are short");
    input.extend(length.to_be_bytes());
    input.extend(bytes);
}
