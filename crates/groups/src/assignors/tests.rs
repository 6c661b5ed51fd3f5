use std::collections::{BTreeMap, BTreeSet};

use model::TopicId;
use proptest::prelude::*;

use super::{Assignor, Task, TaskMember};
use crate::partitions::Partitions;

fn topic(number: u8) -> TopicId {
    TopicId([number; 16])
}

/// Members with the topics they subscribe to and what they had.
#[derive(Clone, Debug, Default)]
struct Group {
    topics: BTreeMap<TopicId, i32>,
    members: Vec<(String, BTreeSet<u8>, Partitions)>,
}

impl Group {
    /// A group of members that subscribe to the same topics and have nothing yet.
    fn of(counts: &[i32], members: usize) -> Self {
        let numbers = 0..u8::try_from(counts.len()).unwrap();
        let topics = numbers.clone().map(topic).zip(counts.iter().copied());
        Self {
            topics: topics.collect(),
            members: (0..members)
                .map(|index| {
                    let name = format!("m{index}");
                    (name, numbers.clone().collect(), Partitions::new())
                })
                .collect(),
        }
    }

    fn assign(&self, assignor: Assignor) -> Vec<Partitions> {
        let members = self
            .members
            .iter()
            .map(|(name, topics, previous)| TaskMember {
                name,
                topics: topics
                    .iter()
                    .map(|number| topic(*number))
                    .filter(|topic| self.topics.contains_key(topic))
                    .collect(),
                previous,
            });
        let members: Vec<_> = members.collect();
        let topics = self.topics.iter().filter(|(topic, _)| {
            let mut members = members.iter();
            members.any(|member| member.subscribes_to(**topic))
        });
        assignor.assign(&Task {
            topics: topics.map(|(topic, count)| (*topic, *count)).collect(),
            members,
        })
    }

    /// Assigns, and takes the outcome for the state of things.
    fn settle(&mut self, assignor: Assignor) -> Vec<Partitions> {
        let assigned = self.assign(assignor);
        for ((_, _, previous), now) in self.members.iter_mut().zip(&assigned) {
            previous.clone_from(now);
        }
        assigned
    }
}

fn loads(assigned: &[Partitions]) -> Vec<usize> {
    assigned.iter().map(Partitions::len).collect()
}

#[test]
fn uniform_gives_everyone_as_many_and_moves_no_more_than_it_must() {
    let mut group = Group::of(&[7, 3, 1], 1);
    assert_eq!(loads(&group.settle(Assignor::Uniform)), [11]);
    let before = group.members.clone();
    group.members.push(Group::of(&[0; 3], 2).members.remove(1));
    let two = group.settle(Assignor::Uniform);
    assert_eq!(loads(&two), [6, 5]);
    assert!(two[0].is_subset(&before[0].2), "nothing came back");
    assert_eq!(group.settle(Assignor::Uniform), two, "nothing to do");
    // One leaves: what it had goes to the one that is left, which keeps its own.
    group.members.remove(0);
    let one = group.settle(Assignor::Uniform);
    assert_eq!(loads(&one), [11]);
    assert!(two[1].is_subset(&one[0]));
}

#[test]
fn uniform_evens_out_different_subscriptions_as_far_as_they_allow() {
    let mut group = Group::of(&[4, 4], 3);
    group.members[0].1 = BTreeSet::from([0]);
    group.members[1].1 = BTreeSet::from([0, 1]);
    group.members[2].1 = BTreeSet::new();
    assert_eq!(loads(&group.settle(Assignor::Uniform)), [4, 4, 0]);
    group.members[2].1 = BTreeSet::from([1]);
    let assigned = group.settle(Assignor::Uniform);
    assert_eq!(loads(&assigned), [3, 3, 2]);
}

#[test]
fn range_gives_the_same_part_of_topics_that_have_as_many_partitions() {
    let mut group = Group::of(&[4, 4, 5], 2);
    let assigned = group.settle(Assignor::Range);
    let of = |member: usize, number| assigned[member].of(topic(number)).unwrap().clone();
    for number in [0, 1] {
        assert_eq!(of(0, number), BTreeSet::from([0, 1]));
        assert_eq!(of(1, number), BTreeSet::from([2, 3]));
    }
    assert_eq!(of(0, 2), BTreeSet::from([0, 1, 2]));
    // A newcomer comes last, whatever its name.
    let mut newcomer = Group::of(&[0; 3], 1).members.remove(0);
    newcomer.0 = "a".to_owned();
    group.members.insert(0, newcomer);
    let assigned = group.settle(Assignor::Range);
    assert_eq!(assigned[0].of(topic(0)), Some(&BTreeSet::from([3])));
    assert_eq!(assigned[1].of(topic(0)), Some(&BTreeSet::from([0, 1])));
    assert_eq!(assigned[2].of(topic(0)), Some(&BTreeSet::from([2])));
}

#[test]
fn more_members_than_partitions_leave_some_without() {
    for assignor in Assignor::ALL {
        let mut loads = loads(&Group::of(&[2], 5).settle(assignor));
        loads.sort_unstable();
        assert_eq!(loads, [0, 0, 0, 1, 1], "{assignor:?}");
    }
}

#[test]
fn a_thousand_members_share_ten_thousand_partitions() {
    let mut group = Group::of(&[100; 100], 1);
    group.settle(Assignor::Uniform);
    group
        .members
        .extend(Group::of(&[100; 100], 1_000).members.into_iter().skip(1));
    let assigned = group.settle(Assignor::Uniform);
    assert!(assigned.iter().all(|partitions| partitions.len() == 10));
}

#[test]
fn names_are_kafkas() {
    for assignor in Assignor::ALL {
        assert_eq!(Assignor::from_name(assignor.name()), Some(assignor));
    }
    assert_eq!(Assignor::from_name("sticky"), None);
}

fn groups() -> impl Strategy<Value = Group> {
    let counts = prop::collection::vec(1..8_i32, 1..5);
    let previous = prop::collection::vec((0..5_u8, 0..9_i32), 0..12);
    let member = (prop::collection::btree_set(0..5_u8, 0..5), previous);
    (counts, prop::collection::vec(member, 1..7)).prop_map(|(counts, members)| {
        let mut group = Group::of(&counts, members.len());
        for ((_, topics, had), (asked, previous)) in group.members.iter_mut().zip(members) {
            *topics = asked;
            // Also partitions that others had, that do not exist, and of topics not subscribed to.
            *had = previous
                .into_iter()
                .map(|(number, partition)| (topic(number), partition))
                .collect();
        }
        group
    })
}

proptest! {
    #[test]
    fn each_partition_goes_to_one_subscriber(group in groups()) {
        for assignor in Assignor::ALL {
            let assigned = group.assign(assignor);
            let mut given = Partitions::new();
            for ((name, topics, _), partitions) in group.members.iter().zip(&assigned) {
                for (topic, partition) in partitions.iter() {
                    prop_assert!(given.insert(topic, partition), "{name}: {topic}-{partition}");
                    prop_assert!(topics.contains(&topic.0[0]));
                    prop_assert!(partition < group.topics[&topic]);
                }
            }
            let wanted = group.topics.iter().filter(|(topic, _)| {
                group.members.iter().any(|(_, topics, _)| topics.contains(&topic.0[0]))
            });
            let wanted: i32 = wanted.map(|(_, count)| count).sum();
            prop_assert_eq!(given.len(), wanted as usize);
        }
    }

    #[test]
    fn uniform_leaves_nobody_who_could_be_relieved(mut group in groups()) {
        let assigned = group.settle(Assignor::Uniform);
        for (owner, partitions) in assigned.iter().enumerate() {
            for (topic, _) in partitions.topics() {
                for (other, (_, topics, _)) in group.members.iter().enumerate() {
                    if topics.contains(&topic.0[0]) {
                        let (more, less) = (assigned[owner].len(), assigned[other].len());
                        prop_assert!(more <= less + 1, "{owner} has {more}, {other} has {less}");
                    }
                }
            }
        }
        prop_assert_eq!(group.assign(Assignor::Uniform), assigned);
    }

    #[test]
    fn uniform_lets_everyone_keep_its_fair_share(
        counts in prop::collection::vec(1..9_i32, 1..4),
        before in 1..6_usize,
        leaving in prop::collection::btree_set(0..6_usize, 0..3),
        coming in 0..4_usize,
    ) {
        let mut group = Group::of(&counts, before);
        group.settle(Assignor::Uniform);
        let mut newcomers = Group::of(&counts, before + coming).members.split_off(before);
        let mut index = 0;
        group.members.retain(|_| {
            index += 1;
            !leaving.contains(&(index - 1))
        });
        group.members.append(&mut newcomers);
        prop_assume!(!group.members.is_empty());
        let previous: Vec<_> = group.members.iter().map(|(_, _, had)| had.clone()).collect();
        let assigned = group.assign(Assignor::Uniform);
        let share = counts.iter().sum::<i32>() as usize / group.members.len();
        for (now, before) in assigned.iter().zip(&previous) {
            prop_assert!(now.intersection(before).len() >= before.len().min(share));
        }
    }
}
