//! `ottla topic produce`

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context as _;
use clap::Args;
use client::{Acks, Answer, ClientError, Compression, NewRecord, Producer, Topic, Written};
use tokio::sync::mpsc;

use super::{existing, key_value, topic_name};
use crate::cli::output::print;
use crate::cli::{AlreadyTold, Connection, UsageError, complain};

/// Lines read ahead of what has been handed to the producer.
const LINES_AHEAD: usize = 64;

/// Records that wait for their answers at a time; bounds memory when input comes from a file.
const ANSWERS_AHEAD: usize = 10_000;

/// What fails when a line cannot be read.
const READING: &str = "cannot read standard input";

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Topic to write to
    #[arg(value_name = "NAME", value_parser = topic_name)]
    name: String,
    /// Key of the records; chooses the partition by murmur2, as the Java client does
    #[arg(short, long, value_name = "KEY")]
    key: Option<String>,
    /// A header of the records; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = key_value)]
    headers: Vec<(String, String)>,
    /// Partition to write to, whatever the key
    #[arg(short, long, value_name = "PARTITION", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// Codec: none, gzip, snappy, lz4 or zstd
    #[arg(short = 'z', long, value_name = "CODEC", default_value = "none")]
    compression: Compression,
    /// When a record counts as written: 0 once it is sent, 1 once the leader has it, all once every
    /// in-sync replica has it
    #[arg(long, value_name = "ACKS", default_value = "all")]
    acks: Acks,
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let topic = existing(&mut admin, &command.name).await?;
    check_partition(command.partition, &topic)?;
    let producer = Producer::new(&connection.brokers()?, command.acks, command.compression)?;
    let headers = command.headers.iter();
    let record = NewRecord {
        partition: command.partition,
        key: command.key.as_ref().map(|key| key.as_bytes().to_vec()),
        value: None,
        headers: headers
            .map(|(name, value)| (name.clone(), Some(value.as_bytes().to_vec())))
            .collect(),
    };
    let session = Session {
        producer,
        topic: command.name.clone(),
        record,
        told: Ok(()),
    };
    match io::stdin().is_terminal() {
        true => session.prompt().await,
        false => session.stream().await,
    }
}

fn check_partition(partition: Option<i32>, topic: &Topic) -> Result<(), UsageError> {
    let mut partitions = topic.partitions.iter();
    match partition {
        Some(wanted) if !partitions.any(|partition| partition.index == wanted) => {
            let last = topic
                .partitions
                .last()
                .map_or(0, |partition| partition.index);
            let name = &topic.name;
            let text = format!("topic {name} has no partition {wanted}: its last one is {last}");
            Err(UsageError(text))
        }
        _ => Ok(()),
    }
}

/// Lines on their way to a topic.
struct Session {
    producer: Producer,
    topic: String,
    /// What the records have in common; each line becomes its value.
    record: NewRecord,
    /// An error that has been reported.
    told: anyhow::Result<()>,
}

impl Session {
    /// Asks for a line, answers it, asks for the next.
    async fn prompt(mut self) -> anyhow::Result<()> {
        loop {
            write!(io::stderr(), "> ")?;
            let line = tokio::task::spawn_blocking(|| read_line(&mut io::stdin().lock()));
            let Some(line) = line.await?.context(READING)? else {
                writeln!(io::stderr())?;
                return self.told;
            };
            if let Some(mut answer) = self.send(line).await {
                let answer = answer.written().await;
                self.print(answer)?;
            }
        }
    }

    /// Sends line after line while the answers to earlier ones come in. Stops reading at the first
    /// record that could not be written, and still answers for those under way.
    async fn stream(mut self) -> anyhow::Result<()> {
        let mut lines = lines();
        let mut waiting = VecDeque::new();
        loop {
            let has_room = waiting.len() < ANSWERS_AHEAD && self.told.is_ok();
            tokio::select! {
                biased;
                Some(answer) = front(&mut waiting) => self.print(answer)?,
                Some(line) = lines.recv(), if has_room => {
                    let answer = self.send(line.context(READING)?).await;
                    waiting.extend(answer);
                }
                else => return self.told,
            }
        }
    }

    async fn send(&mut self, line: Vec<u8>) -> Option<Answer> {
        self.record.value = Some(line);
        let sent = self.producer.send(&self.topic, &self.record).await;
        sent.map_err(|error| self.fail(&error)).ok()
    }

    fn print(&mut self, answer: Result<Written, ClientError>) -> anyhow::Result<()> {
        match answer {
            Ok(Written {
                partition,
                offset,
                timestamp_ms,
            }) => print(
                format!(
                    "Produced to partition {partition} at offset {offset} with timestamp \
                     {timestamp_ms}.\n"
                )
                .as_bytes(),
            ),
            Err(error) => {
                self.fail(&error);
                Ok(())
            }
        }
    }

    fn fail(&mut self, error: &ClientError) {
        complain(&format!("cannot write to topic {}: {error}", self.topic));
        self.told = Err(AlreadyTold.into());
    }
}

/// The answer to the oldest record; `None` when there is none under way. Nothing is lost when the
/// wait is given up.
async fn front(waiting: &mut VecDeque<Answer>) -> Option<Result<Written, ClientError>> {
    let answer = waiting.front_mut()?.written().await;
    waiting.pop_front();
    Some(answer)
}

/// The lines of standard input, read on a thread of their own since a read cannot be given up.
fn lines() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = read_line(&mut input).transpose() {
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// A line without its end, which is a line feed or a carriage return and a line feed; the last one
/// may lack it. `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let mut input: &[u8] = b"one\r\n\n\xff\r\r\n two \nlast\r";
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input).unwrap() {
            lines.push(line);
        }
        let expected: [&[u8]; 5] = [b"one", b"", b"\xff\r", b" two ", b"last\r"];
        assert_eq!(lines, expected);
    }
}
