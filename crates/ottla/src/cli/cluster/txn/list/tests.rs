use client::Partition;

use super::*;

fn topic(name: &str, leaders: &[Option<i32>]) -> Topic {
    let partitions = leaders.iter().enumerate();
    let partitions = partitions.map(|(index, leader)| Partition {
        index: i32::try_from(index).unwrap(),
        leader: *leader,
        leader_epoch: None,
        replicas: Vec::new(),
        in_sync_replicas: Vec::new(),
    });
    Topic {
        name: name.to_owned(),
        id: None,
        is_internal: false,
        partitions: partitions.collect(),
    }
}

#[test]
fn partitions_are_looked_into_by_their_leader() {
    let topics = [
        topic("a", &[Some(0), Some(1), None]),
        topic("b", &[Some(1)]),
    ];
    for (leader, expected) in [
        (None, vec!["a-0", "a-1", "a-2", "b-0"]),
        (Some(1), vec!["a-1", "b-0"]),
        (Some(2), vec![]),
    ] {
        let found = partitions(&topics, leader);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{leader:?}");
    }
}
