//! A member as a test plays it.

use crate::tests::harness::{GROUP, Harness, offset_to_commit};
use crate::*;

/// What a client knows of itself. It takes up what it is told at once.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) instance_id: Option<&'static str>,
    pub(super) epoch: i32,
    pub(super) topics: Vec<&'static str>,
    pub(super) pattern: Option<&'static str>,
    pub(super) assignor: Option<&'static str>,
    pub(super) owned: Partitions,
}

pub(super) const REBALANCE_TIMEOUT_MS: i32 = 30_000;

impl Member {
    pub(super) fn new(id: &str, topics: &[&'static str]) -> Self {
        Self {
            id: id.to_owned(),
            instance_id: None,
            epoch: 0,
            topics: topics.to_vec(),
            pattern: None,
            assignor: None,
            owned: Partitions::new(),
        }
    }

    pub(super) fn pattern(self, pattern: &'static str) -> Self {
        Self {
            pattern: Some(pattern),
            ..self
        }
    }

    pub(super) fn instance(self, instance_id: &'static str) -> Self {
        Self {
            instance_id: Some(instance_id),
            ..self
        }
    }

    /// A heartbeat that says nothing new.
    pub(super) fn quiet(&self) -> ConsumerHeartbeat<'_> {
        ConsumerHeartbeat {
            group_id: GROUP,
            member_id: &self.id,
            member_epoch: self.epoch,
            instance_id: self.instance_id,
            client_id: "client",
            client_host: "/127.0.0.1",
            session_timeout_ms: 45_000,
            ..ConsumerHeartbeat::default()
        }
    }

    /// A heartbeat that says everything.
    pub(super) fn full(&self) -> ConsumerHeartbeat<'_> {
        ConsumerHeartbeat {
            rebalance_timeout_ms: Some(REBALANCE_TIMEOUT_MS),
            topics: Some(self.topics.clone()),
            pattern: self.pattern,
            assignor: self.assignor,
            owned: Some(self.owned.clone()),
            ..self.quiet()
        }
    }

    /// Takes in an answer.
    pub(super) fn hear(&mut self, reply: ConsumerHeartbeatReply) {
        self.id = reply.member_id;
        self.epoch = reply.member_epoch;
        if let Some(assignment) = reply.assignment {
            self.owned = assignment;
        }
    }

    /// Begins anew, with nothing.
    pub(super) fn join(&mut self, h: &mut Harness) -> Result<(), GroupError> {
        self.epoch = JOIN_EPOCH;
        self.owned = Partitions::new();
        let reply = beat(h, &self.full())?;
        self.hear(reply);
        Ok(())
    }

    /// Says what it owns, as a client does that has just given something up or taken something up.
    pub(super) fn report(&mut self, h: &mut Harness) -> Result<(), GroupError> {
        let request = ConsumerHeartbeat {
            owned: Some(self.owned.clone()),
            ..self.quiet()
        };
        let reply = beat(h, &request)?;
        self.hear(reply);
        Ok(())
    }

    pub(super) fn leave(&mut self, h: &mut Harness, epoch: i32) -> Result<(), GroupError> {
        self.epoch = epoch;
        let reply = beat(h, &self.quiet())?;
        assert_eq!(reply.member_epoch, epoch);
        Ok(())
    }

    pub(super) fn commit(&self, h: &mut Harness, offset: i64) -> Result<(), GroupError> {
        h.commit(&self.id, self.epoch, offset)
    }

    pub(super) fn commit_request(&self) -> CommitRequest<'_> {
        CommitRequest {
            group_id: GROUP,
            member_id: &self.id,
            group_instance_id: None,
            generation_id: self.epoch,
            knows_member_epochs: true,
            retention_ms: None,
            offsets: vec![offset_to_commit("t", 0, 1)],
        }
    }
}

pub(super) fn beat(
    h: &mut Harness,
    request: &ConsumerHeartbeat<'_>,
) -> Result<ConsumerHeartbeatReply, GroupError> {
    h.run(|coordinator, call| coordinator.consumer_heartbeat(request, call))
}

/// Lets all members report until nothing changes any more.
pub(super) fn settle(h: &mut Harness, members: &mut [&mut Member]) {
    for _ in 0..10 {
        for member in members.iter_mut() {
            member.report(h).unwrap();
        }
    }
    assert_eq!(describe(h).state, GroupState::Stable);
}

pub(super) fn describe(h: &Harness) -> ConsumerGroupDescription {
    h.coordinator.describe_consumer(GROUP).unwrap()
}

/// How many partitions each member has.
pub(super) fn shares(members: &[&Member]) -> Vec<usize> {
    members.iter().map(|member| member.owned.len()).collect()
}
