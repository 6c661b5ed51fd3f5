//! `ottla cluster txn …`

mod abort;
mod describe;
mod list;

use clap::Subcommand;
use client::TopicPartition;

use crate::cli::Connection;
use crate::cli::topic::topic_name;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List transactional ids, or the transactions that hang
    List(list::Command),
    /// Show transactions, or the producers of a partition
    Describe(describe::Command),
    /// Abort the transactions of transactional ids, or one that hangs in a partition
    Abort(abort::Command),
}

/// A partition instead of transactional ids.
#[derive(Debug, clap::Args)]
struct InPartition {
    /// Topic of the partition
    #[arg(long, value_name = "NAME", requires = "partition", value_parser = topic_name)]
    topic: Option<String>,
    /// Index of the partition
    #[arg(long, value_name = "PARTITION", requires = "topic",
          value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
}

impl InPartition {
    /// The partition, if one is given.
    fn partition(&self) -> Option<TopicPartition> {
        Some(TopicPartition::new(self.topic.as_deref()?, self.partition?))
    }
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::List(command) => list::run(command, connection).await,
        Command::Describe(command) => describe::run(command, connection).await,
        Command::Abort(command) => abort::run(command, connection).await,
    }
}

/// The complaint about an id that no coordinator knows.
fn no_such_id(transactional_id: &str) -> String {
    format!("there is no transactional id {transactional_id} (`ottla cluster txn list` shows all)")
}
