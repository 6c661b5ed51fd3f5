//! `ottla group …`

mod describe;
mod offset_delete;
mod seek;

use std::collections::BTreeMap;
use std::rc::Rc;

use clap::{Args, Subcommand};
use client::{Member, Refusal, TopicPartition};
use model::ErrorCode;

use super::output::OutputArguments;
use super::table::Table;
use super::{AlreadyTold, Connection, complain};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the groups
    List(List),
    /// Show a group: its members, how far it has read and what is left
    Describe(describe::Command),
    /// Move a group without members to other offsets
    Seek(seek::Command),
    /// Delete offsets that a group has committed
    OffsetDelete(offset_delete::Command),
    /// Delete groups without members, with their offsets
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Groups to delete
    #[arg(required = true, value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::List(command) => list(command, connection).await,
        Command::Describe(command) => describe::run(command, connection).await,
        Command::Seek(command) => seek::run(command, connection).await,
        Command::OffsetDelete(command) => offset_delete::run(command, connection).await,
        Command::Delete(command) => delete(command, connection).await,
    }
}

async fn list(command: &List, connection: &Connection) -> anyhow::Result<()> {
    let mut table = Table::new(&["BROKER", "GROUP", "STATE"]);
    for group in connection.admin().await?.groups().await? {
        table.row([
            group.coordinator.into(),
            group.id.into(),
            group.state.into(),
        ]);
    }
    command.output.table(&table)
}

async fn delete(command: &Delete, connection: &Connection) -> anyhow::Result<()> {
    let outcomes = connection
        .admin()
        .await?
        .delete_groups(&command.groups)
        .await?;
    let mut table = Table::new(&["GROUP", "STATUS"]);
    for (group, outcome) in &outcomes {
        let status = outcome
            .as_ref()
            .map_or_else(Refusal::name, |()| "OK".to_owned());
        table.row([group.as_str().into(), status.into()]);
    }
    command.output.table(&table)?;
    let mut told = Ok(());
    for (group, outcome) in &outcomes {
        if let Err(refusal) = outcome {
            let reason = if refusal.is(ErrorCode::NonEmptyGroup) {
                "it has active members; stop its consumers first".to_owned()
            } else if refusal.is(ErrorCode::GroupIdNotFound) {
                "there is no such group (`ottla group list` shows all)".to_owned()
            } else {
                refusal.to_string()
            };
            complain(&format!("cannot delete group {group}: {reason}"));
            told = Err(AlreadyTold.into());
        }
    }
    told
}

/// What a group has to do with a partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The offset it will read next, if it has committed one.
    pub(crate) committed: Option<i64>,
    /// The member that reads it now, if there is one.
    pub(crate) member: Option<Rc<Member>>,
}

/// A row for each partition that a group has committed or that a member has.
pub(crate) fn progress(
    committed: &BTreeMap<TopicPartition, i64>,
    members: Vec<Member>,
) -> BTreeMap<TopicPartition, Progress> {
    let mut rows: BTreeMap<TopicPartition, Progress> = BTreeMap::new();
    for (at, offset) in committed {
        rows.entry(at.clone()).or_default().committed = Some(*offset);
    }
    for member in members.into_iter().map(Rc::new) {
        for at in &member.assignment {
            rows.entry(at.clone()).or_default().member = Some(Rc::clone(&member));
        }
    }
    rows
}

/// The error for a group that does not exist.
fn no_such_group(group: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no group {group} (`ottla group list` shows all)")
}

#[cfg(test)]
mod tests;
