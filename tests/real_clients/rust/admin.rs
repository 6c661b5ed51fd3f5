//! An administrator.

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::words::{pairs, word};
use crate::{Client, PATIENCE};

pub(crate) struct Admin {
    config: ClientConfig,
    client: AdminClient<DefaultClientContext>,
    runtime: Runtime,
    options: AdminOptions,
}

impl Admin {
    pub(crate) fn new(config: ClientConfig) -> anyhow::Result<Self> {
        Ok(Self {
            client: config.create()?,
            config,
            runtime: tokio::runtime::Builder::new_current_thread().build()?,
            options: AdminOptions::new().request_timeout(Some(PATIENCE)),
        })
    }

    fn create_topic(&self, topic: &str, partitions: i32, configs: &[String]) -> anyhow::Result<()> {
        let configs = pairs(configs);
        let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in &configs {
            wanted = wanted.set(name, value);
        }
        let created = self.client.create_topics([&wanted], &self.options);
        only(self.runtime.block_on(created)?)
    }

    fn trim(&self, topic: &str, partition: i32, offset: i64) -> anyhow::Result<Value> {
        let mut places = TopicPartitionList::new();
        places.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        let trimmed = self.client.delete_records(&places, &self.options);
        let trimmed = self.runtime.block_on(trimmed)?;
        let place = trimmed
            .find_partition(topic, partition)
            .context("an answer")?;
        place.error()?;
        Ok(place.offset().to_raw().into())
    }

    fn topics(&self) -> anyhow::Result<Value> {
        let metadata = self.client.inner().fetch_metadata(None, PATIENCE)?;
        let topics = metadata.topics().iter();
        Ok(topics
            .map(|topic| json!([topic.name(), topic.partitions().len()]))
            .collect())
    }

    fn configs(&self, topic: &str) -> anyhow::Result<Vec<ConfigEntry>> {
        let resource = ResourceSpecifier::Topic(topic);
        let described = self.client.describe_configs([&resource], &self.options);
        let mut described = self.runtime.block_on(described)?;
        Ok(described.pop().context("an answer")??.entries)
    }

    /// This crate has only AlterConfigs, which sets all that it is not given back to the defaults.
    fn set_topic_config(&self, topic: &str, name: &str, value: &str) -> anyhow::Result<()> {
        let before = self.configs(topic)?;
        let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for entry in before.iter().filter(|entry| is_set(entry)) {
            wanted = wanted.set(&entry.name, entry.value.as_deref().unwrap_or_default());
        }
        wanted = wanted.set(name, value);
        let altered = self.client.alter_configs([&wanted], &self.options);
        only(self.runtime.block_on(altered)?)?;
        // The crate drops the error of a resource, so what has become of it is looked up.
        let after = self.configs(topic)?;
        let is_altered =
            |entry: &ConfigEntry| entry.name == name && entry.value.as_deref() == Some(value);
        if !after.iter().any(is_altered) {
            return Err(RDKafkaErrorCode::InvalidConfig.into());
        }
        Ok(())
    }

    /// It lists no types; the states are those of descriptions.
    fn groups(&self) -> anyhow::Result<Value> {
        let listed = self.client.inner().fetch_group_list(None, PATIENCE)?;
        let groups = listed.groups().iter();
        Ok(groups
            .map(|group| json!([group.name(), null, group.state().to_lowercase()]))
            .collect())
    }

    fn group_state(&self, group: &str) -> anyhow::Result<Value> {
        let listed = self
            .client
            .inner()
            .fetch_group_list(Some(group), PATIENCE)?;
        let group = listed.groups().first().context("no such group")?;
        Ok(json!([group.state().to_lowercase(), group.members().len()]))
    }

    fn group_offsets(&self, group: &str) -> anyhow::Result<Value> {
        let consumer: BaseConsumer = self.config.clone().set("group.id", group).create()?;
        let mut places = TopicPartitionList::new();
        for topic in consumer.fetch_metadata(None, PATIENCE)?.topics() {
            for partition in topic.partitions() {
                places.add_partition(topic.name(), partition.id());
            }
        }
        let committed = consumer.committed_offsets(places, PATIENCE)?;
        let mut offsets = Vec::new();
        for place in committed.elements() {
            if let Offset::Offset(offset) = place.offset() {
                offsets.push(json!([place.partition(), offset]));
            }
        }
        Ok(offsets.into())
    }

    fn start_transactional_producer(&self) -> anyhow::Result<()> {
        let mut config = self.config.clone();
        let producer: BaseProducer = config.set("transactional.id", "one").create()?;
        Ok(producer.init_transactions(PATIENCE)?)
    }
}

impl Client for Admin {
    fn call(&mut self, name: &str, arguments: &[String]) -> anyhow::Result<Option<Value>> {
        let first = arguments.first().map_or("", String::as_str);
        let rest = arguments.get(2..).unwrap_or_default();
        let answer = match name {
            "create_topic" => {
                self.create_topic(first, word(arguments, 1)?.parse()?, rest)?;
                Value::Null
            }
            "delete_topic" => {
                let deleted = self.client.delete_topics(&[first], &self.options);
                only(self.runtime.block_on(deleted)?)?;
                Value::Null
            }
            "grow_topic" => {
                let partitions = NewPartitions::new(first, word(arguments, 1)?.parse()?);
                let grown = self.client.create_partitions([&partitions], &self.options);
                only(self.runtime.block_on(grown)?)?;
                Value::Null
            }
            "trim" => self.trim(
                first,
                word(arguments, 1)?.parse()?,
                word(arguments, 2)?.parse()?,
            )?,
            "topics" => self.topics()?,
            "topic_configs" => {
                let entries = self.configs(first)?;
                let entries = entries.iter();
                entries
                    .map(|entry| json!([entry.name, entry.value, !is_set(entry)]))
                    .collect()
            }
            "set_topic_config" => {
                self.set_topic_config(first, word(arguments, 1)?, word(arguments, 2)?)?;
                Value::Null
            }
            "groups" => self.groups()?,
            "group_state" => self.group_state(first)?,
            "group_offsets" => self.group_offsets(first)?,
            "delete_group" => {
                let deleted = self.client.delete_groups(&[first], &self.options);
                only(self.runtime.block_on(deleted)?)?;
                Value::Null
            }
            "start_transactional_producer" => {
                self.start_transactional_producer()?;
                Value::Null
            }
            _ => bail!("no call: {name}"),
        };
        Ok(Some(answer))
    }
}

fn is_set(entry: &ConfigEntry) -> bool {
    entry.source == ConfigSource::DynamicTopic
}

/// The one answer to a request about one thing.
fn only<T, Name>(mut answers: Vec<Result<T, (Name, RDKafkaErrorCode)>>) -> anyhow::Result<()> {
    match answers.pop().context("an answer")? {
        Ok(_) => Ok(()),
        Err((_, code)) => Err(anyhow::Error::new(code)),
    }
}
