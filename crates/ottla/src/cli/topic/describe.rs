//! `ottla topic describe`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use client::{Admin, ConfigEntry, ConfigResource, Position, Refusal, Topic, TopicPartition};
use serde::Serialize;

use super::{count, existing, replication_factor, topic_name};
use crate::cli::Connection;
use crate::cli::output::OutputArguments;
use crate::cli::table::{Cell, Fields, Table};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Topic to describe
    #[arg(value_name = "NAME", value_parser = topic_name)]
    name: String,
    #[command(flatten)]
    output: OutputArguments,
}

/// A topic in three parts, as one JSON object.
#[derive(Debug, Serialize)]
struct Description {
    summary: Fields,
    configs: Table,
    partitions: Table,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let topic = existing(&mut admin, &command.name).await?;
    let resource = ConfigResource::Topic(command.name.clone());
    let configs = admin.configs(&resource).await?;
    let description = Description {
        summary: summary(&topic, &configs),
        configs: configs_table(&configs),
        partitions: partitions_table(&mut admin, &topic).await?,
    };
    let sections = [
        ("SUMMARY", description.summary.text()),
        ("CONFIGS", description.configs.text()),
        ("PARTITIONS", description.partitions.text()),
    ];
    command.output.sections(&sections, &description)
}

fn summary(topic: &Topic, configs: &[ConfigEntry]) -> Fields {
    Fields::default()
        .field("NAME", topic.name.as_str())
        .field("TOPIC-ID", topic.id.map(|id| id.to_string()))
        .field("INTERNAL", topic.is_internal)
        .field("PARTITIONS", count(topic.partitions.len()))
        .field("REPLICAS", replication_factor(topic))
        .field(
            "CLEANUP-POLICY",
            value(configs, "cleanup.policy").map(str::to_owned),
        )
        .field("DURABILITY", durability(configs))
}

fn value<'a>(configs: &'a [ConfigEntry], name: &str) -> Option<&'a str> {
    let entry = configs.iter().find(|entry| entry.name == name)?;
    entry.value.as_deref()
}

/// `strict` if what the topic acknowledges and shows has been forced to disk, `relaxed` if a power cut
/// may take back the last of it.
fn durability(configs: &[ConfigEntry]) -> Option<&'static str> {
    let number = |name| value(configs, name)?.parse::<i64>().ok();
    let is_relaxed = number("flush.messages")? > 1 && number("flush.ms")? > 0;
    Some(if is_relaxed { "relaxed" } else { "strict" })
}

fn configs_table(configs: &[ConfigEntry]) -> Table {
    let mut table = Table::new(&["KEY", "VALUE", "SOURCE"]);
    for entry in configs {
        let value = match entry.is_sensitive {
            true => Some("(sensitive)".to_owned()),
            false => entry.value.clone(),
        };
        table.row([
            entry.name.as_str().into(),
            value.into(),
            entry.source.as_str().into(),
        ]);
    }
    table
}

async fn partitions_table(admin: &mut Admin, topic: &Topic) -> anyhow::Result<Table> {
    let mut table = Table::new(&[
        "PARTITION",
        "LEADER",
        "EPOCH",
        "REPLICAS",
        "IN-SYNC-REPLICAS",
        "LOG-START-OFFSET",
        "HIGH-WATERMARK",
    ]);
    let led = topic
        .partitions
        .iter()
        .filter(|partition| partition.leader.is_some());
    let led: BTreeSet<TopicPartition> = led
        .map(|partition| TopicPartition::new(&topic.name, partition.index))
        .collect();
    let starts = admin.offsets(&led, Position::Start).await?;
    let ends = admin.offsets(&led, Position::End).await?;
    for partition in &topic.partitions {
        let at = TopicPartition::new(&topic.name, partition.index);
        table.row([
            partition.index.into(),
            partition.leader.into(),
            partition.leader_epoch.into(),
            partition.replicas.clone().into(),
            partition.in_sync_replicas.clone().into(),
            offset(&starts, &at),
            offset(&ends, &at),
        ]);
    }
    Ok(table)
}

/// The offset found for a partition; nothing for one that cannot be read now.
fn offset(
    found: &BTreeMap<TopicPartition, Result<Option<i64>, Refusal>>,
    at: &TopicPartition,
) -> Cell {
    let found = found.get(at).and_then(|found| found.as_ref().ok());
    found.copied().flatten().into()
}

#[cfg(test)]
mod tests;
