//! Groups with their members, of both kinds.

use model::ErrorCode;
use wire::Text;
use wire::messages::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, Member as ConsumerMember,
};
use wire::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroupMember,
};

use super::{Group, Member, assignment};
use crate::admin::coordinators::Coordinated;
use crate::admin::{ANY_VERSION, Admin};
use crate::error::{ClientError, Refusal};
use crate::offsets::TopicPartition;

/// The state in which brokers before KIP-1043 describe a group that does not exist.
const DEAD: &str = "Dead";

/// The kind of group whose members' assignments can be read.
const CONSUMER: &str = "consumer";

impl Admin {
    /// A group and its members, or `None` if there is no such group.
    pub async fn group(&mut self, id: &str) -> Result<Option<Group>, ClientError> {
        if let Some(group) = self.classic_group(id).await? {
            return Ok(Some(group));
        }
        if let Some(group) = self.consumer_group(id).await? {
            return Ok(Some(group));
        }
        // What is neither may be of a newer kind, which is listed all the same.
        let listed = self.groups().await?;
        let listed = listed.into_iter().find(|listing| listing.id == id);
        Ok(listed.map(|listing| Group {
            id: listing.id,
            coordinator: listing.coordinator,
            state: listing.state.unwrap_or_default(),
            protocol_type: listing.protocol_type,
            protocol: String::new(),
            members: None,
        }))
    }

    async fn classic_group(&mut self, id: &str) -> Result<Option<Group>, ClientError> {
        let request = DescribeGroupsRequest {
            groups: vec![Text::from(id)],
            ..DescribeGroupsRequest::default()
        };
        let code = |response: &DescribeGroupsResponse| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let (coordinator, response) = self
            .call_coordinator(&Coordinated::group(id), &request, ANY_VERSION, code)
            .await?;
        let Some(group) = response.groups.into_iter().next() else {
            return Ok(None);
        };
        match Refusal::check(group.error_code, group.error_message.as_deref()) {
            Err(refusal) if refusal.is(ErrorCode::GroupIdNotFound) => return Ok(None),
            checked => checked?,
        }
        if group.group_state == DEAD {
            return Ok(None);
        }
        let shares_partitions = group.protocol_type == CONSUMER;
        let members = group.members.iter();
        Ok(Some(Group {
            id: id.to_owned(),
            coordinator,
            state: group.group_state.to_string(),
            protocol_type: group.protocol_type.to_string(),
            protocol: group.protocol_data.to_string(),
            members: Some(members.map(|one| member(one, shares_partitions)).collect()),
        }))
    }

    /// A group whose partitions the broker shares out (KIP-848).
    async fn consumer_group(&mut self, id: &str) -> Result<Option<Group>, ClientError> {
        let request = ConsumerGroupDescribeRequest {
            group_ids: vec![Text::from(id)],
            ..ConsumerGroupDescribeRequest::default()
        };
        let code = |response: &ConsumerGroupDescribeResponse| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let called = self
            .call_coordinator(&Coordinated::group(id), &request, ANY_VERSION, code)
            .await;
        let (coordinator, response) = match called {
            // The broker is older than this kind of group.
            Err(ClientError::Unsupported { .. }) => return Ok(None),
            called => called?,
        };
        let Some(group) = response.groups.into_iter().next() else {
            return Ok(None);
        };
        match Refusal::check(group.error_code, group.error_message.as_deref()) {
            Err(refusal) if refusal.is(ErrorCode::GroupIdNotFound) => return Ok(None),
            checked => checked?,
        }
        Ok(Some(Group {
            id: id.to_owned(),
            coordinator,
            state: group.group_state.to_string(),
            protocol_type: CONSUMER.to_owned(),
            protocol: group.assignor_name.to_string(),
            members: Some(group.members.iter().map(consumer_member).collect()),
        }))
    }
}

fn member(found: &DescribedGroupMember, shares_partitions: bool) -> Member {
    let assignment = match shares_partitions {
        true => assignment::decode(&found.member_assignment).unwrap_or_default(),
        false => Vec::new(),
    };
    Member {
        id: found.member_id.to_string(),
        instance_id: found.group_instance_id.as_ref().map(ToString::to_string),
        client_id: found.client_id.to_string(),
        host: found.client_host.to_string(),
        assignment,
    }
}

fn consumer_member(found: &ConsumerMember) -> Member {
    let topics = found.assignment.topic_partitions.iter();
    let assignment = topics.flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| TopicPartition::new(topic.topic_name.as_str(), *partition))
    });
    Member {
        id: found.member_id.to_string(),
        instance_id: found.instance_id.as_ref().map(ToString::to_string),
        client_id: found.client_id.to_string(),
        host: found.client_host.to_string(),
        assignment: assignment.collect(),
    }
}
