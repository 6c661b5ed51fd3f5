//! What happens to a classic group because time passes.

use std::time::Duration;

use super::{ClassicGroup, Phase, Step};

impl ClassicGroup {
    /// Drops the silent, and ends what has waited long enough.
    pub(super) fn do_what_is_due(&mut self, step: &mut Step<'_>) {
        let now = step.now.monotonic;
        self.pending_members
            .retain(|_, expires_at| *expires_at > now);
        let silent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| {
                member
                    .expires_at
                    .is_some_and(|expires_at| expires_at <= now)
            })
            .map(|(member_id, _)| member_id.clone())
            .collect();
        for member_id in &silent {
            self.remove_member(step, member_id);
        }
        self.after_removal(step, !silent.is_empty());
        self.phase_deadline(step);
        self.wake_at = self.next_deadline();
    }

    fn phase_deadline(&mut self, step: &mut Step<'_>) {
        let now = step.now.monotonic;
        match self.phase {
            Phase::Preparing { deadline, .. } if deadline <= now => self.join_deadline_passed(step),
            Phase::Completing { sync_deadline }
            | Phase::Stable {
                sync_deadline: Some(sync_deadline),
            } if sync_deadline <= now => self.sync_deadline_passed(step),
            Phase::Empty
            | Phase::Preparing { .. }
            | Phase::Completing { .. }
            | Phase::Stable { .. } => {}
        }
    }

    /// The earliest time at which something is due.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let phase = match self.phase {
            Phase::Empty => None,
            Phase::Preparing { deadline, .. } => Some(deadline),
            Phase::Completing { sync_deadline } => Some(sync_deadline),
            Phase::Stable { sync_deadline } => sync_deadline,
        };
        let members = self.members.values().filter_map(|member| member.expires_at);
        let pending = self.pending_members.values().copied();
        phase.into_iter().chain(members).chain(pending).min()
    }
}
