//! Making and deleting topics, with every question and answer in the journal.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::runtime::Runtime;

use super::control::{Control, Event};
use crate::journal::{Entry, Operation, Outcome, Pen};
use crate::plan::Topic;
use crate::reading::client_config;

/// How long the broker may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is asked.
const TRIES: u32 = 100;

/// Asks the broker about topics.
pub(crate) struct Topics {
    client: AdminClient<DefaultClientContext>,
    runtime: Runtime,
    pen: Pen,
    control: Control,
}

impl Topics {
    pub(crate) fn new(bootstrap: &str, pen: &Pen, control: &Control) -> anyhow::Result<Self> {
        Ok(Self {
            client: client_config(bootstrap).create()?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            pen: pen.clone(),
            control: control.clone(),
        })
    }

    /// Makes a topic, whatever happens to the broker meanwhile, and notes its incarnation.
    pub(crate) fn create(
        &self,
        index: usize,
        topic: &Topic,
        partitions: i32,
        incarnation: u32,
    ) -> anyhow::Result<()> {
        let mut new = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(1));
        for (name, value) in &topic.settings {
            new = new.set(name, value);
        }
        self.persevere(index, Operation::Create, || {
            let options = options();
            let asked = self.client.create_topics([&new], &options);
            self.runtime.block_on(asked)
        })?;
        self.pen
            .note(Entry::Incarnation(index, incarnation, partitions));
        Ok(())
    }

    /// Deletes a topic, whatever happens to the broker meanwhile.
    pub(crate) fn delete(&self, index: usize, topic: &Topic) -> anyhow::Result<()> {
        self.persevere(index, Operation::Delete, || {
            let options = options();
            let asked = self.client.delete_topics(&[&topic.name], &options);
            self.runtime.block_on(asked)
        })
    }

    fn persevere(
        &self,
        index: usize,
        operation: Operation,
        ask: impl Fn() -> Result<Vec<TopicResult>, KafkaError>,
    ) -> anyhow::Result<()> {
        for _ in 0..TRIES {
            self.pen.note(Entry::Asked(index, operation));
            self.control.note(Event::Asked(operation));
            let outcome = outcome(operation, ask());
            self.control.note(Event::Answered(operation));
            self.pen
                .note(Entry::Answered(index, operation, outcome.clone()));
            match outcome {
                Outcome::Done | Outcome::Already => return Ok(()),
                Outcome::Unknown(_) => std::thread::park_timeout(PAUSE),
                Outcome::Refused(reason) => anyhow::bail!("{operation:?} is refused: {reason}"),
            }
        }
        anyhow::bail!("{operation:?} has no answer after {TRIES} tries")
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_LIMIT))
        .operation_timeout(Some(ANSWER_LIMIT))
}

fn outcome(operation: Operation, answer: Result<Vec<TopicResult>, KafkaError>) -> Outcome {
    use RDKafkaErrorCode as Code;
    let code = match answer {
        Ok(results) => match results.into_iter().next() {
            Some(Ok(_)) => return Outcome::Done,
            Some(Err((_, code))) => code,
            None => return Outcome::Refused("an answer without topic".to_owned()),
        },
        Err(KafkaError::AdminOp(code)) => code,
        Err(error) => return Outcome::Unknown(error.to_string()),
    };
    match (operation, code) {
        (Operation::Create, Code::TopicAlreadyExists)
        | (Operation::Delete, Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
            Outcome::Already
        }
        // No connection, no answer in time, or one that says so.
        (
            _,
            Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::NetworkException
            | Code::Resolve
            | Code::Retry
            | Code::KafkaStorageError
            | Code::NotController,
        ) => Outcome::Unknown(code.to_string()),
        (_, code) => Outcome::Refused(code.to_string()),
    }
}
