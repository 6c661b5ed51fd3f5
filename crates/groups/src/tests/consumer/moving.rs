//! Random scripts in which clients move between the protocols, come, go and die, and the broker
//! restarts.
//!
//! The ledger is that of the clients: which partitions each reads, and since when it must expect that it
//! has been given up on. Where the group is a classic one the clients themselves divide the
//! partitions, so the way there and back is what is checked: nobody is given what another one still
//! reads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::classic_member::{ClassicMember, assignment_of};
use super::member::{Member, REBALANCE_TIMEOUT_MS};
use crate::consumer_protocol::Subscription;
use crate::tests::harness::{GROUP, Harness};
use crate::*;

const CLIENTS: usize = 4;
const PARTITIONS: i32 = 5;
/// What members on the classic protocol ask for, and what the settings say for the others.
const SESSION_TIMEOUTS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(45)];
const REBALANCE_TIMEOUTS: [Duration; 2] = [
    Duration::from_secs(60),
    Duration::from_millis(REBALANCE_TIMEOUT_MS as u64),
];

#[derive(Clone, Debug)]
enum Action {
    /// A client does what is next for it.
    Turn(usize),
    /// A client ends, with or without a word, and starts anew on this protocol.
    Again {
        client: usize,
        says: bool,
        speaks: Kind,
    },
    Pass(u64),
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Eager,
    Cooperative,
    Consumer,
}

#[derive(Debug)]
enum Speaks {
    Classic(ClassicMember),
    Consumer(Member),
}

#[derive(Clone, Copy, Debug)]
enum Waits {
    Join(Token),
    Sync(Token),
}

#[derive(Debug)]
struct Client {
    speaks: Speaks,
    waits: Option<Waits>,
    /// Whether it has to join, as far as it knows.
    must_join: bool,
    /// When it was last heard; `None` if it is no member.
    last_taken: Option<Duration>,
    /// When it was last sure that nothing was wanted of it.
    last_calm: Duration,
}

impl Client {
    fn new(kind: Kind, number: usize, now: Duration) -> Self {
        let speaks = match kind {
            Kind::Eager => Speaks::Classic(ClassicMember::eager(&["t"])),
            Kind::Cooperative => Speaks::Classic(ClassicMember::cooperative(&["t"])),
            Kind::Consumer => Speaks::Consumer(Member::new(&format!("m{number}"), &["t"])),
        };
        Self {
            speaks,
            waits: None,
            must_join: true,
            last_taken: None,
            last_calm: now,
        }
    }

    fn reads(&self) -> BTreeSet<i32> {
        match &self.speaks {
            Speaks::Classic(member) => member.owned.iter().map(|(_, index)| *index).collect(),
            Speaks::Consumer(member) => member.owned.iter().map(|(_, index)| index).collect(),
        }
    }

    fn is_given_up(&self, now: Duration) -> bool {
        let which = usize::from(matches!(self.speaks, Speaks::Consumer(_)));
        let session = SESSION_TIMEOUTS.get(which).copied().unwrap();
        let rebalance = REBALANCE_TIMEOUTS.get(which).copied().unwrap();
        self.last_taken.is_none_or(|last| now >= last + session)
            || now >= self.last_calm + rebalance
    }
}

struct World {
    h: Harness,
    clients: Vec<Client>,
    /// Those that ended without a word; they may only be paused, and read on.
    dead: Vec<Client>,
    started: usize,
    has_restarted: bool,
}

impl World {
    fn new() -> Self {
        let mut h = Harness::new();
        h.topics.create("t", PARTITIONS);
        let now = h.now.monotonic;
        let kinds = [
            Kind::Eager,
            Kind::Cooperative,
            Kind::Consumer,
            Kind::Consumer,
        ];
        let clients = kinds.into_iter().enumerate();
        Self {
            clients: clients
                .map(|(index, kind)| Client::new(kind, index, now))
                .collect(),
            h,
            dead: Vec::new(),
            started: CLIENTS,
            has_restarted: false,
        }
    }

    fn run(&mut self, action: &Action) {
        match *action {
            Action::Turn(client) => self.turn(client),
            Action::Again {
                client,
                says,
                speaks,
            } => self.again(client, says, speaks),
            Action::Pass(ms) => self.h.pass_ms(ms),
            Action::Restart => {
                self.h.restart();
                self.has_restarted = true;
                for client in &mut self.clients {
                    // The connection is gone and with it what was waited for.
                    client.must_join |= client.waits.take().is_some();
                }
                self.is_replayed();
            }
        }
    }

    fn again(&mut self, index: usize, says: bool, kind: Kind) {
        let now = self.h.now.monotonic;
        self.started += 1;
        let new = Client::new(kind, self.started, now);
        let mut old = std::mem::replace(&mut self.clients[index], new);
        if !says {
            self.dead.push(old);
        } else if old.last_taken.is_some() {
            // Whether it was a member still does not matter to it.
            let _ = match &mut old.speaks {
                Speaks::Classic(member) => self.h.leave_one(&member.id),
                Speaks::Consumer(member) if member.epoch > 0 => {
                    member.leave(&mut self.h, LEAVE_EPOCH)
                }
                Speaks::Consumer(_) => Ok(()),
            };
        }
    }

    fn turn(&mut self, index: usize) {
        let before = self.clients[index].reads();
        let client = &mut self.clients[index];
        let result = match &mut client.speaks {
            Speaks::Consumer(_) => consumer_turn(client, &mut self.h),
            Speaks::Classic(_) => classic_turn(client, &mut self.h),
        };
        if let Err(error) = result {
            self.refused(index, error);
        }
        let now = self.h.now.monotonic;
        if self.clients[index].is_given_up(now) {
            // What it has heard too late to be a member still does not count.
            return;
        }
        let new = &self.clients[index].reads() - &before;
        let others = self.clients.iter().enumerate();
        let others = others.filter(|(other, _)| *other != index);
        for other in others.map(|(_, client)| client).chain(&self.dead) {
            let both: Vec<i32> = other.reads().intersection(&new).copied().collect();
            assert!(
                both.is_empty() || other.is_given_up(now),
                "{index} is given {both:?}, which {other:?} reads"
            );
        }
    }

    fn refused(&mut self, index: usize, error: GroupError) {
        let now = self.h.now.monotonic;
        let client = &mut self.clients[index];
        client.must_join = true;
        match error {
            GroupError::RebalanceInProgress => {}
            // A member on the classic protocol that has missed a step joins anew under its id.
            GroupError::IllegalGeneration => client.read_nothing(),
            GroupError::UnknownMemberId | GroupError::FencedMemberEpoch => {
                // A classic group does not write down who is joining.
                assert!(
                    self.has_restarted || client.is_given_up(now),
                    "{client:?} has kept up and is fenced"
                );
                client.last_taken = None;
                client.read_nothing();
                if let Speaks::Classic(member) = &mut client.speaks {
                    member.id.clear();
                }
            }
            error => panic!("{client:?}: {error:?}"),
        }
    }

    fn is_replayed(&self) {
        assert_eq!(
            self.h.replayed().snapshot(),
            self.h.coordinator.snapshot(),
            "the log says something else"
        );
    }

    /// Leaves everybody in peace until those who ended are given up and the others have shared.
    fn settle(&mut self) {
        for _ in 0..100 {
            for index in 0..CLIENTS {
                self.turn(index);
                self.turn(index);
            }
            self.h.pass_ms(1_000);
        }
        let mut readers: BTreeMap<i32, usize> = BTreeMap::new();
        for (index, client) in self.clients.iter().enumerate() {
            assert!(!client.must_join && client.waits.is_none(), "{client:?}");
            for partition in client.reads() {
                let other = readers.insert(partition, index);
                assert_eq!(other, None, "two read {partition}");
            }
        }
        assert_eq!(readers.len(), PARTITIONS as usize, "not everything is read");
        let is_consumer = |client: &Client| matches!(client.speaks, Speaks::Consumer(_));
        let group = self.h.coordinator.describe_consumer(GROUP);
        assert_eq!(group.is_some(), self.clients.iter().any(is_consumer));
        assert_eq!(self.h.state_of_any(), GroupState::Stable);
        self.is_replayed();
    }
}

impl Client {
    fn read_nothing(&mut self) {
        match &mut self.speaks {
            Speaks::Classic(member) => member.owned.clear(),
            Speaks::Consumer(member) => member.owned = Partitions::new(),
        }
    }
}

fn consumer_turn(client: &mut Client, h: &mut Harness) -> Result<(), GroupError> {
    let now = h.now.monotonic;
    let before = client.reads();
    let Speaks::Consumer(member) = &mut client.speaks else {
        return Ok(());
    };
    if client.must_join {
        member.join(h)?;
        client.must_join = false;
        client.last_calm = now;
    } else {
        member.report(h)?;
    }
    client.last_taken = Some(now);
    if before.is_subset(&client.reads()) {
        client.last_calm = now;
    }
    Ok(())
}

fn classic_turn(client: &mut Client, h: &mut Harness) -> Result<(), GroupError> {
    let now = h.now.monotonic;
    let before = client.reads();
    let Speaks::Classic(member) = &mut client.speaks else {
        return Ok(());
    };
    match client.waits {
        Some(Waits::Join(token) | Waits::Sync(token)) if h.is_parked(token) => {}
        Some(Waits::Join(token)) => {
            client.waits = None;
            member.hear_join(h, token)?;
            client.last_taken = Some(h.answered_at(token));
            let shares = member.joined.as_ref().map(divide).unwrap_or_default();
            client.waits = Some(Waits::Sync(member.sync(h, shares)));
        }
        Some(Waits::Sync(token)) => {
            client.waits = None;
            member.hear_sync(h, token)?;
            let answered_at = h.answered_at(token);
            client.last_taken = Some(answered_at);
            // What it has lost it gives up at once, and joins again to say so.
            client.must_join = !before.is_subset(&client.reads());
            if !client.must_join {
                client.last_calm = answered_at;
            }
        }
        None if client.must_join => {
            client.waits = Some(Waits::Join(member.join(h)));
            client.must_join = false;
            client.last_taken = client.last_taken.or(Some(now));
        }
        None => {
            member.heartbeat(h)?;
            client.last_taken = Some(now);
            client.last_calm = now;
        }
    }
    Ok(())
}

/// What the leader of a classic group gives: everyone about as much, and nobody what another one
/// has not given up.
fn divide(joined: &Joined) -> Vec<(String, Bytes)> {
    let members: Vec<(&str, BTreeSet<i32>)> = joined
        .members
        .iter()
        .map(|member| {
            let subscription = Subscription::decode(&member.metadata).unwrap();
            let owned = subscription.owned.iter().map(|(_, index)| *index);
            (member.member_id.as_str(), owned.collect())
        })
        .collect();
    let share = |position: usize| {
        (0..PARTITIONS)
            .filter(|partition| *partition as usize % members.len() == position)
            .filter(|partition| {
                let mut others = members.iter().enumerate();
                !others.any(|(other, (_, owned))| other != position && owned.contains(partition))
            })
            .collect::<Vec<i32>>()
    };
    let shares = members.iter().enumerate();
    shares
        .map(|(position, (id, _))| ((*id).to_owned(), assignment_of("t", &share(position))))
        .collect()
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let client = || 0..CLIENTS;
    let kind = prop_oneof![
        1 => Just(Kind::Eager),
        1 => Just(Kind::Cooperative),
        2 => Just(Kind::Consumer),
    ];
    let action = prop_oneof![
        40 => client().prop_map(Action::Turn),
        4 => (client(), any::<bool>(), kind).prop_map(|(client, says, speaks)| Action::Again {
            client, says, speaks
        }),
        6 => prop_oneof![4 => 0..3_000_u64, 1 => 0..50_000_u64].prop_map(Action::Pass),
        1 => Just(Action::Restart),
    ];
    prop::collection::vec(action, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn clients_move_and_nobody_reads_what_another_one_has(actions in actions()) {
        let mut world = World::new();
        for action in &actions {
            world.run(action);
        }
        world.settle();
    }
}
