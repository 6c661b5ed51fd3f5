//! How much room logs take in the directories of brokers.

use std::collections::BTreeMap;

use wire::Text;
use wire::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResult,
};

use super::{ANY_VERSION, Admin};
use crate::error::{ClientError, Refusal};
use crate::offsets::TopicPartition;

/// A directory of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDir {
    /// Node id of the broker.
    pub broker: i32,
    /// Its path on the broker.
    pub path: String,
    /// Bytes of the volume that holds it, if the broker says them.
    pub total_bytes: Option<i64>,
    /// Bytes of the volume that can still be used, if the broker says them.
    pub usable_bytes: Option<i64>,
    /// Bytes of each log in it, or why it cannot be looked into.
    pub logs: Result<BTreeMap<TopicPartition, i64>, Refusal>,
}

impl Admin {
    /// The directories of all brokers with the logs of these topics, or with all logs if none is named.
    pub async fn log_dirs(&mut self, topics: &[String]) -> Result<Vec<LogDir>, ClientError> {
        let request = DescribeLogDirsRequest {
            topics: match topics {
                [] => None,
                names => Some(self.all_partitions(names).await?),
            },
        };
        let nodes: Vec<i32> = self.cluster.brokers.keys().copied().collect();
        let mut directories = Vec::new();
        for node in nodes {
            let response = self.call_node(node, &request, ANY_VERSION).await?;
            Refusal::check(response.error_code, None)?;
            let results = response.results.iter();
            directories.extend(results.map(|result| log_dir(node, result)));
        }
        Ok(directories)
    }

    /// The partitions of topics that exist, as the request names them.
    async fn all_partitions(
        &mut self,
        names: &[String],
    ) -> Result<Vec<DescribableLogDirTopic>, ClientError> {
        let mut asked = Vec::new();
        for (name, topic) in self.topics(names).await? {
            let partitions = topic?.partitions;
            asked.push(DescribableLogDirTopic {
                topic: Text::from(&name),
                partitions: partitions.iter().map(|partition| partition.index).collect(),
            });
        }
        Ok(asked)
    }
}

fn log_dir(broker: i32, found: &DescribeLogDirsResult) -> LogDir {
    let mut logs = BTreeMap::new();
    for topic in &found.topics {
        for partition in &topic.partitions {
            let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            // A log that is being moved here counts beside the one that it will replace.
            *logs.entry(at).or_default() += partition.partition_size;
        }
    }
    let told = |bytes: i64| (bytes >= 0).then_some(bytes);
    LogDir {
        broker,
        path: found.log_dir.to_string(),
        total_bytes: told(found.total_bytes),
        usable_bytes: told(found.usable_bytes),
        logs: Refusal::check(found.error_code, None).map(|()| logs),
    }
}
