//! Members of consumer groups: they join, share partitions, read, commit, and leave.

mod commit;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FetchRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    OffsetCommitRequest, SyncGroupRequest,
};

use super::codec::{code, only, text};
use super::link::Link;
use super::machine::Machine;
use super::model::{Deletion, TopicKey};
use super::queries::fetch;
use super::reading::Reading;
use super::world::{Caller, Checked, Shared, Tag, dispatch, ensure, hear, pick};

const SESSION_TIMEOUT_MS: i32 = 6000;
const REBALANCE_TIMEOUT_MS: i32 = 3000;

/// What a member asked for.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Coordinator,
    Join,
    Sync {
        generation: i32,
    },
    Heartbeat,
    Leave,
    Records {
        topic: TopicKey,
        partition: i32,
        reading: Reading,
    },
    Commit {
        topic: TopicKey,
        partition: i32,
        offset: i64,
        /// A newer generation is at work.
        must_fail: bool,
        /// It is in the name of a life that has ended.
        is_late: bool,
    },
}

#[derive(Clone, Debug)]
enum State {
    /// It knows no coordinator.
    Lost,
    Out,
    /// It was told its generation, and if it leads, who is in it.
    Joined {
        generation: i32,
        members: Vec<String>,
    },
    In {
        generation: i32,
        partitions: Vec<(TopicKey, i32)>,
    },
}

/// A client that reads as part of a group.
pub(crate) struct Member {
    caller: Caller<Asked>,
    group: &'static str,
    id: String,
    state: State,
    /// The generation and id of a life that has ended.
    late: Option<(i32, String)>,
}

impl Member {
    pub(crate) fn new(machine: &Machine, group: &'static str) -> Self {
        Self {
            caller: Caller::new(machine),
            group,
            id: String::new(),
            state: State::Lost,
            late: None,
        }
    }

    /// Loses the connection; what it was stays.
    pub(crate) fn disconnect(&mut self, shared: &mut Shared) -> Link<Tag<Asked>> {
        for tag in self.caller.link.outstanding() {
            if let Asked::Commit {
                topic, partition, ..
            } = tag.purpose
            {
                let name = shared.model.topics[topic].name.clone();
                let committed = shared.model.committed(self.group, &name, partition);
                committed.is_open = false;
            }
        }
        self.caller.reconnect(&shared.machine)
    }

    /// Does what comes next.
    pub(crate) fn act(&mut self, shared: &mut Shared, choice: u64) {
        if self.caller.is_waiting() {
            return;
        }
        match self.state.clone() {
            State::Lost => {
                let request = FindCoordinatorRequest::default()
                    .with_key_type(0)
                    .with_coordinator_keys(vec![text(self.group)]);
                self.caller.send(&request, 4, Asked::Coordinator);
            }
            State::Out if choice.is_multiple_of(7) && self.late.is_some() => {
                self.commit_late(shared, choice / 7);
            }
            State::Out => self.join(),
            State::Joined {
                generation,
                members,
            } => self.sync(shared, generation, &members),
            State::In {
                generation,
                partitions,
            } => self.work(shared, generation, &partitions, choice),
        }
    }

    fn join(&mut self) {
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("simulated"))
            .with_metadata(Bytes::from_static(b"any"));
        let request = JoinGroupRequest::default()
            .with_group_id(text(self.group).into())
            .with_session_timeout_ms(SESSION_TIMEOUT_MS)
            .with_rebalance_timeout_ms(REBALANCE_TIMEOUT_MS)
            .with_member_id(text(self.id.clone()))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        self.caller.send(&request, 7, Asked::Join);
    }

    /// The leader says who gets what; the others ask.
    fn sync(&mut self, shared: &mut Shared, generation: i32, members: &[String]) {
        let all: Vec<(TopicKey, i32)> = shared
            .model
            .settled()
            .into_iter()
            .flat_map(|topic| {
                let count = shared.model.topics[topic].partitions.len();
                (0..).take(count).map(move |partition| (topic, partition))
            })
            .collect();
        let group = shared
            .model
            .groups
            .entry(self.group.to_owned())
            .or_default();
        let mut assignments = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let mine = all.iter().skip(index).step_by(members.len());
            let words: Vec<String> = mine
                .map(|(topic, partition)| format!("{topic}/{partition}"))
                .collect();
            let bytes = format!("{generation}:{}", words.join(",")).into_bytes();
            let given = group.assignments.entry((generation, member.clone()));
            given.or_default().insert(bytes.clone());
            assignments.push(
                SyncGroupRequestAssignment::default()
                    .with_member_id(text(member.clone()))
                    .with_assignment(Bytes::from(bytes)),
            );
        }
        let request = SyncGroupRequest::default()
            .with_group_id(text(self.group).into())
            .with_generation_id(generation)
            .with_member_id(text(self.id.clone()))
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("simulated")))
            .with_assignments(assignments);
        self.caller.send(&request, 5, Asked::Sync { generation });
    }

    fn work(
        &mut self,
        shared: &mut Shared,
        generation: i32,
        partitions: &[(TopicKey, i32)],
        choice: u64,
    ) {
        let mine: Vec<(TopicKey, i32)> = partitions
            .iter()
            .filter(|(topic, _)| shared.model.topics[*topic].deletion == Deletion::None)
            .copied()
            .collect();
        match choice % 10 {
            0 => {
                let member = MemberIdentity::default().with_member_id(text(self.id.clone()));
                let request = LeaveGroupRequest::default()
                    .with_group_id(text(self.group).into())
                    .with_members(vec![member]);
                self.caller.send(&request, 4, Asked::Leave);
            }
            1 | 2 => {
                let request = HeartbeatRequest::default()
                    .with_group_id(text(self.group).into())
                    .with_generation_id(generation)
                    .with_member_id(text(self.id.clone()));
                self.caller.send(&request, 4, Asked::Heartbeat);
            }
            3 if self.late.is_some() => self.commit_late(shared, choice / 10),
            _ if mine.is_empty() => {}
            3..7 => {
                let (topic, partition) = mine[pick(choice / 10, mine.len())];
                let told_before = shared.model.partition(topic, partition).told;
                let from = told_before.end;
                let id = uuid::Uuid::from_bytes(shared.model.topics[topic].id);
                let isolation = i8::try_from(choice / 70 % 2).unwrap_or(0);
                let wait_ms = i32::try_from(choice / 140 % 300).unwrap_or(0);
                let request = fetch(id, partition, from, 10_000, isolation)
                    .with_max_wait_ms(wait_ms)
                    .with_min_bytes(1);
                let reading = Reading {
                    from,
                    is_committed: isolation == 1,
                    told_before,
                };
                let asked = Asked::Records {
                    topic,
                    partition,
                    reading,
                };
                self.caller.send(&request, 13, asked);
            }
            _ => {
                let (topic, partition) = mine[pick(choice / 10, mine.len())];
                let life = (generation, self.id.clone());
                self.commit(shared, &life, topic, partition, choice);
            }
        }
    }

    pub(crate) fn dispatch(&mut self, shared: &Shared) -> bool {
        dispatch(&mut self.caller, shared)
    }

    /// Hears one answer, if there is one.
    pub(crate) fn hear(&mut self, shared: &mut Shared) -> Checked<bool> {
        let Some((tag, bytes)) = hear(&mut self.caller, shared)? else {
            return Ok(false);
        };
        match tag.purpose.clone() {
            Asked::Coordinator => {
                let answer = tag.read::<FindCoordinatorRequest>(bytes)?;
                let found = only(answer.coordinators)?;
                if found.error_code == code::NONE {
                    self.state = State::Out;
                } else {
                    self.trouble(shared, found.error_code)?;
                }
            }
            Asked::Join => {
                let answer = tag.read::<JoinGroupRequest>(bytes)?;
                self.take_join(shared, answer)?;
            }
            Asked::Sync { generation } => {
                let answer = tag.read::<SyncGroupRequest>(bytes)?;
                self.take_sync(shared, generation, answer.error_code, &answer.assignment)?;
            }
            Asked::Heartbeat => {
                let answer = tag.read::<HeartbeatRequest>(bytes)?;
                self.after(shared, answer.error_code)?;
            }
            Asked::Leave => {
                let answer = tag.read::<LeaveGroupRequest>(bytes)?;
                let error = match answer.error_code {
                    code::NONE => only(answer.members)?.error_code,
                    error => error,
                };
                if error == code::NONE {
                    self.end_life();
                } else {
                    self.after(shared, error)?;
                }
            }
            Asked::Records {
                topic,
                partition,
                reading,
            } => {
                let answer = tag.read::<FetchRequest>(bytes)?;
                let found = only(only(answer.responses)?.partitions)?;
                let is_there = shared.model.topics[topic].deletion == Deletion::None;
                if is_there && (found.error_code != code::NONE || found.records.is_some()) {
                    let read = shared.take_records(topic, partition, &reading, found);
                    read.map_err(|error| format!("topic {topic}, partition {partition}: {error}"))?;
                }
            }
            Asked::Commit {
                topic,
                partition,
                offset,
                must_fail,
                is_late,
            } => {
                let answer = tag.read::<OffsetCommitRequest>(bytes)?;
                let error = only(only(answer.topics)?.partitions)?.error_code;
                ensure!(
                    !must_fail || error != code::NONE,
                    "{}: a commit of an old generation was taken",
                    self.group
                );
                self.take_commit(shared, (topic, partition), offset, is_late, error)?;
            }
        }
        Ok(true)
    }

    fn take_join(
        &mut self,
        shared: &mut Shared,
        answer: kafka_protocol::messages::JoinGroupResponse,
    ) -> Checked {
        match answer.error_code {
            code::NONE => {
                self.id = answer.member_id.to_string();
                let members = answer.members.iter();
                let members: Vec<String> =
                    members.map(|member| member.member_id.to_string()).collect();
                let leads = answer.leader == answer.member_id;
                ensure!(
                    leads != members.is_empty(),
                    "{}: a leader without members, or the other way",
                    self.group
                );
                ensure!(
                    !leads || members.contains(&self.id),
                    "{}: the leader is no member",
                    self.group
                );
                shared.tally.add("joins", 1);
                self.state = State::Joined {
                    generation: answer.generation_id,
                    members,
                };
                Ok(())
            }
            code::MEMBER_ID_REQUIRED => {
                self.id = answer.member_id.to_string();
                Ok(())
            }
            error => self.after(shared, error),
        }
    }

    fn take_sync(
        &mut self,
        shared: &mut Shared,
        generation: i32,
        error: i16,
        assignment: &[u8],
    ) -> Checked {
        if error != code::NONE {
            return self.after(shared, error);
        }
        let group = shared
            .model
            .groups
            .entry(self.group.to_owned())
            .or_default();
        let given = group.assignments.get(&(generation, self.id.clone()));
        ensure!(
            given.is_some_and(|given| given.contains(assignment)),
            "{}: member {} got {:?} in generation {generation}, not {given:?}",
            self.group,
            self.id,
            String::from_utf8_lossy(assignment)
        );
        // May be lower: a group that was empty and had committed nothing is made anew.
        group.generation = generation;
        shared.tally.add("syncs", 1);
        let text = String::from_utf8_lossy(assignment);
        let words = text.split_once(':').map_or("", |(_, words)| words);
        let partitions = words.split(',').filter_map(|word| {
            let (topic, partition) = word.split_once('/')?;
            Some((topic.parse().ok()?, partition.parse().ok()?))
        });
        self.state = State::In {
            generation,
            partitions: partitions.collect(),
        };
        Ok(())
    }

    /// What follows from an answer that concerns membership.
    fn after(&mut self, shared: &Shared, error: i16) -> Checked {
        match error {
            code::NONE => Ok(()),
            code::REBALANCE_IN_PROGRESS => {
                if let State::In { generation, .. } = self.state {
                    self.late = Some((generation, self.id.clone()));
                }
                self.state = State::Out;
                Ok(())
            }
            code::ILLEGAL_GENERATION | code::UNKNOWN_MEMBER_ID => {
                self.end_life();
                Ok(())
            }
            error => self.trouble(shared, error),
        }
    }

    fn end_life(&mut self) {
        if let State::In { generation, .. } = self.state {
            self.late = Some((generation, self.id.clone()));
        }
        self.id.clear();
        self.state = State::Out;
    }

    fn trouble(&self, shared: &Shared, error: i16) -> Checked {
        let is_loading = [
            code::COORDINATOR_LOAD_IN_PROGRESS,
            code::COORDINATOR_NOT_AVAILABLE,
            code::NOT_COORDINATOR,
        ]
        .contains(&error);
        ensure!(
            is_loading || shared.is_troubled() || error == code::REQUEST_TIMED_OUT,
            "{}: error {error} without a fault",
            self.group
        );
        Ok(())
    }
}
