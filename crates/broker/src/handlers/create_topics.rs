//! CreateTopics (key 19), versions 2 to 7: creates topics.
//!
//! - Each topic succeeds or fails by itself; those that succeed are written as one change and
//!   answered when it is durable.
//! - One broker: the replication factor is 1 or -1, and a manual assignment can only name this
//!   broker. A topic has at most 10,000 partitions.
//! - A setting whose behaviour does not exist here is refused with its name (INVALID_CONFIG), unless
//!   it has its default.
//! - A name that occurs twice is refused wherever it occurs. The broker's own topics cannot be made by
//!   clients.
//! - v4 (KIP-464): -1 partitions or replicas for the broker's default; accepted in v2 and 3 as well,
//!   as Kafka does. v5 (KIP-525): number of partitions and settings in the answer. v7 (KIP-516): topic
//!   id in the answer; zero when the request only checks.
//! - v6 (KIP-599): a topic that `controller_mutation_rate` leaves no room for is refused
//!   (THROTTLING_QUOTA_EXCEEDED); before, it is created and the client held back. Each partition counts.
//! - `timeout_ms` is not looked at: the change takes one write.

use std::collections::BTreeMap;

use metadata::{Assignment, MetadataRecord, NewTopic, plan_create_topic};
use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

use crate::context::RequestContext;
use crate::errors;
use crate::handlers::support::{Refusal, change_each, repeated};
use crate::topic_creation::new_topic_id;

/// The first version whose clients know that a topic may be refused because of a quota.
const STRICT_FROM: i16 = 6;

/// What a topic that was created, or could be, is like.
struct Created {
    id: TopicId,
    partitions: usize,
    configs: BTreeMap<String, String>,
}

/// Creates the topics, or checks whether they could be.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let twice = repeated(request.topics.iter().map(|topic| topic.name.clone()));
    let published = ctx.broker.metadata.published();
    let settings = &published.settings;
    let mut changes = ctx.changes(STRICT_FROM);
    let outcomes = change_each(
        &ctx,
        request.topics,
        request.validate_only,
        |image, topic| {
            if twice.contains(&topic.name) {
                let message = "the topic is named twice in this request";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            let id = new_topic_id(&ctx.broker);
            let record =
                plan_create_topic(image, settings, &new_topic(topic), id).map_err(|error| {
                    Refusal::new(errors::of_create_topic(&error), error.to_string())
                })?;
            let created = created(&record, request.validate_only);
            if !request.validate_only {
                changes.charge(created.partitions)?;
            }
            Ok((Some(record), created))
        },
    );
    let topics = outcomes
        .await
        .into_iter()
        .map(|(topic, outcome)| match outcome {
            Ok(created) => succeeded(&ctx, topic.name, created),
            Err(refusal) => CreatableTopicResult {
                name: topic.name,
                error_code: refusal.code.code(),
                error_message: refusal.text(),
                ..CreatableTopicResult::default()
            },
        });
    CreateTopicsResponse {
        topics: topics.collect(),
        throttle_time_ms: changes.throttle_time_ms(),
    }
}

fn new_topic(topic: &CreatableTopic) -> NewTopic {
    NewTopic {
        name: topic.name.to_string(),
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .iter()
            .map(|assignment| Assignment {
                partition_index: assignment.partition_index,
                broker_ids: assignment.broker_ids.clone(),
            })
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|config| {
                (
                    config.name.to_string(),
                    config.value.as_ref().map(Text::to_string),
                )
            })
            .collect(),
    }
}

fn created(record: &MetadataRecord, check_only: bool) -> Created {
    match record {
        MetadataRecord::TopicCreated {
            id,
            partitions,
            configs,
            ..
        } => Created {
            id: if check_only { TopicId::ZERO } else { *id },
            partitions: partitions.len(),
            configs: configs.clone(),
        },
        other => panic!("a topic is planned as {other:?}"),
    }
}

fn succeeded(ctx: &RequestContext, name: Text, created: Created) -> CreatableTopicResult {
    let settings = &ctx.broker.metadata.published().settings;
    let configs = settings.describe_topic(&created.configs);
    let configs = configs.into_iter().map(|config| CreatableTopicConfigs {
        name: Text::from(config.name),
        value: config.value.map(Text::from),
        read_only: config.read_only,
        config_source: config.source.code(),
        is_sensitive: false,
    });
    CreatableTopicResult {
        name,
        topic_id: created.id,
        error_code: ErrorCode::None.code(),
        num_partitions: i32::try_from(created.partitions).unwrap_or(i32::MAX),
        replication_factor: 1,
        configs: Some(configs.collect()),
        ..CreatableTopicResult::default()
    }
}
