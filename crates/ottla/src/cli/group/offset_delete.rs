//! `ottla group offset-delete`

use std::collections::BTreeSet;

use clap::Args;
use client::{ClientError, Refusal, TopicPartition};
use model::ErrorCode;

use super::no_such_group;
use crate::cli::output::OutputArguments;
use crate::cli::table::Table;
use crate::cli::topic::topic_name;
use crate::cli::{AlreadyTold, Connection, complain, note};

#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Group whose offsets to delete
    #[arg(value_name = "GROUP")]
    group: String,
    /// A topic, or some of its partitions: TOPIC or TOPIC:P,P; may be repeated [without partitions:
    /// all in which the group has committed]
    #[arg(short, long = "topic", required = true, value_name = "TOPIC[:PARTITIONS]",
          value_parser = topic_and_partitions)]
    topics: Vec<(String, Vec<i32>)>,
    #[command(flatten)]
    output: OutputArguments,
}

/// `topic` or `topic:0,1`; a topic name has no colon.
fn topic_and_partitions(text: &str) -> Result<(String, Vec<i32>), String> {
    let (topic, partitions) = match text.split_once(':') {
        Some((topic, partitions)) => (topic, Some(partitions)),
        None => (text, None),
    };
    let index = |text: &str| match text.parse() {
        Ok(index) if index >= 0 => Ok(index),
        _ => Err(format!("'{text}' is no partition; write TOPIC:0,1")),
    };
    let indexes = partitions.into_iter().flat_map(|text| text.split(','));
    Ok((
        topic_name(topic)?,
        indexes.map(index).collect::<Result<_, _>>()?,
    ))
}

pub(crate) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let mut admin = connection.admin().await?;
    let committed = admin.committed(&command.group).await?;
    let mut partitions = BTreeSet::new();
    for (topic, indexes) in &command.topics {
        match indexes.as_slice() {
            [] => partitions.extend(committed.keys().filter(|at| at.topic == *topic).cloned()),
            indexes => {
                let at = |index: &i32| TopicPartition::new(topic, *index);
                partitions.extend(indexes.iter().map(at));
            }
        }
    }
    let outcomes = match admin.delete_offsets(&command.group, &partitions).await {
        Err(ClientError::Refused(refusal)) if refusal.is(ErrorCode::GroupIdNotFound) => {
            return Err(no_such_group(&command.group));
        }
        outcomes => outcomes?,
    };
    let mut table = Table::new(&["TOPIC", "PARTITION", "STATUS"]);
    for (at, outcome) in &outcomes {
        let status = outcome
            .as_ref()
            .map_or_else(Refusal::name, |()| "OK".to_owned());
        table.row([at.topic.as_str().into(), at.partition.into(), status.into()]);
    }
    command.output.table(&table)?;
    if outcomes.is_empty() {
        note("The group has committed nothing in these topics.");
    }
    let mut told = Ok(());
    for (at, outcome) in &outcomes {
        if let Err(refusal) = outcome {
            let reason = match refusal.is(ErrorCode::GroupSubscribedToTopic) {
                true => {
                    "a member of the group reads the topic; stop its consumers first".to_owned()
                }
                false => refusal.to_string(),
            };
            complain(&format!("cannot delete the offset of {at}: {reason}"));
            told = Err(AlreadyTold.into());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_with_and_without_partitions() {
        for (text, topic, partitions) in [
            ("a", "a", &[][..]),
            ("a:0", "a", &[0]),
            ("a.b:2,0,2", "a.b", &[2, 0, 2]),
        ] {
            let expected = (topic.to_owned(), partitions.to_vec());
            assert_eq!(topic_and_partitions(text), Ok(expected), "{text}");
        }
        for text in ["", ":0", "a:", "a:-1", "a:0,", "a:x", "a b", "a:0:1"] {
            assert!(topic_and_partitions(text).is_err(), "{text}");
        }
    }
}
