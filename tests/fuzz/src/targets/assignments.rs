//! What members of a group leave for each other, as the command line's client reads it.

use bytes::Bytes;
use client::fuzzing::read_assignment;
use model::TopicName;

use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    // A partition of four bytes is kept as a number and the name of its topic, up to 249 bytes.
    memory_limits: |received_bytes| times_received(received_bytes, 80),
    ..Target::new("assignments", "assignments of group members", run)
};

fn seeds() -> Vec<Vec<u8>> {
    let assignment = b"\0\x01\0\0\0\x02\
        \0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x07\
        \0\x02bc\0\0\0\x01\0\0\0\x01\
        \xff\xff\xff\xff";
    vec![assignment.to_vec()]
}

fn run(input: &[u8]) {
    let read = read_assignment(&Bytes::copy_from_slice(input));
    for partition in read.into_iter().flatten() {
        // Names are kept once for each partition: long ones would take too much.
        assert!(TopicName::new(&partition.topic).is_ok());
    }
}
