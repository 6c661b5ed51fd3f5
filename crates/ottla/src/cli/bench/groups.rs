//! `ottla bench groups`

mod commits;
mod rebalance;

use clap::Args;

use super::arguments::{Shown, Span, TopicArguments};
use super::files::connections_allowed;
use crate::cli::Connection;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Command {
    #[command(flatten)]
    topic: TopicArguments,
    /// Commit offsets: each member in a group and on a connection of its own commits all partitions of
    /// the topic, again as soon as it is answered
    #[arg(long, group = "what")]
    commits: bool,
    /// Let so many members of one group join at once, and one of them leave; nothing is committed
    #[arg(
        long,
        value_name = "MEMBERS",
        group = "what",
        conflicts_with_all = ["seconds", "warm_up_seconds"],
        value_parser = clap::value_parser!(u64).range(2..=10_000)
    )]
    rebalance: Option<u64>,
    /// Members that commit
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        conflicts_with = "rebalance",
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    members: u64,
    /// How often members say that they are there, and so hear of a rebalance
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 3000,
        conflicts_with = "commits",
        value_parser = clap::value_parser!(u64).range(10..=10_000)
    )]
    heartbeat_ms: u64,
    /// Name of the group, and with --commits what the names of the groups begin with
    #[arg(
        long,
        value_name = "NAME",
        default_value = "ottla-bench",
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    group: String,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    shown: Shown,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    connections_allowed(command.rebalance.unwrap_or(command.members))?;
    match command.rebalance {
        Some(members) => rebalance::run(command, members as usize, connection).await,
        None => commits::run(command, connection).await,
    }
}
