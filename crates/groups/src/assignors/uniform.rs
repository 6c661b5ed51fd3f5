//! The assignor `uniform`.
//!
//! Everyone keeps what it was to have so far, as far as it still subscribes to it. What is left over goes
//! to those who have least, topics with few subscribers first. Then partitions move from those who have
//! most to those who have least, as long as two subscribers of a topic are more than one apart and
//! the one who has more has a partition of it. So members with the same subscription end up with as
//! many partitions, give or take one, and no partition moves that need not.

use std::collections::{BTreeMap, BTreeSet};

use model::TopicId;

use super::Task;
use crate::partitions::Partitions;

/// How often partitions are moved at most, as a multiple of their number. Members that each share a
/// topic with the next could hand partitions on and on; better a share that is a little uneven.
const MOVES_PER_PARTITION_MAX: usize = 4;

pub(super) fn assign(task: &Task<'_>) -> Vec<Partitions> {
    let mut shares = Shares::new(task);
    let left_over = shares.keep_previous();
    shares.hand_out(left_over);
    shares.balance();
    shares.held
}

/// The members' shares while they are made.
struct Shares<'a> {
    task: &'a Task<'a>,
    /// What each member has.
    held: Vec<Partitions>,
    /// How many partitions each member has.
    loads: Vec<usize>,
    /// Members with the same subscription are of one class, which they are looked up by: most groups
    /// have one class only. Each class knows its members by load.
    classes: Vec<BTreeSet<(usize, usize)>>,
    class_of: Vec<usize>,
    /// The classes that subscribe to a topic.
    subscribers: BTreeMap<TopicId, Vec<usize>>,
}

impl<'a> Shares<'a> {
    fn new(task: &'a Task<'a>) -> Self {
        let mut classes: Vec<BTreeSet<(usize, usize)>> = Vec::new();
        let mut class_by_topics: BTreeMap<&[TopicId], usize> = BTreeMap::new();
        let mut class_of = Vec::with_capacity(task.members.len());
        let mut subscribers: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (index, member) in task.members.iter().enumerate() {
            let class = *class_by_topics.entry(&member.topics).or_insert_with(|| {
                for topic in &member.topics {
                    subscribers.entry(*topic).or_default().push(classes.len());
                }
                classes.push(BTreeSet::new());
                classes.len() - 1
            });
            classes[class].insert((0, index));
            class_of.push(class);
        }
        Self {
            task,
            held: vec![Partitions::new(); task.members.len()],
            loads: vec![0; task.members.len()],
            classes,
            class_of,
            subscribers,
        }
    }

    fn set_load(&mut self, member: usize, load: usize) {
        let class = &mut self.classes[self.class_of[member]];
        class.remove(&(self.loads[member], member));
        class.insert((load, member));
        self.loads[member] = load;
    }

    fn give(&mut self, member: usize, topic: TopicId, partition: i32) {
        self.held[member].insert(topic, partition);
        self.set_load(member, self.loads[member] + 1);
    }

    /// The subscriber of a topic that has least.
    fn least_loaded(&self, topic: TopicId) -> Option<(usize, usize)> {
        let classes = self.subscribers.get(&topic)?;
        classes
            .iter()
            .filter_map(|class| self.classes[*class].first().copied())
            .min()
    }

    /// Gives everyone what it had and may keep, and returns what nobody has.
    fn keep_previous(&mut self) -> Partitions {
        let mut left_over = Partitions::new();
        for (topic, count) in &self.task.topics {
            left_over.extend((0..*count).map(|partition| (*topic, partition)));
        }
        for (index, member) in self.task.members.iter().enumerate() {
            for (topic, partitions) in member.previous.topics() {
                if !member.subscribes_to(topic) {
                    continue;
                }
                for partition in partitions {
                    // A partition that does not exist any more, or that somebody else was to have too,
                    // is not left over.
                    if left_over.remove(topic, *partition) {
                        self.give(index, topic, *partition);
                    }
                }
            }
        }
        left_over
    }

    fn hand_out(&mut self, left_over: Partitions) {
        let mut topics: Vec<_> = left_over.topics().collect();
        topics.sort_by_key(|(topic, _)| {
            let classes = self.subscribers.get(topic).into_iter().flatten();
            classes
                .map(|class| self.classes[*class].len())
                .sum::<usize>()
        });
        for (topic, partitions) in topics {
            for partition in partitions {
                if let Some((_, member)) = self.least_loaded(topic) {
                    self.give(member, topic, *partition);
                }
            }
        }
    }

    /// Moves partitions, always from the one that has most, until nobody can be relieved.
    fn balance(&mut self) {
        let partitions: usize = self.loads.iter().sum();
        let mut moves_left = partitions * MOVES_PER_PARTITION_MAX;
        loop {
            let moves_before = moves_left;
            let loads = self.loads.iter().enumerate();
            let mut to_relieve: BTreeSet<(usize, usize)> =
                loads.map(|(member, load)| (*load, member)).collect();
            while let Some((load, member)) = to_relieve.pop_last() {
                // Who cannot be relieved now may be when others have less, in the next round.
                let Some(receiver) = self.relieve(member) else {
                    continue;
                };
                to_relieve.insert((load - 1, member));
                if to_relieve.remove(&(self.loads[receiver] - 1, receiver)) {
                    to_relieve.insert((self.loads[receiver], receiver));
                }
                moves_left -= 1;
                if moves_left == 0 {
                    return;
                }
            }
            if moves_left == moves_before {
                return;
            }
        }
    }

    /// Moves one partition of a member to the subscriber that has least; who that was, if it could be
    /// done.
    fn relieve(&mut self, member: usize) -> Option<usize> {
        let load = self.loads[member];
        let receivers = self.held[member]
            .topics()
            .filter_map(|(topic, _)| Some((self.least_loaded(topic)?, topic)));
        let ((receiver_load, receiver), topic) = receivers.min()?;
        if receiver_load + 1 >= load {
            return None;
        }
        let partition = self.held[member].pop_last_of(topic)?;
        self.set_load(member, load - 1);
        self.give(receiver, topic, partition);
        Some(receiver)
    }
}
