//! The variable-length numbers of records: zigzag, seven bits to a byte, low bits first.

use std::slice::Iter;

/// Reads a number of up to 64 bits; `None` if it is cut short or too long.
#[inline]
pub(super) fn read_i64(from: &mut Iter<'_, u8>) -> Option<i64> {
    match read_short(from)? {
        Number::Short(value) => Some(from_zigzag(value)),
        Number::Long(low) => read_long(low, from),
    }
}

/// Reads a number of up to 32 bits; `None` if it is cut short or too long.
#[inline]
pub(super) fn read_i32(from: &mut Iter<'_, u8>) -> Option<i32> {
    match read_short(from)? {
        // Of 14 bits.
        Number::Short(value) => Some(from_zigzag(value) as i32),
        Number::Long(low) => i32::try_from(read_long(low, from)?).ok(),
    }
}

/// What the first two bytes say, which are all that most numbers of a record have.
enum Number {
    /// The number, of up to 14 bits.
    Short(u64),
    /// The low 14 bits of one that goes on.
    Long(u64),
}

#[inline]
fn read_short(from: &mut Iter<'_, u8>) -> Option<Number> {
    let first = u64::from(*from.next()?);
    if first < 0x80 {
        return Some(Number::Short(first));
    }
    let second = u64::from(*from.next()?);
    let low = first & 0x7f | (second & 0x7f) << 7;
    Some(match second {
        ..0x80 => Number::Short(low),
        _ => Number::Long(low),
    })
}

/// Reads the rest of a number.
fn read_long(low: u64, from: &mut Iter<'_, u8>) -> Option<i64> {
    let mut value = low;
    for shift in (14..64).step_by(7) {
        let byte = *from.next()?;
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

fn to_zigzag(value: i64) -> u64 {
    (value << 1).cast_unsigned() ^ (value >> 63).cast_unsigned()
}

/// How many bytes a number takes in a record, from 1 to 10.
pub fn len(value: i64) -> usize {
    // Also zero has a byte.
    let bits = 64 - (to_zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Appends a number.
pub(super) fn write(to: &mut Vec<u8>, value: i64) {
    let mut value = to_zigzag(value);
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [i64; 15] = [
        0,
        -1,
        63,
        64,
        -64,
        -65,
        8_191,
        8_192,
        -8_192,
        -8_193,
        i32::MAX as i64,
        i32::MIN as i64,
        i32::MAX as i64 + 1,
        i64::MAX,
        i64::MIN,
    ];

    #[test]
    fn numbers_come_back_and_nothing_behind_them_is_taken() {
        for number in BOUNDS {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            let whole = bytes.len();
            assert_eq!(len(number), whole, "{number}");
            bytes.push(0xff);
            let mut from = bytes.iter();
            assert_eq!(read_i64(&mut from), Some(number));
            assert_eq!(from.as_slice(), [0xff]);
            assert_eq!(read_i32(&mut bytes.iter()), i32::try_from(number).ok());
            for end in 0..whole {
                assert_eq!(read_i64(&mut bytes[..end].iter()), None, "{number}");
                assert_eq!(read_i32(&mut bytes[..end].iter()), None, "{number}");
            }
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        let longest = [[0xff; 9].as_slice(), &[1]].concat();
        assert_eq!(read_i64(&mut longest.iter()), Some(i64::MIN));
        for (last, more) in [(2, None), (0x81, Some(0)), (0x80, Some(0))] {
            let mut bytes = vec![0xff; 9];
            bytes.push(last);
            bytes.extend(more);
            assert_eq!(read_i64(&mut bytes.iter()), None, "{last}");
        }
    }
}
