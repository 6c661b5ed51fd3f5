//! `ottla topic add-partitions`

use clap::Args;
use client::{Outcome, Refusal};

use super::{count, print_outcomes, topic_name};
use crate::cli::output::OutputArguments;
use crate::cli::{Connection, note};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Topics to grow
    #[arg(required = true, value_name = "NAME", value_parser = topic_name)]
    names: Vec<String>,
    /// Partitions to add to each topic
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    num: i32,
    /// Only check whether the partitions could be added
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let mut outcomes: Vec<(String, Outcome)> = Vec::new();
    let mut growing = Vec::new();
    // Brokers are told how many there are to be in all.
    for (name, topic) in admin.topics(&command.names).await? {
        match topic {
            Ok(topic) => {
                let wanted = count(topic.partitions.len()).saturating_add(command.num.into());
                growing.push((name, i32::try_from(wanted).unwrap_or(i32::MAX)));
            }
            Err(refusal) => outcomes.push((name, Err::<(), Refusal>(refusal))),
        }
    }
    outcomes.extend(admin.create_partitions(&growing, command.dry_run).await?);
    let position = |name: &String| command.names.iter().position(|asked| asked == name);
    outcomes.sort_by_key(|(name, _)| position(name));
    print_outcomes("grow", &outcomes, command.output)?;
    if command.dry_run {
        note("Nothing was changed: this was a dry run.");
    }
    Ok(())
}
