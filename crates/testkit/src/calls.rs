//! The calls that many tests make, on one partition each.

use anyhow::Context;
use bytes::Bytes;
use wire::batch::{BatchBuilder, BatchView, NewRecord};
use wire::messages::{create_topics, fetch, produce};
use wire::{Chunks, Text};

use crate::Connection;

/// The versions used here: old enough to name topics, new enough to tell all there is to tell.
const CREATE_TOPICS: i16 = 5;
const PRODUCE: i16 = 9;
const FETCH: i16 = 12;

/// A batch of records without keys, with these values and one timestamp.
pub fn batch<'a>(timestamp: i64, values: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.push(NewRecord {
            timestamp,
            value: Some(value),
            ..NewRecord::default()
        });
    }
    builder.build()
}

impl Connection {
    /// Creates a topic and returns the error code.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub fn create_topic(&mut self, name: &str, num_partitions: i32) -> anyhow::Result<i16> {
        let request = create_topics::CreateTopicsRequest {
            topics: vec![create_topics::CreatableTopic {
                name: Text::from(name.to_owned()),
                num_partitions,
                replication_factor: 1,
                ..Default::default()
            }],
            timeout_ms: 10_000,
            ..Default::default()
        };
        let response = self.call(&request, CREATE_TOPICS)?;
        let topic = response.topics.first().context("an answer without topic")?;
        Ok(topic.error_code)
    }

    /// Writes bytes as the batch of a partition with acks=all.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        batch: Vec<u8>,
    ) -> anyhow::Result<produce::PartitionProduceResponse> {
        let response = self.call(&produce_request(topic, partition, batch, -1), PRODUCE)?;
        let topic = response.responses.into_iter().next();
        topic
            .and_then(|topic| topic.partition_responses.into_iter().next())
            .context("an answer without partition")
    }

    /// Reads a partition from an offset on, without waiting for more than there is.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub fn fetch(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> anyhow::Result<fetch::PartitionData> {
        let response = self.call(&fetch_request(topic, partition, offset, 0), FETCH)?;
        let topic = response.responses.into_iter().next();
        topic
            .and_then(|topic| topic.partitions.into_iter().next())
            .with_context(|| format!("an answer without partition: {}", response.error_code))
    }

    /// All batches of a partition from its first offset to its high watermark.
    ///
    /// # Errors
    ///
    /// When an answer is an error or holds something else than whole batches.
    pub fn batches(&mut self, topic: &str, partition: i32) -> anyhow::Result<Vec<Bytes>> {
        let mut batches = Vec::new();
        let mut offset = 0;
        loop {
            let data = self.fetch(topic, partition, offset)?;
            anyhow::ensure!(data.error_code == 0, "fetch: error {}", data.error_code);
            if offset >= data.high_watermark {
                return Ok(batches);
            }
            let records = data.records.unwrap_or_default().into_bytes();
            let mut rest = records.as_ref();
            anyhow::ensure!(!rest.is_empty(), "nothing at offset {offset}");
            while !rest.is_empty() {
                let (view, after) = BatchView::parse(rest)
                    .map_err(|error| anyhow::anyhow!("not a batch: {error:?}"))?;
                batches.push(records.slice_ref(view.bytes()));
                offset = view.header().next_offset().0;
                rest = after;
            }
        }
    }
}

/// A request that writes bytes as the batch of one partition.
pub fn produce_request(
    topic: &str,
    partition: i32,
    batch: Vec<u8>,
    acks: i16,
) -> produce::ProduceRequest {
    produce::ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![produce::TopicProduceData {
            name: Text::from(topic.to_owned()),
            partition_data: vec![produce::PartitionProduceData {
                index: partition,
                records: Some(Chunks::from(Bytes::from(batch))),
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A request that reads one partition and waits up to `max_wait_ms` for a first byte.
pub fn fetch_request(
    topic: &str,
    partition: i32,
    offset: i64,
    max_wait_ms: i32,
) -> fetch::FetchRequest {
    fetch::FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        max_bytes: 8 << 20,
        session_epoch: -1,
        topics: vec![fetch::FetchTopic {
            topic: Text::from(topic.to_owned()),
            partitions: vec![fetch::FetchPartition {
                partition,
                fetch_offset: offset,
                partition_max_bytes: 8 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}
