//! Which partition a key goes to, as Java's producer decides it.

/// The hash that Kafka's clients share: murmur2 of 32 bits with their seed.
fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const MIX: u32 = 0x5bd1_e995;
    const SHIFT: u32 = 24;
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(MIX);
        word ^= word >> SHIFT;
        hash = hash.wrapping_mul(MIX) ^ word.wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        for (position, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * position);
        }
        hash = hash.wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

/// The partition of a key in a topic with so many partitions, at least one.
pub fn partition_of_key(key: &[u8], partition_count: i32) -> i32 {
    // The sign is taken off, not the absolute value, and then the rest of the division.
    let hash = (murmur2(key) & 0x7fff_ffff).cast_signed();
    hash % partition_count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_where_other_clients_put_them() {
        // What kafka-python 3.0 answers for the same keys, every length of the last word among them.
        for (key, of_1000) in [
            ("", 681),
            ("a", 524),
            ("ab", 434),
            ("abc", 107),
            ("abcd", 100),
            ("key1", 940),
            ("é", 271),
            ("ünï", 139),
            ("a key with more words", 262),
        ] {
            assert_eq!(partition_of_key(key.as_bytes(), 1000), of_1000, "{key}");
        }
        assert_eq!(partition_of_key(b"key1", 3), 2);
    }
}
