//! A few requests of Kafka's protocol, and how long their answers take.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, ListOffsetsRequest, MetadataRequest, ProduceRequest, RequestHeader, ResponseHeader,
    TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

use crate::brokers::ask;

/// Versions that every broker has.
const PRODUCE: i16 = 3;
const LIST_OFFSETS: i16 = 1;
const METADATA: i16 = 1;

/// The timestamp that asks for the end of a partition.
pub(super) const LATEST: i64 = -1;

/// One connection, with one request at a time.
pub(super) struct Asker {
    stream: TcpStream,
}

impl Asker {
    pub(super) fn open(port: u16) -> Result<Self> {
        let stream = ask(port)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Asks for all topics.
    pub(super) fn metadata(&mut self) -> Result<Duration> {
        let request = MetadataRequest::default().with_topics(None);
        let (answer, taken) = self.exchange(&request, METADATA)?;
        ensure!(!answer.topics.is_empty(), "there are no topics");
        Ok(taken)
    }

    /// Asks for the offsets of these partitions.
    pub(super) fn list_offsets(
        &mut self,
        topic: &str,
        partitions: Range<u32>,
        timestamp: i64,
    ) -> Result<Duration> {
        let count = partitions.len();
        let asked = partitions.map(|index| {
            ListOffsetsPartition::default()
                .with_partition_index(index.cast_signed())
                .with_timestamp(timestamp)
        });
        let topic = ListOffsetsTopic::default()
            .with_name(name(topic))
            .with_partitions(asked.collect());
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![topic]);
        let (answer, taken) = self.exchange(&request, LIST_OFFSETS)?;
        let mut found = answer.topics.iter().flat_map(|topic| &topic.partitions);
        ensure!(
            found.clone().count() == count,
            "another number of partitions"
        );
        ensure!(
            found.all(|partition| partition.error_code == 0),
            "an offset is refused"
        );
        Ok(taken)
    }

    /// Writes a batch to partition 0.
    pub(super) fn produce(&mut self, topic: &str, batch: &Bytes) -> Result<()> {
        let partition = PartitionProduceData::default()
            .with_index(0)
            .with_records(Some(batch.clone()));
        let topic = TopicProduceData::default()
            .with_name(name(topic))
            .with_partition_data(vec![partition]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![topic]);
        let (answer, _) = self.exchange(&request, PRODUCE)?;
        let topic = answer.responses.first().context("no topic")?;
        let partition = topic.partition_responses.first().context("no partition")?;
        let code = partition.error_code;
        ensure!(code == 0, "a batch is refused with error {code}");
        Ok(())
    }

    /// An answer, and how long it took until it was here.
    fn exchange<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<(R::Response, Duration)> {
        let frame = frame(request, version)?;
        let began = Instant::now();
        self.stream.write_all(&frame)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length))?];
        self.stream.read_exact(&mut answer)?;
        let taken = began.elapsed();
        let mut answer = Bytes::from(answer);
        ResponseHeader::decode(&mut answer, R::Response::header_version(version))?;
        Ok((R::Response::decode(&mut answer, version)?, taken))
    }
}

/// A request with its length before it.
fn frame<R: Request>(request: &R, version: i16) -> Result<Bytes> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version);
    let mut bytes = BytesMut::new();
    header.encode(&mut bytes, R::header_version(version))?;
    request.encode(&mut bytes, version)?;
    let mut frame = BytesMut::with_capacity(4 + bytes.len());
    frame.put_i32(i32::try_from(bytes.len())?);
    frame.extend_from_slice(&bytes);
    Ok(frame.freeze())
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}
