//! ConsumerGroupDescribe (key 69), versions 0 to 1: consumer groups with their members (KIP-848).
//!
//! - A group that is named twice is answered once.
//! - A classic group, or none, gets GROUP_ID_NOT_FOUND: that sends clients to DescribeGroups.
//! - A topic that is gone has an empty name until the group has noticed.
//! - v1 (KIP-1099): the protocol of each member.

use groups::{ConsumerGroupDescription, ConsumerMemberDescription, Partitions};
use model::ErrorCode;
use wire::Text;
use wire::messages::consumer_group_describe::{
    Assignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
    Member, TopicPartitions,
};

use crate::context::RequestContext;
use crate::handlers::support::{GROUP_OPERATIONS, NO_OPERATIONS, keep_first_of_each};
use crate::topics::Topics;

/// Describes each group.
pub(crate) async fn handle(
    ctx: RequestContext,
    mut request: ConsumerGroupDescribeRequest,
) -> ConsumerGroupDescribeResponse {
    keep_first_of_each(&mut request.group_ids, Text::clone);
    let published = ctx.broker.metadata.published();
    let mut response = ConsumerGroupDescribeResponse::default();
    for group_id in request.group_ids {
        let groups = &ctx.broker.groups;
        let found = groups
            .look(&ctx.broker, &group_id, |group| group.describe_consumer())
            .await;
        let mut described = match found.map(Option::flatten) {
            Ok(Some(group)) => describe(&published.topics, group),
            Ok(None) => DescribedGroup {
                error_code: ErrorCode::GroupIdNotFound.code(),
                error_message: Some(Text::from(format!("there is no consumer group {group_id}"))),
                ..DescribedGroup::default()
            },
            Err(error) => DescribedGroup {
                error_code: error.code(),
                ..DescribedGroup::default()
            },
        };
        described.group_id = group_id;
        described.authorized_operations = match request.include_authorized_operations {
            true => GROUP_OPERATIONS,
            false => NO_OPERATIONS,
        };
        response.groups.push(described);
    }
    response
}

fn describe(topics: &Topics, group: ConsumerGroupDescription) -> DescribedGroup {
    let members = group.members.into_iter();
    DescribedGroup {
        error_code: ErrorCode::None.code(),
        group_state: Text::from_static(group.state.name()),
        group_epoch: group.group_epoch,
        assignment_epoch: group.assignment_epoch,
        assignor_name: Text::from_static(group.assignor_name),
        members: members
            .map(|member| describe_member(topics, member))
            .collect(),
        ..DescribedGroup::default()
    }
}

fn describe_member(topics: &Topics, member: ConsumerMemberDescription) -> Member {
    Member {
        member_id: Text::from(member.member_id),
        instance_id: member.instance_id.map(Text::from),
        rack_id: member.rack_id.map(Text::from),
        member_epoch: member.member_epoch,
        client_id: Text::from(member.client_id),
        client_host: Text::from(member.client_host),
        subscribed_topic_names: member.topics.into_iter().map(Text::from).collect(),
        subscribed_topic_regex: member.pattern.map(Text::from),
        assignment: assignment(topics, &member.assigned),
        target_assignment: assignment(topics, &member.target),
        member_type: i8::from(!member.is_classic),
    }
}

fn assignment(topics: &Topics, partitions: &Partitions) -> Assignment {
    let topic_partitions = partitions.topics().map(|(topic_id, indexes)| {
        let topic = topics.by_id(topic_id);
        TopicPartitions {
            topic_id,
            topic_name: topic.map_or(Text::EMPTY, |topic| Text::from(topic.name().as_str())),
            partitions: indexes.iter().copied().collect(),
        }
    });
    Assignment {
        topic_partitions: topic_partitions.collect(),
    }
}
