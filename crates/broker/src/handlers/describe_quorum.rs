//! DescribeQuorum (key 55), versions 0 to 2 (KIP-595): who keeps the metadata.
//!
//! - One node votes, leads and has everything: this one. Its log of the metadata is the one partition
//!   that can be described, and nobody watches it without a vote. In Kafka's numbers the log ends where
//!   the durable records end; what is not durable yet is shown to nobody.
//! - As in Kafka, a request is about that partition or about nothing: any other partition, beside it or
//!   instead of it, has all that were named answered with UNKNOWN_TOPIC_OR_PARTITION. Where nothing is
//!   named, nothing is answered.
//! - v1 (KIP-836): a leader has fetched and caught up just now.
//! - v2 (KIP-853): replicas have no directory id, as with the fixed voters of Kafka. The node's only
//!   listener is the one that clients use.

use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, QuorumPartitionData,
    QuorumTopicData, ReplicaState, TopicData,
};

use crate::context::RequestContext;
use crate::settings::LISTENER;

/// What Kafka calls the log of the metadata.
const TOPIC: &str = "__cluster_metadata";

/// Describes the log of the metadata.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    if !is_about_metadata(&request.topics) {
        return answer(request.topics, Vec::new(), |partition_index| {
            QuorumPartitionData {
                partition_index,
                error_code: ErrorCode::UnknownTopicOrPartition.code(),
                error_message: Some(Text::from_static("only the metadata has a quorum")),
                ..QuorumPartitionData::default()
            }
        });
    }
    let settings = &ctx.broker.settings;
    let node = Node {
        node_id: settings.broker.node_id,
        listeners: vec![Listener {
            name: Text::from_static(LISTENER),
            host: Text::from(&settings.advertised_host),
            port: settings.advertised_port,
        }],
    };
    answer(request.topics, vec![node], |_| described(ctx))
}

fn is_about_metadata(topics: &[TopicData]) -> bool {
    let [topic] = topics else { return false };
    let [partition] = topic.partitions.as_slice() else {
        return false;
    };
    topic.topic_name == *TOPIC && partition.partition_index == 0
}

fn answer(
    topics: Vec<TopicData>,
    nodes: Vec<Node>,
    describe: impl Fn(i32) -> QuorumPartitionData,
) -> DescribeQuorumResponse {
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter();
        QuorumTopicData {
            partitions: partitions
                .map(|partition| describe(partition.partition_index))
                .collect(),
            topic_name: topic.topic_name,
        }
    });
    DescribeQuorumResponse {
        error_message: None,
        topics: topics.collect(),
        nodes,
        ..DescribeQuorumResponse::default()
    }
}

fn described(ctx: &RequestContext) -> QuorumPartitionData {
    let view = ctx.broker.metadata.log_view();
    let node_id = ctx.broker.settings.broker.node_id;
    let now_ms = ctx.broker.env.clock.wall_ms();
    QuorumPartitionData {
        partition_index: 0,
        error_code: ErrorCode::None.code(),
        error_message: None,
        leader_id: node_id,
        leader_epoch: view.leader_epoch.0,
        high_watermark: view.high_watermark.0,
        current_voters: vec![ReplicaState {
            replica_id: node_id,
            replica_directory_id: TopicId::ZERO,
            log_end_offset: view.high_watermark.0,
            last_fetch_timestamp: now_ms,
            last_caught_up_timestamp: now_ms,
        }],
        observers: Vec::new(),
    }
}
