//! DescribeLogDirs (key 35), versions 1 to 5 (KIP-113): how much room the logs take.
//!
//! - There is one directory: the data directory. The size of a partition is that of its record batches,
//!   those included that are still in the write-ahead log only.
//! - Null asks for all partitions, the broker's own included; partitions that do not exist are left out.
//! - v4 (KIP-827): size and free space of the volume; -1 if the operating system does not tell.
//! - v5 (KIP-1066): the directory always takes new partitions. Logs are never moved between directories,
//!   so that none lags behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ErrorCode;
use wire::Text;
use wire::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};

use crate::context::RequestContext;
use crate::topics::Topic;

/// What the volume does not tell.
const UNKNOWN: i64 = -1;

/// Describes the data directory.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let (total_bytes, usable_bytes) = volume(&ctx).await;
    DescribeLogDirsResponse {
        results: vec![DescribeLogDirsResult {
            error_code: ErrorCode::None.code(),
            log_dir: Text::from(ctx.broker.settings.log_dir()),
            topics: topics(&ctx, request.topics),
            total_bytes,
            usable_bytes,
            is_cordoned: false,
        }],
        ..DescribeLogDirsResponse::default()
    }
}

/// Size and free space of the volume; asked where that may take its time.
async fn volume(ctx: &RequestContext) -> (i64, i64) {
    let fs = Arc::clone(&ctx.broker.env.fs);
    let data_dir = ctx.broker.settings.data_dir.clone();
    let told = |bytes: std::io::Result<u64>| match bytes {
        Ok(bytes) => i64::try_from(bytes).unwrap_or(i64::MAX),
        Err(_) => UNKNOWN,
    };
    let look = move || {
        let total = told(fs.total_bytes(&data_dir));
        (total, told(fs.available_bytes(&data_dir)))
    };
    let looked = ctx.broker.read_disk(look).await;
    looked.unwrap_or((UNKNOWN, UNKNOWN))
}

fn topics(
    ctx: &RequestContext,
    asked: Option<Vec<DescribableLogDirTopic>>,
) -> Vec<DescribeLogDirsTopic> {
    let published = ctx.broker.metadata.published();
    let Some(asked) = asked else {
        let mut all: Vec<_> = published.topics.iter().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        let all = all.into_iter();
        return all
            .map(|topic| described(topic, (0..).take(topic.partition_count())))
            .collect();
    };
    let mut partitions: BTreeMap<Text, BTreeSet<i32>> = BTreeMap::new();
    for topic in asked {
        let indexes = partitions.entry(topic.topic).or_default();
        indexes.extend(topic.partitions);
    }
    let found = partitions.into_iter().filter_map(|(name, indexes)| {
        let topic = published.topics.by_name(&name).ok()?;
        Some(described(topic, indexes.into_iter()))
    });
    found.collect()
}

fn described(topic: &Topic, indexes: impl Iterator<Item = i32>) -> DescribeLogDirsTopic {
    let partitions = indexes.filter_map(|partition_index| {
        let bytes = topic.log(partition_index).ok()?.view().bytes;
        Some(DescribeLogDirsPartition {
            partition_index,
            partition_size: i64::try_from(bytes).unwrap_or(i64::MAX),
            offset_lag: 0,
            is_future_key: false,
        })
    });
    DescribeLogDirsTopic {
        name: Text::from(topic.name().as_str()),
        partitions: partitions.collect(),
    }
}
