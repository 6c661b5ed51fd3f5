//! Adding partitions to topics.

use std::fmt;

use config::TOPIC_PARTITIONS_MAX;
use model::LogId;

use super::PARTITIONS_MAX;
use crate::image::Image;
use crate::record::MetadataRecord;

/// A topic that is to have more partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MorePartitions {
    /// The topic's name.
    pub topic: String,
    /// How many partitions it is to have in all.
    pub count: i32,
    /// The brokers that are to hold each new partition; `None` to leave it to the broker.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// Why a topic does not get more partitions. The text is meant for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddPartitionsError {
    /// No topic has this name.
    UnknownTopic,
    /// The topic is the broker's own.
    Internal,
    /// The topic has as many partitions, or more.
    NoIncrease {
        /// How many it has.
        present: usize,
        /// How many were asked for.
        wanted: i32,
    },
    /// A topic cannot have so many.
    TooManyOfTopic(i32),
    /// The broker would have more partitions than it can hold, or all log ids are used up.
    TooManyPartitions,
    /// The replicas that the client wants are not possible.
    InvalidReplicaAssignment(String),
}

impl fmt::Display for AddPartitionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopic => f.write_str("there is no topic with this name"),
            Self::Internal => {
                f.write_str("the topic is the broker's own; its partitions are fixed")
            }
            Self::NoIncrease { present, wanted } => write!(
                f,
                "the topic has {present} partitions; {wanted} in all would not be more"
            ),
            Self::TooManyOfTopic(wanted) => write!(
                f,
                "a topic has at most {TOPIC_PARTITIONS_MAX} partitions, not {wanted}"
            ),
            Self::TooManyPartitions => write!(
                f,
                "this broker holds at most {PARTITIONS_MAX} partitions in all"
            ),
            Self::InvalidReplicaAssignment(message) => f.write_str(message),
        }
    }
}

/// Adds partitions to a topic, behind those that it has. `node_id` is the one broker there is.
pub fn plan_add_partitions(
    image: &Image,
    node_id: i32,
    wanted: &MorePartitions,
) -> Result<MetadataRecord, AddPartitionsError> {
    let topic = image
        .topic(&wanted.topic)
        .ok_or(AddPartitionsError::UnknownTopic)?;
    if topic.is_internal() {
        return Err(AddPartitionsError::Internal);
    }
    if wanted.count > TOPIC_PARTITIONS_MAX {
        return Err(AddPartitionsError::TooManyOfTopic(wanted.count));
    }
    let present = topic.partitions.len();
    let added = usize::try_from(wanted.count)
        .ok()
        .and_then(|count| count.checked_sub(present))
        .filter(|added| *added > 0)
        .ok_or(AddPartitionsError::NoIncrease {
            present,
            wanted: wanted.count,
        })?;
    if let Some(assignments) = &wanted.assignments {
        check_assignments(node_id, added, assignments)?;
    }
    Ok(MetadataRecord::PartitionsAdded {
        id: topic.id,
        partitions: next_logs(image, added).ok_or(AddPartitionsError::TooManyPartitions)?,
    })
}

fn check_assignments(
    node_id: i32,
    added: usize,
    assignments: &[Vec<i32>],
) -> Result<(), AddPartitionsError> {
    let refuse = |message: String| Err(AddPartitionsError::InvalidReplicaAssignment(message));
    if assignments.len() != added {
        return refuse(format!(
            "{added} partitions are to be added, and {} are assigned",
            assignments.len()
        ));
    }
    if assignments
        .iter()
        .any(|broker_ids| broker_ids != &[node_id])
    {
        return refuse(format!(
            "partitions can only be assigned to the one broker there is, {node_id}"
        ));
    }
    Ok(())
}

/// The logs of so many new partitions; `None` if there cannot be so many.
pub(super) fn next_logs(image: &Image, count: usize) -> Option<Vec<LogId>> {
    if image.logs().len().checked_add(count)? > PARTITIONS_MAX {
        return None;
    }
    let first = image.next_log_id().0;
    let end = first.checked_add(u32::try_from(count).ok()?)?;
    Some((first..end).map(LogId).collect())
}
