//! Transactional producers: two instances for each transactional id, one of them by each version of the
//! rules (KIP-890). They write, move what they read, commit, abort, fall asleep and take over from each
//! other.

mod answers;
mod requests;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::history::IDS;
use super::link::Link;
use super::machine::Machine;
use super::model::{Deletion, Told, TopicKey};
use super::world::{Caller, Checked, Shared, Tag, dispatch};

/// What an instance has to get done, in this order, before anything else.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Who coordinates transactions, or groups.
    Find {
        kind: i8,
    },
    /// An epoch: as a new instance, or as the one that it was (KIP-360).
    Init {
        goes_on: bool,
    },
    /// Up to where the group has read.
    Position {
        partition: i32,
    },
    /// What comes next there.
    Read {
        partition: i32,
    },
    /// That partitions belong to the transaction.
    Add {
        partitions: Vec<(TopicKey, i32)>,
    },
    /// That the group does.
    AddGroup,
    Write {
        batches: Vec<usize>,
    },
    /// The new position of the group.
    Commit,
    End {
        is_commit: bool,
    },
}

/// A request, and what was known when it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    step: Step,
    /// Somebody else was given a newer epoch.
    must_fail: bool,
    /// The number of this request for an epoch.
    init: u64,
    /// Others had asked for one, and had not heard.
    is_raced: bool,
    told_before: Told,
    /// The position that the group is known to have.
    least: Option<i64>,
}

/// One instance of a transactional producer.
pub(crate) struct Transactor {
    caller: Caller<Asked>,
    instance: usize,
    /// The index of its transactional id.
    id: usize,
    /// Whether it goes by the second version of the rules.
    is_two: bool,
    knows_coordinators: bool,
    /// Its producer id and epoch.
    life: Option<(i64, i16)>,
    /// The request that gave it this life.
    admitted: u64,
    /// Another request for an epoch may have come after that.
    is_doubtful: bool,
    /// The request that is under way, and those that follow it.
    steps: VecDeque<Step>,
    sequences: BTreeMap<(TopicKey, i32), i32>,
    /// What the group has committed, as far as it knows itself.
    positions: BTreeMap<i32, i64>,
    current: Option<usize>,
    previous: Option<usize>,
    /// What has been added to the transaction.
    added: BTreeSet<(TopicKey, i32)>,
    has_added_group: bool,
    /// A part of the transaction cannot be written any more.
    is_doomed: bool,
    /// Some sequence numbers were not used: another epoch is needed before the next transaction.
    has_gaps: bool,
}

impl Transactor {
    pub(crate) fn new(machine: &Machine, instance: usize) -> Self {
        Self {
            caller: Caller::new(machine),
            instance,
            id: instance % IDS.len(),
            is_two: instance / IDS.len() % 2 == 1,
            knows_coordinators: false,
            life: None,
            admitted: 0,
            is_doubtful: false,
            steps: VecDeque::new(),
            sequences: BTreeMap::new(),
            positions: BTreeMap::new(),
            current: None,
            previous: None,
            added: BTreeSet::new(),
            has_added_group: false,
            is_doomed: false,
            has_gaps: false,
        }
    }

    /// Loses the connection; what was asked for is asked for again.
    pub(crate) fn disconnect(&mut self, machine: &Machine) -> Link<Tag<Asked>> {
        self.caller.reconnect(machine)
    }

    /// The request for an epoch that is under way: the index of its id, and its number.
    pub(crate) fn epoch_asked_for(&self) -> Option<(usize, u64)> {
        let mut outstanding = self.caller.link.outstanding();
        let is_init = |tag: &&Tag<Asked>| matches!(tag.purpose.step, Step::Init { .. });
        let init = outstanding.find(is_init)?;
        Some((self.id, init.purpose.init))
    }

    /// Whether what is under way may come after anything else: by the first version of the rules a request
    /// of one transaction can be taken for one of the next.
    pub(crate) fn may_be_late(&self) -> bool {
        self.is_two
    }

    pub(crate) fn dispatch(&mut self, shared: &Shared) -> bool {
        dispatch(&mut self.caller, shared)
    }

    /// Does what comes next.
    pub(crate) fn act(&mut self, shared: &mut Shared, choice: u64) {
        if self.caller.is_waiting() {
            return;
        }
        if self.steps.is_empty() {
            self.decide(shared, choice);
        }
        self.send_next(shared, choice / 1000);
    }

    /// Brings what is under way to its end.
    pub(crate) fn wind_up(&mut self, shared: &mut Shared) {
        if self.caller.is_waiting() {
            return;
        }
        if self.steps.is_empty() && self.current.is_some() {
            self.end(shared, true);
        }
        self.send_next(shared, 0);
    }

    /// Whether it has what it needs to write, as far as it knows.
    pub(crate) fn is_at_work(&self) -> bool {
        self.life.is_some()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.steps.is_empty() && self.current.is_none() && !self.caller.is_waiting()
    }

    /// Whether it may have been fenced: somebody else has asked for an epoch, or its transaction was too old.
    fn may_be_fenced(&self, shared: &Shared) -> bool {
        let history = &shared.model.history;
        let is_overdue = |number: usize| {
            let transaction = &history.transactions[number];
            transaction.may_be_overdue(shared.now())
        };
        self.is_doubtful
            || history.owners[self.id].inits > self.admitted
            || self.current.is_some_and(is_overdue)
    }

    /// Whether a topic that it has written to was to be deleted: its sequence numbers may not fit the next
    /// topic of that name.
    fn is_stale(&self, shared: &Shared) -> bool {
        let mut written = self.sequences.keys();
        self.has_gaps
            || written.any(|(topic, _)| shared.model.topics[*topic].deletion != Deletion::None)
    }

    /// Gives up its life, and with it the transaction that is under way.
    fn lose_life(&mut self) {
        self.leave_transaction();
        self.steps.clear();
        self.sequences.clear();
        self.positions.clear();
        self.has_gaps = false;
        self.life = None;
    }

    fn leave_transaction(&mut self) {
        if let Some(number) = self.current.take() {
            self.previous = Some(number);
        }
        self.added.clear();
        self.has_added_group = false;
        self.is_doomed = false;
    }

    /// Hears one answer, if there is one.
    pub(crate) fn hear(&mut self, shared: &mut Shared) -> Checked<bool> {
        let Some((tag, bytes)) = super::world::hear(&mut self.caller, shared)? else {
            return Ok(false);
        };
        let version = if self.is_two { "second" } else { "first" };
        let step = tag.purpose.step.clone();
        self.take(shared, &tag, bytes).map_err(|error| {
            let instance = self.instance;
            let life = self.life;
            format!(
                "instance {instance} of {} by the {version} version, {life:?}, {step:?}: {error}",
                IDS[self.id]
            )
        })?;
        Ok(true)
    }
}
