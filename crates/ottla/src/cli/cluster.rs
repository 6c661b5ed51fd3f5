//! `ottla cluster …`

mod config;
mod logdirs;
mod quotas;
mod txn;

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use client::{Admin, Position, TopicPartition};
use serde::Serialize;

use super::Connection;
use super::group::progress;
use super::output::OutputArguments;
use super::table::{Cell, Fields, Table};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the cluster id, the controller and the brokers
    Info(Info),
    /// Look at and change settings of brokers
    #[command(subcommand)]
    Config(config::Command),
    /// Show how much room the logs take
    Logdirs(logdirs::Command),
    /// Look at and change the quotas of clients
    #[command(subcommand)]
    Quotas(quotas::Command),
    /// Look at transactions, and end those that nobody ends
    #[command(subcommand)]
    Txn(txn::Command),
    /// Show how far every group has read, also of groups without active members
    Offsets(Offsets),
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Offsets {
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::Info(command) => info(command, connection).await,
        Command::Config(command) => config::run(command, connection).await,
        Command::Logdirs(command) => logdirs::run(command, connection).await,
        Command::Quotas(command) => quotas::run(command, connection).await,
        Command::Txn(command) => txn::run(command, connection).await,
        Command::Offsets(command) => offsets(command, connection).await,
    }
}

/// The cluster and its brokers, as one JSON object.
#[derive(Serialize)]
struct Description {
    #[serde(flatten)]
    cluster: Fields,
    brokers: Table,
}

async fn info(command: &Info, connection: &Connection) -> anyhow::Result<()> {
    let admin = connection.admin().await?;
    let cluster = admin.cluster();
    let mut brokers = Table::new(&["ID", "HOST", "PORT", "RACK"]);
    for (id, broker) in &cluster.brokers {
        brokers.row([
            (*id).into(),
            broker.address.host.as_str().into(),
            i64::from(broker.address.port).into(),
            broker.rack.clone().into(),
        ]);
    }
    let description = Description {
        cluster: Fields::default()
            .field("CLUSTER-ID", cluster.id.clone())
            .field("CONTROLLER", cluster.controller_id),
        brokers,
    };
    let sections = [
        ("CLUSTER", description.cluster.text()),
        ("BROKERS", description.brokers.text()),
    ];
    command.output.sections(&sections, &description)
}

async fn offsets(command: &Offsets, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let mut all = Vec::new();
    for listing in admin.groups().await? {
        // Whoever is in it, and even if it is gone since it was listed: its offsets still count.
        let group = admin.group(&listing.id).await?;
        let members = group.and_then(|group| group.members).unwrap_or_default();
        let committed = admin.committed(&listing.id).await?;
        all.push((listing.id, progress(&committed, members)));
    }
    let ends = ends(&mut admin, all.iter().flat_map(|(_, rows)| rows.keys())).await?;
    let mut table = Table::new(&[
        "GROUP",
        "TOPIC",
        "PARTITION",
        "LAG",
        "COMMITTED",
        "LATEST",
        "CONSUMER",
        "HOST",
        "CLIENT-ID",
    ]);
    for (group, rows) in &all {
        for (at, row) in rows {
            let latest = ends.get(at).copied();
            let member = row.member.as_deref();
            table.row([
                group.as_str().into(),
                at.topic.as_str().into(),
                at.partition.into(),
                lag(row.committed, latest),
                row.committed.into(),
                latest.into(),
                member.map(|member| member.id.as_str()).into(),
                member.map(|member| member.host.as_str()).into(),
                member.map(|member| member.client_id.as_str()).into(),
            ]);
        }
    }
    command.output.table(&table)
}

/// How many records are between what is committed and the end. A group may be beyond the end of a
/// topic that was deleted and created anew.
pub(crate) fn lag(committed: Option<i64>, latest: Option<i64>) -> Cell {
    match (committed, latest) {
        (Some(committed), Some(latest)) => latest.saturating_sub(committed).max(0).into(),
        _ => Cell::Nothing,
    }
}

/// The ends of partitions; topics that are gone have none.
async fn ends<'a>(
    admin: &mut Admin,
    partitions: impl Iterator<Item = &'a TopicPartition>,
) -> anyhow::Result<BTreeMap<TopicPartition, i64>> {
    let partitions: BTreeSet<TopicPartition> = partitions.cloned().collect();
    let ends = admin.offsets(&partitions, Position::End).await?;
    let known = ends
        .into_iter()
        .filter_map(|(at, end)| Some((at, end.ok()??)));
    Ok(known.collect())
}
