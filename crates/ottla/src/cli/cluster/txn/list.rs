//! `ottla cluster txn list`

use std::collections::BTreeSet;

use anyhow::bail;
use clap::Args;
use client::{Admin, ClientError, Refusal, Topic, TopicPartition, TransactionFilter};
use model::ErrorCode;

use crate::cli::output::OutputArguments;
use crate::cli::table::Table;
use crate::cli::topic::topic_name;
use crate::cli::{AlreadyTold, Connection, complain, note};

/// The states of transactions by Kafka's names.
const STATES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "PrepareEpochFence",
    "Dead",
];

#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    filter: Filter,
    /// List instead what is open in partitions and no coordinator is going to end
    #[arg(long)]
    hung: bool,
    /// With --hung: look into these topics only [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "hung",
          value_parser = topic_name)]
    topic: Vec<String>,
    /// With --hung: look into the partitions that this broker leads only
    #[arg(long, value_name = "ID", requires = "hung")]
    broker: Option<i32>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
struct Filter {
    /// In one of these states only
    #[arg(long, value_name = "STATE", value_delimiter = ',', conflicts_with = "hung",
          value_parser = STATES)]
    state: Vec<String>,
    /// Of these producer ids only
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "hung",
          value_parser = clap::value_parser!(i64).range(0..))]
    producer_id: Vec<i64>,
    /// Only with a transaction that has been going on for longer than so many ms
    #[arg(long, value_name = "MS", conflicts_with = "hung",
          value_parser = clap::value_parser!(i64).range(0..))]
    longer_than: Option<i64>,
    /// Only ids that this regular expression matches as a whole
    #[arg(long, value_name = "PATTERN", conflicts_with = "hung")]
    id_pattern: Option<String>,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    match command.hung {
        true => hung(command, &mut admin).await,
        false => listed(command, &mut admin).await,
    }
}

async fn listed(command: &Command, admin: &mut Admin) -> anyhow::Result<()> {
    let filter = TransactionFilter {
        states: command.filter.state.clone(),
        producer_ids: command.filter.producer_id.clone(),
        longer_than_ms: command.filter.longer_than,
        id_pattern: command.filter.id_pattern.clone(),
    };
    let listings = match admin.transactions(&filter).await {
        Err(ClientError::Refused(refusal)) if refusal.is(ErrorCode::InvalidRegularExpression) => {
            let pattern = filter.id_pattern.unwrap_or_default();
            bail!("the broker takes '{pattern}' for no regular expression; mend --id-pattern")
        }
        Err(error @ ClientError::Unsupported { .. }) if filter.id_pattern.is_some() => {
            bail!("{error}; without --id-pattern it may")
        }
        Err(error @ ClientError::Unsupported { .. }) if filter.longer_than_ms.is_some() => {
            bail!("{error}; without --longer-than it may")
        }
        listings => listings?,
    };
    let mut table = Table::new(&["TRANSACTIONAL-ID", "COORDINATOR", "PRODUCER-ID", "STATE"]);
    for listing in listings {
        table.row([
            listing.transactional_id.into(),
            listing.coordinator.into(),
            listing.producer_id.into(),
            listing.state.into(),
        ]);
    }
    command.output.table(&table)
}

async fn hung(command: &Command, admin: &mut Admin) -> anyhow::Result<()> {
    if let Some(id) = command.broker
        && !admin.cluster().brokers.contains_key(&id)
    {
        bail!("there is no broker {id} in the cluster");
    }
    let mut failures: Vec<(String, Refusal)> = Vec::new();
    let topics = match command.topic.as_slice() {
        [] => admin.all_topics().await?,
        names => {
            let mut topics = Vec::new();
            for (name, topic) in admin.topics(names).await? {
                match topic {
                    Ok(topic) => topics.push(topic),
                    Err(refusal) => failures.push((name, refusal)),
                }
            }
            topics
        }
    };
    let found = admin
        .hung_transactions(&partitions(&topics, command.broker))
        .await?;
    let mut table = Table::new(&[
        "TOPIC",
        "PARTITION",
        "START-OFFSET",
        "PRODUCER-ID",
        "PRODUCER-EPOCH",
        "COORDINATOR-EPOCH",
        "LAST-TIMESTAMP",
    ]);
    for (at, producers) in found {
        match producers {
            Err(refusal) => failures.push((at.to_string(), refusal)),
            Ok(producers) => {
                for producer in producers {
                    table.row([
                        at.topic.as_str().into(),
                        at.partition.into(),
                        producer.transaction_start_offset.into(),
                        producer.producer_id.into(),
                        producer.producer_epoch.into(),
                        producer.coordinator_epoch.into(),
                        producer.last_timestamp_ms.into(),
                    ]);
                }
            }
        }
    }
    command.output.table(&table)?;
    if !table.is_empty() {
        note(
            "`ottla cluster txn abort --topic NAME --partition PARTITION --start-offset OFFSET` ends one.",
        );
    }
    let mut told = Ok(());
    for (place, refusal) in failures {
        complain(&format!("cannot look into {place}: {refusal}"));
        told = Err(AlreadyTold.into());
    }
    told
}

/// The partitions of topics, all or those that a broker leads.
fn partitions(topics: &[Topic], leader: Option<i32>) -> BTreeSet<TopicPartition> {
    let all = topics.iter().flat_map(|topic| {
        let wanted = topic
            .partitions
            .iter()
            .filter(move |partition| leader.is_none() || partition.leader == leader);
        wanted.map(|partition| TopicPartition::new(&topic.name, partition.index))
    });
    all.collect()
}

#[cfg(test)]
mod tests;
