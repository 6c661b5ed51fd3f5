//! An idempotent producer that notes what it is going to send before it does, and what it was told.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer,
};

use super::control::{Control, Event, Window};
use crate::content::{Content, Identity, SEQUENCE_END};
use crate::journal::{Entry, Pen, Place};
use crate::random::Random;
use crate::reading::client_config;

/// How much a producer may have under way.
const RECORDS_MAX: usize = 400;
const BYTES_MAX: usize = 4 << 20;

/// How far the clocks of producers are apart.
const CLOCK_SKEW_MS: u64 = 60_000;

/// What is to be sent together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The partition.
    pub place: Place,
    /// Which of the topics that have had this name.
    pub incarnation: u32,
    /// How many records.
    pub records: u64,
}

/// A producer of the plan with the client it has now.
pub(super) struct Sender {
    producer: u16,
    client: ThreadedProducer<Deliveries>,
    window: Arc<Window>,
    pen: Pen,
}

impl Sender {
    /// Connects a client. `tuning` varies how it gathers batches.
    pub(super) fn new(
        bootstrap: &str,
        producer: u16,
        codec: &str,
        is_gapless: bool,
        tuning: &mut Random,
        pen: &Pen,
        control: &Control,
    ) -> anyhow::Result<Self> {
        let window = Arc::new(Window::new(RECORDS_MAX, BYTES_MAX));
        let mut config = client_config(bootstrap);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("max.in.flight.requests.per.connection", "5")
            // Longer than any run: what is sent waits for the broker to come back.
            .set("message.timeout.ms", "7200000")
            // A record that cannot be delivered must not be passed over in silence.
            .set("enable.gapless.guarantee", is_gapless.to_string())
            .set("compression.codec", codec)
            .set("linger.ms", tuning.one_of(&["0", "2", "20"]).to_string())
            .set(
                "batch.num.messages",
                tuning.one_of(&["1", "10", "10000"]).to_string(),
            );
        let context = Deliveries {
            producer,
            window: Arc::clone(&window),
            pen: pen.clone(),
            control: control.clone(),
        };
        Ok(Self {
            producer,
            client: ThreadedProducer::from_config_and_context(&config, context)?,
            window,
            pen: pen.clone(),
        })
    }

    /// Sends the next records of this producer when there is room; `sequence` counts them. Tells
    /// whether they were sent: a client that has ended takes no more.
    pub(super) fn send(&self, burst: Burst<'_>, sequence: &mut u32, random: &mut Random) -> bool {
        let mut contents = Vec::new();
        let mut intents = Vec::new();
        for _ in 0..burst.records {
            if *sequence == SEQUENCE_END {
                return false;
            }
            let identity = Identity {
                producer: self.producer,
                sequence: *sequence,
            };
            *sequence += 1;
            let content = Content::draw(identity, random);
            let skew = random.between(0, CLOCK_SKEW_MS).cast_signed();
            let timestamp = now_ms() - skew;
            intents.push(Entry::Intent {
                producer: self.producer,
                sequence: identity.sequence,
                place: burst.place,
                incarnation: burst.incarnation,
                bytes: u32::try_from(content.value.len()).unwrap_or(u32::MAX),
                digest: content.digest(),
                timestamp,
            });
            contents.push((identity, content, timestamp));
        }
        self.pen.note_all(intents);
        for (identity, content, timestamp) in &contents {
            if !self.send_one(burst, *identity, content, *timestamp) {
                return false;
            }
        }
        true
    }

    fn send_one(
        &self,
        burst: Burst<'_>,
        identity: Identity,
        content: &Content,
        timestamp: i64,
    ) -> bool {
        let mut record = BaseRecord::with_opaque_to(burst.topic, identity.sequence as usize)
            .partition(burst.place.partition)
            .payload(content.value.as_slice())
            .timestamp(timestamp);
        if let Some(key) = &content.key {
            record = record.key(key.as_slice());
        }
        if !content.headers.is_empty() {
            let mut headers = OwnedHeaders::new_with_capacity(content.headers.len());
            for (key, value) in &content.headers {
                let value = value.as_deref();
                headers = headers.insert(Header { key, value });
            }
            record = record.headers(headers);
        }
        self.window.take(content.value.len());
        let Err((error, _)) = self.client.send(record) else {
            return true;
        };
        self.window.give(content.value.len());
        self.pen.note(Entry::Failed {
            producer: identity.producer,
            sequence: identity.sequence,
            reason: format!("not taken by the client: {error}"),
        });
        false
    }

    /// Waits for room, at most so long; tells whether there is some.
    pub(super) fn wait_for_room(&self, limit: Duration) -> bool {
        self.window.wait_for_room(limit)
    }

    /// Waits until everything is answered, at most so long; tells whether it is.
    pub(super) fn wait_for_answers(&self, limit: Duration) -> bool {
        self.window.wait_for_none(limit)
    }

    /// Gives up what has not been answered, and the client with it. Nothing of it is sent any more.
    pub(super) fn close(self) {
        self.client.purge(PurgeConfig::default().queue().inflight());
        // Within the client: the purged records are handed back.
        self.window.wait_for_none(Duration::from_secs(10));
    }
}

/// The time of day in milliseconds.
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

/// What the client calls back into.
struct Deliveries {
    producer: u16,
    window: Arc<Window>,
    pen: Pen,
    control: Control,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        // All others pass: the broker is down now and then.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.pen.note(Entry::Fatal {
                producer: self.producer,
                reason: reason.to_owned(),
            });
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, sequence: usize) {
        let sequence = u32::try_from(sequence).unwrap_or(u32::MAX);
        let (entry, message) = match result {
            Ok(message) => (
                Entry::Acknowledged {
                    producer: self.producer,
                    sequence,
                    partition: message.partition(),
                    offset: message.offset(),
                    timestamp: message.timestamp().to_millis().unwrap_or(-1),
                },
                message,
            ),
            Err((error, message)) => (
                Entry::Failed {
                    producer: self.producer,
                    sequence,
                    reason: error.to_string(),
                },
                message,
            ),
        };
        self.pen.note(entry);
        if result.is_ok() {
            self.control.note(Event::Acknowledged);
        }
        self.window.give(message.payload_len());
    }
}
