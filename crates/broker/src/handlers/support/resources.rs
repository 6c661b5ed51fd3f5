//! What settings can belong to, as requests name it: a kind and a name.

use metadata::Resource;
use model::{ErrorCode, TopicName};

use super::Refusal;
use crate::context::RequestContext;

/// A topic.
pub(crate) const TOPIC: i8 = 2;
/// A broker by its node id, or all of them by an empty name.
pub(crate) const BROKER: i8 = 4;
/// The log levels of a broker; do not exist here.
pub(crate) const BROKER_LOGGER: i8 = 8;
/// A subscription to metrics of clients; does not exist here.
pub(crate) const CLIENT_METRICS: i8 = 16;
/// A group.
pub(crate) const GROUP: i8 = 32;

/// Every kind that the protocol knows.
pub(crate) const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

/// What a request means by this kind and name. Whether there is such a topic is not looked at; a group
/// need not exist.
pub(crate) fn resource<'a>(
    ctx: &RequestContext,
    kind: i8,
    name: &'a str,
) -> Result<Resource<'a>, Refusal> {
    let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidRequest, message));
    let node_id = ctx.broker.settings.broker.node_id;
    match (kind, name) {
        (TOPIC, "") => refuse("a topic has a name".to_owned()),
        (TOPIC, name) => match TopicName::new(name) {
            Ok(_) => Ok(Resource::Topic(name)),
            Err(error) => Err(Refusal::new(
                ErrorCode::InvalidTopicException,
                error.to_string(),
            )),
        },
        (BROKER, "") => Ok(Resource::AllBrokers),
        (BROKER, name) if name == node_id.to_string() => Ok(Resource::Broker(node_id)),
        (BROKER, name) => refuse(format!("'{name}' is not this broker, which is {node_id}")),
        (GROUP, "") => refuse("a group has a name".to_owned()),
        (GROUP, name) => Ok(Resource::Group(name)),
        (BROKER_LOGGER, _) => {
            refuse("loggers of a broker (type 8) have no settings here".to_owned())
        }
        (CLIENT_METRICS, _) => refuse("client metrics (type 16) have no settings here".to_owned()),
        (kind, _) => refuse(format!("there are no resources of type {kind}")),
    }
}
