//! Random scripts: clients that join, sync, beat, leave, commit, lose answers and come back, a
//! broker that restarts, and time that passes. A naive model says what must come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::harness::{Asks, GROUP, Harness, offset_to_commit};
use crate::*;

/// No member asks to be waited for longer than this.
const REBALANCE_TIMEOUT_MS: i32 = 20_000;

#[derive(Clone, Debug)]
enum Action {
    /// A client joins, with the id it knows or as a newcomer, perhaps with other metadata.
    Join {
        client: usize,
        forgets: bool,
        metadata: usize,
        version: i16,
    },
    /// A client syncs the generation it was last let into.
    Sync(usize),
    Heartbeat(usize),
    Leave(usize),
    /// A client, or somebody outside the group, commits.
    Commit {
        client: Option<usize>,
        partition: i32,
        offset: i64,
    },
    DeleteGroup,
    DeleteTopic,
    DeleteOffset(i32),
    Pass(u64),
    Restart,
}

const CLIENTS: usize = 5;

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let client = || 0..CLIENTS;
    let action = prop_oneof![
        8 => (client(), prop::bool::weighted(0.15), 0..3_usize, prop::sample::select(vec![3, 4, 9]))
            .prop_map(|(client, forgets, metadata, version)| Action::Join {
                client, forgets, metadata: metadata / 2, version
            }),
        8 => client().prop_map(Action::Sync),
        3 => client().prop_map(Action::Heartbeat),
        1 => client().prop_map(Action::Leave),
        4 => (prop::option::weighted(0.8, client()), 0..3, 0..1_000_i64).prop_map(
            |(client, partition, offset)| Action::Commit { client, partition, offset }
        ),
        1 => Just(Action::DeleteGroup),
        1 => Just(Action::DeleteTopic),
        1 => (0..3).prop_map(Action::DeleteOffset),
        4 => (0..12_000_u64).prop_map(Action::Pass),
        1 => Just(Action::Restart),
    ];
    prop::collection::vec(action, 1..120)
}

/// What a client remembers.
#[derive(Clone, Debug, Default)]
struct Client {
    member_id: String,
    joined: Option<Joined>,
}

struct World {
    h: Harness,
    clients: Vec<Client>,
    /// Requests without an answer yet: whose, and since when.
    asked: BTreeMap<Token, (usize, Duration)>,
    /// What was committed and accepted, by partition.
    committed: BTreeMap<i32, i64>,
    /// The highest generation seen since the group was made or the broker started.
    generation_id: i32,
}

/// The last two clients are static members.
fn instance_of(client: usize) -> Option<&'static str> {
    match client {
        3 => Some("i3"),
        4 => Some("i4"),
        _ => None,
    }
}

impl World {
    fn new(initial_rebalance_delay_ms: i32) -> Self {
        Self {
            h: Harness::with(GroupSettings {
                initial_rebalance_delay_ms,
                group_size_max: 4,
                ..GroupSettings::default()
            }),
            clients: vec![Client::default(); CLIENTS],
            asked: BTreeMap::new(),
            committed: BTreeMap::new(),
            generation_id: 0,
        }
    }

    fn run(&mut self, action: &Action) {
        match *action {
            Action::Join {
                client,
                forgets,
                metadata,
                version,
            } => self.join(client, forgets, metadata, version),
            Action::Sync(client) => {
                if let Some(joined) = self.clients[client].joined.clone() {
                    let token = self.h.sync(&joined);
                    self.asked.insert(token, (client, self.h.now.monotonic));
                }
            }
            Action::Heartbeat(client) => self.heartbeat(client),
            Action::Leave(client) => {
                let member_id = std::mem::take(&mut self.clients[client].member_id);
                if !member_id.is_empty() {
                    let _ = self.h.leave_one(&member_id);
                }
            }
            Action::Commit {
                client,
                partition,
                offset,
            } => self.commit(client, partition, offset),
            Action::DeleteGroup => {
                let expected = match self.h.state() {
                    GroupState::Dead => Err(GroupError::GroupIdNotFound),
                    GroupState::Empty => Ok(()),
                    _ => Err(GroupError::NonEmptyGroup),
                };
                assert_eq!(self.h.delete_group(), expected);
                if expected.is_ok() {
                    self.committed.clear();
                }
            }
            Action::DeleteTopic => {
                self.h.delete_topic("t");
                self.committed.clear();
            }
            Action::DeleteOffset(partition) => {
                let expected = match self.h.state() {
                    GroupState::Dead => Err(GroupError::GroupIdNotFound),
                    GroupState::Empty => Ok(vec![Ok(())]),
                    // All have left while they were waited for.
                    _ if !self.h.has_members() => Ok(vec![Ok(())]),
                    // What these members subscribe to cannot be read.
                    _ => Ok(vec![Err(GroupError::GroupSubscribedToTopic)]),
                };
                let result = self.h.delete_offsets(&[("t", partition)]);
                assert_eq!(result, expected);
                if result == Ok(vec![Ok(())]) {
                    self.committed.remove(&partition);
                }
            }
            Action::Pass(ms) => self.h.pass_ms(ms),
            Action::Restart => {
                self.h.restart();
                // The connections are gone, and with them who waited.
                self.asked.clear();
                self.generation_id = 0;
            }
        }
        self.hear();
        self.check();
    }

    fn join(&mut self, client: usize, forgets: bool, metadata: usize, version: i16) {
        if forgets {
            self.clients[client] = Client::default();
        }
        let metadata: &[u8] = [b"one", b"two"][metadata];
        let token = self.h.join(Asks {
            member_id: self.clients[client].member_id.clone(),
            instance_id: instance_of(client),
            // Some sessions outlast the rebalance timeout.
            session_timeout_ms: [10_000, 25_000, 40_000][client % 3],
            rebalance_timeout_ms: REBALANCE_TIMEOUT_MS,
            protocols: vec![("range", metadata), ("sticky", b"s")],
            version,
            ..Asks::default()
        });
        self.asked.insert(token, (client, self.h.now.monotonic));
    }

    /// What the coordinator must say to a member, going by what it says of itself.
    fn verdict(&self, member_id: &str, generation_id: i32) -> Result<GroupState, GroupError> {
        let group = self.h.coordinator.describe(GROUP);
        let group = group.ok_or(GroupError::UnknownMemberId)?;
        if !group.members.iter().any(|m| m.member_id == member_id) {
            return Err(GroupError::UnknownMemberId);
        }
        if group.generation_id != generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        Ok(group.state)
    }

    fn heartbeat(&mut self, client: usize) {
        let Some(joined) = self.clients[client].joined.clone() else {
            return;
        };
        let expected = match self.verdict(&joined.member_id, joined.generation_id) {
            Ok(GroupState::PreparingRebalance) => Err(GroupError::RebalanceInProgress),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        let beat = self.h.heartbeat(&joined.member_id, joined.generation_id);
        assert_eq!(beat, expected);
    }

    fn commit(&mut self, client: Option<usize>, partition: i32, offset: i64) {
        let (member_id, generation_id) = match client {
            None => (String::new(), -1),
            Some(client) => match &self.clients[client].joined {
                Some(joined) => (joined.member_id.clone(), joined.generation_id),
                None => return,
            },
        };
        let state = self.h.state();
        let expected = match (client, state) {
            (None, GroupState::Dead | GroupState::Empty) => Ok(()),
            (None, _) => Err(GroupError::UnknownMemberId),
            (Some(_), GroupState::Dead) => Err(GroupError::IllegalGeneration),
            (Some(_), _) => match self.verdict(&member_id, generation_id) {
                Ok(GroupState::CompletingRebalance) => Err(GroupError::RebalanceInProgress),
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            },
        };
        let result = self.h.commit_with(CommitRequest {
            group_id: GROUP,
            member_id: &member_id,
            group_instance_id: None,
            generation_id,
            knows_member_epochs: true,
            retention_ms: None,
            offsets: vec![offset_to_commit("t", partition, offset)],
        });
        assert_eq!(result, expected.map(|()| vec![Ok(())]));
        if expected.is_ok() {
            self.committed.insert(partition, offset);
        }
    }

    /// Lets the clients take in the answers that have come.
    fn hear(&mut self) {
        let answered: Vec<Token> = self
            .asked
            .keys()
            .filter(|token| !self.h.is_parked(**token))
            .copied()
            .collect();
        for token in answered {
            let Some((client, _)) = self.asked.remove(&token) else {
                continue;
            };
            match self.h.replies.get(&token) {
                Some(Reply::Join(Ok(joined))) => {
                    assert_eq!(joined.protocol_name, "range");
                    let is_leader = joined.leader == joined.member_id;
                    assert!(is_leader || joined.members.is_empty());
                    self.clients[client].member_id = joined.member_id.clone();
                    self.clients[client].joined = Some(joined.clone());
                }
                Some(Reply::Join(Err(refused))) => {
                    self.clients[client].member_id = match refused.error {
                        GroupError::MemberIdRequired | GroupError::RebalanceInProgress => {
                            refused.member_id.clone()
                        }
                        _ => String::new(),
                    };
                }
                Some(Reply::Sync(Ok(synced))) => self.check_assignment(client, synced),
                Some(Reply::Sync(Err(_))) | None => {}
            }
        }
    }

    /// Nobody gets what another was assigned; a static member may get its predecessor's.
    fn check_assignment(&self, client: usize, synced: &Synced) {
        let assignment = std::str::from_utf8(&synced.assignment).unwrap();
        if !assignment.is_empty() {
            let owner = instance_of(client).unwrap_or("client");
            assert!(
                assignment.starts_with(&format!("for {owner}-")),
                "{assignment}"
            );
        }
    }

    fn check(&mut self) {
        let longest = Duration::from_millis(REBALANCE_TIMEOUT_MS as u64);
        for (token, (_, since)) in &self.asked {
            let waits = self.h.now.monotonic - *since;
            assert!(waits <= longest, "{token:?} has waited for {waits:?}");
        }
        for partition in 0..3 {
            let expected = self.committed.get(&partition).copied();
            assert_eq!(self.h.offset_of("t", partition), expected);
        }
        let replayed = self.h.replayed();
        let mut snapshot = self.h.coordinator.snapshot();
        assert_eq!(replayed.snapshot(), snapshot, "the log says something else");
        // A compacted log is as good, however far that has come.
        let compacted = self.h.replayed_compacted(self.h.log.len() * 2 / 3);
        assert_eq!(compacted.snapshot(), snapshot, "compaction changes it");
        assert_eq!(compacted.describe(GROUP), replayed.describe(GROUP));
        let mut again = Coordinator::new(self.h.settings.clone());
        // A rewritten log is as good as the whole one, in any order of its records.
        snapshot.reverse();
        for record in &snapshot {
            again.replay(&record.key, record.value.clone()).unwrap();
        }
        again.finish_replay(self.h.now.monotonic).unwrap();
        assert_eq!(again.describe(GROUP), replayed.describe(GROUP));
        match self.h.coordinator.describe(GROUP) {
            Some(group) => {
                assert!(group.generation_id >= self.generation_id, "generation fell");
                self.generation_id = group.generation_id;
                let is_settled = matches!(group.state, GroupState::Stable | GroupState::Empty);
                if let Some(found) = replayed.describe(GROUP)
                    && is_settled
                {
                    assert_eq!(found, group, "a restart finds another group");
                }
            }
            None => {
                assert_eq!(replayed.describe(GROUP), None);
                self.generation_id = 0;
            }
        }
    }

    /// Leaves everybody alone until nothing can be under way any more.
    fn settle(&mut self) {
        self.h.pass_ms(600_000);
        self.hear();
        assert_eq!(self.asked.len(), 0, "left without an answer");
        self.check();
        assert!(matches!(
            self.h.state(),
            GroupState::Empty | GroupState::Dead
        ));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn scripts_keep_every_promise(actions in actions(), delay in prop::sample::select(vec![0, 3_000])) {
        let mut world = World::new(delay);
        for action in &actions {
            world.run(action);
        }
        world.settle();
    }
}
