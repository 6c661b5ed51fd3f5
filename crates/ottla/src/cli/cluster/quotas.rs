//! `ottla cluster quotas …`

use clap::{Args, Subcommand};
use client::{QuotaMatch, QuotaPart};

use crate::cli::output::OutputArguments;
use crate::cli::table::Table;
use crate::cli::topic::key_value;
use crate::cli::{Connection, UsageError, note};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the quotas that are set
    List(List),
    /// Limit what users and client ids can do
    Set(Set),
    /// Take limits away
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    entity: Entity,
    /// Quotas of all names of a type, user or client-id; may be repeated
    #[arg(long, value_name = "TYPE")]
    any: Vec<String>,
    /// Only quotas of those and nothing besides
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Quotas and their limits: producer_byte_rate, consumer_byte_rate, request_percentage,
    /// controller_mutation_rate
    #[arg(required = true, value_name = "KEY=LIMIT", value_parser = key_limit)]
    quotas: Vec<(String, f64)>,
    #[command(flatten)]
    entity: Entity,
    /// Only check whether the change would be taken
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The quotas [default: all that are set]
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    entity: Entity,
    /// Only check whether the change would be taken
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
}

/// Whom quotas are for.
#[derive(Debug, Args)]
pub(crate) struct Entity {
    /// Whom it is for: user=NAME or client-id=NAME; may be repeated
    #[arg(long, value_name = "TYPE=NAME", value_parser = key_value)]
    name: Vec<(String, String)>,
    /// Whom it is for: each user, or each client-id, that has no quota by name; may be repeated
    #[arg(long, value_name = "TYPE")]
    default: Vec<String>,
}

impl Entity {
    fn parts(&self) -> Vec<QuotaPart> {
        let named = self.name.iter().map(|(kind, name)| QuotaPart {
            kind: kind.clone(),
            name: Some(name.clone()),
        });
        let default = self.default.iter().map(|kind| QuotaPart {
            kind: kind.clone(),
            name: None,
        });
        named.chain(default).collect()
    }

    /// The parts of somebody.
    fn somebody(&self) -> Result<Vec<QuotaPart>, UsageError> {
        let parts = self.parts();
        if parts.is_empty() {
            let text = "for whom? give --name TYPE=NAME or --default TYPE";
            return Err(UsageError(text.to_owned()));
        }
        Ok(parts)
    }
}

/// A quota and its limit.
fn key_limit(text: &str) -> Result<(String, f64), String> {
    let (key, limit) = key_value(text)?;
    match limit.parse() {
        Ok(limit) => Ok((key, limit)),
        Err(_) => Err(format!("{limit} is no number")),
    }
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::List(command) => list(command, connection).await,
        Command::Set(command) => set(command, connection).await,
        Command::Delete(command) => delete(command, connection).await,
    }
}

async fn list(command: &List, connection: &Connection) -> anyhow::Result<()> {
    let exactly = command.entity.parts().into_iter().map(QuotaMatch::Exactly);
    let any = command.any.iter().cloned().map(QuotaMatch::Any);
    let parts: Vec<QuotaMatch> = exactly.chain(any).collect();
    let mut admin = connection.admin().await?;
    let mut table = Table::new(&["ENTITY", "QUOTA", "LIMIT"]);
    for quota in admin.quotas(&parts, command.strict).await? {
        table.row([
            entity_text(&quota.entity).into(),
            quota.key.into(),
            quota.limit.into(),
        ]);
    }
    command.output.table(&table)
}

fn entity_text(entity: &[QuotaPart]) -> String {
    let parts = entity.iter().map(|part| match &part.name {
        Some(name) => format!("{}={name}", part.kind),
        None => format!("{}=<default>", part.kind),
    });
    parts.collect::<Vec<_>>().join(",")
}

async fn set(command: &Set, connection: &Connection) -> anyhow::Result<()> {
    let entity = command.entity.somebody()?;
    let quotas = command.quotas.iter();
    let changes: Vec<_> = quotas
        .map(|(key, limit)| (key.clone(), Some(*limit)))
        .collect();
    change(
        connection,
        &entity,
        &changes,
        command.dry_run,
        command.output,
    )
    .await
}

async fn delete(command: &Delete, connection: &Connection) -> anyhow::Result<()> {
    let entity = command.entity.somebody()?;
    let mut keys = command.keys.clone();
    if keys.is_empty() {
        let exactly: Vec<_> = entity.iter().cloned().map(QuotaMatch::Exactly).collect();
        let mut admin = connection.admin().await?;
        let quotas = admin.quotas(&exactly, true).await?;
        keys.extend(quotas.into_iter().map(|quota| quota.key));
    }
    let changes: Vec<_> = keys.into_iter().map(|key| (key, None)).collect();
    change(
        connection,
        &entity,
        &changes,
        command.dry_run,
        command.output,
    )
    .await
}

async fn change(
    connection: &Connection,
    entity: &[QuotaPart],
    changes: &[(String, Option<f64>)],
    dry_run: bool,
    output: OutputArguments,
) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    admin.alter_quotas(entity, changes, dry_run).await?;
    let mut table = Table::new(&["ENTITY", "QUOTA", "STATUS"]);
    for (key, _) in changes {
        table.row([entity_text(entity).into(), key.as_str().into(), "OK".into()]);
    }
    output.table(&table)?;
    if dry_run {
        note("Nothing was changed: this was a dry run.");
    }
    Ok(())
}
