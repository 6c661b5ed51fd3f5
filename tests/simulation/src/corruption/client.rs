//! The broker in this process, on a simulated machine, and one connection to it. Requests and
//! answers go through a codec that the broker does not share.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use broker::{Broker, Connection, KafkaService, Reason, Settings};
use bytes::{Bytes, BytesMut};
use config::BrokerSettings;
use env::Clock;
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use network::{Outcome, Reply, Service};
use sim::Handles;

/// Where the broker keeps everything.
pub(super) const DATA_DIR: &str = "/data";
/// How often retention looks, and how long a segment is written to.
pub(super) const PASS: Duration = Duration::from_secs(3600);
/// How many partitions the groups live in.
pub(super) const GROUP_PARTITIONS: i32 = 3;

/// More turns than a request or a start ever takes.
const TURNS_MAX: usize = 100_000;
/// How far the clock moves when nothing else does.
const TICK: Duration = Duration::from_millis(50);

/// A broker that runs.
pub(super) struct Node {
    handles: Handles,
    broker: Arc<Broker>,
    service: KafkaService,
    connection: Connection,
}

/// Sizes at which a hundred requests fill slots and segments several times. They are below what may
/// be set.
fn settings(wal_bytes_max: i64) -> Settings {
    let pass_ms = PASS.as_millis().to_string();
    let pairs = [
        ("auto.create.topics.enable", "false"),
        (
            "offsets.topic.num.partitions",
            &GROUP_PARTITIONS.to_string(),
        ),
        ("log.retention.check.interval.ms", &pass_ms),
        ("log.roll.ms", &pass_ms),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut broker = BrokerSettings::parse(&BTreeMap::from(pairs)).expect("legal settings");
    broker.wal_max_bytes = wal_bytes_max;
    broker.memory_max_bytes = 512 << 10;
    Settings {
        data_dir: DATA_DIR.into(),
        broker,
        advertised_host: "simulated".to_owned(),
        advertised_port: 9092,
    }
}

impl Node {
    /// Starts a broker on a machine; errs with what it says when it does not start.
    pub(super) fn open(handles: Handles, wal_bytes_max: i64) -> Result<Self, String> {
        let opening = Broker::open(handles.env(), settings(wal_bytes_max));
        let opened = drive(&handles, opening).ok_or("the start never ends".to_owned());
        let opened = opened.and_then(|opened| opened.map_err(|error| error.to_string()));
        let broker = opened.inspect_err(|_| handles.spawn.clear())?;
        let service = KafkaService::new(Arc::clone(&broker));
        let here = "127.0.0.1:9092".parse().expect("an address");
        let peer = "127.0.0.1:50000".parse().expect("an address");
        let connection = service.connect(peer, here);
        Ok(Self {
            handles,
            broker,
            service,
            connection,
        })
    }

    /// What the broker says is wrong with it.
    pub(super) fn health(&self) -> Vec<Reason> {
        self.broker.health()
    }

    /// Asks something and waits for the answer.
    pub(super) fn call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, String> {
        let name = std::any::type_name::<R>();
        let name = name.rsplit("::").next().unwrap_or(name);
        let reply = self
            .service
            .call(&mut self.connection, frame(request, version));
        let outcome = match reply {
            Reply::Close(reason) => Outcome::Close(reason),
            Reply::None => Outcome::None,
            Reply::Ready(chunks) => Outcome::Answer(chunks),
            Reply::Serial(later) | Reply::Parked(later) | Reply::Pipelined(later) => {
                drive(&self.handles, later).ok_or(format!("{name} is never answered"))?
            }
        };
        match outcome {
            Outcome::Answer(chunks) => decode::<R>(&chunks.into_bytes(), version),
            Outcome::None => Err(format!("{name} has no answer")),
            Outcome::Close(reason) => Err(format!("{name} closes the connection: {reason}")),
        }
    }

    /// Now, as people count.
    pub(super) fn now_ms(&self) -> i64 {
        self.handles.clock.wall_ms()
    }

    /// Lets the broker do what there is to do now.
    pub(super) fn settle(&self) {
        settle(&self.handles);
    }

    /// Lets time pass, long enough for what is durable to be written down as such.
    pub(super) fn rest(&self) {
        for _ in 0..4 {
            self.handles.clock.advance(TICK);
            self.settle();
        }
    }

    /// Lets retention look: what is old moves to segments, and what is too old goes.
    pub(super) fn pass(&self) {
        self.settle();
        self.handles.clock.advance(PASS + TICK);
        self.settle();
        self.rest();
    }

    /// Ends the broker in good order.
    pub(super) fn shut_down(self) -> Handles {
        self.broker.stop();
        self.rest();
        let left = self.handles.spawn.loops();
        assert!(left.is_empty(), "{left:?} do not stop");
        self.broker.shut_down();
        self.end()
    }

    /// Ends the process.
    pub(super) fn end(self) -> Handles {
        self.handles.clone()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Tasks hold the broker, which holds the tasks.
        self.handles.spawn.clear();
    }
}

/// Runs the machine until a future is ready; `None` if it never is.
fn drive<T>(handles: &Handles, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut ctx = Context::from_waker(Waker::noop());
    for _ in 0..TURNS_MAX {
        if let Poll::Ready(value) = future.as_mut().poll(&mut ctx) {
            return Some(value);
        }
        if !handles.spawn.turn(handles.clock.now()) {
            handles.clock.advance(TICK);
        }
    }
    None
}

fn settle(handles: &Handles) {
    for _ in 0..TURNS_MAX {
        if !handles.spawn.turn(handles.clock.now()) {
            return;
        }
    }
    panic!("the broker never rests");
}

fn frame<R: Request>(request: &R, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str("simulated")));
    let written = header
        .encode(&mut bytes, R::header_version(version))
        .and_then(|()| request.encode(&mut bytes, version));
    written.unwrap_or_else(|error| panic!("a request of version {version}: {error}"));
    bytes.freeze()
}

fn decode<R: Request>(bytes: &[u8], version: i16) -> Result<R::Response, String> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let form = R::Response::header_version(version);
    let decoded = ResponseHeader::decode(&mut bytes, form)
        .and_then(|_| R::Response::decode(&mut bytes, version));
    decoded.map_err(|error| format!("an answer of version {version} does not parse: {error}"))
}
