//! What is read of an answer besides the messages themselves, reachable by the fuzzer.

use bytes::Bytes;

use crate::TopicPartition;

/// Reads the partitions of a group's member; `None` if the bytes are no assignment.
pub fn read_assignment(bytes: &Bytes) -> Option<Vec<TopicPartition>> {
    crate::admin::read_assignment(bytes)
}
