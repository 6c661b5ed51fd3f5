//! A producer. What has become of a record is asked for later.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use serde_json::{Value, json};

use crate::words::{bytes, text, word};
use crate::{Client, PATIENCE, name};

struct Outcomes(Sender<Value>);

impl Outcomes {
    fn refused(&self, tag: i64, error: &KafkaError) {
        let name = error.rdkafka_error_code().map(name);
        // When nobody asks any more, the producer is being closed.
        let _ = self.0.send(json!([tag, null, name]));
    }
}

impl ClientContext for Outcomes {}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: Self::DeliveryOpaque) {
        match result {
            Ok(message) => {
                let _ = self.0.send(json!([*tag, message.offset(), null]));
            }
            Err((error, _)) => self.refused(*tag, error),
        }
    }
}

pub(crate) struct Producer {
    client: ThreadedProducer<Outcomes>,
    outcomes: Receiver<Value>,
}

impl Producer {
    pub(crate) fn new(
        mut config: ClientConfig,
        options: &HashMap<String, String>,
    ) -> anyhow::Result<Self> {
        let option = |name: &str| options.get(name).context("an option is missing");
        config
            .set("acks", "all")
            .set("enable.idempotence", option("idempotent")?)
            .set("compression.type", option("codec")?)
            .set("message.max.bytes", option("request_bytes_max")?)
            .set("linger.ms", "5")
            .set("delivery.timeout.ms", "240000")
            .set("retry.backoff.ms", "50");
        let (sender, outcomes) = channel();
        let client = config.create_with_context(Outcomes(sender))?;
        Ok(Self { client, outcomes })
    }

    fn send(&self, words: &[String]) -> anyhow::Result<()> {
        let tag: i64 = word(words, 3)?.parse()?;
        let (key, value) = (bytes(word(words, 4)?)?, bytes(word(words, 5)?)?);
        let mut headers = OwnedHeaders::new();
        for header in words.get(6..).unwrap_or_default() {
            let (name, value) = header.split_once(':').context("a header")?;
            headers = headers.insert(Header {
                key: &text(name)?,
                value: bytes(value)?.as_ref(),
            });
        }
        let mut record = BaseRecord::with_opaque_to(word(words, 0)?, Box::new(tag))
            .partition(word(words, 1)?.parse()?)
            .timestamp(word(words, 2)?.parse()?)
            .headers(headers);
        record.key = key.as_ref();
        record.payload = value.as_ref();
        if let Err((error, _)) = self.client.send(record) {
            self.client.context().refused(tag, &error);
        }
        Ok(())
    }

    /// What is known by now; when it is nothing, it waits for the first.
    fn outcomes(&self, longest: Duration) -> Value {
        let first = self.outcomes.recv_timeout(longest).ok();
        first.into_iter().chain(self.outcomes.try_iter()).collect()
    }
}

impl Client for Producer {
    fn call(&mut self, name: &str, arguments: &[String]) -> anyhow::Result<Option<Value>> {
        match name {
            "send" => {
                self.send(arguments)?;
                Ok(None)
            }
            "outcomes" => {
                let longest = Duration::from_millis(word(arguments, 0)?.parse()?);
                Ok(Some(self.outcomes(longest)))
            }
            _ => bail!("no call: {name}"),
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // What is lost so has no outcome, and a test waits for those.
        let _ = self.client.flush(PATIENCE);
    }
}
