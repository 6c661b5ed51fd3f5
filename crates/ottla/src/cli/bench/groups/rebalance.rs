//! A group whose members join all at once, and of which one leaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use client::{Admin, ClientError, GroupMember, TopicPartition};
use tokio::sync::{mpsc, oneshot};

use super::Command;
use crate::cli::bench::meter::{Done, Meter, Window};
use crate::cli::bench::report::{Report, duration_ms, number, settings};
use crate::cli::bench::topic::Target;
use crate::cli::bench::watch::{Ending, Load, conclude, watch};
use crate::cli::table::Fields;
use crate::cli::{Connection, UsageError, note};

/// From the first request of the first member until a member has its partitions.
const JOIN: &str = "JOIN";

/// From the request of the one that leaves until a member has its partitions again.
const LEAVE: &str = "LEAVE";

/// How long a run that did not come to its end may take to let its members leave.
const CLEARED_WITHIN: Duration = Duration::from_secs(5);

/// A member has its part of a generation.
#[derive(Clone, Debug)]
struct Assigned {
    member: usize,
    generation_id: i32,
    at: Instant,
    partitions: Vec<TopicPartition>,
    /// How many members the generation has; only the one that shares them out knows.
    members: Option<usize>,
}

/// How far a group has come: the last that was heard of each member.
#[derive(Debug, Default)]
struct Progress {
    last: BTreeMap<usize, Assigned>,
    /// Members of a generation, by what its leader has said.
    members: BTreeMap<i32, usize>,
}

impl Progress {
    fn note(&mut self, assigned: Assigned) {
        if let Some(members) = assigned.members {
            self.members.insert(assigned.generation_id, members);
        }
        self.last.insert(assigned.member, assigned);
    }

    /// The members' parts, once there is a generation of so many members in which all have theirs.
    fn settled(&self, members: usize) -> Option<Vec<&Assigned>> {
        let (generation_id, count) = self.members.last_key_value()?;
        let of_generation = |assigned: &&Assigned| assigned.generation_id == *generation_id;
        let settled: Vec<&Assigned> = self.last.values().filter(of_generation).collect();
        (*count == members && settled.len() == members).then_some(settled)
    }
}

/// What each member is given: partitions by turns.
fn share_out(
    members: &[String],
    partitions: &[TopicPartition],
) -> BTreeMap<String, Vec<TopicPartition>> {
    let of = |number: usize| {
        let own = partitions.iter().skip(number).step_by(members.len());
        own.cloned().collect()
    };
    let shares = members.iter().enumerate();
    shares
        .map(|(number, id)| (id.clone(), of(number)))
        .collect()
}

/// Joins, stays for as long as it is wanted, and leaves.
async fn take_part(
    number: usize,
    mut member: GroupMember,
    partitions: Arc<Vec<TopicPartition>>,
    heartbeat: Duration,
    reports: mpsc::UnboundedSender<Assigned>,
    mut leave: oneshot::Receiver<()>,
) -> anyhow::Result<()> {
    loop {
        let joined = member.join().await?;
        let members = joined.members.as_deref();
        let shares = members.map(|members| share_out(members, &partitions));
        let Some(own) = member.sync(&shares.unwrap_or_default()).await? else {
            continue;
        };
        // Nobody listens any more at the end of the run.
        let _ = reports.send(Assigned {
            member: number,
            generation_id: joined.generation_id,
            at: Instant::now(),
            partitions: own,
            members: joined.members.map(|members| members.len()),
        });
        loop {
            tokio::select! {
                biased;
                _ = &mut leave => return Ok(member.leave().await?),
                () = tokio::time::sleep(heartbeat) => {}
            }
            if !member.heartbeat().await? {
                break;
            }
        }
    }
}

/// Leads the members through what is measured.
struct Lead {
    reports: mpsc::UnboundedReceiver<Assigned>,
    leave: BTreeMap<usize, oneshot::Sender<()>>,
    partitions: usize,
    meter: Arc<Meter>,
}

impl Lead {
    async fn run(mut self, start: Instant) -> anyhow::Result<()> {
        let mut progress = Progress::default();
        let all = self.leave.len();
        self.wait(&mut progress, all, start, JOIN).await?;
        // Not the leader: that would have to be replaced, which is another thing to measure.
        let mut others = progress.last.values().filter(|one| one.members.is_none());
        let leaving = others
            .next()
            .context("every member leads the group")?
            .member;
        progress = Progress::default();
        let left_at = Instant::now();
        self.leave.remove(&leaving);
        self.wait(&mut progress, all - 1, left_at, LEAVE).await
        // With this the others are told to leave too.
    }

    async fn wait(
        &mut self,
        progress: &mut Progress,
        members: usize,
        since: Instant,
        of: &'static str,
    ) -> anyhow::Result<()> {
        loop {
            let assigned = self.reports.recv().await;
            let assigned = assigned.context("the members are gone")?;
            let one = Done {
                requests: 1,
                ..Done::default()
            };
            self.meter.measured().count(assigned.at, one);
            progress.note(assigned);
            let Some(settled) = progress.settled(members) else {
                continue;
            };
            let mut given: Vec<&TopicPartition> =
                settled.iter().flat_map(|one| &one.partitions).collect();
            given.sort();
            given.dedup();
            let held: usize = settled.iter().map(|one| one.partitions.len()).sum();
            anyhow::ensure!(
                given.len() == self.partitions && held == self.partitions,
                "the members have {held} partitions, {} of them different, and the topic has {}",
                given.len(),
                self.partitions
            );
            let mut measured = self.meter.measured();
            for one in settled {
                measured.latency(of, one.at, one.at - since, 1);
            }
            return Ok(());
        }
    }
}

pub(super) async fn run(
    command: &Command,
    members: usize,
    connection: &Connection,
) -> anyhow::Result<()> {
    let brokers = connection.brokers()?;
    let mut admin = connection.admin().await?;
    let group = command.group.as_str();
    if admin
        .group(group)
        .await?
        .is_some_and(|group| has_members(&group))
    {
        let text = format!("group {group} has members: name another one with --group");
        return Err(UsageError(text).into());
    }
    let target = Target::find_or_create(&mut admin, &command.topic).await?;
    let partitions: Arc<Vec<TopicPartition>> = Arc::new(target.partitions().into_iter().collect());
    let coordinator = admin.group_coordinator(group).await?;
    let mut connected = Vec::new();
    for _ in 0..members {
        connected.push(GroupMember::connect(&coordinator, group, &target.name).await?);
    }
    let start = Instant::now();
    let window = Window {
        begins: start,
        ends: None,
    };
    let meter = Arc::new(Meter::new(window));
    let heartbeat = Duration::from_millis(command.heartbeat_ms);
    let (reporter, reports) = mpsc::unbounded_channel();
    let mut load = Load::new();
    let mut leave = BTreeMap::new();
    for (number, member) in connected.into_iter().enumerate() {
        let (sender, told) = oneshot::channel();
        leave.insert(number, sender);
        let (partitions, reporter) = (Arc::clone(&partitions), reporter.clone());
        load.spawn(take_part(
            number, member, partitions, heartbeat, reporter, told,
        ));
    }
    let lead = Lead {
        reports,
        leave,
        partitions: partitions.len(),
        meter: Arc::clone(&meter),
    };
    load.spawn(lead.run(start));
    let progress = command.shown.progress();
    let (ending, _) = watch(load, &meter, progress).await?;
    if !matches!(ending, Ending::Complete) {
        clear_out(&mut admin, group).await;
    }
    let measured = meter.measured();
    let slowest = |of: &str| {
        let histogram = measured.latencies().get(of);
        histogram.map(|histogram| duration_ms(Duration::from_nanos(histogram.max())))
    };
    let result = Fields::default()
        .field("JOIN-MS", slowest(JOIN))
        .field("LEAVE-MS", slowest(LEAVE));
    let settings = settings("groups rebalance", &brokers, &target)
        .field("GROUP", group)
        .field("MEMBERS", number(members as u64))
        .field("HEARTBEAT-MS", number(command.heartbeat_ms));
    let report = Report::new(settings, result).with(&measured);
    conclude(ending, &report, command.shown.output)
}

/// Lets those leave that a run which did not come to its end has left in the group, or says that they are
/// still there: the group would wait for them whenever somebody joins.
async fn clear_out(admin: &mut Admin, group: &str) {
    let leave = async {
        let found = admin.group(group).await?;
        let members = found.and_then(|group| group.members).unwrap_or_default();
        let ids: Vec<String> = members.into_iter().map(|member| member.id).collect();
        match ids.is_empty() {
            true => Ok(()),
            false => admin.remove_members(group, &ids).await,
        }
    };
    let cleared: Result<Result<(), ClientError>, _> =
        tokio::time::timeout(CLEARED_WITHIN, leave).await;
    if !matches!(cleared, Ok(Ok(()))) {
        note(&format!(
            "group {group} may still have members: it takes them for gone {} s after they were heard of last",
            GroupMember::SESSION_TIMEOUT_MS / 1000
        ));
    }
}

fn has_members(group: &client::Group) -> bool {
    group
        .members
        .as_ref()
        .is_some_and(|members| !members.is_empty())
}

#[cfg(test)]
mod tests;
