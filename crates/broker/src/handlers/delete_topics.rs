//! DeleteTopics (key 20), versions 1 to 6: deletes topics with all their records.
//!
//! - Each topic succeeds or fails by itself; answered when the change is durable. The data goes right
//!   after it, and the offsets that groups have committed for it with it.
//! - v3 (KIP-322): with `delete.topic.enable` off, TOPIC_DELETION_DISABLED; before, INVALID_REQUEST.
//! - v6 (KIP-516): topics by name or by id, not by both. The answer holds both where the topic is
//!   known; an unknown id gets UNKNOWN_TOPIC_ID and a null name.
//! - A topic that is named twice, be it once by name and once by id, is refused in both places. The
//!   broker's own topics cannot be deleted.
//! - v5 (KIP-599): a topic that `controller_mutation_rate` leaves no room for is refused
//!   (THROTTLING_QUOTA_EXCEEDED); before, it is deleted and the client held back. Each partition counts.
//! - `timeout_ms` is not looked at: the change takes one write.

use std::collections::HashSet;

use metadata::{Image, Topic, TopicReference, plan_delete_topic};
use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

use crate::context::RequestContext;
use crate::errors;
use crate::handlers::support::{Refusal, change_each};

/// The first version whose clients know that a topic may be refused because of a quota.
const STRICT_FROM: i16 = 5;

/// Deletes the topics.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let asked = asked_topics(&ctx, request);
    let twice = asked_twice(&ctx.broker.metadata.published().image, &asked);
    let mut changes = ctx.changes(STRICT_FROM);
    let outcomes = change_each(&ctx, asked, false, |image, asked| {
        check_allowed(&ctx)?;
        let reference = reference(asked)?;
        let message = "the topic is named twice in this request";
        if found(image, reference).is_some_and(|topic| twice.contains(&topic.id)) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        let record = plan_delete_topic(image, reference)
            .map_err(|error| Refusal::new(errors::of_delete_topic(&error), error.to_string()))?;
        let topic = found(image, reference);
        changes.charge(topic.map_or(0, |topic| topic.partitions.len()))?;
        let named = topic.map(|topic| (Text::from(topic.name.as_str()), topic.id));
        Ok((Some(record), named))
    });
    let responses = outcomes
        .await
        .into_iter()
        .map(|(asked, outcome)| match outcome {
            Ok(named) => {
                let (name, topic_id) = named.unwrap_or_default();
                DeletableTopicResult {
                    name: Some(name),
                    topic_id,
                    ..DeletableTopicResult::default()
                }
            }
            Err(refusal) => DeletableTopicResult {
                name: asked.name,
                topic_id: asked.topic_id,
                error_code: refusal.code.code(),
                error_message: refusal.text(),
            },
        });
    DeleteTopicsResponse {
        responses: responses.collect(),
        throttle_time_ms: changes.throttle_time_ms(),
    }
}

/// The topics asked for, in the form of version 6.
fn asked_topics(ctx: &RequestContext, request: DeleteTopicsRequest) -> Vec<DeleteTopicState> {
    if ctx.version >= 6 {
        return request.topics;
    }
    let names = request.topic_names.into_iter();
    names
        .map(|name| DeleteTopicState {
            name: Some(name),
            topic_id: TopicId::ZERO,
        })
        .collect()
}

fn check_allowed(ctx: &RequestContext) -> Result<(), Refusal> {
    if ctx.broker.settings.broker.delete_topic_enable {
        return Ok(());
    }
    let code = match ctx.version {
        ..3 => ErrorCode::InvalidRequest,
        _ => ErrorCode::TopicDeletionDisabled,
    };
    Err(Refusal::new(code, "delete.topic.enable is off"))
}

fn reference(asked: &DeleteTopicState) -> Result<TopicReference<'_>, Refusal> {
    match (&asked.name, asked.topic_id.is_zero()) {
        (Some(name), true) => Ok(TopicReference::Name(name)),
        (None, false) => Ok(TopicReference::Id(asked.topic_id)),
        (Some(_), false) => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "a topic is named by its name or by its id, not by both",
        )),
        (None, true) => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "neither a name nor an id",
        )),
    }
}

fn found<'a>(image: &'a Image, reference: TopicReference<'_>) -> Option<&'a Topic> {
    match reference {
        TopicReference::Name(name) => image.topic(name),
        TopicReference::Id(id) => image.topic_by_id(id),
    }
    .map(|topic| &**topic)
}

/// The topics that are asked for more than once.
fn asked_twice(image: &Image, asked: &[DeleteTopicState]) -> HashSet<TopicId> {
    let mut seen = HashSet::new();
    asked
        .iter()
        .filter_map(|asked| found(image, reference(asked).ok()?))
        .map(|topic| topic.id)
        .filter(|id| !seen.insert(*id))
        .collect()
}
