//! `ottla topic …`

mod add_partitions;
mod consume;
mod describe;
mod produce;
mod trim;

use clap::{Args, Subcommand};
use client::{Admin, ConfigChange, ConfigOperation, NewTopic, Outcome, Refusal, Topic};
use model::ErrorCode;

use super::output::OutputArguments;
use super::table::Table;
use super::{AlreadyTold, Connection, UsageError, complain};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create topics
    Create(Create),
    /// List the topics
    List(List),
    /// Show a topic: its settings with their sources, its partitions with their offsets
    Describe(describe::Command),
    /// Change settings of topics
    AlterConfig(AlterConfig),
    /// Give topics more partitions
    AddPartitions(add_partitions::Command),
    /// Delete the oldest records of a topic
    Trim(trim::Command),
    /// Delete topics with all their records
    Delete(Delete),
    /// Write records: one per line of standard input
    Produce(produce::Command),
    /// Read records
    Consume(consume::Command),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Topics to create
    #[arg(required = true, value_name = "NAME", value_parser = topic_name)]
    names: Vec<String>,
    /// Partitions of each topic [default: the broker's num.partitions]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// Copies of each partition [default: the broker's default.replication.factor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replicas: Option<i16>,
    /// A setting of the topics; may be repeated
    #[arg(short = 'c', long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// List the topics in which brokers keep their own state too
    #[arg(short, long)]
    internal: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct AlterConfig {
    /// Topics to change
    #[arg(required = true, value_name = "NAME", value_parser = topic_name)]
    names: Vec<String>,
    /// Give a setting a value; may be repeated
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Let a setting fall back to the broker's value; may be repeated
    #[arg(short, long, value_name = "KEY")]
    delete: Vec<String>,
    /// Add to a setting that is a list; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    append: Vec<(String, String)>,
    /// Remove from a setting that is a list; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    subtract: Vec<(String, String)>,
    /// Only check whether the change would be taken
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Topics to delete
    #[arg(required = true, value_name = "NAME", value_parser = topic_name)]
    names: Vec<String>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::Create(command) => create(command, connection).await,
        Command::List(command) => list(command, connection).await,
        Command::Describe(command) => describe::run(command, connection).await,
        Command::AlterConfig(command) => alter_config(command, connection).await,
        Command::AddPartitions(command) => add_partitions::run(command, connection).await,
        Command::Trim(command) => trim::run(command, connection).await,
        Command::Delete(command) => delete(command, connection).await,
        Command::Produce(command) => produce::run(command, connection).await,
        Command::Consume(command) => consume::run(command, connection).await,
    }
}

async fn create(command: &Create, connection: &Connection) -> anyhow::Result<()> {
    let topic = |name: &String| NewTopic {
        name: name.clone(),
        partitions: command.partitions,
        replication_factor: command.replicas,
        configs: command.configs.clone(),
    };
    let topics: Vec<NewTopic> = command.names.iter().map(topic).collect();
    let outcomes = connection.admin().await?.create_topics(&topics).await?;
    print_outcomes("create", &outcomes, command.output)
}

async fn list(command: &List, connection: &Connection) -> anyhow::Result<()> {
    let mut table = Table::new(&["NAME", "PARTITIONS", "REPLICAS"]);
    for topic in connection.admin().await?.all_topics().await? {
        if topic.is_internal && !command.internal {
            continue;
        }
        let partitions = count(topic.partitions.len());
        let replicas = replication_factor(&topic);
        table.row([topic.name.into(), partitions.into(), replicas.into()]);
    }
    command.output.table(&table)
}

async fn alter_config(command: &AlterConfig, connection: &Connection) -> anyhow::Result<()> {
    let change = |operation| {
        move |(name, value): &(String, String)| ConfigChange {
            name: name.clone(),
            operation,
            value: Some(value.clone()),
        }
    };
    let delete = |name: &String| ConfigChange {
        name: name.clone(),
        operation: ConfigOperation::Delete,
        value: None,
    };
    let changes: Vec<ConfigChange> = (command.set.iter().map(change(ConfigOperation::Set)))
        .chain(command.delete.iter().map(delete))
        .chain(command.append.iter().map(change(ConfigOperation::Append)))
        .chain(
            command
                .subtract
                .iter()
                .map(change(ConfigOperation::Subtract)),
        )
        .collect();
    if changes.is_empty() {
        let text = "nothing to change: give --set KEY=VALUE, --delete KEY, --append or --subtract";
        return Err(UsageError(text.to_owned()).into());
    }
    let mut admin = connection.admin().await?;
    let outcomes = admin
        .alter_topic_configs(&command.names, &changes, command.dry_run)
        .await?;
    print_outcomes("change", &outcomes, command.output)
}

async fn delete(command: &Delete, connection: &Connection) -> anyhow::Result<()> {
    let outcomes = connection
        .admin()
        .await?
        .delete_topics(&command.names)
        .await?;
    print_outcomes("delete", &outcomes, command.output)
}

/// A row per topic; what failed is explained on standard error too.
fn print_outcomes(
    verb: &str,
    outcomes: &[(String, Outcome)],
    output: OutputArguments,
) -> anyhow::Result<()> {
    let mut table = Table::new(&["TOPIC", "STATUS"]);
    for (name, outcome) in outcomes {
        let status = outcome
            .as_ref()
            .map_or_else(Refusal::name, |()| "OK".to_owned());
        table.row([name.as_str().into(), status.into()]);
    }
    output.table(&table)?;
    let mut told = Ok(());
    for (name, outcome) in outcomes {
        if let Err(refusal) = outcome {
            complain(&format!(
                "cannot {verb} topic {name}: {}",
                advice(refusal, name)
            ));
            told = Err(AlreadyTold.into());
        }
    }
    told
}

/// The refusal, and what to do about it where that is not plain from its words.
fn advice(refusal: &Refusal, topic: &str) -> String {
    if refusal.is(ErrorCode::UnknownTopicOrPartition) {
        return format!("there is no such topic (create it with `ottla topic create {topic}`)");
    }
    refusal.to_string()
}

/// The topic of this name.
pub(crate) async fn existing(admin: &mut Admin, name: &str) -> anyhow::Result<Topic> {
    let found = admin.topics(&[name.to_owned()]).await?;
    match found.into_iter().next() {
        Some((_, Ok(topic))) => Ok(topic),
        Some((_, Err(refusal))) => Err(anyhow::anyhow!("topic {name}: {}", advice(&refusal, name))),
        None => Err(anyhow::anyhow!(
            "topic {name}: the broker did not answer for it"
        )),
    }
}

/// How many copies the topic's partitions have; partitions under reassignment are not counted.
fn replication_factor(topic: &Topic) -> i64 {
    let first = topic.partitions.first();
    first.map_or(0, |partition| count(partition.replicas.len()))
}

/// A length as a number of a row.
pub(crate) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A legal topic name; checked here because a broker's answer to another one is harder to read.
pub(crate) fn topic_name(text: &str) -> Result<String, String> {
    match model::TopicName::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// `key=value`; the value may be empty and may contain further equals signs.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
