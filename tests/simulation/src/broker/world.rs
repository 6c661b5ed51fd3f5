//! One run: the broker on a simulated machine, its clients, and the model beside them.

use std::collections::BTreeSet;
use std::time::Duration;

use env::{Clock, Monotonic};
use sim::{Dice, Fault, Operation};

use super::actions::Action;
use super::admin::Admin;
pub(crate) use super::caller::{Caller, Tag, dispatch, hear};
use super::ghosts::{Departed, Ghost, Late};
use super::looker::Looker;
use super::machine::{End, GROUPS, Machine};
use super::member::Member;
use super::model::Model;
use super::producer::Producer;
use super::transactor::Transactor;
use super::watcher::Watcher;
use crate::Tally;

/// What a run says when the broker is wrong.
pub(crate) type Checked<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

/// More things than ever run between two rests.
const TURNS_MAX: usize = 20_000;

/// What all clients share.
pub(crate) struct Shared {
    pub machine: Machine,
    pub model: Model,
    pub dice: Dice,
    pub tally: Tally,
    /// A fault of the device has been armed since the last start.
    pub is_faulty: bool,
    /// The disk has had a limit since the last start.
    pub is_full: bool,
    /// The broker has been told to end.
    pub is_stopping: bool,
    /// All that were ever given away.
    pub producer_ids: BTreeSet<i64>,
}

impl Shared {
    /// Whether requests may fail through no fault of the broker.
    pub(crate) fn is_troubled(&self) -> bool {
        self.is_faulty || self.is_full || self.is_stopping || self.machine.fs().has_crashed()
    }

    pub(crate) fn wall_ms(&self) -> i64 {
        self.machine.handles.clock.wall_ms()
    }

    pub(crate) fn now(&self) -> Monotonic {
        self.machine.handles.clock.now()
    }
}

/// The broker, its clients, and the model.
pub(crate) struct World {
    pub shared: Shared,
    pub producers: Vec<Producer>,
    pub members: Vec<Member>,
    pub admin: Admin,
    pub looker: Looker,
    pub transactors: Vec<Transactor>,
    pub watcher: Watcher,
    /// Connections whose clients have gone; what they asked for is done all the same.
    pub(super) ghosts: Vec<Departed>,
    is_kill_coming: bool,
    pub(super) crash_in_recovery: Option<(u64, u64)>,
}

impl World {
    /// A broker that has its first topics, and its clients.
    pub(crate) fn new(seed: u64) -> Checked<Self> {
        let mut dice = Dice::new(seed);
        let machine = Machine::new(dice.number())?;
        let members = (0..4).map(|number| Member::new(&machine, GROUPS[number % 2]));
        let producers = (0..4).map(|number| Producer::new(&machine, number < 3));
        let transactors = (0..4).map(|number| Transactor::new(&machine, number));
        let mut world = Self {
            producers: producers.collect(),
            members: members.collect(),
            admin: Admin::new(&machine),
            looker: Looker::new(&machine),
            transactors: transactors.collect(),
            watcher: Watcher::new(&machine),
            ghosts: Vec::new(),
            is_kill_coming: false,
            crash_in_recovery: None,
            shared: Shared {
                machine,
                model: Model::default(),
                dice,
                tally: Tally::default(),
                is_faulty: false,
                is_full: false,
                is_stopping: false,
                producer_ids: BTreeSet::new(),
            },
        };
        for name in 0..2 {
            let choice = name + world.shared.dice.below(1000) * 4;
            world.admin.act(&mut world.shared, choice);
            world.rest()?;
        }
        world.admin.create_kept(&mut world.shared);
        world.rest()?;
        Ok(world)
    }

    /// Does one thing, and whatever must follow at once.
    pub(crate) fn step(&mut self, action: Action) -> Checked {
        self.act(action)?;
        if self.shared.machine.fs().has_crashed() {
            let end = match self.is_kill_coming {
                true => End::Killed,
                false => End::PowerCut,
            };
            self.recover(end)?;
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Checked {
        let fs = self.shared.machine.fs().clone();
        let after = |operations: u64| fs.operations() + operations;
        match action {
            Action::Produce { client, choice } => {
                let client = pick(client, self.producers.len());
                for batch in 0..=choice % 3 {
                    self.producers[client].act(&mut self.shared, choice >> (8 * batch));
                }
            }
            Action::Consume { client, choice } => {
                // Two members a group: alone nobody gets far.
                let first = pick(client, self.members.len());
                let second = (first + 2) % self.members.len();
                for step in 0..=choice % 4 {
                    for (member, shift) in [(first, 8), (second, 9)] {
                        self.members[member].act(&mut self.shared, choice >> (shift * step));
                    }
                    for _ in 0..15 {
                        self.turn()?;
                    }
                }
            }
            Action::Transact { client, choice } => {
                let count = self.transactors.len();
                let mut client = pick(client, count + 1);
                let is_idle = |one: &Transactor| !one.is_at_work();
                if !choice.is_multiple_of(4) && self.transactors.get(client).is_some_and(is_idle) {
                    // Mostly it is the one that has taken over.
                    client = (client + count / 2) % count;
                }
                for step in 0..=1 + choice % 4 {
                    let choice = choice >> (8 * step + 2);
                    match self.transactors.get_mut(client) {
                        Some(transactor) => transactor.act(&mut self.shared, choice),
                        None => self.watcher.act(&mut self.shared, choice),
                    }
                    for _ in 0..12 {
                        self.turn()?;
                    }
                }
            }
            Action::Administer { choice } => self.admin.act(&mut self.shared, choice),
            Action::Look { choice } => self.looker.act(&mut self.shared, choice),
            Action::Disconnect { client } => self.disconnect(client),
            Action::Turn { times } => {
                for _ in 0..times {
                    self.turn()?;
                }
            }
            Action::Rest => self.rest()?,
            Action::Advance { ms } => self.advance(ms)?,
            Action::Pause { ms } => {
                self.shared.tally.add("fault: process paused", 1);
                let time = Duration::from_millis(ms);
                self.shared.machine.handles.clock.advance(time);
            }
            Action::JumpWall { ms } => {
                self.shared.tally.add("fault: wall clock jumped", 1);
                self.shared.machine.handles.clock.jump_wall(ms);
            }
            Action::FailForce { which } => self.fail(Operation::Force, place(which)),
            Action::FailWrite { which } => self.fail(Operation::Write, place(which)),
            Action::FailRead => self.fail(Operation::Read, ".log"),
            Action::FailNames { which } => {
                let kinds = [Operation::Create, Operation::Remove, Operation::ForceDir];
                self.fail(kinds[pick(which, kinds.len())], "");
            }
            Action::Fill { sectors } => {
                fs.set_space(Some(fs.used_bytes() + sectors * 4096));
                self.shared.is_full = true;
            }
            Action::Empty => fs.set_space(None),
            Action::Crash { after: operations } => {
                fs.crash_at(after(operations));
                self.is_kill_coming = false;
            }
            Action::KillAt { after: operations } => {
                fs.crash_at(after(operations));
                self.is_kill_coming = true;
            }
            Action::Kill => self.recover(End::Killed)?,
            Action::ShutDown => self.shut_down()?,
            Action::CrashInRecovery { after, times } => {
                self.crash_in_recovery = Some((after, times));
            }
        }
        Ok(())
    }

    fn fail(&mut self, kind: Operation, part: &str) {
        self.shared
            .machine
            .fs()
            .fail_next(kind, part, Fault::Device, 1);
        self.shared.is_faulty = true;
    }

    fn disconnect(&mut self, client: u64) {
        self.shared.tally.add("fault: connection cut", 1);
        let (producers, members) = (self.producers.len(), self.members.len());
        let client = pick(client, producers + members + self.transactors.len());
        let mut asked = None;
        let mut ghost: Box<dyn Ghost> = if client < producers {
            let mut link = self.producers[client].disconnect(&self.shared.machine);
            link.abandon();
            Box::new(link)
        } else if client < producers + members {
            let mut link = self.members[client - producers].disconnect(&mut self.shared);
            link.abandon();
            Box::new(link)
        } else {
            let transactor = &mut self.transactors[client - producers - members];
            asked = transactor.epoch_asked_for();
            let mut link = transactor.disconnect(&self.shared.machine);
            if transactor.may_be_late() && self.shared.dice.one_in(2) {
                self.shared.tally.add("fault: requests came late", 1);
                let ms = self.shared.dice.below(3000);
                let at = self.shared.now() + Duration::from_millis(ms);
                Box::new(Late { link, at })
            } else {
                link.abandon();
                Box::new(link)
            }
        };
        if ghost.is_done() {
            self.shared.model.history.end_ask(asked);
        } else {
            // What was taken up begins before anything that comes later.
            ghost.pump(&self.shared.machine);
            self.ghosts.push(Departed { ghost, asked });
        }
    }

    /// Lets one thing happen: a request is taken up or answered, a task or a loop goes on.
    fn turn(&mut self) -> Checked {
        let clients = self.clients();
        let choice = self.shared.dice.index(clients + 3);
        if choice < clients {
            self.pump(choice)?;
        } else {
            let now = self.shared.machine.handles.clock.now();
            self.shared.machine.handles.spawn.turn(now);
        }
        Ok(())
    }

    /// Everything happens that can, until all wait for a request or for the clock.
    pub(crate) fn rest(&mut self) -> Checked {
        let mut idle = 0;
        for _ in 0..TURNS_MAX {
            let now = self.shared.machine.handles.clock.now();
            let client = self.shared.dice.index(self.clients());
            let mut moved = self.pump(client)?;
            moved |= self.shared.machine.handles.spawn.turn(now);
            if moved {
                idle = 0;
                continue;
            }
            idle += 1;
            // The dice may leave somebody out for long.
            if idle > 3 {
                let mut moved = false;
                for client in 0..self.clients() {
                    moved |= self.pump(client)?;
                }
                if !moved {
                    return Ok(());
                }
                idle = 0;
            }
        }
        Err("it never comes to rest".to_owned())
    }

    /// Time passes; whoever waited for it goes on when it comes.
    pub(crate) fn advance(&mut self, ms: u64) -> Checked {
        let clock = self.shared.machine.handles.clock.clone();
        let target = clock.now() + Duration::from_millis(ms);
        for _ in 0..50 {
            match clock.next_deadline().filter(|deadline| *deadline < target) {
                Some(deadline) if !self.shared.machine.fs().has_crashed() => {
                    clock.advance(deadline.since(clock.now()));
                    self.rest()?;
                }
                _ => break,
            }
        }
        clock.advance(target.since(clock.now()));
        self.rest()
    }

    fn clients(&self) -> usize {
        self.living() + self.ghosts.len()
    }

    /// All but the ghosts.
    fn living(&self) -> usize {
        // One administers, one looks, one watches.
        self.producers.len() + self.members.len() + self.transactors.len() + 3
    }

    /// Moves one client's connection: takes up a request, hears an answer. Whether anything moved.
    fn pump(&mut self, client: usize) -> Checked<bool> {
        let ghosts_from = self.living();
        let shared = &mut self.shared;
        let (producers, members) = (self.producers.len(), self.members.len());
        let moved = if client < producers {
            let dispatched = self.producers[client].dispatch(shared);
            dispatched | self.producers[client].hear(shared)?
        } else if client < producers + members {
            let member = &mut self.members[client - producers];
            let dispatched = member.dispatch(shared);
            dispatched | member.hear(shared)?
        } else if client == producers + members {
            let dispatched = dispatch(&mut self.admin.caller, shared);
            dispatched | self.admin.hear(shared)?
        } else if client == producers + members + 1 {
            let dispatched = dispatch(&mut self.looker.caller, shared);
            dispatched | self.looker.hear(shared)?
        } else if client < ghosts_from {
            match self.transactors.get_mut(client - producers - members - 2) {
                Some(transactor) => {
                    let dispatched = transactor.dispatch(shared);
                    dispatched | transactor.hear(shared)?
                }
                None => self.watcher.pump(shared)?,
            }
        } else {
            let index = client - ghosts_from;
            // One that has gone since the clients were counted moves the others up.
            let Some(Departed { ghost, asked }) = self.ghosts.get_mut(index) else {
                return Ok(false);
            };
            let moved = ghost.pump(&shared.machine);
            let is_done = ghost.is_done();
            if is_done {
                shared.model.history.end_ask(*asked);
                self.ghosts.remove(index);
            }
            moved | is_done
        };
        Ok(moved)
    }
}

fn place(which: u64) -> &'static str {
    ["wal/", ".log", "checkpoint"][pick(which, 3)]
}

/// An index into something of this length.
pub(crate) fn pick(number: u64, length: usize) -> usize {
    usize::try_from(number % length.max(1) as u64).unwrap_or(0)
}
