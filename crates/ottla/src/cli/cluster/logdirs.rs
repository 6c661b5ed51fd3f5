//! `ottla cluster logdirs`

use std::collections::BTreeMap;

use clap::Args;
use client::LogDir;

use crate::cli::output::OutputArguments;
use crate::cli::table::{Cell, Table};
use crate::cli::topic::topic_name;
use crate::cli::{AlreadyTold, Connection, complain};

/// What sizes are added up over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Aggregate {
    /// All topics of all directories of a broker.
    Broker,
    /// All topics of a directory, with the room that its volume has.
    Dir,
    /// All partitions of a topic.
    Topic,
}

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Logs of these topics only
    #[arg(long, value_name = "TOPICS", value_delimiter = ',', value_parser = topic_name)]
    topics: Vec<String>,
    /// Add up the sizes of brokers, directories, or topics in directories
    #[arg(long, value_enum, value_name = "WHAT")]
    aggregate_into: Option<Aggregate>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let directories = admin.log_dirs(&command.topics).await?;
    let table = match command.aggregate_into {
        None => by_partition(&directories),
        Some(Aggregate::Topic) => by_topic(&directories),
        Some(Aggregate::Dir) => by_directory(&directories),
        Some(Aggregate::Broker) => by_broker(&directories),
    };
    command.output.table(&table)?;
    let mut told = Ok(());
    for directory in &directories {
        if let Err(refusal) = &directory.logs {
            let LogDir { broker, path, .. } = directory;
            complain(&format!("{path} of broker {broker}: {refusal}"));
            told = Err(AlreadyTold.into());
        }
    }
    told
}

fn by_partition(directories: &[LogDir]) -> Table {
    let mut table = Table::new(&["BROKER", "DIR", "TOPIC", "PARTITION", "SIZE"]);
    for directory in directories {
        for (at, bytes) in directory.logs.iter().flatten() {
            table.row([
                directory.broker.into(),
                directory.path.as_str().into(),
                at.topic.as_str().into(),
                at.partition.into(),
                (*bytes).into(),
            ]);
        }
    }
    table
}

fn by_topic(directories: &[LogDir]) -> Table {
    let mut table = Table::new(&["BROKER", "DIR", "TOPIC", "SIZE"]);
    for directory in directories {
        let mut topics: BTreeMap<&str, i64> = BTreeMap::new();
        for (at, bytes) in directory.logs.iter().flatten() {
            let size = topics.entry(&at.topic).or_default();
            *size = size.saturating_add(*bytes);
        }
        for (topic, bytes) in topics {
            table.row([
                directory.broker.into(),
                directory.path.as_str().into(),
                topic.into(),
                bytes.into(),
            ]);
        }
    }
    table
}

fn by_directory(directories: &[LogDir]) -> Table {
    let mut table = Table::new(&["BROKER", "DIR", "SIZE", "VOLUME-SIZE", "VOLUME-FREE"]);
    for directory in directories {
        table.row([
            directory.broker.into(),
            directory.path.as_str().into(),
            size(directory).map_or(Cell::Nothing, Cell::Number),
            directory.total_bytes.into(),
            directory.usable_bytes.into(),
        ]);
    }
    table
}

fn by_broker(directories: &[LogDir]) -> Table {
    let mut brokers: BTreeMap<i32, i64> = BTreeMap::new();
    for directory in directories {
        let all = brokers.entry(directory.broker).or_default();
        *all = all.saturating_add(size(directory).unwrap_or(0));
    }
    let mut table = Table::new(&["BROKER", "SIZE"]);
    for (broker, bytes) in brokers {
        table.row([broker.into(), bytes.into()]);
    }
    table
}

/// Bytes of all logs in a directory; `None` if it cannot be looked into.
fn size(directory: &LogDir) -> Option<i64> {
    let logs = directory.logs.as_ref().ok()?;
    Some(
        logs.values()
            .fold(0, |all, bytes| all.saturating_add(*bytes)),
    )
}

#[cfg(test)]
mod tests {
    use client::{Refusal, TopicPartition};

    use super::*;

    fn directory(broker: i32, path: &str, logs: &[(&str, i32, i64)]) -> LogDir {
        let logs = logs
            .iter()
            .map(|(topic, index, bytes)| (TopicPartition::new(*topic, *index), *bytes));
        LogDir {
            broker,
            path: path.to_owned(),
            total_bytes: Some(100),
            usable_bytes: None,
            logs: Ok(logs.collect()),
        }
    }

    #[test]
    fn sizes_are_added_up_over_what_is_asked_for() {
        let unreadable = LogDir {
            logs: Err(Refusal::of_code(56)),
            ..directory(2, "/c", &[])
        };
        let directories = [
            directory(1, "/a", &[("t", 0, 5), ("t", 1, 6), ("u", 0, 7)]),
            directory(1, "/b", &[("t", 2, 8)]),
            unreadable,
        ];
        let lines = |table: Table| table.text().lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(by_topic(&directories)),
            [
                "BROKER  DIR  TOPIC  SIZE",
                "1       /a   t      11",
                "1       /a   u      7",
                "1       /b   t      8",
            ]
        );
        assert_eq!(
            lines(by_directory(&directories)),
            [
                "BROKER  DIR  SIZE  VOLUME-SIZE  VOLUME-FREE",
                "1       /a   18    100          -",
                "1       /b   8     100          -",
                "2       /c   -     100          -",
            ]
        );
        assert_eq!(
            lines(by_broker(&directories)),
            ["BROKER  SIZE", "1       26", "2       0"]
        );
        assert_eq!(lines(by_partition(&directories)).len(), 5);
    }
}
