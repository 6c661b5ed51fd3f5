//! The clients of a group, the network between them and the broker, and the ledger.

use std::collections::BTreeSet;
use std::time::Duration;

use super::client::{Client, NAMES, REBALANCE_TIMEOUT, SESSION_TIMEOUT, Set};
use crate::tests::harness::{GROUP, Harness, offset_to_commit};
use crate::*;

pub(super) const CLIENTS: usize = 6;
pub(super) const TOPICS: usize = 3;

const HEARTBEAT_INTERVAL_MS: u64 = 5_000;

#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A client sends a heartbeat, or joins if it is not in the group.
    Beat {
        client: usize,
        says: Says,
        fate: Fate,
    },
    /// A client subscribes to something else, and says so with its next heartbeat.
    Subscribe(usize),
    /// The last request that a client sent in an earlier epoch arrives once more.
    Late(usize),
    Leave(usize),
    /// A static member leaves and will be back.
    LeaveForAWhile(usize),
    /// A client ends without a word. What it had it still has: it may only be paused.
    Kill(usize),
    Commit(usize),
    /// One of the clients that ended last commits, as one does that was only paused.
    CommitOfTheDead(usize),
    /// A topic gets at least so many partitions; with 0 it is deleted.
    Topic(usize, i32),
    /// The lookups of patterns that are under way come back.
    FindPatterns,
    Pass(u64),
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Nothing,
    Owned,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    RequestLost,
    AnswerLost,
    /// The client has not waited for the answer, and repeats all that it has to say.
    Repeated,
}

pub(super) struct World {
    h: Harness,
    /// What a replay of the log has found so far.
    replayed: Coordinator,
    clients: Vec<Client>,
    /// Clients that ended without a word; they still read what they had.
    dead: Vec<Client>,
    incarnations: usize,
    group_epoch: i32,
}

impl World {
    pub(super) fn new() -> Self {
        let mut h = Harness::new();
        h.topics.create("t", 4);
        h.topics.create("u", 2);
        Self {
            replayed: Coordinator::new(h.settings.clone()),
            h,
            clients: (0..CLIENTS).map(|index| Client::new(index, 0)).collect(),
            dead: Vec::new(),
            incarnations: 0,
            group_epoch: 0,
        }
    }

    fn now(&self) -> Duration {
        self.h.now.monotonic
    }

    pub(super) fn run(&mut self, action: &Action) {
        match *action {
            Action::Beat { client, says, fate } => self.beat(client, says, fate),
            Action::Subscribe(client) => {
                let client = &mut self.clients[client];
                client.topics = NAMES[..(client.topics.len() + 1) % (TOPICS + 1)].to_vec();
                client.must_say_all = true;
            }
            Action::Late(client) => self.late(client),
            Action::Leave(client) => self.leave(client, LEAVE_EPOCH),
            Action::LeaveForAWhile(client) => {
                if self.clients[client].instance_id.is_some() {
                    self.leave(client, LEAVE_STATIC_EPOCH);
                }
            }
            Action::Kill(client) => {
                let ended = self.renew(client);
                self.dead.push(ended);
            }
            Action::Commit(client) => {
                let client = self.clients[client].clone();
                self.commit(&client);
            }
            Action::CommitOfTheDead(which) => {
                if let Some(client) = self.dead.iter().rev().nth(which).cloned() {
                    self.commit(&client);
                }
            }
            Action::Topic(topic, 0) => self.h.topics.delete(NAMES[topic]),
            Action::Topic(topic, partitions) => {
                let known = self.h.topics.by_name(NAMES[topic]);
                let known = known.map_or(0, |shape| shape.partition_count);
                self.h.topics.create(NAMES[topic], partitions.max(known));
            }
            Action::FindPatterns => self.h.find_patterns(),
            Action::Pass(ms) => self.h.pass_ms(ms),
            Action::Restart => self.restart(),
        }
        self.check();
    }

    /// Starts a client anew, and gives back the one that was.
    fn renew(&mut self, index: usize) -> Client {
        self.incarnations += 1;
        let mut client = Client::new(index, self.incarnations);
        client.topics.clone_from(&self.clients[index].topics);
        std::mem::replace(&mut self.clients[index], client)
    }

    fn restart(&mut self) {
        let now = self.now();
        let before = self.h.coordinator.describe_consumer(GROUP);
        let snapshot = self.replayed.snapshot();
        let fresh = self.replay(snapshot.iter());
        let mut found = std::mem::replace(&mut self.replayed, fresh);
        found.finish_replay(now).unwrap();
        assert_eq!(found.describe_consumer(GROUP), before);
        self.h.coordinator = found;
        // The order of a log that has been rewritten means nothing.
        let mut rewritten = self.replay(snapshot.iter().rev());
        rewritten.finish_replay(now).unwrap();
        assert_eq!(rewritten.describe_consumer(GROUP), before);
        for client in self.clients.iter_mut().chain(&mut self.dead) {
            // What was on its way is lost with the connections.
            client.late = None;
            // Whoever was a member has all its time again.
            let is_over = |since: &Duration, timeout| now >= *since + timeout;
            let last_taken = client
                .last_taken
                .filter(|since| !is_over(since, SESSION_TIMEOUT));
            client.last_taken = last_taken.map(|_| now);
            if let Some(told_at) = &mut client.told_at
                && !is_over(told_at, REBALANCE_TIMEOUT)
            {
                *told_at = now;
            }
        }
    }

    fn replay<'a>(&self, records: impl Iterator<Item = &'a GroupRecord>) -> Coordinator {
        let mut coordinator = Coordinator::new(self.h.settings.clone());
        for record in records {
            coordinator
                .replay(&record.key, record.value.clone())
                .unwrap();
        }
        coordinator
    }

    fn beat(&mut self, index: usize, says: Says, fate: Fate) {
        if fate == Fate::RequestLost {
            self.clients[index].must_say_all = true;
            return;
        }
        let client = self.clients[index].clone();
        let request = client.request(says);
        if request.owned.is_some() && client.epoch > 0 {
            let said = (client.epoch, client.owned.clone());
            let before = self.clients[index].last_said.replace(said);
            if let Some(before) = before.filter(|(epoch, _)| *epoch < client.epoch) {
                self.clients[index].late = Some(before);
            }
        }
        let mut answer = self.deliver(index, &request);
        if fate == Fate::Repeated {
            let says_all = client.request(Says::All);
            answer = self.deliver(index, &says_all);
        }
        if fate == Fate::AnswerLost {
            self.clients[index].must_say_all = true;
            return;
        }
        self.hear(index, answer);
    }

    /// Hands a request to the broker, and keeps the books on its answer whether it is heard or not.
    fn deliver(
        &mut self,
        index: usize,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<ConsumerHeartbeatReply, GroupError> {
        let now = self.now();
        let answer = self
            .h
            .run(|coordinator, call| coordinator.consumer_heartbeat(request, call));
        match &answer {
            Ok(reply) => {
                let client = &mut self.clients[index];
                assert_eq!(reply.member_id, client.id);
                let is_new = request.member_epoch == JOIN_EPOCH || client.last_taken.is_none();
                assert!(
                    is_new || reply.member_epoch >= client.answered_epoch,
                    "epoch fell"
                );
                client.last_taken = Some(now);
                let has_heard = request.member_epoch == client.answered_epoch || is_new;
                client.answered_epoch = reply.member_epoch;
                let said = request
                    .owned
                    .as_ref()
                    .map(|owned| owned.iter().collect::<Set>());
                if let Some(said) = &said
                    && said.is_subset(&client.answered)
                    && has_heard
                {
                    client.told_at = None;
                }
                if let Some(assignment) = &reply.assignment {
                    let assignment: Set = assignment.iter().collect();
                    // Also what it does not know of, because an answer was lost.
                    let may_have = said.as_ref().unwrap_or(&client.owned) | &client.answered;
                    if !may_have.is_subset(&assignment) {
                        client.told_at = client.told_at.or(Some(now));
                    }
                    client.answered.clone_from(&assignment);
                    self.check_grant(index, &assignment);
                }
            }
            Err(GroupError::UnknownMemberId | GroupError::FencedInstanceId) => {
                let client = &self.clients[index];
                assert!(
                    client.is_given_up(now),
                    "{}: a member that kept up is fenced",
                    client.id
                );
                self.clients[index].last_taken = None;
            }
            Err(GroupError::FencedMemberEpoch) => {
                let is_behind = self.clients[index].answered_epoch != request.member_epoch;
                assert!(is_behind, "fenced without having missed anything");
            }
            Err(GroupError::UnreleasedInstanceId) => self.check_unreleased(index),
            Err(error) => panic!("{request:?}: {error:?}"),
        }
        answer
    }

    /// Nobody is given what another one reads, unless that one has been given up.
    fn check_grant(&self, index: usize, assignment: &Set) {
        let now = self.now();
        let others = self.clients.iter().enumerate();
        let others = others
            .filter(|(other, _)| *other != index)
            .map(|(_, client)| client);
        for other in others.chain(&self.dead) {
            let both: Vec<_> = other.owned.intersection(assignment).collect();
            assert!(
                both.is_empty() || other.is_given_up(now),
                "{} is given {both:?}, which {} has",
                self.clients[index].id,
                other.id
            );
        }
    }

    /// An instance is in use only as long as its last member may be there.
    fn check_unreleased(&self, index: usize) {
        let instance_id = self.clients[index].instance_id;
        let mut before = self
            .dead
            .iter()
            .filter(|dead| dead.instance_id == instance_id);
        let is_there = before.any(|dead| !dead.is_surely_gone(self.now()));
        assert!(is_there, "nobody has the instance");
    }

    fn hear(&mut self, index: usize, answer: Result<ConsumerHeartbeatReply, GroupError>) {
        let client = &mut self.clients[index];
        match answer {
            Ok(reply) => {
                client.epoch = reply.member_epoch;
                client.must_say_all = false;
                if let Some(assignment) = reply.assignment {
                    client.owned = assignment.iter().collect();
                }
            }
            Err(GroupError::UnreleasedInstanceId) => {}
            Err(_) => client.forget(),
        }
    }

    /// A request of an earlier epoch arrives when the client has been heard in a later one.
    fn late(&mut self, index: usize) {
        let client = &self.clients[index];
        let Some((epoch, owned)) = &client.late else {
            return;
        };
        let request = ConsumerHeartbeat {
            member_epoch: *epoch,
            owned: Some(owned.iter().copied().collect()),
            topics: None,
            pattern: None,
            rebalance_timeout_ms: None,
            ..client.request(Says::Nothing)
        };
        let answer = self
            .h
            .run(|coordinator, call| coordinator.consumer_heartbeat(&request, call));
        assert!(answer.is_err(), "{answer:?}");
    }

    fn leave(&mut self, index: usize, epoch: i32) {
        if self.clients[index].epoch == 0 {
            return;
        }
        let ended = self.renew(index);
        let request = ConsumerHeartbeat {
            member_epoch: epoch,
            topics: None,
            owned: None,
            rebalance_timeout_ms: None,
            ..ended.request(Says::Nothing)
        };
        let answer = self
            .h
            .run(|coordinator, call| coordinator.consumer_heartbeat(&request, call));
        if answer.is_err() {
            assert!(ended.is_given_up(self.now()), "{answer:?}");
        }
    }

    /// What is committed is taken from members that are where the broker has led them, and from nobody
    /// whose partitions may be another's by now.
    fn commit(&mut self, client: &Client) {
        if client.epoch == 0 {
            return;
        }
        let request = CommitRequest {
            group_id: GROUP,
            member_id: &client.id,
            group_instance_id: None,
            generation_id: client.epoch,
            knows_member_epochs: true,
            retention_ms: None,
            offsets: vec![offset_to_commit("t", 0, 1)],
        };
        let now = self.now();
        match self.h.commit_with(request) {
            Ok(_) => {
                assert!(!client.is_surely_gone(now), "{} is fenced", client.id);
                assert_eq!(client.epoch, client.answered_epoch);
                let everyone = self.clients.iter().chain(&self.dead);
                for other in everyone.filter(|other| other.id != client.id) {
                    let both = other.owned.intersection(&client.owned).count();
                    assert!(
                        both == 0 || other.is_given_up(now),
                        "a commit of two owners"
                    );
                }
            }
            Err(GroupError::StaleMemberEpoch) => {
                assert_ne!(client.epoch, client.answered_epoch);
            }
            // The second is the answer when there is no group at all.
            Err(GroupError::UnknownMemberId | GroupError::IllegalGeneration) => {
                assert!(client.is_given_up(now));
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Memory is what a replay of the log finds.
    fn check(&mut self) {
        for record in self.h.log.drain(..) {
            self.replayed.replay(&record.key, record.value).unwrap();
        }
        let snapshot = self.h.coordinator.snapshot();
        assert_eq!(
            self.replayed.snapshot(),
            snapshot,
            "the log says something else"
        );
        let group = self.h.coordinator.describe_consumer(GROUP);
        // Counting begins anew with a group that has been forgotten, and its members with it.
        let Some(group) = group else {
            self.group_epoch = 0;
            return;
        };
        assert!(
            group.group_epoch >= self.group_epoch,
            "the group's epoch fell"
        );
        self.group_epoch = match group.state {
            GroupState::Empty => 0,
            _ => group.group_epoch,
        };
    }

    /// Leaves everybody in peace: those who ended are given up, and the others share everything among
    /// themselves within twenty seconds.
    pub(super) fn settle(&mut self) {
        for _ in 0..10 {
            self.round();
        }
        self.dead.clear();
        for _ in 0..4 {
            self.round();
        }
        let mut read = Set::new();
        for client in &self.clients {
            for place in &client.owned {
                assert!(read.insert(*place), "{place:?} has two readers");
                let name = self.h.topics.name(place.0).unwrap();
                assert!(client.wanted().contains(name.as_str()), "{name}");
            }
        }
        let subscribed: BTreeSet<&str> = self.clients.iter().flat_map(Client::wanted).collect();
        let shapes = subscribed
            .iter()
            .filter_map(|name| self.h.topics.by_name(name));
        let wanted: Set = shapes
            .flat_map(|shape| (0..shape.partition_count).map(move |index| (shape.id, index)))
            .collect();
        assert_eq!(read, wanted, "not everything is read");
        for client in self.clients.clone() {
            self.commit(&client);
            assert_eq!(client.epoch, client.answered_epoch);
        }
        self.check();
        self.restart();
        self.check();
    }

    /// Five seconds in which everyone sends a heartbeat, and another one as soon as it reads something
    /// else than before.
    fn round(&mut self) {
        for index in 0..CLIENTS {
            let before = self.clients[index].owned.clone();
            self.beat(index, Says::Owned, Fate::Delivered);
            if self.clients[index].owned != before {
                self.beat(index, Says::Owned, Fate::Delivered);
            }
        }
        self.h.find_patterns();
        self.check();
        self.h.pass_ms(HEARTBEAT_INTERVAL_MS);
    }
}
