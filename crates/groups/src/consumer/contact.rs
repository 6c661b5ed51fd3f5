//! What is known of the conversation with each member. It is not in the log: after a restart everyone
//! gets its time anew, and nobody is trusted to have heard anything.

use std::time::Duration;

use super::ConsumerGroup;
use crate::api::GroupSettings;
use crate::group::Step;
use crate::millis;
use crate::partitions::Partitions;
use crate::records::{MemberMetadata, MemberState};

/// The conversation with a member.
#[derive(Clone, Debug, Default)]
pub(super) struct Contact {
    /// When it is fenced unless it shows a sign of life.
    session_ends_at: Duration,
    /// When it is fenced unless it confirms that it has given up what it was told to.
    revocation_ends_at: Option<Duration>,
    /// On the classic protocol: when it is fenced unless it joins, having been told to.
    join_ends_at: Option<Duration>,
    /// On the classic protocol: when it is fenced unless it fetches what it is to read, having joined.
    sync_ends_at: Option<Duration>,
    /// Whether it has spoken in its present epoch, and so cannot have missed the answer that told it.
    has_used_epoch: bool,
    /// What it has been given in answers that may not have reached it.
    unheard: Partitions,
}

/// What an answer tells a member.
#[derive(Debug)]
pub(super) struct Answer {
    /// What it is given besides what it had.
    pub(super) granted: Partitions,
    /// Whether its epoch is another one.
    pub(super) has_new_epoch: bool,
    /// Whether it is to give up something else than before.
    pub(super) is_told_anew: bool,
    /// Whether it is to give up anything.
    pub(super) is_revoking: bool,
}

impl Contact {
    pub(super) fn deadline(&self) -> Duration {
        [
            self.revocation_ends_at,
            self.join_ends_at,
            self.sync_ends_at,
        ]
        .into_iter()
        .flatten()
        .fold(self.session_ends_at, Duration::min)
    }
}

impl ConsumerGroup {
    /// Notes that a member has shown a sign of life, and whether all that it was answered has reached
    /// it.
    pub(super) fn hear_from(
        &mut self,
        step: &Step<'_>,
        member_id: &str,
        session_timeout_ms: i32,
        has_heard_all: bool,
        uses_epoch: bool,
    ) {
        let ends_at = after(step.now.monotonic, session_timeout_ms);
        let contact = self.contacts.entry(member_id.to_owned()).or_default();
        contact.session_ends_at = ends_at;
        contact.has_used_epoch |= uses_epoch;
        if has_heard_all {
            contact.unheard = Partitions::new();
        }
        self.arm(ends_at);
    }

    /// Notes what a member is about to be told.
    pub(super) fn about_to_answer(&mut self, step: &Step<'_>, member_id: &str, answer: Answer) {
        let ends_at = self.rebalance_ends_at(step, member_id);
        // On the classic protocol it is given up with the next JoinGroup.
        let is_classic = self
            .members
            .get(member_id)
            .is_some_and(|m| m.classic.is_some());
        let Some(contact) = self.contacts.get_mut(member_id) else {
            return;
        };
        contact.has_used_epoch &= !answer.has_new_epoch;
        contact.unheard.extend(answer.granted.iter());
        if answer.is_told_anew {
            contact.revocation_ends_at = (answer.is_revoking && !is_classic).then_some(ends_at);
            self.arm(ends_at);
        }
    }

    /// Notes that a member on the classic protocol has been told to join; it has its rebalance timeout
    /// to do so from when it is told first.
    pub(super) fn expect_join(&mut self, step: &Step<'_>, member_id: &str) {
        let ends_at = self.rebalance_ends_at(step, member_id);
        if let Some(contact) = self.contacts.get_mut(member_id) {
            contact.join_ends_at.get_or_insert(ends_at);
            self.arm(ends_at);
        }
    }

    /// Notes that a member on the classic protocol has joined and is to fetch what it may read.
    pub(super) fn expect_sync(&mut self, step: &Step<'_>, member_id: &str) {
        let ends_at = self.rebalance_ends_at(step, member_id);
        if let Some(contact) = self.contacts.get_mut(member_id) {
            contact.join_ends_at = None;
            contact.sync_ends_at = Some(ends_at);
            self.arm(ends_at);
        }
    }

    /// Notes that it has.
    pub(super) fn has_synced(&mut self, member_id: &str) {
        if let Some(contact) = self.contacts.get_mut(member_id) {
            contact.sync_ends_at = None;
        }
    }

    fn rebalance_ends_at(&self, step: &Step<'_>, member_id: &str) -> Duration {
        let member = self.members.get(member_id);
        let timeout_ms = member.map_or(0, |member| member.rebalance_timeout_ms);
        after(step.now.monotonic, timeout_ms)
    }

    /// Notes that a static member is away: what it was told to give up it has given up.
    pub(super) fn stop_revocation(&mut self, member_id: &str) {
        if let Some(contact) = self.contacts.get_mut(member_id) {
            contact.revocation_ends_at = None;
        }
    }

    pub(super) fn has_used_epoch(&self, member_id: &str) -> bool {
        self.contacts
            .get(member_id)
            .is_some_and(|contact| contact.has_used_epoch)
    }

    pub(super) fn unheard(&self, member_id: &str) -> &Partitions {
        static NOTHING: Partitions = Partitions::new();
        self.contacts
            .get(member_id)
            .map_or(&NOTHING, |contact| &contact.unheard)
    }

    /// Begins to talk to members that a restart has found.
    pub(super) fn make_contact(&mut self, now: Duration, settings: &GroupSettings) {
        let contacts = self.members.iter().map(|(member_id, member)| {
            let is_revoking =
                self.current(member_id).state == MemberState::Unrevoked && member.classic.is_none();
            let contact = Contact {
                session_ends_at: after(now, session_timeout_ms(member, settings)),
                revocation_ends_at: is_revoking.then(|| after(now, member.rebalance_timeout_ms)),
                ..Contact::default()
            };
            (member_id.clone(), contact)
        });
        self.contacts = contacts.collect();
        self.wake_at = self.next_deadline();
    }

    /// Fences everyone whose time is up.
    pub(super) fn fence_the_late(&mut self, step: &mut Step<'_>) {
        let now = step.now.monotonic;
        let late: Vec<String> = self
            .contacts
            .iter()
            .filter(|(_, contact)| contact.deadline() <= now)
            .map(|(member_id, _)| member_id.clone())
            .collect();
        self.fence(step, &late);
        self.wake_at = self.next_deadline();
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.contacts.values().map(Contact::deadline).min()
    }
}

fn session_timeout_ms(member: &MemberMetadata, settings: &GroupSettings) -> i32 {
    member
        .classic
        .as_ref()
        .map_or(settings.consumer_session_timeout_ms, |classic| {
            classic.session_timeout_ms
        })
}

fn after(now: Duration, ms: i32) -> Duration {
    now.saturating_add(millis(ms))
}
