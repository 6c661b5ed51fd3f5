//! `ottla bench …`: how much a cluster takes and gives, and how soon.
//!
//! The load comes from one thread, so that what it costs is one core at most and always the same one.
//! Nothing that can be done before the run is done in it: batches are made once and sent again and
//! again (a producer that is not idempotent may), answers are looked at where they were read. Only
//! what differs each time is made in the run: the values of `latency`, which carry their time, and a
//! last batch that is not full. What the load itself delays is shown beside the result: how late it
//! sent what was due.

mod alarm;
mod arguments;
mod consume;
mod consuming;
mod drive;
mod files;
mod groups;
mod latency;
mod meter;
mod payload;
mod produce;
mod producing;
mod report;
mod schedule;
mod stamp;
mod topic;
mod watch;

use clap::Subcommand;

use super::Connection;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write as much as is taken, or at a rate: records and bytes a second, time to the acknowledgement
    Produce(produce::Command),
    /// Read as fast as it goes, what is there or what comes: records and bytes a second
    Consume(consume::Command),
    /// Write at a rate and read it: time to the acknowledgement and to the consumer
    Latency(latency::Command),
    /// Commit offsets, or let the members of a group join and leave
    Groups(groups::Command),
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::Produce(command) => produce::run(command, connection).await,
        Command::Consume(command) => consume::run(command, connection).await,
        Command::Latency(command) => latency::run(command, connection).await,
        Command::Groups(command) => groups::run(command, connection).await,
    }
}
