//! Topics that come into being by being used.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use metadata::{
    CreateTopicError, Image, MetadataRecord, NewTopic, plan_create_internal_topic,
    plan_create_topic,
};
use model::{ErrorCode, TopicId, TopicName};
use wire::Text;

use crate::broker::Broker;
use crate::context::RequestContext;
use crate::errors;
use crate::metadata_store::{Plan, UpdateError};
use crate::topics::Topic;

/// A client that has no quota left for a topic is told that it is not there, in every version, and asks
/// again.
const ALWAYS_STRICT: i16 = 0;

/// Creates the topics of these names that are not there, with the broker's default settings, because
/// a client asked for their metadata. All are one change: one round of the write-ahead log. Returns
/// when it is durable, with those that could not be created.
pub(crate) async fn create_by_use(ctx: &RequestContext, names: &[Text]) -> Vec<(Text, ErrorCode)> {
    let created = ctx
        .broker
        .metadata
        .update(|image| Ok::<_, Infallible>(plan_by_use(ctx, image, names)));
    match created.await {
        Ok(refused) => refused,
        Err(UpdateError::Refused(never)) => match never {},
        Err(UpdateError::Write(error)) => {
            let error = errors::of_metadata_write(error);
            names.iter().map(|name| (name.clone(), error)).collect()
        }
    }
}

fn plan_by_use(
    ctx: &RequestContext,
    image: &Image,
    names: &[Text],
) -> Plan<Vec<(Text, ErrorCode)>> {
    let broker = &ctx.broker;
    let published = broker.metadata.published();
    let mut changes = ctx.changes(ALWAYS_STRICT);
    // Each topic is planned on top of those before it.
    let mut image = image.clone();
    let mut plan = Plan {
        records: Vec::new(),
        value: Vec::new(),
    };
    for name in names {
        let topic = NewTopic {
            name: name.to_string(),
            num_partitions: -1,
            replication_factor: -1,
            ..NewTopic::default()
        };
        let id = new_topic_id(broker);
        match plan_create_topic(&image, &published.settings, &topic, id) {
            Ok(record) if changes.charge(partitions(&record)).is_err() => {
                let error = ErrorCode::UnknownTopicOrPartition;
                plan.value.push((name.clone(), error));
            }
            Ok(record) if image.apply(&record).is_ok() => plan.records.push(record),
            // Somebody else was faster, or the request names it twice.
            Err(CreateTopicError::Exists) => {}
            Ok(_) => plan
                .value
                .push((name.clone(), ErrorCode::UnknownServerError)),
            Err(refusal) => plan.value.push((name.clone(), refusal_by_use(&refusal))),
        }
    }
    plan
}

fn partitions(record: &MetadataRecord) -> usize {
    match record {
        MetadataRecord::TopicCreated { partitions, .. } => partitions.len(),
        other => panic!("a topic is planned as {other:?}"),
    }
}

/// One of the broker's own topics; created if it is not there yet.
pub(crate) async fn internal_topic(
    broker: &Broker,
    name: &str,
    partitions: i32,
) -> Result<Arc<Topic>, ErrorCode> {
    if let Ok(topic) = broker.metadata.published().topics.by_name(name) {
        return Ok(Arc::clone(topic));
    }
    let topic_name = TopicName::new(name).map_err(|_| ErrorCode::InvalidTopicException)?;
    let id = new_topic_id(broker);
    let created = broker.metadata.update(|image| {
        plan_create_internal_topic(image, &topic_name, partitions, BTreeMap::new(), id).map(
            |record| Plan {
                records: vec![record],
                value: (),
            },
        )
    });
    match created.await {
        Ok(()) | Err(UpdateError::Refused(CreateTopicError::Exists)) => {}
        Err(UpdateError::Refused(_)) => return Err(ErrorCode::CoordinatorNotAvailable),
        Err(UpdateError::Write(error)) => return Err(errors::of_metadata_write(error)),
    }
    broker.metadata.published().topics.by_name(name).cloned()
}

/// A topic id that was never used.
pub(crate) fn new_topic_id(broker: &Broker) -> TopicId {
    TopicId::from_random(broker.env.rng.random_16())
}

/// A client that only asked for metadata knows few codes: what is wrong with the name, or that the
/// topic is not there.
fn refusal_by_use(refusal: &CreateTopicError) -> ErrorCode {
    match refusal {
        CreateTopicError::InvalidName(_) | CreateTopicError::Collides(_) => {
            ErrorCode::InvalidTopicException
        }
        CreateTopicError::InternalName
        | CreateTopicError::Exists
        | CreateTopicError::InvalidPartitions(_)
        | CreateTopicError::InvalidReplicationFactor(_)
        | CreateTopicError::InvalidReplicaAssignment(_)
        | CreateTopicError::AssignmentAndCount(_)
        | CreateTopicError::InvalidConfig(_)
        | CreateTopicError::NullConfigs(_)
        | CreateTopicError::TooManyPartitions => ErrorCode::UnknownTopicOrPartition,
    }
}
