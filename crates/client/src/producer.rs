//! Writing records, through librdkafka.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};

use crate::brokers::Brokers;
use crate::error::ClientError;
use crate::quiet::Quiet;

/// How long a record may take from [`Producer::send`] to its answer, retries included.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a full queue is tried again.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(5);

/// Largest record that is sent, in bytes; the broker's `max.message.bytes` decides, not this.
const MESSAGE_BYTES_MAX: &str = "1000000000";

/// When a record counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// Once it is sent; nothing is known about it afterwards.
    None,
    /// Once the leader has it.
    Leader,
    /// Once every in-sync replica has it.
    #[default]
    All,
}

/// How batches of records are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the codecs")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

macro_rules! named {
    ($type:ident, $what:literal, $($name:literal => $variant:ident),*) => {
        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(format!("{} is one of {}", $what, [$($name),*].join(", "))),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name,)*
                })
            }
        }
    };
}

named!(Acks, "acks", "0" => None, "1" => Leader, "all" => All);
named!(Compression, "a codec", "none" => None, "gzip" => Gzip, "snappy" => Snappy, "lz4" => Lz4, "zstd" => Zstd);

/// A record to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Partition; `None` lets the key choose, and without a key spreads records.
    pub partition: Option<i32>,
    /// Key, which chooses the partition by murmur2 as the Java client does.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers, in order; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Where a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Partition index.
    pub partition: i32,
    /// Offset; -1 when no answer was asked for.
    pub offset: i64,
    /// Timestamp in ms since the epoch, the client's or the broker's as the topic decides.
    pub timestamp_ms: i64,
}

/// Writes records to one cluster.
pub struct Producer(FutureProducer<Quiet>);

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Producer")
    }
}

/// The answer for a record, to be awaited.
pub struct Answer(DeliveryFuture);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

impl Answer {
    /// Waits for the answer, once. Nothing is lost when the wait is given up and begun again.
    pub async fn written(&mut self) -> Result<Written, ClientError> {
        match (&mut self.0).await {
            Ok(Ok(delivery)) => Ok(Written {
                partition: delivery.partition,
                // librdkafka has another number for "none" than the protocol.
                offset: delivery.offset.max(-1),
                timestamp_ms: delivery.timestamp.to_millis().unwrap_or(-1),
            }),
            Ok(Err((error, _))) => Err(explain(&error)),
            Err(_) => Err(ClientError::Library("the producer was closed".to_owned())),
        }
    }
}

impl Producer {
    /// Makes a producer; brokers are only contacted when there is something to send.
    pub fn new(
        brokers: &Brokers,
        acks: Acks,
        compression: Compression,
    ) -> Result<Self, ClientError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers.to_string())
            .set("client.id", crate::CLIENT_ID)
            .set("partitioner", "murmur2_random")
            .set("compression.type", compression.to_string())
            .set(
                "message.timeout.ms",
                DELIVERY_TIMEOUT.as_millis().to_string(),
            )
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            // An answer is waited for more often than not: do not hold records back.
            .set("linger.ms", "0")
            .set("socket.nagle.disable", "true")
            .set("topic.metadata.refresh.sparse", "true");
        match acks {
            // Nothing can be repeated by sequence when nothing is answered.
            Acks::None | Acks::Leader => config.set("acks", acks.to_string()),
            Acks::All => config.set("enable.idempotence", "true"),
        };
        let producer = config.create_with_context(Quiet).map_err(|e| explain(&e))?;
        Ok(Self(producer))
    }

    /// Hands a record over; records of one partition are written in the order of these calls. Waits
    /// only while too many are under way.
    pub async fn send(&self, topic: &str, record: &NewRecord) -> Result<Answer, ClientError> {
        loop {
            match self.0.send_result(message(topic, record)) {
                Ok(future) => return Ok(Answer(future)),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    tokio::time::sleep(QUEUE_FULL_PAUSE).await;
                }
                Err((error, _)) => return Err(explain(&error)),
            }
        }
    }
}

fn message<'a>(topic: &'a str, record: &'a NewRecord) -> FutureRecord<'a, [u8], [u8]> {
    let mut message = FutureRecord::to(topic);
    message.partition = record.partition;
    message.key = record.key.as_deref();
    message.payload = record.value.as_deref();
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (name, value) in &record.headers {
            headers = headers.insert(Header {
                key: name,
                value: value.as_ref(),
            });
        }
        message.headers = Some(headers);
    }
    message
}

/// librdkafka's errors in words that say what to do.
pub(crate) fn explain(error: &KafkaError) -> ClientError {
    let reason = match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageTimedOut) => format!(
            "no broker took the record within {} s; is the partition's leader up?",
            DELIVERY_TIMEOUT.as_secs()
        ),
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            "the record is larger than the topic's max.message.bytes".to_owned()
        }
        Some(code) => code.to_string(),
        None => error.to_string(),
    };
    ClientError::Library(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kafka() {
        for name in ["none", "gzip", "snappy", "lz4", "zstd"] {
            let codec = name.parse::<Compression>().map(|codec| codec.to_string());
            assert_eq!(codec.as_deref(), Ok(name));
        }
        assert_eq!("all".parse(), Ok(Acks::All));
        assert_eq!(
            "2".parse::<Acks>(),
            Err("acks is one of 0, 1, all".to_owned())
        );
    }

    #[test]
    fn every_setting_is_one_that_librdkafka_takes() {
        let brokers: Brokers = "127.0.0.1:1".parse().unwrap();
        for acks in [Acks::None, Acks::Leader, Acks::All] {
            for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
                Producer::new(&brokers, acks, codec.parse().unwrap()).unwrap();
            }
        }
    }
}
