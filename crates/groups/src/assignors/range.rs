//! The assignor `range`.
//!
//! The partitions of each topic are cut into as many ranges as the topic has subscribers, the first
//! ones longer by one if they cannot all be equal. The order of the members is the same for all topics,
//! so those who subscribe to the same topics get the same partitions of topics with as many partitions:
//! records with the same key in several topics meet in one place. Members keep the order in which
//! they lie in the assignment so far, and newcomers come last, so most partitions stay.

use model::TopicId;

use super::{Task, TaskMember};
use crate::partitions::Partitions;

pub(super) fn assign(task: &Task<'_>) -> Vec<Partitions> {
    let mut assigned = vec![Partitions::new(); task.members.len()];
    let order = order(&task.members);
    for (topic, count) in &task.topics {
        let subscribers: Vec<usize> = order
            .iter()
            .copied()
            .filter(|index| task.members[*index].subscribes_to(*topic))
            .collect();
        cut(&mut assigned, *topic, *count, &subscribers);
    }
    assigned
}

/// The members by where their partitions lie.
fn order(members: &[TaskMember<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    let first = |member: &TaskMember<'_>| {
        let indexes = member.previous.iter().map(|(_, partition)| partition);
        indexes.min().unwrap_or(i32::MAX)
    };
    order.sort_by_cached_key(|index| (first(&members[*index]), members[*index].name));
    order
}

fn cut(assigned: &mut [Partitions], topic: TopicId, count: i32, subscribers: &[usize]) {
    let count = usize::try_from(count).unwrap_or(0);
    let mut indexes = 0_i32..;
    for (position, member) in subscribers.iter().enumerate() {
        let is_longer = position < count % subscribers.len();
        let length = count / subscribers.len() + usize::from(is_longer);
        let range = indexes.by_ref().take(length);
        assigned[*member].extend(range.map(|index| (topic, index)));
    }
}
