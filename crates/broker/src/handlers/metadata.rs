//! Metadata (key 3), versions 0 to 13: the broker, and the topics asked for.
//!
//! - v0: an empty list asks for all topics. v1+: null asks for all, an empty list for none.
//! - A missing topic is created when the broker (`auto.create.topics.enable`) and the request (v4+,
//!   `allow_auto_topic_creation`) allow it. It is in this answer already, and durable by then; clients
//!   expect that or an error to retry on. Internal topics and illegal names are not created.
//! - v7: leader epochs. v10 (KIP-516): topic ids in the answer; v12: topics by id, with a null name.
//!   Unknown ids get UNKNOWN_TOPIC_ID with the id echoed, and are never created.
//! - v8 (KIP-430): authorized operations; there are no ACLs, so all that exist are allowed. Since v11
//!   DescribeCluster tells those of the cluster.
//! - v13 (KIP-1102): no top-level errors.
//! - A topic that is named twice is answered once.
//! - One broker, which is the controller and the leader of everything.

use std::sync::Arc;

use model::{ErrorCode, TopicId, TopicName};
use wire::Text;
use wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};

use crate::context::RequestContext;
use crate::handlers::support::{
    CLUSTER_OPERATIONS, NO_OPERATIONS, TOPIC_OPERATIONS, keep_first_of_each,
};
use crate::limits::AUTO_CREATED_TOPICS_PER_REQUEST_MAX;
use crate::topic_creation;
use crate::topics::{Topic, Topics};

/// Creates what is missing, then answers from one moment's topics.
pub(crate) async fn handle(ctx: RequestContext, mut request: MetadataRequest) -> MetadataResponse {
    if let Some(topics) = &mut request.topics {
        keep_first_of_each(topics, |topic| (topic.name.clone(), topic.topic_id));
    }
    let asked = asked_topics(&ctx, &request);
    let creations = create_missing(&ctx, &request, asked).await;
    let published = ctx.broker.metadata.published();
    let mut topics: Vec<MetadataResponseTopic> = match asked {
        None => all_topics(&ctx, &published.topics),
        Some(asked) => asked
            .iter()
            .map(|topic| describe(&ctx, &published.topics, topic, &creations))
            .collect(),
    };
    if request.include_topic_authorized_operations {
        for topic in &mut topics {
            if topic.error_code == ErrorCode::None.code() {
                topic.topic_authorized_operations = TOPIC_OPERATIONS;
            }
        }
    }
    let settings = &ctx.broker.settings;
    MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: settings.broker.node_id,
            host: Text::from(&settings.advertised_host),
            port: i32::from(settings.advertised_port),
            rack: None,
        }],
        cluster_id: ctx.broker.cluster_id().map(Text::from),
        controller_id: settings.broker.node_id,
        topics,
        cluster_authorized_operations: match request.include_cluster_authorized_operations {
            true => CLUSTER_OPERATIONS,
            false => NO_OPERATIONS,
        },
        ..MetadataResponse::default()
    }
}

/// The topics asked for; `None` is all.
fn asked_topics<'a>(
    ctx: &RequestContext,
    request: &'a MetadataRequest,
) -> Option<&'a [MetadataRequestTopic]> {
    match request.topics.as_deref() {
        Some([]) if ctx.version == 0 => None,
        topics => topics,
    }
}

/// Topics that could not be created, with the reason.
type Failures = Vec<(Text, ErrorCode)>;

async fn create_missing(
    ctx: &RequestContext,
    request: &MetadataRequest,
    asked: Option<&[MetadataRequestTopic]>,
) -> Failures {
    let broker_allows = ctx.broker.settings.broker.auto_create_topics_enable;
    if !(broker_allows && request.allow_auto_topic_creation) {
        return Failures::new();
    }
    let published = ctx.broker.metadata.published();
    let missing: Vec<Text> = asked
        .unwrap_or_default()
        .iter()
        .filter(|topic| topic.topic_id.is_zero())
        .filter_map(|topic| topic.name.clone())
        .filter(|name| published.topics.by_name(name).is_err())
        .take(AUTO_CREATED_TOPICS_PER_REQUEST_MAX)
        .collect();
    if missing.is_empty() {
        return Failures::new();
    }
    topic_creation::create_by_use(ctx, &missing).await
}

fn all_topics(ctx: &RequestContext, topics: &Topics) -> Vec<MetadataResponseTopic> {
    let mut all: Vec<_> = topics.iter().collect();
    all.sort_by(|a, b| a.name().cmp(b.name()));
    all.into_iter().map(|topic| found(ctx, topic)).collect()
}

fn describe(
    ctx: &RequestContext,
    topics: &Topics,
    asked: &MetadataRequestTopic,
    failures: &Failures,
) -> MetadataResponseTopic {
    if !asked.topic_id.is_zero() {
        return match topics.by_id(asked.topic_id) {
            Ok(topic) => found(ctx, topic),
            Err(error) => not_found(None, asked.topic_id, error),
        };
    }
    let Some(name) = &asked.name else {
        // Neither an id nor a name.
        return not_found(None, TopicId::ZERO, ErrorCode::InvalidRequest);
    };
    match topics.by_name(name) {
        Ok(topic) => found(ctx, topic),
        Err(error) => {
            let failure = failures.iter().find(|(failed, _)| failed == name);
            let error = match failure {
                Some((_, error)) => *error,
                None if TopicName::new(name).is_err() => ErrorCode::InvalidTopicException,
                None => error,
            };
            not_found(Some(name.clone()), TopicId::ZERO, error)
        }
    }
}

fn not_found(name: Option<Text>, topic_id: TopicId, error: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code: error.code(),
        name,
        topic_id,
        ..MetadataResponseTopic::default()
    }
}

fn found(ctx: &RequestContext, topic: &Arc<Topic>) -> MetadataResponseTopic {
    let node_id = ctx.broker.settings.broker.node_id;
    let leader_epoch = ctx.broker.storage.leader_epoch().0;
    let partitions = (0..).take(topic.partition_count());
    let partitions = partitions.map(|partition_index| MetadataResponsePartition {
        error_code: ErrorCode::None.code(),
        partition_index,
        leader_id: node_id,
        leader_epoch,
        replica_nodes: vec![node_id],
        isr_nodes: vec![node_id],
        offline_replicas: Vec::new(),
    });
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(Text::from(topic.name().as_str())),
        topic_id: topic.id(),
        is_internal: topic.is_internal(),
        partitions: partitions.collect(),
        ..MetadataResponseTopic::default()
    }
}
