//! A broker on a directory of its own, and one connection to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, Connection, KafkaService, Settings};
use bytes::Bytes;
use config::BrokerSettings;
use env::real::RealFs;
use env::{Env, Fs};
use model::{ErrorCode, ProducerEpoch, ProducerId};
use network::{Outcome, Reply, Service};
use sim::SimClock;
use tempfile::TempDir;
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use wire::{Chunks, Decoder, Encoder, Message, Request, RequestHeader, ResponseHeader, Text};

use crate::gated_disk::GatedDisk;
use crate::moving_spawn::MovingSpawn;
use crate::ticking_clock::TickingClock;

/// What a request came to.
#[derive(Debug)]
pub(crate) enum Answered<R> {
    /// This response.
    Response(R),
    /// No answer, as it should be for acks=0.
    Silence,
    /// The connection was closed for this reason.
    Closed(&'static str),
}

/// A broker whose clocks stand still until a test moves them; only a round of the log that waits for others to come
/// has its moment.
pub(crate) struct Fixture {
    pub(crate) broker: Arc<Broker>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) disk: Arc<GatedDisk>,
    ticking_clock: Arc<TickingClock>,
    service: KafkaService,
    connection: Connection,
    client_id: &'static str,
    files: Arc<dyn Fs>,
    directory: TempDir,
    settings: BTreeMap<String, String>,
}

impl Fixture {
    /// A broker with default settings on an empty directory.
    pub(crate) async fn open() -> Self {
        Self::with_settings(&[]).await
    }

    /// A broker with these settings on an empty directory.
    pub(crate) async fn with_settings(settings: &[(&str, &str)]) -> Self {
        Self::on_files(settings, Arc::new(RealFs)).await
    }

    /// A broker with these settings on an empty directory of these files.
    pub(crate) async fn on_files(settings: &[(&str, &str)], files: Arc<dyn Fs>) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let directory = tempfile::tempdir().unwrap();
        Self::on(files, directory, settings, Arc::new(SimClock::default())).await
    }

    async fn on(
        files: Arc<dyn Fs>,
        directory: TempDir,
        settings: BTreeMap<String, String>,
        clock: Arc<SimClock>,
    ) -> Self {
        let (disk, gated_files) = GatedDisk::new(Arc::clone(&files));
        let ticking_clock = Arc::new(TickingClock::new(Arc::clone(&clock)));
        let env = Env {
            clock: ticking_clock.clone(),
            fs: Arc::new(gated_files),
            spawn: Arc::new(MovingSpawn(Arc::clone(&clock))),
            ..env::real::env()
        };
        let broker_settings = Settings {
            data_dir: directory.path().to_owned(),
            broker: BrokerSettings::parse(&settings).unwrap(),
            advertised_host: "broker.example".to_owned(),
            advertised_port: 9092,
        };
        let broker = Broker::open(env, broker_settings).await.unwrap();
        let service = KafkaService::new(Arc::clone(&broker));
        let here = "127.0.0.1:9092".parse().unwrap();
        let connection = service.connect("127.0.0.1:50000".parse().unwrap(), here);
        Self {
            broker,
            clock,
            disk,
            ticking_clock,
            service,
            connection,
            client_id: "test",
            files,
            directory,
            settings,
        }
    }

    /// Stops the broker in good order and opens it again on what it has written.
    pub(crate) async fn restart(self) -> Self {
        self.broker.shut_down();
        drop((self.service, self.broker));
        Self::on(self.files, self.directory, self.settings, self.clock).await
    }

    /// Stops the broker in good order, lets something happen to its directory and opens it again.
    pub(crate) async fn restart_after(self, meddle: impl FnOnce(&Path)) -> Self {
        self.broker.shut_down();
        drop((self.service, self.broker));
        meddle(self.directory.path());
        Self::on(self.files, self.directory, self.settings, self.clock).await
    }

    /// Leaves the broker as it is and opens another on what a power cut left of its files.
    pub(crate) async fn crash_onto(self, files: Arc<dyn Fs>) -> Self {
        Self::on(files, self.directory, self.settings, self.clock).await
    }

    /// Where the broker keeps everything.
    pub(crate) fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    /// The same connection under another client id.
    pub(crate) fn with_client_id(mut self, client_id: &'static str) -> Self {
        self.client_id = client_id;
        self
    }

    /// From now on each look at the clock takes this long.
    pub(crate) fn ticks(&self, tick: Duration) {
        self.ticking_clock.set_tick(tick);
    }

    /// Leaves the connection and makes another.
    pub(crate) fn reconnect(&mut self) {
        let Connection { peer, local, .. } = self.connection;
        self.connection = self.service.connect(peer, local);
    }

    /// For how long the connection is held back.
    pub(crate) fn held_back(&self) -> Duration {
        self.service.held_back(&self.connection)
    }

    /// Hands a frame to the broker.
    pub(crate) fn dispatch(&mut self, frame: Bytes) -> Reply {
        self.service.call(&mut self.connection, frame)
    }

    /// A frame that holds this request.
    pub(crate) fn frame<R: Request>(&self, request: &R, version: i16) -> Bytes {
        let mut encoder = Encoder::new();
        let header = RequestHeader {
            api_key: R::API_KEY,
            api_version: version,
            correlation_id: 7,
            client_id: Some(Text::from_static(self.client_id)),
        };
        header.encode(&mut encoder);
        request.encode(&mut encoder, version);
        encoder.finish().into_bytes()
    }

    /// Sends a request and waits for what becomes of it.
    pub(crate) async fn send<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Answered<R::Response> {
        let frame = self.frame(request, version);
        let reply = self.dispatch(frame);
        decode::<R>(settle(reply).await, version)
    }

    /// Sends a request and expects a response.
    pub(crate) async fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response
    where
        R::Response: std::fmt::Debug,
    {
        match self.send(request, version).await {
            Answered::Response(response) => response,
            other => panic!("no response: {other:?}"),
        }
    }

    /// The metadata of a topic; creates it if it is not there.
    pub(crate) async fn topic(&mut self, name: &'static str) -> MetadataResponseTopic {
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(Text::from_static(name)),
                ..MetadataRequestTopic::default()
            }]),
            ..MetadataRequest::default()
        };
        self.call(&request, 12).await.topics.remove(0)
    }

    /// What a counter without labels has come to.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let metrics = self.broker.render_metrics();
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        metrics.lines().find_map(value).unwrap()
    }

    /// Has the broker make the topic in which it keeps its groups.
    pub(crate) async fn have_groups(&mut self) {
        let request = FindCoordinatorRequest {
            key: Text::from_static("group"),
            ..FindCoordinatorRequest::default()
        };
        let found = self.call(&request, 3).await;
        assert_code(found.error_code, ErrorCode::None);
    }

    /// Produces one batch to partition 0 of a topic, with acks=all.
    pub(crate) async fn produce(
        &mut self,
        topic: &'static str,
        batch: Bytes,
    ) -> PartitionProduceResponse {
        let request = produce_request(topic, batch);
        let mut response = self.call(&request, 9).await;
        response.responses.remove(0).partition_responses.remove(0)
    }

    /// Fetches partition 0 of a topic without waiting.
    pub(crate) async fn fetch(&mut self, topic: &'static str, from: i64) -> PartitionData {
        let mut response = self.call(&fetch_request(topic, from), 12).await;
        response.responses.remove(0).partitions.remove(0)
    }
}

/// Waits for what becomes of a reply.
pub(crate) async fn settle(reply: Reply) -> Outcome {
    match reply {
        Reply::Close(reason) => Outcome::Close(reason),
        Reply::None => Outcome::None,
        Reply::Ready(chunks) => Outcome::Answer(chunks),
        Reply::Serial(later) | Reply::Parked(later) | Reply::Pipelined(later) => later.await,
    }
}

/// Reads what a request came to.
pub(crate) fn decode<R: Request>(outcome: Outcome, version: i16) -> Answered<R::Response> {
    match outcome {
        Outcome::Answer(chunks) => {
            let mut decoder = Decoder::new(chunks.into_bytes());
            let header = ResponseHeader::decode(&mut decoder, R::API_KEY, version).unwrap();
            assert_eq!(header.correlation_id, 7);
            let response = R::Response::decode(&mut decoder, version).unwrap();
            assert_eq!(decoder.remaining(), 0, "the response has bytes behind it");
            Answered::Response(response)
        }
        Outcome::None => Answered::Silence,
        Outcome::Close(reason) => Answered::Closed(reason),
    }
}

/// A request that produces one batch to partition 0 of a topic, with acks=all.
pub(crate) fn produce_request(topic: &'static str, batch: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: Text::from_static(topic),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(Chunks::from(batch)),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// A request that fetches partition 0 of a topic without waiting.
pub(crate) fn fetch_request(topic: &'static str, from: i64) -> FetchRequest {
    FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: Text::from_static(topic),
            partitions: vec![FetchPartition {
                fetch_offset: from,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// The wall clock of a fixture that has just been opened.
pub(crate) const NOW_MS: i64 = 1_767_225_600_000;

/// A batch of these values, of now.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    batch_at(NOW_MS, values)
}

/// A batch of these values, the first of this time and each of the others a millisecond later.
pub(crate) fn batch_at(timestamp: i64, values: &[&str]) -> Bytes {
    build(BatchBuilder::new(), timestamp, values)
}

/// A batch of these values by an idempotent producer.
pub(crate) fn idempotent_batch(
    producer_id: i64,
    epoch: i16,
    sequence: i32,
    values: &[&str],
) -> Bytes {
    let builder =
        BatchBuilder::new().producer(ProducerId(producer_id), ProducerEpoch(epoch), sequence);
    build(builder, NOW_MS, values)
}

/// Puts values into a batch.
pub(crate) fn build(mut builder: BatchBuilder, timestamp: i64, values: &[&str]) -> Bytes {
    for (value, delta) in values.iter().zip(0..) {
        builder.push(NewRecord {
            timestamp: timestamp + delta,
            key: None,
            value: Some(value.as_bytes()),
            headers: &[],
        });
    }
    builder.build().into()
}

/// The values of all records in fetched batches, in order, with their offsets.
pub(crate) fn values(records: Option<Chunks>) -> Vec<(i64, String)> {
    let bytes = records.map(Chunks::into_bytes).unwrap_or_default();
    let mut values = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (batch, behind) = wire::batch::BatchView::parse(rest).unwrap();
        assert!(batch.crc_is_valid());
        for record in batch.records() {
            let record = record.unwrap();
            let value = String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap();
            values.push((batch.base_offset.0 + i64::from(record.offset_delta), value));
        }
        rest = behind;
    }
    values
}

/// Fails unless the code on the wire is this one.
#[track_caller]
pub(crate) fn assert_code(code: i16, expected: ErrorCode) {
    assert_eq!(ErrorCode::from_code(code), Some(expected));
}
