//! What the answers to transactional producers must be, and what follows from them.

use bytes::Bytes;
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, FetchRequest,
    FindCoordinatorRequest, InitProducerIdRequest, OffsetFetchRequest, ProduceRequest,
    TxnOffsetCommitRequest,
};

use super::{Asked, Step, Transactor};
use crate::broker::admin::KEPT;
use crate::broker::codec::{code, only};
use crate::broker::history::{Input, Outcome};
use crate::broker::model::{Deletion, Proof, TopicKey};
use crate::broker::reading::Reading;
use crate::broker::world::{Checked, Shared, Tag, ensure};

/// What an answer means to the one who has asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    /// It is to be asked for once more.
    Again,
    /// Another instance has taken over.
    Fenced,
    /// The topic is gone, or that of another partition of the request.
    Gone,
}

impl Transactor {
    pub(super) fn take(&mut self, shared: &mut Shared, tag: &Tag<Asked>, bytes: Bytes) -> Checked {
        let asked = &tag.purpose;
        match &asked.step {
            Step::Find { kind } => {
                let answer = tag.read::<FindCoordinatorRequest>(bytes)?;
                let found = only(answer.coordinators)?;
                if self.is_done_with(shared, asked, found.error_code)? {
                    self.knows_coordinators |= *kind == 0;
                    self.steps.pop_front();
                }
                Ok(())
            }
            Step::Init { .. } => {
                let answer = tag.read::<InitProducerIdRequest>(bytes)?;
                let given = (answer.producer_id.0, answer.producer_epoch);
                self.take_init(shared, asked, answer.error_code, given)
            }
            Step::Position { partition } => {
                let group = only(tag.read::<OffsetFetchRequest>(bytes)?.groups)?;
                if !self.is_done_with(shared, asked, group.error_code)? {
                    return Ok(());
                }
                let found = only(only(group.topics)?.partitions)?;
                if self.is_done_with(shared, asked, found.error_code)? {
                    let (place, offset) = ((self.id, *partition), found.committed_offset);
                    let metadata = found.metadata.unwrap_or_default();
                    let history = &mut shared.model.history;
                    history.see_position(place, offset, &metadata, asked.least)?;
                    self.positions.insert(*partition, offset.max(0));
                    self.steps.pop_front();
                }
                Ok(())
            }
            Step::Read { partition } => {
                let answer = tag.read::<FetchRequest>(bytes)?;
                let found = only(only(answer.responses)?.partitions)?;
                self.take_read(shared, asked, *partition, found)
            }
            Step::Add { partitions } => {
                let answer = tag.read::<AddPartitionsToTxnRequest>(bytes)?;
                let topics = answer.results_by_topic_v3_and_below.iter();
                let results = topics.flat_map(|topic| &topic.results_by_partition);
                let errors: Vec<i16> = results.map(|result| result.partition_error_code).collect();
                ensure!(errors.len() == partitions.len(), "{errors:?}");
                self.take_add(shared, asked, partitions, &errors)
            }
            Step::AddGroup => {
                let answer = tag.read::<AddOffsetsToTxnRequest>(bytes)?;
                if self.is_done_with(shared, asked, answer.error_code)? {
                    self.has_added_group = true;
                    self.note_begun(shared);
                    self.steps.pop_front();
                }
                Ok(())
            }
            Step::Write { batches } => self.take_write(shared, tag, batches, bytes),
            Step::Commit => {
                let answer = tag.read::<TxnOffsetCommitRequest>(bytes)?;
                let found = only(only(answer.topics)?.partitions)?;
                if self.is_done_with(shared, asked, found.error_code)? {
                    self.note_begun(shared);
                    self.steps.pop_front();
                }
                Ok(())
            }
            Step::End { is_commit } => {
                let answer = tag.read::<EndTxnRequest>(bytes)?;
                let next = (answer.producer_id.0, answer.producer_epoch);
                self.take_end(shared, asked, *is_commit, answer.error_code, next)
            }
        }
    }

    /// What an error means; errs if there is no reason for it.
    fn verdict(&mut self, shared: &mut Shared, asked: &Asked, error: i16) -> Checked<Verdict> {
        match error {
            code::NONE => {
                ensure!(
                    !asked.must_fail,
                    "success, yet another instance had taken over"
                );
                Ok(Verdict::Done)
            }
            code::INVALID_PRODUCER_EPOCH | code::PRODUCER_FENCED => {
                ensure!(
                    self.may_be_fenced(shared),
                    "fenced ({error}), and by nobody"
                );
                self.take_fence(shared, asked);
                Ok(Verdict::Fenced)
            }
            code::CONCURRENT_TRANSACTIONS
            | code::UNSTABLE_OFFSET_COMMIT
            | code::COORDINATOR_LOAD_IN_PROGRESS
            | code::COORDINATOR_NOT_AVAILABLE
            | code::NOT_COORDINATOR
            | code::REQUEST_TIMED_OUT => Ok(Verdict::Again),
            // The older clients know no better code for a write to a transaction that is being ended.
            code::NOT_ENOUGH_REPLICAS
                if !self.is_two && matches!(asked.step, Step::Write { .. }) =>
            {
                Ok(Verdict::Again)
            }
            code::NOT_ENOUGH_REPLICAS
            | code::KAFKA_STORAGE_ERROR
            | code::NOT_LEADER_OR_FOLLOWER => {
                ensure!(shared.is_troubled(), "error {error} without a fault");
                Ok(Verdict::Again)
            }
            code::UNKNOWN_TOPIC_OR_PARTITION
            | code::UNKNOWN_TOPIC_ID
            | code::OPERATION_NOT_ATTEMPTED => Ok(Verdict::Gone),
            _ => Err(format!("error {error}")),
        }
    }

    /// Whether the step is done; it concerns nothing that can be gone.
    fn is_done_with(&mut self, shared: &mut Shared, asked: &Asked, error: i16) -> Checked<bool> {
        let verdict = self.verdict(shared, asked, error)?;
        ensure!(verdict != Verdict::Gone, "error {error}");
        Ok(verdict == Verdict::Done)
    }

    fn take_fence(&mut self, shared: &mut Shared, asked: &Asked) {
        shared.tally.add("instances fenced", 1);
        if let Some(number) = self.current {
            let transaction = &mut shared.model.history.transactions[number];
            transaction.may_be_ended = true;
            let is_only_ask = matches!(asked.step, Step::End { is_commit: true })
                && transaction.asks == 1
                && transaction.outcome == Outcome::Asked;
            if is_only_ask {
                transaction.outcome = Outcome::Aborted;
            }
        }
        self.lose_life();
    }

    fn note_begun(&self, shared: &mut Shared) {
        if let Some(number) = self.current {
            shared.model.history.transactions[number].is_begun = true;
        }
    }

    fn take_init(
        &mut self,
        shared: &mut Shared,
        asked: &Asked,
        error: i16,
        given: (i64, i16),
    ) -> Checked {
        let history = &mut shared.model.history;
        history.end_ask(Some((self.id, asked.init)));
        if !self.is_done_with(shared, asked, error)? {
            return Ok(());
        }
        let history = &mut shared.model.history;
        if history.owners[self.id].producer_id.is_none() {
            let is_new = shared.producer_ids.insert(given.0);
            ensure!(is_new, "producer id {} was given away before", given.0);
        }
        let owner = &history.owners[self.id];
        // The others may come later, or have.
        let is_doubtful = asked.is_raced || !owner.unheard.is_empty() || owner.inits > asked.init;
        history.take_epoch(self.id, given, is_doubtful)?;
        shared.tally.add("instances admitted", 1);
        self.lose_life();
        self.life = Some(given);
        self.admitted = asked.init;
        self.is_doubtful = is_doubtful;
        Ok(())
    }

    fn take_read(
        &mut self,
        shared: &mut Shared,
        asked: &Asked,
        partition: i32,
        found: kafka_protocol::messages::fetch_response::PartitionData,
    ) -> Checked {
        let kept = shared.model.live(KEPT).ok_or("the kept topic is gone")?;
        let from = self.positions.get(&partition).copied().unwrap_or(0);
        let reading = Reading {
            from,
            is_committed: true,
            told_before: asked.told_before,
        };
        let Some(read) = shared.take_records(kept, partition, &reading, found)? else {
            return Ok(());
        };
        self.steps.pop_front();
        if read.next > from {
            let input = Input {
                partition,
                from,
                to: read.next,
            };
            self.transfer(shared, kept, input, &read.counted);
        }
        Ok(())
    }

    fn take_add(
        &mut self,
        shared: &mut Shared,
        asked: &Asked,
        partitions: &[(TopicKey, i32)],
        errors: &[i16],
    ) -> Checked {
        // All or nothing.
        let first = errors.first().copied().unwrap_or(code::NONE);
        let is_refused = errors.contains(&code::UNKNOWN_TOPIC_OR_PARTITION);
        let error = match is_refused {
            true => code::OPERATION_NOT_ATTEMPTED,
            false => first,
        };
        ensure!(
            is_refused || errors.iter().all(|other| *other == first),
            "some are added and some are not: {errors:?}"
        );
        match self.verdict(shared, asked, error)? {
            Verdict::Done => {
                self.added.extend(partitions);
                self.note_begun(shared);
                self.steps.pop_front();
            }
            Verdict::Gone => {
                let mut topics = partitions.iter().map(|(topic, _)| *topic);
                let is_gone = topics.any(|topic| is_gone(shared, topic));
                ensure!(is_gone, "{errors:?} for topics that are there");
                (self.is_doomed, self.has_gaps) = (true, true);
                self.steps.clear();
            }
            Verdict::Again | Verdict::Fenced => {}
        }
        Ok(())
    }

    fn take_write(
        &mut self,
        shared: &mut Shared,
        tag: &Tag<Asked>,
        batches: &[usize],
        bytes: Bytes,
    ) -> Checked {
        let answer = tag.read::<ProduceRequest>(bytes)?;
        let mut left = batches.to_vec();
        for topic in answer.responses {
            for partition in topic.partition_responses {
                let is_it = |number: &&usize| {
                    let sent = &shared.model.sent[**number];
                    let target = &shared.model.topics[sent.topic];
                    let is_topic = match tag.version {
                        13 => target.id == topic.topic_id.into_bytes(),
                        _ => target.name == *topic.name.0,
                    };
                    is_topic && sent.partition == partition.index
                };
                let number = left.iter().find(is_it).copied();
                let number = number.ok_or("an answer for a partition that was not written to")?;
                let is_gone = is_gone(shared, shared.model.sent[number].topic);
                match self.verdict(shared, &tag.purpose, partition.error_code)? {
                    Verdict::Done => {
                        left.retain(|other| *other != number);
                        self.note_begun(shared);
                        if !is_gone {
                            shared.acknowledge(number, partition.base_offset, Proof::Durable)?;
                        }
                    }
                    Verdict::Gone => {
                        ensure!(is_gone, "no topic for batch {number}, which is there");
                        left.retain(|other| *other != number);
                        (self.is_doomed, self.has_gaps) = (true, true);
                    }
                    Verdict::Again => {}
                    Verdict::Fenced => return Ok(()),
                }
            }
        }
        self.steps.pop_front();
        if !left.is_empty() {
            self.steps.push_front(Step::Write { batches: left });
        }
        Ok(())
    }

    fn take_end(
        &mut self,
        shared: &mut Shared,
        asked: &Asked,
        is_commit: bool,
        error: i16,
        next: (i64, i16),
    ) -> Checked {
        let number = self.current.ok_or("no transaction to end")?;
        if !self.is_done_with(shared, asked, error)? {
            return Ok(());
        }
        let now = shared.now();
        let history = &mut shared.model.history;
        if is_commit {
            history.see_committed(number)?;
            if let Some(input) = history.transactions[number].input {
                self.positions.insert(input.partition, input.to);
                shared.tally.add("offsets committed in transactions", 1);
            }
            shared.tally.add("transactions committed", 1);
            if !history.transactions[number].has_read.is_empty() {
                shared.tally.add("transactions that have read others", 1);
            }
        } else {
            history.see_aborted(number, now)?;
            shared.tally.add("transactions aborted", 1);
        }
        if self.is_two {
            let have_others_asked =
                self.is_doubtful || history.owners[self.id].inits > self.admitted;
            history.take_epoch(self.id, next, have_others_asked)?;
            self.life = Some(next);
            self.sequences.clear();
            self.has_gaps = false;
        }
        self.leave_transaction();
        self.steps.pop_front();
        Ok(())
    }
}

fn is_gone(shared: &Shared, topic: TopicKey) -> bool {
    shared.model.topics[topic].deletion != Deletion::None
}
