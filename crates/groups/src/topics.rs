//! What coordination has to know about topics.

use model::{TopicId, TopicName};

/// The topics there are at one moment.
pub trait Topics {
    /// A number that is another one whenever the topics are; it means something within one run of the
    /// broker only.
    fn version(&self) -> u64;

    /// The topic with this name.
    fn by_name(&self, name: &str) -> Option<TopicShape>;

    /// The name of the topic with this id.
    fn name(&self, id: TopicId) -> Option<&TopicName>;
}

/// What matters about a topic to those who share its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicShape {
    /// Its id.
    pub id: TopicId,
    /// How many partitions it has.
    pub partition_count: i32,
}

/// A number that changes when a topic of a list, given in order, comes, goes or changes; 0 for no
/// topics. It stands in the log, so how it is made must not change.
pub(crate) fn hash<'a>(topics: impl Iterator<Item = (&'a str, TopicShape)>) -> i64 {
    // FNV-1a, of 64 bits.
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = OFFSET_BASIS;
    let mut is_empty = true;
    for (name, shape) in topics {
        is_empty = false;
        // No name has a zero byte in it.
        let name = name.bytes().chain([0]);
        for byte in name
            .chain(shape.id.0)
            .chain(shape.partition_count.to_be_bytes())
        {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    if is_empty { 0 } else { hash.cast_signed() }
}
