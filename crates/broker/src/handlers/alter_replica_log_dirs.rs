//! AlterReplicaLogDirs (key 34), versions 1 and 2 (KIP-113): moves replicas between the directories of
//! this broker.
//!
//! - There is one directory, so every replica is where it can be: naming the directory as DescribeLogDirs
//!   does, to the letter, succeeds and changes nothing. Any other path, relative ones too:
//!   LOG_DIR_NOT_FOUND, whether or not the partition exists. A partition that does not exist:
//!   UNKNOWN_TOPIC_OR_PARTITION.
//! - A partition that is named more than once is answered once, and its last directory counts, as in
//!   Kafka. Answers are in the order of names and indexes.
//! - Kafka refuses topics with names of 214 characters and more, which are too long for the names of
//!   its directories. Ours do not hold the names of topics, so these are like any others.

use std::collections::BTreeMap;

use model::ErrorCode;
use wire::Text;
use wire::messages::alter_replica_log_dirs::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
};

use crate::context::RequestContext;

/// Says of each partition whether it is, or could be, in the directory that is wanted.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let log_dir = ctx.broker.settings.log_dir();
    // Whether the directory exists, by partition.
    let mut wanted: BTreeMap<Text, BTreeMap<i32, bool>> = BTreeMap::new();
    for dir in request.dirs {
        let exists = dir.path == *log_dir;
        for topic in dir.topics {
            if topic.partitions.is_empty() {
                continue;
            }
            let partitions = wanted.entry(topic.name).or_default();
            partitions.extend(topic.partitions.iter().map(|index| (*index, exists)));
        }
    }
    let results = wanted.into_iter().map(|(topic_name, partitions)| {
        let partitions = partitions.into_iter().map(|(partition_index, exists)| {
            let error = match exists {
                true => check(ctx, &topic_name, partition_index),
                false => ErrorCode::LogDirNotFound,
            };
            AlterReplicaLogDirPartitionResult {
                partition_index,
                error_code: error.code(),
            }
        });
        AlterReplicaLogDirTopicResult {
            partitions: partitions.collect(),
            topic_name,
        }
    });
    AlterReplicaLogDirsResponse {
        results: results.collect(),
        ..AlterReplicaLogDirsResponse::default()
    }
}

fn check(ctx: &RequestContext, topic: &str, partition_index: i32) -> ErrorCode {
    let published = ctx.broker.metadata.published();
    let found = published.topics.by_name(topic);
    match found.and_then(|topic| topic.log(partition_index)) {
        Ok(_) => ErrorCode::None,
        Err(code) => code,
    }
}
