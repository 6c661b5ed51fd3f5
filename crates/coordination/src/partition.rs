//! Which partition of `__consumer_offsets` a group belongs to.

/// Java's `String.hashCode`: over UTF-16 code units, wrapping.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// The partition, from 0 to below `partition_count`, whose log holds this group's records. A
/// `partition_count` of 0 or less is taken for 1.
///
/// Kafka's `Utils.abs` maps the one number without a positive counterpart to 0, and so does this:
/// with another rule a group's offsets would be looked for where another broker did not put them.
pub fn partition_for(group_id: &str, partition_count: i32) -> i32 {
    java_string_hash(group_id).checked_abs().unwrap_or(0) % partition_count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_those_kafka_chooses() {
        for (group_id, hash, partition) in [
            ("my-group", -1906497762, 12),
            ("test", 3556498, 48),
            ("group", 98629247, 47),
            ("console-consumer-1", 35782224, 24),
            ("my-transactional-id", -959806496, 46),
            ("a", 97, 47),
            ("", 0, 0),
            ("polygenelubricants", i32::MIN, 0),
            ("grüppe-😀", -1039948164, 14),
        ] {
            assert_eq!(java_string_hash(group_id), hash, "{group_id}");
            assert_eq!(partition_for(group_id, 50), partition, "{group_id}");
        }
        assert_eq!(partition_for("anything", 0), 0);
        assert_eq!(partition_for("anything", -3), 0);
    }
}
