use super::*;

fn assigned(member: usize, generation_id: i32, members: Option<usize>) -> Assigned {
    Assigned {
        member,
        generation_id,
        at: Instant::now(),
        partitions: Vec::new(),
        members,
    }
}

#[test]
fn a_group_is_settled_when_all_have_their_part_of_the_newest_generation() {
    let mut progress = Progress::default();
    progress.note(assigned(0, 1, Some(1)));
    assert!(
        progress.settled(3).is_none(),
        "the others are not there yet"
    );
    progress.note(assigned(1, 2, None));
    progress.note(assigned(2, 2, None));
    assert!(
        progress.settled(3).is_none(),
        "nobody knows how many there are"
    );
    progress.note(assigned(0, 2, Some(3)));
    assert_eq!(progress.settled(3).map(|settled| settled.len()), Some(3));
    assert!(progress.settled(2).is_none());
    progress.note(assigned(0, 3, Some(4)));
    progress.note(assigned(1, 3, None));
    progress.note(assigned(2, 3, None));
    assert!(
        progress.settled(3).is_none(),
        "a fourth has not got its part"
    );
    progress = Progress::default();
    progress.note(assigned(2, 2, None));
    progress.note(assigned(0, 3, Some(2)));
    assert!(
        progress.settled(2).is_none(),
        "one is in the generation before"
    );
    progress.note(assigned(2, 3, None));
    assert_eq!(progress.settled(2).map(|settled| settled.len()), Some(2));
}

#[test]
fn every_partition_is_given_to_one_member() {
    let members = ["a", "b", "c"].map(str::to_owned);
    let partitions: Vec<_> = (0..5)
        .map(|index| TopicPartition::new("t", index))
        .collect();
    let shares = share_out(&members, &partitions);
    let indexes =
        |member: &str| -> Vec<i32> { shares[member].iter().map(|at| at.partition).collect() };
    assert_eq!(indexes("a"), [0, 3]);
    assert_eq!(indexes("b"), [1, 4]);
    assert_eq!(indexes("c"), [2]);
    assert_eq!(share_out(&members, &partitions[..1])["c"], []);
}
