//! `ottla group describe`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use client::{Admin, Group, Position, Refusal, TopicPartition};
use serde::Serialize;

use super::{Progress, no_such_group, progress};
use crate::cli::cluster::lag;
use crate::cli::output::OutputArguments;
use crate::cli::table::{Cell, Fields, Table};
use crate::cli::topic::count;
use crate::cli::{Connection, note};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Group to describe
    #[arg(value_name = "GROUP")]
    group: String,
    #[command(flatten)]
    output: OutputArguments,
}

/// A group and its partitions, as one JSON object.
#[derive(Serialize)]
struct Description {
    #[serde(flatten)]
    group: Fields,
    partitions: Table,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let group = admin.group(&command.group).await?;
    let group = group.ok_or_else(|| no_such_group(&command.group))?;
    let description = describe(&mut admin, group).await?;
    let sections = [
        ("", description.group.text()),
        ("", description.partitions.text()),
    ];
    command.output.sections(&sections, &description)
}

async fn describe(admin: &mut Admin, group: Group) -> anyhow::Result<Description> {
    let committed = admin.committed(&group.id).await?;
    if group.members.is_none() {
        note("The members of this kind of group cannot be shown.");
    }
    let members = group.members.as_ref().map(|members| count(members.len()));
    let rows = progress(&committed, group.members.unwrap_or_default());
    let at: BTreeSet<TopicPartition> = rows.keys().cloned().collect();
    let starts = admin.offsets(&at, Position::Start).await?;
    let ends = admin.offsets(&at, Position::End).await?;
    let mut partitions = Table::new(&[
        "TOPIC",
        "PARTITION",
        "CURRENT-OFFSET",
        "LOG-START-OFFSET",
        "LOG-END-OFFSET",
        "LAG",
        "MEMBER-ID",
        "INSTANCE-ID",
        "CLIENT-ID",
        "HOST",
    ]);
    let mut total_lag = 0i64;
    for (at, Progress { committed, member }) in rows {
        let end = offset(&ends, &at);
        let lag = lag(committed, end);
        if let Cell::Number(lag) = lag {
            total_lag = total_lag.saturating_add(lag);
        }
        let start = offset(&starts, &at);
        let member = member.as_deref();
        partitions.row([
            at.topic.into(),
            at.partition.into(),
            committed.into(),
            start.into(),
            end.into(),
            lag,
            member.map(|member| member.id.as_str()).into(),
            member
                .and_then(|member| member.instance_id.as_deref())
                .into(),
            member.map(|member| member.client_id.as_str()).into(),
            member.map(|member| member.host.as_str()).into(),
        ]);
    }
    let balancer = (!group.protocol.is_empty()).then_some(group.protocol.as_str());
    let group = Fields::default()
        .field("GROUP", group.id.as_str())
        .field("COORDINATOR", group.coordinator)
        .field("STATE", group.state.as_str())
        .field("BALANCER", balancer)
        .field("MEMBERS", members)
        .field("TOTAL-LAG", total_lag);
    Ok(Description { group, partitions })
}

/// The offset found for a partition; `None` if it is gone or cannot be read now.
fn offset(
    found: &BTreeMap<TopicPartition, Result<Option<i64>, Refusal>>,
    at: &TopicPartition,
) -> Option<i64> {
    found.get(at)?.as_ref().ok().copied().flatten()
}
