//! A broker of its own for each input, and frames on one connection to it: what gets through the
//! decoders and is still hostile.
//!
//! The input is a list of frames: a byte that says how much time passes before it, and the frame with its
//! length in two bytes before it.

mod story;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ::broker::{Broker, Connection, KafkaService, Settings};
use bytes::Bytes;
use config::BrokerSettings;
use network::{Outcome, Reply, Service};
use sim::Handles;
use wire::apis::ApiKey;
use wire::{Decoder, RequestHeader, ResponseHeader};

use super::responses::read_body;
use crate::allocation::unwatched;
use crate::input::Input;
use crate::{MemoryLimits, Target};

pub(super) const TARGET: Target = Target {
    seeds: story::seeds,
    input_bytes_max: 48 * 1024,
    // A request may create ten thousand partitions, and the answers about them are long.
    memory_limits: |_| MemoryLimits {
        at_once_bytes: 8 << 20,
        held_bytes: 64 << 20,
    },
    ..Target::new("broker", "requests to a broker, one after the other", run)
};

/// Frames in one input; more only takes longer.
const FRAMES_MAX: usize = 16;

/// The time that the byte before a frame counts in.
const PAUSE: Duration = Duration::from_millis(500);

/// The largest answer that so small requests may have, in bytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// How long an answer may take that waits for the disk only, which is memory here.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(8);

fn run(input: &[u8]) {
    let (runtime, mut session) = unwatched(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().expect("a runtime");
        let session = runtime.block_on(Session::open());
        (runtime, session)
    });
    runtime.block_on(async {
        let mut input = Input::new(input);
        for _ in 0..FRAMES_MAX {
            if input.is_empty() {
                break;
            }
            session.pause(PAUSE * u32::from(input.u8())).await;
            session.send(Bytes::copy_from_slice(input.piece())).await;
        }
        session.broker.shut_down();
    });
}

struct Session {
    broker: Arc<Broker>,
    service: KafkaService,
    connection: Connection,
    handles: Handles,
}

impl Session {
    async fn open() -> Self {
        let (mut env, handles) = sim::env(7);
        // The simulated disk and clock, on real threads.
        env.spawn = env::real::env().spawn;
        let settings = Settings {
            data_dir: "/data".into(),
            broker: BrokerSettings::parse(&BTreeMap::from(
                [("offsets.topic.num.partitions", "2")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            ))
            .expect("legal settings"),
            advertised_host: "broker.example".to_owned(),
            advertised_port: 9092,
        };
        let broker = Broker::open(env, settings)
            .await
            .expect("an empty directory");
        let service = KafkaService::new(Arc::clone(&broker));
        let address = "127.0.0.1:9092".parse().expect("an address");
        let connection = service.connect(address, address);
        Self {
            broker,
            service,
            connection,
            handles,
        }
    }

    /// Lets time pass, and what has become due with it happen.
    async fn pause(&self, time: Duration) {
        self.handles.clock.advance(time);
        tokio::task::yield_now().await;
    }

    async fn send(&mut self, frame: Bytes) {
        let header = RequestHeader::decode(&mut Decoder::new(frame.clone())).ok();
        let outcome = match self.service.call(&mut self.connection, frame) {
            Reply::Close(_) | Reply::None => return,
            Reply::Ready(answer) => Outcome::Answer(answer),
            Reply::Serial(answer) | Reply::Pipelined(answer) => {
                let answer = tokio::time::timeout(ANSWER_TIME_MAX, answer).await;
                answer.expect("an answer comes when its record is on disk")
            }
            Reply::Parked(mut answer) => {
                // It may wait for what never comes; then the client has gone.
                let polled = answer
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
                tokio::task::yield_now().await;
                match polled {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => return,
                }
            }
        };
        if let (Outcome::Answer(answer), Some(header)) = (outcome, header) {
            check_answer(&header, answer.into_bytes());
        }
    }
}

/// What is answered is an answer to what was asked, whole and not too long.
fn check_answer(header: &RequestHeader, answer: Bytes) {
    assert!(answer.len() <= ANSWER_BYTES_MAX, "{} bytes", answer.len());
    let api = ApiKey::from_key(header.api_key).expect("only what is known is answered");
    // A version of ApiVersions that is not known is answered in version 0 (KIP-511).
    let version = if api.versions().contains(&header.api_version) {
        header.api_version
    } else {
        0
    };
    let mut decoder = Decoder::of_answer(answer);
    let read = ResponseHeader::decode(&mut decoder, header.api_key, version);
    let correlation_id = read.expect("a header").correlation_id;
    assert_eq!(correlation_id, header.correlation_id);
    read_body(header.api_key, version, decoder).expect("a body");
}
