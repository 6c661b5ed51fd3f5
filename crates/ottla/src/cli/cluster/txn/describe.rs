//! `ottla cluster txn describe`

use std::time::SystemTime;

use anyhow::Context as _;
use clap::Args;
use client::{TopicPartition, Transaction};
use serde::Serialize;

use super::{InPartition, no_such_id};
use crate::cli::output::OutputArguments;
use crate::cli::table::{Fields, Table};
use crate::cli::{AlreadyTold, Connection, complain};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Transactional ids to show
    #[arg(value_name = "ID", required_unless_present = "topic",
          conflicts_with_all = ["topic", "partition"])]
    ids: Vec<String>,
    #[command(flatten)]
    place: InPartition,
    #[command(flatten)]
    output: OutputArguments,
}

/// A transactional id and the partitions of its transaction, as one JSON object.
#[derive(Serialize)]
struct Description {
    #[serde(flatten)]
    transaction: Fields,
    partitions: Table,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command.place.partition() {
        Some(at) => producers(command, connection, at).await,
        None => transactions(command, connection).await,
    }
}

async fn transactions(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let mut descriptions = Vec::new();
    let mut failures = Vec::new();
    for id in &command.ids {
        match admin.transaction(id).await {
            Ok(Some(transaction)) => descriptions.push(describe(&transaction, SystemTime::now())),
            Ok(None) => failures.push(no_such_id(id)),
            Err(error) => failures.push(format!("cannot describe {id}: {error}")),
        }
    }
    let sections: Vec<_> = descriptions
        .iter()
        .flat_map(|one| [one.transaction.text(), one.partitions.text()])
        .map(|text| ("", text))
        .collect();
    command.output.sections(&sections, &descriptions)?;
    let mut told = Ok(());
    for failure in failures {
        complain(&failure);
        told = Err(AlreadyTold.into());
    }
    told
}

fn describe(transaction: &Transaction, now: SystemTime) -> Description {
    let now_ms = now.duration_since(SystemTime::UNIX_EPOCH).ok();
    let now_ms = now_ms.and_then(|since| i64::try_from(since.as_millis()).ok());
    // The clock of the broker may be ahead of the one here.
    let duration_ms = transaction
        .start_time_ms
        .zip(now_ms)
        .map(|(start_ms, now_ms)| now_ms.saturating_sub(start_ms).max(0));
    let mut partitions = Table::new(&["TOPIC", "PARTITION"]);
    for at in &transaction.partitions {
        partitions.row([at.topic.as_str().into(), at.partition.into()]);
    }
    let transaction = Fields::default()
        .field("TRANSACTIONAL-ID", transaction.transactional_id.as_str())
        .field("COORDINATOR", transaction.coordinator)
        .field("STATE", transaction.state.as_str())
        .field("PRODUCER-ID", transaction.producer.id)
        .field("PRODUCER-EPOCH", i32::from(transaction.producer.epoch))
        .field("TIMEOUT-MS", transaction.timeout_ms)
        .field("START-TIMESTAMP", transaction.start_time_ms)
        .field("DURATION-MS", duration_ms);
    Description {
        transaction,
        partitions,
    }
}

async fn producers(
    command: &Command,
    connection: &Connection,
    at: TopicPartition,
) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let found = admin.active_producers(&[at.clone()].into()).await?;
    let producers = found.into_values().next().transpose();
    let producers = producers.with_context(|| format!("cannot look into {at}"))?;
    let mut table = Table::new(&[
        "PRODUCER-ID",
        "PRODUCER-EPOCH",
        "COORDINATOR-EPOCH",
        "LAST-SEQUENCE",
        "LAST-TIMESTAMP",
        "TRANSACTION-START-OFFSET",
    ]);
    for producer in producers.into_iter().flatten() {
        table.row([
            producer.producer_id.into(),
            producer.producer_epoch.into(),
            producer.coordinator_epoch.into(),
            producer.last_sequence.into(),
            producer.last_timestamp_ms.into(),
            producer.transaction_start_offset.into(),
        ]);
    }
    command.output.table(&table)
}

#[cfg(test)]
mod tests;
