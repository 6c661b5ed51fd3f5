//! `ottla group seek`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use client::{Admin, ClientError, StartAt, TopicPartition};
use model::ErrorCode;

use super::no_such_group;
use crate::cli::output::OutputArguments;
use crate::cli::table::Table;
use crate::cli::{Connection, note, start_at, topic};

/// The state of a group without members, by Kafka's name.
const EMPTY: &str = "Empty";

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Group to move
    #[arg(value_name = "GROUP")]
    group: String,
    /// Where to: start, end, an OFFSET, or @TIMESTAMP (ms since 1970)
    #[arg(long, value_name = "WHERE", value_parser = start_at::parse_absolute,
          required_unless_present = "to_group", conflicts_with = "to_group")]
    to: Option<StartAt>,
    /// To the offsets of this group, also where the other one has committed nothing yet
    #[arg(long, value_name = "GROUP")]
    to_group: Option<String>,
    /// Move in these topics only, also where nothing is committed yet [default: all topics in
    /// which the group has committed; with --to-group, in which that one has]
    #[arg(long, value_name = "TOPICS", value_delimiter = ',', value_parser = topic::topic_name)]
    topics: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let group = admin.group(&command.group).await?;
    let is_active = group.as_ref().is_some_and(|group| match &group.members {
        Some(members) => !members.is_empty(),
        None => group.state != EMPTY,
    });
    if is_active {
        return Err(has_members(&command.group));
    }
    let committed = admin.committed(&command.group).await?;
    let targets = match (command.to, &command.to_group) {
        (_, Some(other)) => offsets_of(&mut admin, other, &command.topics).await?,
        // The arguments have one of the two.
        (None, None) => BTreeMap::new(),
        (Some(to), None) => {
            let partitions = match command.topics.as_slice() {
                [] if group.is_none() && committed.is_empty() => {
                    return Err(no_such_group(&command.group));
                }
                [] => committed.keys().cloned().collect(),
                topics => partitions_of(&mut admin, topics).await?,
            };
            admin.resolve(&partitions, to).await?
        }
    };
    let mut table = Table::new(&["TOPIC", "PARTITION", "PRIOR-OFFSET", "CURRENT-OFFSET"]);
    for (at, target) in &targets {
        if let Some(StartAt::Offset(wanted)) = command.to
            && wanted != *target
        {
            note(&format!(
                "{at} does not reach to offset {wanted}; taking {target}"
            ));
        }
        table.row([
            at.topic.as_str().into(),
            at.partition.into(),
            committed.get(at).copied().into(),
            (*target).into(),
        ]);
    }
    if !command.dry_run && !targets.is_empty() {
        match admin.commit(&command.group, &targets).await {
            // Somebody joined in between.
            Err(ClientError::Refused(refusal)) if refusal.is(ErrorCode::UnknownMemberId) => {
                return Err(has_members(&command.group));
            }
            outcome => outcome?,
        }
    }
    command.output.table(&table)?;
    if targets.is_empty() {
        note(match &command.to_group {
            Some(_) => "The other group has committed nothing in these topics.",
            None => {
                "The group has committed nothing; name the topics to set offsets in with --topics."
            }
        });
    }
    if command.dry_run {
        note("Nothing was changed: this was a dry run.");
    }
    Ok(())
}

/// What another group has committed in these topics, or in all if none is named.
async fn offsets_of(
    admin: &mut Admin,
    group: &str,
    topics: &[String],
) -> anyhow::Result<BTreeMap<TopicPartition, i64>> {
    let mut committed = admin.committed(group).await?;
    if committed.is_empty() && admin.group(group).await?.is_none() {
        return Err(no_such_group(group));
    }
    committed.retain(|at, _| topics.is_empty() || topics.contains(&at.topic));
    Ok(committed)
}

async fn partitions_of(
    admin: &mut Admin,
    topics: &[String],
) -> anyhow::Result<BTreeSet<TopicPartition>> {
    let mut partitions = BTreeSet::new();
    for name in topics {
        let topic = topic::existing(admin, name).await?;
        let indexes = topic.partitions.iter().map(|partition| partition.index);
        partitions.extend(indexes.map(|index| TopicPartition::new(name, index)));
    }
    Ok(partitions)
}

fn has_members(group: &str) -> anyhow::Error {
    anyhow::anyhow!("cannot move group {group}: it has active members; stop its consumers first")
}
