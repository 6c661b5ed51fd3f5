//! `ottla cluster txn abort`

use anyhow::{Context as _, bail};
use clap::Args;
use client::{
    ActiveProducer, Admin, ClientError, ProducerIdentity, TopicPartition, TransactionFilter,
};
use model::ErrorCode;

use super::{InPartition, no_such_id};
use crate::cli::output::OutputArguments;
use crate::cli::table::{Table, visible};
use crate::cli::{AlreadyTold, Connection, complain, note};

/// The state in which a transaction can be aborted.
const ONGOING: &str = "Ongoing";

/// What a dry run says at its end.
const DRY_RUN: &str = "Nothing was aborted: this was a dry run.";

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Transactional ids whose transactions to abort; their producers are fenced
    #[arg(value_name = "ID", required_unless_present = "topic",
          conflicts_with_all = ["topic", "partition", "start_offset"])]
    ids: Vec<String>,
    #[command(flatten)]
    place: InPartition,
    /// Where a transaction begins in the partition that no coordinator is going to end
    #[arg(long, value_name = "OFFSET", requires = "topic", required_unless_present = "ids",
          value_parser = clap::value_parser!(i64).range(0..))]
    start_offset: Option<i64>,
    /// Show what would be aborted, and abort nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    match command.place.partition().zip(command.start_offset) {
        Some((at, start_offset)) => hung(command, &mut admin, &at, start_offset).await,
        None => transactions(command, &mut admin).await,
    }
}

/// Why no transaction of an id was aborted.
enum NotAborted {
    /// No coordinator knows the id.
    NoSuchId,
    /// None is open; the state of the last one.
    NotOpen(String),
    /// The cluster refuses, or cannot be asked.
    Failed(ClientError),
}

impl NotAborted {
    /// What the table shows.
    fn status(&self) -> String {
        match self {
            Self::NoSuchId => ErrorCode::TransactionalIdNotFound.name().to_owned(),
            Self::NotOpen(_) => ErrorCode::InvalidTxnState.name().to_owned(),
            Self::Failed(ClientError::Refused(refusal)) => refusal.name(),
            Self::Failed(_) => "FAILED".to_owned(),
        }
    }

    /// What is said about it.
    fn reason(&self, id: &str) -> String {
        match self {
            Self::NoSuchId => no_such_id(id),
            Self::NotOpen(state) if is_ending(state) => format!(
                "the transaction of {id} is ending already ({state}); `ottla cluster txn describe {id}` shows the \
                 partitions that have no marker yet"
            ),
            Self::NotOpen(state) => format!("{id} has no open transaction ({state})"),
            Self::Failed(error) => format!("cannot abort the transaction of {id}: {error}"),
        }
    }
}

/// Whether how the transaction ends is decided, and not all of its partitions know it yet.
fn is_ending(state: &str) -> bool {
    state.starts_with("Prepare")
}

async fn transactions(command: &Command, admin: &mut Admin) -> anyhow::Result<()> {
    let mut outcomes = Vec::new();
    for id in &command.ids {
        outcomes.push((id, abort(admin, id, command.dry_run).await));
    }
    let mut table = Table::new(&[
        "TRANSACTIONAL-ID",
        "PRODUCER-ID",
        "PRODUCER-EPOCH",
        "STATUS",
    ]);
    for (id, outcome) in &outcomes {
        let producer = outcome.as_ref().ok();
        let status = outcome.as_ref().err().map(NotAborted::status);
        table.row([
            id.as_str().into(),
            producer.map(|producer| producer.id).into(),
            producer.map(|producer| i32::from(producer.epoch)).into(),
            status.unwrap_or_else(|| "OK".to_owned()).into(),
        ]);
    }
    command.output.table(&table)?;
    if command.dry_run {
        note(DRY_RUN);
    } else if outcomes.iter().any(|(_, outcome)| outcome.is_ok()) {
        note("Whoever produced under such an id is fenced now and has to begin anew.");
    }
    let mut told = Ok(());
    for (id, outcome) in &outcomes {
        if let Err(not_aborted) = outcome {
            complain(&not_aborted.reason(id));
            told = Err(AlreadyTold.into());
        }
    }
    told
}

/// Aborts the transaction of an id; who has the id then, or has it now if this is a dry run.
async fn abort(admin: &mut Admin, id: &str, dry_run: bool) -> Result<ProducerIdentity, NotAborted> {
    // An id that nobody has would be given to somebody.
    let found = admin.transaction(id).await.map_err(NotAborted::Failed)?;
    let transaction = found.ok_or(NotAborted::NoSuchId)?;
    if transaction.state != ONGOING {
        return Err(NotAborted::NotOpen(transaction.state));
    }
    if dry_run {
        return Ok(transaction.producer);
    }
    let aborted = admin.abort_transaction(&transaction).await;
    aborted.map_err(NotAborted::Failed)
}

async fn hung(
    command: &Command,
    admin: &mut Admin,
    at: &TopicPartition,
    start_offset: i64,
) -> anyhow::Result<()> {
    let found = admin.hung_transactions(&[at.clone()].into()).await?;
    let hung = found.into_values().next().transpose();
    let hung = hung.with_context(|| format!("cannot look into {at}"))?;
    let begins_there =
        |producer: &ActiveProducer| producer.transaction_start_offset == Some(start_offset);
    let Some(producer) = hung.into_iter().flatten().find(begins_there) else {
        bail!(not_hung(admin, at, start_offset).await?);
    };
    if !command.dry_run {
        let written = admin.write_abort_marker(at, &producer).await?;
        written.with_context(|| format!("cannot abort the transaction in {at}"))?;
    }
    let mut table = Table::new(&[
        "TOPIC",
        "PARTITION",
        "START-OFFSET",
        "PRODUCER-ID",
        "PRODUCER-EPOCH",
        "STATUS",
    ]);
    table.row([
        at.topic.as_str().into(),
        at.partition.into(),
        start_offset.into(),
        producer.producer_id.into(),
        producer.producer_epoch.into(),
        "OK".into(),
    ]);
    command.output.table(&table)?;
    if command.dry_run {
        note(DRY_RUN);
    }
    Ok(())
}

/// Why a transaction is none that hangs. A marker would tear one that a coordinator is going to end: it could
/// be aborted here and committed elsewhere.
async fn not_hung(
    admin: &mut Admin,
    at: &TopicPartition,
    start_offset: i64,
) -> anyhow::Result<String> {
    let found = admin.active_producers(&[at.clone()].into()).await?;
    let mut producers = found.into_values().flatten().flatten();
    let open = producers.find(|one| one.transaction_start_offset == Some(start_offset));
    let Some(producer) = open else {
        let TopicPartition { topic, partition } = at;
        return Ok(format!(
            "no transaction that is open in {at} begins at offset {start_offset} \
             (`ottla cluster txn describe --topic {topic} --partition {partition}` shows where they begin)"
        ));
    };
    let filter = TransactionFilter {
        producer_ids: vec![producer.producer_id],
        ..TransactionFilter::default()
    };
    let listings = admin.transactions(&filter).await?;
    let id = listings.first().map(|one| visible(&one.transactional_id));
    let id = id.as_deref().unwrap_or("ID");
    Ok(format!(
        "the transaction in {at} does not hang: its coordinator is going to end it \
         (`ottla cluster txn abort {id}` aborts it in all its partitions)"
    ))
}

#[cfg(test)]
mod tests;
