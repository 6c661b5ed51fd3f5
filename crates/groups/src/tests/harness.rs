//! A coordinator with a clock that the test moves and a log that it keeps.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use coordination::Now;
use model::{ProducerId, TopicName};

use super::FakeTopics;
use crate::*;

/// A group that all tests use.
pub(super) const GROUP: &str = "g";

pub(super) struct Harness {
    pub(super) coordinator: Coordinator,
    pub(super) settings: GroupSettings,
    pub(super) now: Now,
    pub(super) topics: FakeTopics,
    /// Everything that was written, in order.
    pub(super) log: Vec<GroupRecord>,
    /// Which of them belong to whose transaction.
    pub(super) transactional: BTreeMap<usize, ProducerId>,
    /// Markers, each before the record of this number: whose transaction ends, and whether it commits.
    pub(super) markers: Vec<(usize, ProducerId, bool)>,
    /// Lookups that nobody has carried out yet.
    pub(super) lookups: Vec<PatternLookup>,
    /// Answers by token.
    pub(super) replies: BTreeMap<Token, Reply>,
    answered_at: BTreeMap<Token, Duration>,
    next_token: u64,
}

/// What a member asks when it joins.
#[derive(Clone, Debug)]
pub(super) struct Asks {
    pub(super) member_id: String,
    pub(super) instance_id: Option<&'static str>,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) protocol_type: &'static str,
    pub(super) protocols: Vec<(&'static str, &'static [u8])>,
    pub(super) version: i16,
}

impl Default for Asks {
    fn default() -> Self {
        Self {
            member_id: String::new(),
            instance_id: None,
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 60_000,
            protocol_type: "consumer",
            protocols: vec![("range", b"r")],
            version: 3,
        }
    }
}

impl Asks {
    pub(super) fn id(member_id: &str) -> Self {
        Self {
            member_id: member_id.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn instance(instance_id: &'static str) -> Self {
        Self {
            instance_id: Some(instance_id),
            version: 8,
            ..Self::default()
        }
    }
}

impl Harness {
    /// A coordinator whose first rebalances do not wait.
    pub(super) fn new() -> Self {
        Self::with(GroupSettings {
            initial_rebalance_delay_ms: 0,
            ..GroupSettings::default()
        })
    }

    pub(super) fn with(settings: GroupSettings) -> Self {
        Self {
            coordinator: Coordinator::new(settings.clone()),
            settings,
            now: Now {
                monotonic: Duration::from_secs(1_000),
                wall_ms: 1_700_000_000_000,
            },
            topics: FakeTopics::default(),
            log: Vec::new(),
            transactional: BTreeMap::new(),
            markers: Vec::new(),
            lookups: Vec::new(),
            replies: BTreeMap::new(),
            answered_at: BTreeMap::new(),
            next_token: 0,
        }
    }

    /// Makes a call, and takes in what follows from it.
    pub(super) fn run<R>(&mut self, call: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> R) -> R {
        let mut effects = Effects::default();
        let mut with = Call {
            now: self.now,
            topics: &self.topics,
            effects: &mut effects,
        };
        let result = call(&mut self.coordinator, &mut with);
        self.take(effects);
        result
    }

    /// Carries out the lookups that were asked for.
    pub(super) fn find_patterns(&mut self) {
        for lookup in std::mem::take(&mut self.lookups) {
            let found = lookup.run(self.topics.version(), self.topics.names());
            self.run(|coordinator, call| coordinator.patterns_found(found, call));
        }
    }

    fn take(&mut self, effects: Effects) {
        self.lookups.extend(effects.lookups);
        self.log.extend(effects.records);
        for (token, reply) in effects.replies {
            self.answered_at.insert(token, self.now.monotonic);
            let earlier = self.replies.insert(token, reply);
            assert_eq!(earlier, None, "{token:?} was answered twice");
        }
        self.coordinator.check_invariants();
    }

    fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    pub(super) fn join(&mut self, asks: Asks) -> Token {
        self.join_with(|request| {
            request.member_id = asks.member_id;
            request.group_instance_id = asks.instance_id.map(str::to_owned);
            request.session_timeout_ms = asks.session_timeout_ms;
            request.rebalance_timeout_ms = asks.rebalance_timeout_ms;
            request.protocol_type = asks.protocol_type.into();
            request.protocols = asks
                .protocols
                .into_iter()
                .map(|(name, metadata)| Protocol {
                    name: name.into(),
                    metadata: Bytes::from_static(metadata),
                })
                .collect();
            request.requires_known_member_id = asks.version >= 4;
            request.supports_skipping_assignment = asks.version >= 9;
        })
    }

    /// Joins with what `ask` makes of a request of version 3 without protocols.
    pub(super) fn join_with(&mut self, ask: impl FnOnce(&mut JoinRequest)) -> Token {
        let token = self.token();
        let mut random = [0; 16];
        random[8..].copy_from_slice(&token.0.to_be_bytes());
        let mut request = JoinRequest {
            group_id: GROUP.into(),
            member_id: String::new(),
            group_instance_id: None,
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 60_000,
            protocol_type: "consumer".into(),
            protocols: Vec::new(),
            requires_known_member_id: false,
            supports_skipping_assignment: false,
            random,
        };
        ask(&mut request);
        self.run(|coordinator, call| coordinator.join(token, request, call));
        token
    }

    pub(super) fn sync_request(&self, joined: &Joined) -> SyncRequest {
        SyncRequest {
            group_id: GROUP.into(),
            member_id: joined.member_id.clone(),
            group_instance_id: None,
            generation_id: joined.generation_id,
            protocol_type: None,
            protocol_name: None,
            assignments: joined
                .members
                .iter()
                .map(|member| {
                    let assignment = format!("for {}", member.member_id);
                    (member.member_id.clone(), Bytes::from(assignment))
                })
                .collect(),
        }
    }

    /// Syncs; a leader gives every member an assignment that names it.
    pub(super) fn sync(&mut self, joined: &Joined) -> Token {
        self.sync_with(self.sync_request(joined))
    }

    pub(super) fn sync_with(&mut self, request: SyncRequest) -> Token {
        let token = self.token();
        self.run(|coordinator, call| coordinator.sync(token, request, call));
        token
    }

    pub(super) fn heartbeat(
        &mut self,
        member_id: &str,
        generation_id: i32,
    ) -> Result<(), GroupError> {
        let request = HeartbeatRequest {
            group_id: GROUP,
            member_id,
            group_instance_id: None,
            generation_id,
        };
        self.run(|coordinator, call| coordinator.heartbeat(request, call))
    }

    pub(super) fn leave(&mut self, leavers: &[Leaver<'_>]) -> Vec<Result<(), GroupError>> {
        self.run(|coordinator, call| coordinator.leave(GROUP, leavers, call))
            .unwrap()
    }

    pub(super) fn leave_one(&mut self, member_id: &str) -> Result<(), GroupError> {
        let leaver = Leaver {
            member_id,
            group_instance_id: None,
        };
        self.leave(&[leaver])[0]
    }

    pub(super) fn commit(
        &mut self,
        member_id: &str,
        generation_id: i32,
        offset: i64,
    ) -> Result<(), GroupError> {
        self.commit_with(CommitRequest {
            group_id: GROUP,
            member_id,
            group_instance_id: None,
            generation_id,
            knows_member_epochs: true,
            retention_ms: None,
            offsets: vec![offset_to_commit("t", 0, offset)],
        })
        .map(|results| assert_eq!(results, [Ok(())]))
    }

    pub(super) fn commit_with(
        &mut self,
        request: CommitRequest<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        self.run(|coordinator, call| coordinator.commit(request, call))
    }

    pub(super) fn offset(&self) -> Option<i64> {
        self.offset_of("t", 0)
    }

    pub(super) fn offset_of(&self, topic: &str, partition: i32) -> Option<i64> {
        let committed = self.coordinator.offset(GROUP, topic, partition)?;
        Some(committed.offset)
    }

    pub(super) fn delete_group(&mut self) -> Result<(), GroupError> {
        self.run(|coordinator, call| coordinator.delete_group(GROUP, call))
    }

    pub(super) fn delete_offsets(
        &mut self,
        partitions: &[(&str, i32)],
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let partitions: Vec<_> = partitions
            .iter()
            .map(|(topic, partition)| (TopicName::new(topic).unwrap(), *partition))
            .collect();
        self.run(|coordinator, call| coordinator.delete_offsets(GROUP, &partitions, call))
    }

    pub(super) fn delete_topic(&mut self, topic: &str) {
        self.run(|coordinator, call| coordinator.delete_topic(topic, call));
    }

    /// Moves the clocks in small steps, ticking whenever something is due.
    pub(super) fn pass_ms(&mut self, ms: u64) {
        let end = self.now.monotonic + Duration::from_millis(ms);
        while let Some(deadline) = self.coordinator.next_deadline()
            && deadline <= end
        {
            self.move_to(deadline.max(self.now.monotonic));
            self.run(Coordinator::tick);
        }
        self.move_to(end);
    }

    fn move_to(&mut self, to: Duration) {
        let ms = (to - self.now.monotonic).as_millis() as i64;
        self.now.monotonic = to;
        self.now.wall_ms += ms;
    }

    /// Forgets everything but the log, and replays it.
    pub(super) fn restart(&mut self) {
        self.coordinator = self.replayed();
        self.coordinator.check_invariants();
    }

    /// A coordinator that knows the log and nothing else.
    pub(super) fn replayed(&self) -> Coordinator {
        let mut coordinator = Coordinator::new(self.settings.clone());
        for number in 0..=self.log.len() {
            for (at, producer_id, is_commit) in &self.markers {
                if *at == number {
                    coordinator.replay_marker(*producer_id, *is_commit);
                }
            }
            if let Some(record) = self.log.get(number) {
                let value = record.value.clone();
                match self.transactional.get(&number) {
                    None => coordinator.replay(&record.key, value),
                    Some(producer_id) => {
                        coordinator.replay_in_transaction(*producer_id, &record.key, value)
                    }
                }
                .unwrap();
            }
        }
        coordinator.finish_replay(self.now.monotonic).unwrap();
        coordinator
    }

    /// A coordinator that knows what compaction of the first records of the log leaves: the last one of
    /// each key, if that is not a tombstone; and the records behind them.
    pub(super) fn replayed_compacted(&self, first: usize) -> Coordinator {
        let (clean, dirty) = self.log.split_at(first);
        let last: HashMap<_, _> = (0..)
            .zip(clean)
            .map(|(at, record)| (&record.key, at))
            .collect();
        let stays = |at: usize, record: &GroupRecord| {
            record.value.is_some() && last.get(&record.key) == Some(&at)
        };
        let kept = (0..).zip(clean).filter(|(at, record)| stays(*at, record));
        self.replay(kept.map(|(_, record)| record).chain(dirty))
    }

    fn replay<'a>(&self, records: impl IntoIterator<Item = &'a GroupRecord>) -> Coordinator {
        let mut coordinator = Coordinator::new(self.settings.clone());
        for record in records {
            coordinator
                .replay(&record.key, record.value.clone())
                .unwrap();
        }
        coordinator.finish_replay(self.now.monotonic).unwrap();
        coordinator
    }

    pub(super) fn state(&self) -> GroupState {
        self.coordinator
            .describe(GROUP)
            .map_or(GroupState::Dead, |group| group.state)
    }

    /// The state of the group, whatever its kind.
    pub(super) fn state_of_any(&self) -> GroupState {
        let group = self
            .coordinator
            .list()
            .find(|group| *group.group_id == *GROUP);
        group.map_or(GroupState::Dead, |group| group.state)
    }

    pub(super) fn has_members(&self) -> bool {
        let group = self.coordinator.describe(GROUP);
        group.is_some_and(|group| !group.members.is_empty())
    }

    /// When a request was answered, whenever its client hears of it.
    pub(super) fn answered_at(&self, token: Token) -> Duration {
        self.answered_at.get(&token).copied().unwrap()
    }

    pub(super) fn is_parked(&self, token: Token) -> bool {
        !self.replies.contains_key(&token)
    }

    pub(super) fn join_reply(&mut self, token: Token) -> JoinReply {
        match self.replies.get(&token) {
            Some(Reply::Join(reply)) => reply.clone(),
            other => panic!("{token:?}: {other:?}"),
        }
    }

    pub(super) fn joined(&mut self, token: Token) -> Joined {
        self.join_reply(token).unwrap()
    }

    pub(super) fn join_error(&mut self, token: Token) -> (GroupError, String) {
        let refused = self.join_reply(token).unwrap_err();
        (refused.error, refused.member_id)
    }

    pub(super) fn sync_reply(&mut self, token: Token) -> Result<String, GroupError> {
        match self.replies.get(&token) {
            Some(Reply::Sync(reply)) => reply
                .clone()
                .map(|synced| String::from_utf8(synced.assignment.to_vec()).unwrap()),
            other => panic!("{token:?}: {other:?}"),
        }
    }

    /// A stable group of one member per entry, the first being the leader.
    pub(super) fn stable(&mut self, members: Vec<Asks>) -> Vec<Joined> {
        let mut known: Vec<Asks> = Vec::new();
        let mut tokens = Vec::new();
        for asks in members {
            // Each newcomer makes those before it join again.
            let mut newcomer = asks.clone();
            let token = self.join(asks);
            tokens = vec![token];
            let mut again = Vec::new();
            for member in &known {
                again.push(self.join(member.clone()));
            }
            newcomer.member_id = self.joined(token).member_id;
            tokens.splice(0..0, again);
            known.push(newcomer);
        }
        let joined: Vec<Joined> = tokens.iter().map(|token| self.joined(*token)).collect();
        let syncs: Vec<Token> = joined
            .iter()
            .rev()
            .map(|joined| self.sync(joined))
            .collect();
        for sync in syncs {
            self.sync_reply(sync).unwrap();
        }
        assert_eq!(self.state(), GroupState::Stable);
        joined
    }
}

pub(super) fn offset_to_commit(topic: &str, partition: i32, offset: i64) -> OffsetToCommit {
    OffsetToCommit {
        topic: TopicName::new(topic).unwrap(),
        partition,
        offset,
        leader_epoch: 7,
        metadata: "m".into(),
    }
}
