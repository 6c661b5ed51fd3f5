//! The ids that the broker makes for members.

use std::fmt::Write;

use model::TopicId;

use crate::limits::MEMBER_NAME_BYTES_MAX;

/// A random id, in the form in which Kafka writes it.
pub(crate) fn random(random: [u8; 16]) -> String {
    TopicId::from_random(random).to_string()
}

/// A name followed by the text of a random (version 4) UUID.
pub(crate) fn named(name: &str, random: [u8; 16]) -> String {
    let name = name
        .char_indices()
        .find(|(position, character)| position + character.len_utf8() > MEMBER_NAME_BYTES_MAX)
        .and_then(|(position, _)| name.get(..position))
        .unwrap_or(name);
    let mut member_id = String::with_capacity(name.len() + 37);
    member_id.push_str(name);
    for (position, byte) in TopicId::from_random(random).0.iter().enumerate() {
        if matches!(position, 0 | 4 | 6 | 8 | 10) {
            member_id.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(member_id, "{byte:02x}");
    }
    member_id
}
