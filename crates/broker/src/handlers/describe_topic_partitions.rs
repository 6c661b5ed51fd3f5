//! DescribeTopicPartitions (key 75), version 0 (KIP-966): topics and their partitions, page by page.
//!
//! - Topics come in the order of their names; without any named, all of them. A page has at most
//!   `response_partition_limit` partitions, 1 to 2000; `next_cursor` says where the next one begins and
//!   is null at the end.
//! - A cursor into a topic that has been deleted since goes on with the one behind it. If topics are
//!   named and the cursor's is not among them: INVALID_REQUEST for each.
//! - A topic that does not exist is told in its place; nothing is created here.
//! - One broker: it leads everything, and there are no replicas that could lag or be away. Without ACLs
//!   a client may do to a topic all that can be done.

use std::collections::BTreeSet;

use model::{ErrorCode, TopicName};
use wire::Text;
use wire::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use crate::context::RequestContext;
use crate::handlers::support::TOPIC_OPERATIONS;
use crate::topics::{Topic, Topics};

/// Most partitions of a page (Kafka's `max.request.partition.size.limit`).
const PARTITIONS_PER_PAGE_MAX: usize = 2000;

/// Describes one page.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let published = ctx.broker.metadata.published();
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(0);
    let cursor = request.cursor.unwrap_or_default();
    let names = match request.topics.as_slice() {
        [] => all_names(&published.topics),
        asked => asked.iter().map(|topic| topic.name.clone()).collect(),
    };
    let is_begun = !cursor.topic_name.is_empty();
    if is_begun && !request.topics.is_empty() && !names.contains(&cursor.topic_name) {
        let refused = names.into_iter();
        return DescribeTopicPartitionsResponse {
            topics: refused
                .map(|name| not_found(name, ErrorCode::InvalidRequest))
                .collect(),
            ..DescribeTopicPartitionsResponse::default()
        };
    }
    let mut page = Page {
        partitions_left: limit.clamp(1, PARTITIONS_PER_PAGE_MAX),
        response: DescribeTopicPartitionsResponse::default(),
    };
    for name in names.range(cursor.topic_name.clone()..) {
        let first = match *name == cursor.topic_name {
            true => usize::try_from(cursor.partition_index).unwrap_or(0),
            false => 0,
        };
        match published.topics.by_name(name) {
            Ok(topic) => page.add(ctx, topic, first),
            Err(error) => page.response.topics.push(not_found(name.clone(), error)),
        }
        if page.response.next_cursor.is_some() {
            break;
        }
    }
    page.response
}

fn all_names(topics: &Topics) -> BTreeSet<Text> {
    let names = topics.iter().map(|topic| topic.name().as_str());
    names.map(Text::from).collect()
}

fn not_found(name: Text, error: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    let error = match TopicName::new(&name) {
        Ok(_) => error,
        Err(_) => ErrorCode::InvalidTopicException,
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: error.code(),
        name: Some(name),
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

/// A page that is being filled.
struct Page {
    partitions_left: usize,
    response: DescribeTopicPartitionsResponse,
}

impl Page {
    /// Adds the partitions of a topic from `first` on, as many as there is room for.
    fn add(&mut self, ctx: &RequestContext, topic: &Topic, first: usize) {
        let name = Text::from(topic.name().as_str());
        let left = topic.partition_count().saturating_sub(first);
        let count = left.min(self.partitions_left);
        if count < left {
            self.response.next_cursor = Some(Cursor {
                topic_name: name.clone(),
                partition_index: i32::try_from(first + count).unwrap_or(i32::MAX),
            });
        }
        if count == 0 && left > 0 {
            return;
        }
        self.partitions_left -= count;
        let node_id = ctx.broker.settings.broker.node_id;
        let leader_epoch = ctx.broker.storage.leader_epoch().0;
        let partitions = (0..).skip(first).take(count);
        let partitions =
            partitions.map(|partition_index| DescribeTopicPartitionsResponsePartition {
                error_code: ErrorCode::None.code(),
                partition_index,
                leader_id: node_id,
                leader_epoch,
                replica_nodes: vec![node_id],
                isr_nodes: vec![node_id],
                eligible_leader_replicas: Some(Vec::new()),
                last_known_elr: Some(Vec::new()),
                offline_replicas: Vec::new(),
            });
        self.response
            .topics
            .push(DescribeTopicPartitionsResponseTopic {
                error_code: ErrorCode::None.code(),
                name: Some(name),
                topic_id: topic.id(),
                is_internal: topic.is_internal(),
                partitions: partitions.collect(),
                topic_authorized_operations: TOPIC_OPERATIONS,
            });
    }
}
