//! `ottla topic trim`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use client::{Position, Refusal, StartAt, TopicPartition};
use model::ErrorCode;

use super::{existing, topic_name};
use crate::cli::output::OutputArguments;
use crate::cli::table::Table;
use crate::cli::{AlreadyTold, Connection, complain, note, start_at};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Topic to delete records of
    #[arg(value_name = "NAME", value_parser = topic_name)]
    name: String,
    /// The first offset to keep: end, an OFFSET, or @TIMESTAMP (ms since 1970)
    #[arg(short, long, value_name = "WHERE", value_parser = start_at::parse_absolute)]
    offset: StartAt,
    /// These partitions only [default: all]
    #[arg(short, long, value_name = "PARTITIONS", value_delimiter = ',',
          value_parser = clap::value_parser!(i32).range(0..))]
    partitions: Vec<i32>,
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

/// What ListOffsets found: nothing where there is no such offset.
type Offsets = BTreeMap<TopicPartition, Result<Option<i64>, Refusal>>;

/// What the broker would answer: it deletes nothing again, and nothing that is not there yet.
fn would_be(
    targets: BTreeMap<TopicPartition, i64>,
    starts: &Offsets,
    ends: &Offsets,
) -> BTreeMap<TopicPartition, Result<i64, Refusal>> {
    let known = |offsets: &Offsets, at: &TopicPartition| match offsets.get(at) {
        Some(Ok(offset)) => Ok(offset.unwrap_or_default()),
        Some(Err(refusal)) => Err(refusal.clone()),
        None => Ok(0),
    };
    let trimmed = targets.into_iter().map(|(at, to)| {
        let start_and_end = known(starts, &at).and_then(|start| Ok((start, known(ends, &at)?)));
        let trimmed = start_and_end.and_then(|(start, end)| match to > end {
            true => Err(Refusal::of_code(ErrorCode::OffsetOutOfRange.code())),
            false => Ok(to.max(start)),
        });
        (at, trimmed)
    });
    trimmed.collect()
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let indexes = match command.partitions.as_slice() {
        [] => {
            let topic = existing(&mut admin, &command.name).await?;
            topic.partitions.iter().map(|one| one.index).collect()
        }
        indexes => indexes.to_vec(),
    };
    let at = |index| TopicPartition::new(&command.name, index);
    let partitions: BTreeSet<TopicPartition> = indexes.into_iter().map(at).collect();
    let starts = admin.offsets(&partitions, Position::Start).await?;
    let targets: BTreeMap<TopicPartition, i64> = match command.offset {
        // Not moved to where the partition ends: that would delete more than was asked for.
        StartAt::Offset(offset) => partitions.iter().map(|at| (at.clone(), offset)).collect(),
        place => admin.resolve(&partitions, place).await?,
    };
    let trimmed = match command.dry_run {
        true => would_be(
            targets,
            &starts,
            &admin.offsets(&partitions, Position::End).await?,
        ),
        false => admin.delete_records(&targets).await?,
    };
    let mut table = Table::new(&[
        "TOPIC",
        "PARTITION",
        "PRIOR-START-OFFSET",
        "START-OFFSET",
        "STATUS",
    ]);
    for (at, outcome) in &trimmed {
        let prior = starts.get(at).and_then(|found| found.as_ref().ok());
        table.row([
            at.topic.as_str().into(),
            at.partition.into(),
            prior.copied().flatten().into(),
            outcome.as_ref().ok().copied().into(),
            match outcome {
                Ok(_) => "OK".into(),
                Err(refusal) => refusal.name().into(),
            },
        ]);
    }
    command.output.table(&table)?;
    let mut told = Ok(());
    for (at, outcome) in &trimmed {
        if let Err(refusal) = outcome {
            complain(&format!("cannot trim {at}: {refusal}"));
            told = Err(AlreadyTold.into());
        }
    }
    if command.dry_run {
        note("Nothing was deleted: this was a dry run.");
    }
    told
}
