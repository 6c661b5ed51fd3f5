//! Topics that come into being by being used.

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::{CreateTopicError, NewTopic, plan_create_internal_topic, plan_create_topic};
use model::{ErrorCode, TopicId, TopicName};

use crate::broker::Broker;
use crate::errors;
use crate::metadata_store::{Plan, UpdateError};
use crate::topics::Topic;

/// Creates a topic with the broker's default settings because a client asked for its metadata.
/// Returns when it is durable; that somebody else was faster is no error.
pub(crate) async fn create_by_use(broker: &Arc<Broker>, name: &str) -> Result<(), ErrorCode> {
    let topic = NewTopic {
        name: name.to_owned(),
        num_partitions: -1,
        replication_factor: -1,
        ..NewTopic::default()
    };
    let id = new_topic_id(broker);
    let created = broker.metadata.update(|image| {
        plan_create_topic(image, &broker.settings.broker, &topic, id).map(|record| Plan {
            records: vec![record],
            value: (),
        })
    });
    match created.await {
        Ok(()) | Err(UpdateError::Refused(CreateTopicError::Exists)) => Ok(()),
        Err(UpdateError::Refused(refusal)) => Err(refusal_by_use(&refusal)),
        Err(UpdateError::Write(error)) => Err(errors::of_metadata_write(error)),
    }
}

/// One of the broker's own topics; created if it is not there yet.
pub(crate) async fn internal_topic(
    broker: &Arc<Broker>,
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
        | CreateTopicError::NoLogIds => ErrorCode::UnknownTopicOrPartition,
    }
}
