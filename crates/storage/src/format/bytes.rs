//! Reading numbers from bytes that may be anything, and the checksum.

/// The CRC-32C (Castagnoli) of the bytes.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Reads numbers one after the other; `None` when there are not enough bytes left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A count of elements of at least `element_bytes` each that the rest can hold.
    pub(crate) fn count(&mut self, element_bytes: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count.checked_mul(element_bytes)? <= self.rest.len()).then_some(count)
    }
}

/// Writes numbers one after the other.
pub(crate) trait Put {
    fn put(&mut self, bytes: &[u8]);

    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    fn put_i16(&mut self, value: i16) {
        self.put(&value.to_le_bytes());
    }

    fn put_i32(&mut self, value: i32) {
        self.put(&value.to_le_bytes());
    }

    fn put_i64(&mut self, value: i64) {
        self.put(&value.to_le_bytes());
    }

    /// The count of a list. Lists here are far shorter than 2^32.
    fn put_count(&mut self, count: usize) {
        self.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Fills memory from the front, which has room for all that is put into it; what is left of it is the place for the next.
impl Put for &mut [u8] {
    fn put(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.len(), "there is room");
        if let Some((place, rest)) = std::mem::take(self).split_at_mut_checked(bytes.len()) {
            place.copy_from_slice(bytes);
            *self = rest;
        }
    }
}

/// Appends the checksum of everything before it.
pub(crate) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.put_u32(0);
    seal_in_place(&mut bytes);
    bytes
}

/// Puts the checksum of everything before them into the last four bytes; gives the checksum.
pub(crate) fn seal_in_place(bytes: &mut [u8]) -> u32 {
    let Some((body, place)) = bytes.split_last_chunk_mut::<4>() else {
        return 0;
    };
    let crc = crc32c(body);
    *place = crc.to_le_bytes();
    crc
}

/// Takes off the checksum that [`seal`] appended; `None` if it is wrong.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    (u32::from_le_bytes(*crc) == crc32c(body)).then_some(body)
}
