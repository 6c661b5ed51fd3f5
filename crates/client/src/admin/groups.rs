//! Consumer groups: who is in them, how far they have read.

mod assignment;
mod describe;
mod offset_delete;
mod remove_members;

pub(crate) use assignment::{
    decode as read_assignment, encode as encode_assignment, encode_subscription,
};

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use model::ErrorCode;
use wire::Text;
use wire::messages::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use wire::messages::list_groups::{ListGroupsRequest, ListedGroup};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse,
};

use super::coordinators::Coordinated;
use super::{ANY_VERSION, Admin, Outcome, Patience};
use crate::error::{ClientError, Refusal};
use crate::offsets::{TopicPartition, by_topic};

/// From version 10 on OffsetCommit and OffsetFetch name topics by id, which we do not keep.
const TOPICS_BY_NAME: RangeInclusive<i16> = 2..=9;

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// Group id.
    pub id: String,
    /// Node id of its coordinator.
    pub coordinator: i32,
    /// What kind of group it is: `consumer`, or empty for one that only has offsets.
    pub protocol_type: String,
    /// Its state by Kafka's name, if the broker says it.
    pub state: Option<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Group id.
    pub id: String,
    /// Node id of its coordinator.
    pub coordinator: i32,
    /// Its state by Kafka's name.
    pub state: String,
    /// What kind of group it is.
    pub protocol_type: String,
    /// How partitions are shared out, such as `range`; empty without members.
    pub protocol: String,
    /// Its members; `None` if the broker does not tell them, as of kinds of groups that we do not know.
    pub members: Option<Vec<Member>>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Member id.
    pub id: String,
    /// Instance id of a static member.
    pub instance_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// Partitions it has; empty for a group that shares out something else.
    pub assignment: Vec<TopicPartition>,
}

impl Admin {
    /// The groups of all brokers, by id.
    pub async fn groups(&mut self) -> Result<Vec<GroupListing>, ClientError> {
        let mut groups = Vec::new();
        let nodes: Vec<i32> = self.cluster.brokers.keys().copied().collect();
        for node in nodes {
            groups.extend(self.groups_of(node).await?);
        }
        groups.sort_by(|one, other| one.id.cmp(&other.id));
        for group in &groups {
            let of = Coordinated::Group(group.id.clone());
            self.coordinators.insert(of, group.coordinator);
        }
        Ok(groups)
    }

    async fn groups_of(&mut self, node: i32) -> Result<Vec<GroupListing>, ClientError> {
        let patience = Patience::new();
        let response = loop {
            let request = ListGroupsRequest::default();
            let response = self.call_node(node, &request, ANY_VERSION).await?;
            match Refusal::check(response.error_code, None) {
                Ok(()) => break response,
                Err(refusal) if refusal.is_retriable() && patience.wait().await => {}
                Err(refusal) => return Err(refusal.into()),
            }
        };
        let groups = response.groups.iter();
        let listing = |group: &ListedGroup| GroupListing {
            id: group.group_id.to_string(),
            coordinator: node,
            protocol_type: group.protocol_type.to_string(),
            state: (!group.group_state.is_empty()).then(|| group.group_state.to_string()),
        };
        Ok(groups.map(listing).collect())
    }

    /// The offset that a group will read next, for each partition it has committed.
    pub async fn committed(
        &mut self,
        group: &str,
    ) -> Result<BTreeMap<TopicPartition, i64>, ClientError> {
        let request = OffsetFetchRequest {
            group_id: Text::from(group),
            topics: None,
            groups: vec![OffsetFetchRequestGroup {
                group_id: Text::from(group),
                topics: None,
                ..OffsetFetchRequestGroup::default()
            }],
            require_stable: false,
        };
        let code = |response: &OffsetFetchResponse| {
            let of_group = response.groups.first().map(|group| group.error_code);
            of_group.unwrap_or(response.error_code)
        };
        let (_, response) = self
            .call_coordinator(&Coordinated::group(group), &request, TOPICS_BY_NAME, code)
            .await?;
        match Refusal::check(code(&response), None) {
            Err(refusal) if refusal.is(ErrorCode::GroupIdNotFound) => return Ok(BTreeMap::new()),
            checked => checked?,
        }
        let mut committed = BTreeMap::new();
        let mut keep = |topic: &Text, partition: i32, offset: i64| {
            if offset >= 0 {
                committed.insert(TopicPartition::new(topic.as_str(), partition), offset);
            }
        };
        for topic in response.groups.iter().flat_map(|group| &group.topics) {
            for partition in &topic.partitions {
                Refusal::check(partition.error_code, None)?;
                keep(
                    &topic.name,
                    partition.partition_index,
                    partition.committed_offset,
                );
            }
        }
        for topic in &response.topics {
            for partition in &topic.partitions {
                Refusal::check(partition.error_code, None)?;
                keep(
                    &topic.name,
                    partition.partition_index,
                    partition.committed_offset,
                );
            }
        }
        Ok(committed)
    }

    /// Sets the offsets of a group that has no members.
    pub async fn commit(
        &mut self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), ClientError> {
        let request = OffsetCommitRequest {
            group_id: Text::from(group),
            topics: commit_topics(offsets),
            ..OffsetCommitRequest::default()
        };
        let codes = |response: &OffsetCommitResponse| {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            let mut codes = partitions.map(|partition| partition.error_code);
            codes
                .find(|code| *code != ErrorCode::None.code())
                .unwrap_or_default()
        };
        let (_, response) = self
            .call_coordinator(&Coordinated::group(group), &request, TOPICS_BY_NAME, codes)
            .await?;
        Ok(Refusal::check(codes(&response), None)?)
    }

    /// Deletes groups that have no members, with their offsets. The outcomes are in the order of
    /// `ids`.
    pub async fn delete_groups(
        &mut self,
        ids: &[String],
    ) -> Result<Vec<(String, Outcome)>, ClientError> {
        let mut outcomes = Vec::with_capacity(ids.len());
        for id in ids {
            let request = DeleteGroupsRequest {
                groups_names: vec![Text::from(id)],
            };
            let code = |response: &DeleteGroupsResponse| {
                response
                    .results
                    .first()
                    .map_or(-1, |result| result.error_code)
            };
            let (_, response) = self
                .call_coordinator(&Coordinated::group(id), &request, ANY_VERSION, code)
                .await?;
            outcomes.push((id.clone(), Refusal::check(code(&response), None)));
        }
        Ok(outcomes)
    }
}

fn commit_topics(offsets: &BTreeMap<TopicPartition, i64>) -> Vec<OffsetCommitRequestTopic> {
    let wanted = offsets.iter().map(|(at, offset)| {
        let partition = OffsetCommitRequestPartition {
            partition_index: at.partition,
            committed_offset: *offset,
            committed_metadata: Some(Text::EMPTY),
            ..OffsetCommitRequestPartition::default()
        };
        (at, partition)
    });
    let topics = by_topic(wanted).into_iter();
    topics
        .map(|(name, partitions)| OffsetCommitRequestTopic {
            name,
            partitions,
            ..OffsetCommitRequestTopic::default()
        })
        .collect()
}
