//! The log of a coordinator's state machine, and what may be told of it.

use std::sync::Arc;
use std::time::Duration;

use env::{Defect, Env, has_defect};
use model::ErrorCode;
use storage::{Append, AppendError, Durability, Log, Sequence};

use crate::broker::Broker;
use crate::limits::{COORDINATOR_ANSWER_TIMEOUT, COORDINATOR_BATCH_BYTES, COORDINATOR_WRITE_RETRY};
use crate::record_batches::{self, KeyAndValue};

/// A value with what must be durable before anybody is told of it.
#[derive(Debug)]
pub(crate) struct Proven<T> {
    pub(crate) value: T,
    pub(crate) sequence: Sequence,
}

/// Why nobody is told anything of what a coordinator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// The log is damaged: what the last run acknowledged is not known.
    Damaged,
    /// The log took no records, or will not keep them; that may change.
    NotWritten,
}

impl From<Unavailable> for ErrorCode {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            // Fails the client, which is right: waiting mends nothing.
            Unavailable::Damaged => Self::KafkaStorageError,
            // The client looks for its coordinator again and repeats what it asked.
            Unavailable::NotWritten => Self::CoordinatorNotAvailable,
        }
    }
}

/// Waits until what an answer rests on is durable.
pub(crate) async fn told<T>(
    broker: &Broker,
    proven: Result<Proven<T>, Unavailable>,
) -> Result<T, ErrorCode> {
    let Proven { value, sequence } = proven?;
    if !broker.storage.is_durable(sequence) && !has_defect(Defect::AnswerOffsetsEarly) {
        let deadline = broker.env.clock.now() + COORDINATOR_ANSWER_TIMEOUT;
        broker
            .proven(sequence, Durability::Durable, deadline)
            .await
            .map_err(|_| Unavailable::NotWritten)?;
    }
    Ok(value)
}

/// Waits until all that has been appended is durable: for answers that speak of logs as they are.
pub(crate) async fn all_durable(broker: &Broker) -> Result<(), ErrorCode> {
    let sequence = broker.storage.force_all();
    let deadline = broker.env.clock.now() + COORDINATOR_ANSWER_TIMEOUT;
    broker.proven(sequence, Durability::Durable, deadline).await
}

/// The log of a coordinator's state machine.
pub(crate) struct Journal {
    log: Arc<Log>,
    env: Env,
    /// The newest record, and with it the round that everything said by the coordinator rests on.
    sequence: Sequence,
    /// Records of the last call that the log did not take. The state machine is ahead of its log by
    /// them; until they are written no other call is taken and nothing is answered.
    backlog: Vec<KeyAndValue>,
    /// When the backlog is tried again.
    retry_at: Duration,
}

impl Journal {
    /// The journal of a state machine that knows all of its log.
    pub(crate) fn new(log: Arc<Log>, env: Env) -> Self {
        Self {
            log,
            env,
            sequence: Sequence::default(),
            backlog: Vec::new(),
            retry_at: Duration::ZERO,
        }
    }

    /// The log.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// What is said of the state machine rests on this.
    pub(crate) fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Notes that something of the state machine has been written elsewhere, with others.
    pub(crate) fn written(&mut self, sequence: Sequence) {
        self.sequence = self.sequence.max(sequence);
    }

    /// When there is a backlog to be tried again.
    pub(crate) fn retry_at(&self) -> Option<Duration> {
        (!self.backlog.is_empty()).then_some(self.retry_at)
    }

    /// Appends what the log has not taken so far.
    pub(crate) fn catch_up(&mut self) -> Result<(), Unavailable> {
        if self.backlog.is_empty() {
            return Ok(());
        }
        self.write([])
    }

    /// Appends records behind the backlog; what the log does not take becomes the backlog.
    pub(crate) fn write(
        &mut self,
        records: impl IntoIterator<Item = KeyAndValue>,
    ) -> Result<(), Unavailable> {
        let is_retry = !self.backlog.is_empty();
        let mut pending = std::mem::take(&mut self.backlog);
        pending.extend(records);
        while !pending.is_empty() {
            let count = batch_len(&pending);
            if let Err(error) = self.append(pending.iter().take(count)) {
                if !is_retry {
                    let log = self.log.id();
                    tracing::error!(%error, %log, "a coordinator's records cannot be written for now");
                }
                self.backlog = pending;
                self.retry_at = self
                    .env
                    .clock
                    .now()
                    .0
                    .saturating_add(COORDINATOR_WRITE_RETRY);
                return Err(Unavailable::NotWritten);
            }
            pending.drain(..count);
        }
        Ok(())
    }

    fn append<'a>(
        &mut self,
        records: impl Iterator<Item = &'a KeyAndValue>,
    ) -> Result<(), AppendError> {
        let batch = record_batches::build(records, self.env.clock.wall_ms());
        let appended = self.log.append(batch, Append::Internal)?;
        self.written(appended.sequence);
        Ok(())
    }
}

/// How many of these records go into one batch: one at least.
pub(crate) fn batch_len(records: &[KeyAndValue]) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take_while(|(key, value)| {
        let len = |part: &Option<bytes::Bytes>| part.as_ref().map_or(0, bytes::Bytes::len);
        bytes += len(key) + len(value);
        bytes <= COORDINATOR_BATCH_BYTES
    });
    fitting.count().max(1)
}
