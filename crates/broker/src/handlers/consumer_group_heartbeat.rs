//! ConsumerGroupHeartbeat (key 68), versions 0 to 1: joins a consumer group, stays in it and leaves it
//! (KIP-848).
//!
//! - Answers at once; what becomes of the group is decided in the `groups` crate.
//! - A member that the group does not know, or a group that does not exist, is UNKNOWN_MEMBER_ID whatever the
//!   epoch, so that a client joins again; Kafka answers GROUP_ID_NOT_FOUND for the group, which Java takes
//!   for fatal.
//! - The interval of heartbeats and the session timeout are the group's settings, which lie over the
//!   broker's; a change of them reaches a member with its next heartbeat.
//! - v1: subscription by pattern. The client makes its member id, and an empty one gets INVALID_REQUEST
//!   (KIP-1082).

use config::GroupConfig;
use groups::{
    ConsumerHeartbeat, JOIN_EPOCH, LEAVE_EPOCH, LEAVE_STATIC_EPOCH, Partitions, TopicPattern,
};
use model::ErrorCode;
use wire::Text;
use wire::messages::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

use crate::context::RequestContext;
use crate::handlers::support::Refusal;

/// Lets the member in, keeps it, or lets it go.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupHeartbeatResponse {
    if let Err(refusal) = check(&ctx, &request) {
        return refused(refusal);
    }
    let settings = group_config(&ctx, &request.group_id);
    let client_host = ctx.client_host();
    let heartbeat = ConsumerHeartbeat {
        group_id: &request.group_id,
        member_id: &request.member_id,
        member_epoch: request.member_epoch,
        instance_id: request.instance_id.as_deref(),
        rack_id: request.rack_id.as_deref(),
        client_id: ctx.client_id(),
        client_host: &client_host,
        rebalance_timeout_ms: Some(request.rebalance_timeout_ms).filter(|timeout| *timeout != -1),
        session_timeout_ms: settings.consumer_session_timeout_ms,
        topics: request
            .subscribed_topic_names
            .as_ref()
            .map(|names| names.iter().map(|name| &**name).collect()),
        pattern: request.subscribed_topic_regex.as_deref(),
        assignor: request.server_assignor.as_deref(),
        owned: request.topic_partitions.as_deref().map(owned),
        random: ctx.broker.env.rng.random_16(),
    };
    let groups = &ctx.broker.groups;
    match groups.consumer_heartbeat(&ctx.broker, &heartbeat).await {
        Ok(reply) => ConsumerGroupHeartbeatResponse {
            error_code: ErrorCode::None.code(),
            member_id: Some(Text::from(reply.member_id)),
            member_epoch: reply.member_epoch,
            heartbeat_interval_ms: settings.consumer_heartbeat_interval_ms,
            assignment: reply.assignment.as_ref().map(assignment),
            ..ConsumerGroupHeartbeatResponse::default()
        },
        Err(refusal) => refused(refusal),
    }
}

fn group_config(ctx: &RequestContext, group_id: &str) -> GroupConfig {
    let published = ctx.broker.metadata.published();
    let own = published.image.group_configs(group_id);
    published.settings.group_config(own)
}

/// What can be told to be wrong from the request alone.
fn check(ctx: &RequestContext, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidRequest, message));
    let is_blank = |text: Option<&Text>| text.is_some_and(|text| text.trim().is_empty());
    let epoch = request.member_epoch;
    let makes_own_id = ctx.version >= 1;
    if is_blank(Some(&request.member_id)) && (makes_own_id || epoch > 0 || epoch == LEAVE_EPOCH) {
        return invalid("the member id is empty");
    }
    if is_blank(Some(&request.group_id)) {
        return invalid("the group id is empty");
    }
    if is_blank(request.instance_id.as_ref()) {
        return invalid("the instance id is empty");
    }
    if is_blank(request.rack_id.as_ref()) {
        return invalid("the rack id is empty");
    }
    let subscribes =
        request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
    match epoch {
        JOIN_EPOCH if request.rebalance_timeout_ms == -1 => {
            return invalid("a member that joins must say its rebalance timeout");
        }
        JOIN_EPOCH
            if request
                .topic_partitions
                .as_ref()
                .is_none_or(|owned| !owned.is_empty()) =>
        {
            return invalid("a member that joins must own no partitions, and say so");
        }
        JOIN_EPOCH if !subscribes => {
            return invalid("a member that joins must say what it subscribes to");
        }
        LEAVE_STATIC_EPOCH if request.instance_id.is_none() => {
            return invalid("only a static member can leave for a while");
        }
        ..LEAVE_STATIC_EPOCH => return invalid("there is no such member epoch"),
        _ => {}
    }
    check_assignor(ctx, request.server_assignor.as_deref())?;
    check_pattern(request.subscribed_topic_regex.as_deref())
}

fn check_assignor(ctx: &RequestContext, name: Option<&str>) -> Result<(), Refusal> {
    let offered = &ctx.broker.settings.broker.group_consumer_assignors;
    match name {
        Some(name) if !offered.iter().any(|assignor| assignor == name) => {
            let message = format!("there is no assignor {name}, but {}", offered.join(", "));
            Err(Refusal::new(ErrorCode::UnsupportedAssignor, message))
        }
        _ => Ok(()),
    }
}

fn check_pattern(pattern: Option<&str>) -> Result<(), Refusal> {
    // An empty one takes the subscription by pattern back.
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else {
        return Ok(());
    };
    match TopicPattern::parse(pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(
            ErrorCode::InvalidRegularExpression,
            error.to_string(),
        )),
    }
}

fn owned(topics: &[TopicPartitions]) -> Partitions {
    topics
        .iter()
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|index| (topic.topic_id, *index))
        })
        .collect()
}

fn assignment(partitions: &Partitions) -> Assignment {
    let topics = partitions
        .topics()
        .map(|(topic_id, indexes)| TopicPartitions {
            topic_id,
            partitions: indexes.iter().copied().collect(),
        });
    Assignment {
        topic_partitions: topics.collect(),
    }
}

fn refused(refusal: Refusal) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error_code: refusal.code.code(),
        error_message: refusal.text(),
        ..ConsumerGroupHeartbeatResponse::default()
    }
}
