//! `ottla topic consume`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use client::{Admin, Consumer, Event, Membership, Record, StartAt, TopicPartition, Trouble};

use super::{existing, topic_name};
use crate::cli::interrupt::Stop;
use crate::cli::output::print;
use crate::cli::record_format::RecordFormat;
use crate::cli::{Connection, UsageError, note, start_at};

/// Bytes that are printed at once when records come faster than they can be shown.
const PRINT_BYTES: usize = 64 << 10;

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Topics to read
    #[arg(required = true, value_name = "NAME", value_parser = topic_name)]
    names: Vec<String>,
    /// Read as a member of this group, and commit what was printed
    #[arg(short, long, value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: Option<String>,
    /// Where to begin: start, end, an OFFSET, +N (N after the start), -N (N before the end) or
    /// @TIMESTAMP (ms since 1970); with -g only where the group has committed nothing
    #[arg(
        short,
        long,
        value_name = "WHERE",
        default_value = "start",
        allow_hyphen_values = true,
        value_parser = start_at::parse
    )]
    offset: StartAt,
    /// Read these partitions only; with -g the group must have no active members
    #[arg(
        short,
        long = "partition",
        value_name = "PARTITION",
        value_delimiter = ',',
        value_parser = clap::value_parser!(i32).range(0..)
    )]
    partitions: Vec<i32>,
    /// End after so many records [default: go on until interrupted]
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    number: Option<u64>,
    /// json, or a format string: %t topic, %p partition, %o offset, %k key, %v value, %h headers,
    /// %T timestamp, \n, \t
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    format: RecordFormat,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    // Taken first, so that a signal is never the end of a consumer that has not committed.
    let mut stop = Stop::new()?;
    let mut admin = connection.admin().await?;
    let partitions = partitions(&mut admin, command).await?;
    let starts = admin.resolve(&partitions, command.offset).await?;
    let membership = match (&command.group, command.partitions.is_empty()) {
        (None, _) => Membership::None,
        (Some(group), true) => Membership::Member(group.clone()),
        (Some(group), false) => Membership::Standalone(group.clone()),
    };
    let consumer = Consumer::new(&connection.brokers()?, &membership, starts)?;
    let mut printer = Printer {
        consumer,
        format: command.format.clone(),
        left: command.number,
        text: Vec::new(),
        next: BTreeMap::new(),
        told: BTreeSet::new(),
    };
    let printed = printer.run(&mut stop).await;
    // Whatever ended the loop: what has been printed must not be printed again.
    let finished = tokio::select! {
        finished = printer.consumer.finish() => finished.map_err(anyhow::Error::from),
        () = stop.wait() => Err(anyhow::anyhow!(
            "interrupted before the group had taken the offsets of what was printed"
        )),
    };
    printed.and(finished)
}

/// The partitions to read.
async fn partitions(
    admin: &mut Admin,
    command: &Command,
) -> anyhow::Result<BTreeSet<TopicPartition>> {
    let mut partitions = BTreeSet::new();
    for name in &command.names {
        let topic = existing(admin, name).await?;
        let has = |index: i32| topic.partitions.iter().any(|one| one.index == index);
        if let Some(missing) = command.partitions.iter().find(|index| !has(**index)) {
            return Err(UsageError(format!("topic {name} has no partition {missing}")).into());
        }
        let indexes = topic.partitions.iter().map(|partition| partition.index);
        let wanted =
            |index: &i32| command.partitions.is_empty() || command.partitions.contains(index);
        partitions.extend(
            indexes
                .filter(wanted)
                .map(|index| TopicPartition::new(name, index)),
        );
    }
    Ok(partitions)
}

/// Prints records and notes what has been printed.
struct Printer {
    consumer: Consumer,
    format: RecordFormat,
    /// How many records are still to print; `None` for all that come.
    left: Option<u64>,
    /// What is to be printed next.
    text: Vec<u8>,
    /// The offset after the last record in `text` of each partition.
    next: BTreeMap<TopicPartition, i64>,
    /// The kinds of trouble told since the last record.
    told: BTreeSet<String>,
}

impl Printer {
    async fn run(&mut self, stop: &mut Stop) -> anyhow::Result<()> {
        loop {
            if self.left == Some(0) {
                return self.print();
            }
            let event = tokio::select! {
                biased;
                () = stop.wait() => return self.print(),
                event = self.consumer.next() => event,
                // Nothing is there at once: show what has come so far, then wait.
                () = std::future::ready(()), if !self.text.is_empty() => {
                    self.print()?;
                    continue;
                }
            };
            match event {
                Ok(Event::Record(record)) => self.add(&record)?,
                Ok(Event::Trouble(trouble)) => self.tell(trouble),
                Err(error) => {
                    self.print()?;
                    return Err(error.into());
                }
            }
        }
    }

    /// Tells each kind of trouble once; librdkafka repeats it as long as it lasts.
    fn tell(&mut self, trouble: Trouble) {
        if !self.told.contains(&trouble.kind) {
            let colon = if trouble.text.is_empty() { "" } else { ": " };
            note(&format!(
                "going on after {}{colon}{}",
                trouble.kind, trouble.text
            ));
            self.told.insert(trouble.kind);
        }
    }

    fn add(&mut self, record: &Record) -> anyhow::Result<()> {
        self.told.clear();
        self.format.write(record, &mut self.text);
        let at = TopicPartition::new(&record.topic, record.partition);
        self.next.insert(at, record.offset.saturating_add(1));
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        match self.text.len() < PRINT_BYTES {
            true => Ok(()),
            false => self.print(),
        }
    }

    /// Prints, and only then counts the records as read.
    fn print(&mut self) -> anyhow::Result<()> {
        print(&self.text)?;
        self.text.clear();
        self.consumer.store(&std::mem::take(&mut self.next))?;
        Ok(())
    }
}
