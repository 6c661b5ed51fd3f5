//! The variable-length numbers of records: zigzag, seven bits to a byte, low bits first.

/// Reads a number of up to 64 bits; `None` if it is cut short or too long.
#[inline]
pub(super) fn read_i64(from: &mut &[u8]) -> Option<i64> {
    // Most numbers of a record are lengths and differences of one byte or two.
    let (value, rest) = match *from {
        [first @ ..0x80, rest @ ..] => (u64::from(*first), rest),
        [first, second @ ..0x80, rest @ ..] => {
            let (low, high) = (u64::from(first & 0x7f), u64::from(*second));
            (low | high << 7, rest)
        }
        _ => return read_long(from),
    };
    *from = rest;
    Some(from_zigzag(value))
}

/// Reads a number of any length.
fn read_long(from: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(from_zigzag(value));
        }
    }
    None
}

fn from_zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Reads a number of up to 32 bits; `None` if it is cut short or too long.
#[inline]
pub(super) fn read_i32(from: &mut &[u8]) -> Option<i32> {
    read_i64(from).and_then(|value| i32::try_from(value).ok())
}

/// Appends a number.
pub(super) fn write(to: &mut Vec<u8>, value: i64) {
    let mut value = (value << 1).cast_unsigned() ^ (value >> 63).cast_unsigned();
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}
