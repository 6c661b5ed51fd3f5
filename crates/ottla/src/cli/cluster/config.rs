//! `ottla cluster config …`

use clap::{Args, Subcommand};
use client::{Admin, ConfigChange, ConfigEntry, ConfigOperation, ConfigResource};

use crate::cli::output::OutputArguments;
use crate::cli::table::{Fields, Table};
use crate::cli::topic::key_value;
use crate::cli::{Connection, UsageError, note};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the settings of a broker with their sources
    List(List),
    /// Print the value of a setting
    Get(Get),
    /// Change settings of brokers while they run
    Set(Set),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The broker to ask [default: the controller]
    #[arg(long, value_name = "ID")]
    broker: Option<i32>,
    /// Only settings that do not have their default
    #[arg(short, long)]
    changed: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The setting
    #[arg(value_name = "KEY")]
    key: String,
    /// The broker to ask [default: the controller]
    #[arg(long, value_name = "ID")]
    broker: Option<i32>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Settings and their new values
    #[arg(value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    /// Let a setting fall back to what the broker was started with; may be repeated
    #[arg(short, long, value_name = "KEY")]
    delete: Vec<String>,
    /// Change them for this broker only [default: for all brokers]
    #[arg(long, value_name = "ID")]
    broker: Option<i32>,
    /// Only check whether the change would be taken
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::List(command) => list(command, connection).await,
        Command::Get(command) => get(command, connection).await,
        Command::Set(command) => set(command, connection).await,
    }
}

/// Every setting of a broker.
async fn configs(admin: &mut Admin, broker: Option<i32>) -> anyhow::Result<Vec<ConfigEntry>> {
    let cluster = admin.cluster();
    let any = || cluster.brokers.keys().next().copied();
    let broker = broker.or(cluster.controller_id).or_else(any);
    let broker = broker.ok_or_else(|| anyhow::anyhow!("the cluster names no broker"))?;
    Ok(admin.configs(&ConfigResource::Broker(broker)).await?)
}

fn value(entry: &ConfigEntry) -> Option<String> {
    match entry.is_sensitive {
        true => Some("(sensitive)".to_owned()),
        false => entry.value.clone(),
    }
}

async fn list(command: &List, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let mut table = Table::new(&["KEY", "VALUE", "SOURCE", "READ-ONLY"]);
    for entry in configs(&mut admin, command.broker).await? {
        if command.changed && entry.is_default() {
            continue;
        }
        table.row([
            entry.name.as_str().into(),
            value(&entry).into(),
            entry.source.as_str().into(),
            entry.is_read_only.into(),
        ]);
    }
    command.output.table(&table)
}

async fn get(command: &Get, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let entries = configs(&mut admin, command.broker).await?;
    let found = entries.iter().find(|entry| entry.name == command.key);
    let Some(entry) = found else {
        anyhow::bail!(
            "there is no setting {} (`ottla cluster config list` shows all)",
            command.key
        );
    };
    let fields = Fields::default()
        .field("KEY", entry.name.as_str())
        .field("VALUE", value(entry))
        .field("SOURCE", entry.source.as_str());
    let line = format!("{}\n", value(entry).unwrap_or_default());
    command.output.one_line(&line, &fields)
}

async fn set(command: &Set, connection: &Connection) -> anyhow::Result<()> {
    let changed = command.configs.iter().map(|(name, value)| ConfigChange {
        name: name.clone(),
        operation: ConfigOperation::Set,
        value: Some(value.clone()),
    });
    let deleted = command.delete.iter().map(|name| ConfigChange {
        name: name.clone(),
        operation: ConfigOperation::Delete,
        value: None,
    });
    let changes: Vec<ConfigChange> = changed.chain(deleted).collect();
    if changes.is_empty() {
        let text = "nothing to change: give KEY=VALUE or --delete KEY";
        return Err(UsageError(text.to_owned()).into());
    }
    let resource = match command.broker {
        Some(broker) => ConfigResource::Broker(broker),
        None => ConfigResource::AllBrokers,
    };
    let mut admin = connection.admin().await?;
    admin
        .alter_configs(&resource, &changes, command.dry_run)
        .await?;
    let mut table = Table::new(&["KEY", "STATUS"]);
    for change in &changes {
        table.row([change.name.as_str().into(), "OK".into()]);
    }
    command.output.table(&table)?;
    if command.dry_run {
        note("Nothing was changed: this was a dry run.");
    }
    Ok(())
}
