//! A consumer, as a member of a group or by itself.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::words::{base64, numbers, text, word};
use crate::{Client, PATIENCE, is_passing};

/// As many as a poll hands out.
const RECORDS_MAX: usize = 500;

pub(crate) struct Consumer {
    client: BaseConsumer,
    topic: String,
}

impl Consumer {
    pub(crate) fn new(
        mut config: ClientConfig,
        options: &HashMap<String, String>,
    ) -> anyhow::Result<Self> {
        let group = options.get("group");
        let assignor = options.get("assignor").context("an assignor")?;
        config
            .set(
                "group.id",
                group.map_or("reader-without-group", |group| group),
            )
            .set("partition.assignment.strategy", assignor)
            .set("session.timeout.ms", "10000")
            .set("heartbeat.interval.ms", "500")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("topic.metadata.refresh.interval.ms", "2000");
        if let Some(instance) = options.get("instance") {
            config.set("group.instance.id", instance);
        }
        Ok(Self {
            client: config.create()?,
            topic: String::new(),
        })
    }

    fn places(&self, words: &[String]) -> anyhow::Result<TopicPartitionList> {
        let mut places = TopicPartitionList::new();
        for (partition, number) in numbers(words)? {
            places.add_partition_offset(&self.topic, partition, Offset::Offset(number))?;
        }
        Ok(places)
    }

    fn poll(&self, longest: Duration) -> anyhow::Result<Value> {
        let mut records = Vec::new();
        let mut wait = longest;
        while records.len() < RECORDS_MAX {
            match self.client.poll(wait) {
                None => break,
                Some(Ok(message)) => records.push(record(&message)?),
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(is_passing) => {}
                Some(Err(error)) => return Err(error.into()),
            }
            // What is there already comes along.
            wait = Duration::ZERO;
        }
        Ok(records.into())
    }

    fn commit(&self, metadata: &str, offsets: &[String]) -> anyhow::Result<()> {
        let mut places = TopicPartitionList::new();
        for (partition, offset) in numbers(offsets)? {
            let mut place = places.add_partition(&self.topic, partition);
            place.set_offset(Offset::Offset(offset))?;
            place.set_metadata(metadata);
        }
        Ok(self.client.commit(&places, CommitMode::Sync)?)
    }

    fn committed(&self, partitions: &[String]) -> anyhow::Result<Value> {
        let mut places = TopicPartitionList::new();
        for partition in partitions {
            places.add_partition(&self.topic, partition.parse()?);
        }
        let mut answer = Vec::new();
        for place in self.client.committed_offsets(places, PATIENCE)?.elements() {
            place.error()?;
            let offset = offset(place.offset());
            answer.push(json!([
                place.partition(),
                [offset, base64(place.metadata().as_bytes())]
            ]));
        }
        Ok(answer.into())
    }

    fn ends(&self, partitions: &[String]) -> anyhow::Result<Value> {
        let end = |partition: &String| {
            let partition: i32 = partition.parse()?;
            let (_, end) = self
                .client
                .fetch_watermarks(&self.topic, partition, PATIENCE)?;
            Ok(json!([partition, end]))
        };
        partitions.iter().map(end).collect()
    }

    fn offsets_for_time(&self, timestamps: &[String]) -> anyhow::Result<Value> {
        let asked = self.places(timestamps)?;
        let mut answer = Vec::new();
        for place in self.client.offsets_for_times(asked, PATIENCE)?.elements() {
            place.error()?;
            answer.push(json!([place.partition(), offset(place.offset())]));
        }
        Ok(answer.into())
    }

    fn assignment(&self) -> anyhow::Result<Value> {
        let assigned = self.client.assignment()?;
        let places = assigned.elements();
        Ok(places
            .iter()
            .map(|place| json!([place.topic(), place.partition()]))
            .collect())
    }
}

impl Client for Consumer {
    fn call(&mut self, name: &str, arguments: &[String]) -> anyhow::Result<Option<Value>> {
        let rest = arguments.get(1..).unwrap_or_default();
        let answer = match name {
            "subscribe" => {
                word(arguments, 0)?.clone_into(&mut self.topic);
                self.client.subscribe(&[&self.topic])?;
                Value::Null
            }
            "assign" => {
                word(arguments, 0)?.clone_into(&mut self.topic);
                self.client.assign(&self.places(rest)?)?;
                Value::Null
            }
            "poll" => self.poll(Duration::from_millis(word(arguments, 0)?.parse()?))?,
            "assignment" => self.assignment()?,
            "commit" => {
                self.commit(&text(word(arguments, 0)?)?, rest)?;
                Value::Null
            }
            "committed" => self.committed(arguments)?,
            "ends" => self.ends(arguments)?,
            "offsets_for_time" => self.offsets_for_time(arguments)?,
            _ => bail!("no call: {name}"),
        };
        Ok(Some(answer))
    }
}

fn offset(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

fn record(message: &BorrowedMessage<'_>) -> anyhow::Result<Value> {
    let headers: Vec<Value> = message
        .headers()
        .into_iter()
        .flat_map(Headers::iter)
        .map(|header| json!([base64(header.key.as_bytes()), header.value.map(base64)]))
        .collect();
    let (timestamp, timestamp_type) = match message.timestamp() {
        Timestamp::CreateTime(timestamp) => (timestamp, "CreateTime"),
        Timestamp::LogAppendTime(timestamp) => (timestamp, "LogAppendTime"),
        Timestamp::NotAvailable => bail!("a record without a timestamp"),
    };
    Ok(json!([
        message.partition(),
        message.offset(),
        message.key().map(base64),
        message.payload().map(base64),
        headers,
        timestamp,
        timestamp_type
    ]))
}
