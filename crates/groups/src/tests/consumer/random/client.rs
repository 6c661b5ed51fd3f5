//! A client as it knows itself, and what it may count on.

use std::collections::BTreeSet;
use std::time::Duration;

use model::TopicId;

use super::world::{Says, TOPICS};
use crate::tests::harness::GROUP;
use crate::{ConsumerHeartbeat, Partitions};

pub(super) const NAMES: [&str; TOPICS] = ["t", "u", "v"];
/// A pattern of the last two names.
pub(super) const LAST_TWO: &str = "[u-z]";
pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
pub(super) const REBALANCE_TIMEOUT: Duration = Duration::from_secs(12);

pub(super) type Set = BTreeSet<(TopicId, i32)>;

/// A client from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) instance_id: Option<&'static str>,
    pub(super) topics: Vec<&'static str>,
    /// What it subscribes to besides, and what that means.
    pub(super) pattern: Option<&'static str>,
    /// 0 if it is not in the group, as far as it knows.
    pub(super) epoch: i32,
    /// What it reads.
    pub(super) owned: Set,
    /// Whether it must say everything, because an answer is missing or it wants something else.
    pub(super) must_say_all: bool,
    /// When the broker last took a heartbeat of it; `None` if it never has or the member is gone.
    pub(super) last_taken: Option<Duration>,
    /// Since when the broker has wanted something back that the client has not yet said it gave back.
    pub(super) told_at: Option<Duration>,
    /// The epoch and the assignment in the newest answer, heard or not.
    pub(super) answered_epoch: i32,
    pub(super) answered: Set,
    /// What it said last in the epoch before this one.
    pub(super) late: Option<(i32, Set)>,
    pub(super) last_said: Option<(i32, Set)>,
}

impl Client {
    pub(super) fn new(index: usize, incarnation: usize) -> Self {
        Self {
            id: format!("c{index}-{incarnation}"),
            instance_id: [None, None, None, None, Some("i4"), Some("i5")][index],
            topics: NAMES[..1 + index % TOPICS].to_vec(),
            pattern: [None, Some(LAST_TWO), None, None, Some(LAST_TWO), None][index],
            epoch: 0,
            owned: Set::new(),
            must_say_all: true,
            last_taken: None,
            told_at: None,
            answered_epoch: 0,
            answered: Set::new(),
            late: None,
            last_said: None,
        }
    }

    /// Whether the broker may have given up on the client: nobody is surprised if another one has what
    /// it reads, and nothing it commits may be taken from then on.
    pub(super) fn is_given_up(&self, now: Duration) -> bool {
        let is_over =
            |since: Option<Duration>, timeout| since.is_none_or(|since| now >= since + timeout);
        is_over(self.last_taken, SESSION_TIMEOUT)
            || self.told_at.is_some() && is_over(self.told_at, REBALANCE_TIMEOUT)
    }

    /// Whether it surely is a member no more.
    pub(super) fn is_surely_gone(&self, now: Duration) -> bool {
        self.last_taken
            .is_none_or(|last| now >= last + SESSION_TIMEOUT)
    }

    /// The names of the topics it wants.
    pub(super) fn wanted(&self) -> BTreeSet<&'static str> {
        let by_pattern = self.pattern.map_or(&[][..], |_| &NAMES[1..]);
        self.topics.iter().chain(by_pattern).copied().collect()
    }

    pub(super) fn forget(&mut self) {
        self.epoch = 0;
        self.owned.clear();
        self.must_say_all = true;
        self.told_at = None;
        self.late = None;
        self.last_said = None;
    }

    pub(super) fn request(&self, says: Says) -> ConsumerHeartbeat<'_> {
        let is_all = self.epoch == 0 || self.must_say_all || says == Says::All;
        let owned: Partitions = self.owned.iter().copied().collect();
        ConsumerHeartbeat {
            group_id: GROUP,
            member_id: &self.id,
            member_epoch: self.epoch,
            instance_id: self.instance_id,
            client_id: "client",
            client_host: "/127.0.0.1",
            rebalance_timeout_ms: is_all.then_some(REBALANCE_TIMEOUT.as_millis() as i32),
            session_timeout_ms: SESSION_TIMEOUT.as_millis() as i32,
            topics: is_all.then(|| self.topics.clone()),
            pattern: self.pattern.filter(|_| is_all),
            owned: (is_all || says == Says::Owned).then_some(owned),
            ..ConsumerHeartbeat::default()
        }
    }
}
