//! Records: writing them, folding them, and what a log needs of them.

use super::ConsumerGroup;
use crate::group::Step;
use crate::partitions::Partitions;
use crate::records::{ConsumerRecord, CurrentAssignment, MemberMetadata, RecordError};

impl ConsumerGroup {
    /// Makes a change: writes its record and folds it. What counts changes in no other way, so memory is
    /// what a replay of the log would find.
    pub(super) fn write(&mut self, step: &mut Step<'_>, record: ConsumerRecord) {
        step.effects.records.push(record.encode(&self.id));
        self.fold(record);
    }

    /// Folds a record.
    pub(crate) fn fold(&mut self, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Group(epoch) => self.epoch = epoch,
            ConsumerRecord::Member(member_id, member) => self.fold_member(member_id, member),
            ConsumerRecord::TargetEpoch(epoch) => self.target_epoch = epoch,
            ConsumerRecord::Target(member_id, Some(target)) => {
                self.targets.insert(member_id, target);
            }
            ConsumerRecord::Target(member_id, None) => {
                self.targets.remove(&member_id);
            }
            ConsumerRecord::Current(member_id, current) => self.fold_current(member_id, current),
            ConsumerRecord::Pattern(pattern, Some(found)) => {
                self.patterns.insert(pattern, found);
            }
            ConsumerRecord::Pattern(pattern, None) => {
                self.patterns.remove(&pattern);
            }
        }
    }

    fn fold_member(&mut self, member_id: String, member: Option<MemberMetadata>) {
        if let Some(known) = self.members.remove(&member_id) {
            self.unindex(&known);
        }
        let Some(member) = member else {
            self.contacts.remove(&member_id);
            return;
        };
        self.index(&member_id, &member);
        self.members.insert(member_id, member);
    }

    fn index(&mut self, member_id: &str, member: &MemberMetadata) {
        if let Some(instance_id) = &member.instance_id {
            self.static_members
                .insert(instance_id.clone(), member_id.to_owned());
        }
        if let Some(pattern) = &member.pattern {
            *self.pattern_subscribers.entry(pattern.clone()).or_default() += 1;
        }
    }

    fn unindex(&mut self, member: &MemberMetadata) {
        if let Some(instance_id) = &member.instance_id {
            self.static_members.remove(instance_id);
        }
        if let Some(pattern) = &member.pattern
            && let Some(count) = self.pattern_subscribers.get_mut(pattern)
        {
            *count -= 1;
            if *count == 0 {
                self.pattern_subscribers.remove(pattern);
            }
        }
    }

    fn fold_current(&mut self, member_id: String, current: Option<CurrentAssignment>) {
        if let Some(known) = self.currents.remove(&member_id) {
            self.held.remove_all(&known.assigned);
            self.held.remove_all(&known.revoking);
        }
        if let Some(current) = current {
            self.held.extend(current.assigned.iter());
            self.held.extend(current.revoking.iter());
            self.currents.insert(member_id, current);
        }
    }

    /// Makes anew what follows from the records, when all of them have been folded. A log that ends
    /// within the records of one change, or that no longer has the oldest ones, may lack what a member
    /// has, or have something of nobody: whoever is a member begins from nothing then. What cannot come
    /// of that is refused.
    pub(super) fn follow_from_records(&mut self) -> Result<(), RecordError> {
        self.static_members.clear();
        self.pattern_subscribers.clear();
        let members = std::mem::take(&mut self.members);
        for (member_id, member) in &members {
            self.index(member_id, member);
            self.currents
                .entry(member_id.clone())
                .or_insert(CurrentAssignment::NEWCOMER);
        }
        self.targets.retain(|id, _| members.contains_key(id));
        self.currents.retain(|id, _| members.contains_key(id));
        self.members = members;
        let subscribers = &self.pattern_subscribers;
        self.patterns
            .retain(|pattern, _| subscribers.contains_key(pattern));
        let static_members = self.members.values().filter(|m| m.instance_id.is_some());
        if static_members.count() > self.static_members.len()
            || self.assignment_epoch() > self.group_epoch()
        {
            return Err(RecordError::ImpossibleGroup);
        }
        self.held = Partitions::new();
        for current in self.currents.values() {
            if current.epoch > self.group_epoch() {
                return Err(RecordError::ImpossibleGroup);
            }
            for (topic, partition) in current.assigned.iter().chain(current.revoking.iter()) {
                if !self.held.insert(topic, partition) {
                    return Err(RecordError::ImpossibleGroup);
                }
            }
        }
        Ok(())
    }

    /// The records of everything there is, in the order in which Kafka writes them.
    pub(super) fn records(&self) -> impl Iterator<Item = ConsumerRecord> {
        let members = self.members.iter();
        let patterns = self.patterns.iter();
        let targets = self.targets.iter();
        let currents = self.currents.iter();
        members
            .map(|(id, member)| ConsumerRecord::Member(id.clone(), Some(member.clone())))
            .chain(patterns.map(|(pattern, found)| {
                ConsumerRecord::Pattern(pattern.clone(), Some(found.clone()))
            }))
            .chain(self.epoch.map(|epoch| ConsumerRecord::Group(Some(epoch))))
            .chain(targets.map(|(id, to)| ConsumerRecord::Target(id.clone(), Some(to.clone()))))
            .chain(
                self.target_epoch
                    .map(|epoch| ConsumerRecord::TargetEpoch(Some(epoch))),
            )
            .chain(currents.map(|(id, now)| ConsumerRecord::Current(id.clone(), Some(now.clone()))))
    }

    /// Writes that everything is gone, in the order that Kafka insists on: the group's epoch last.
    pub(super) fn delete_all(&mut self, step: &mut Step<'_>) {
        let mut gone: Vec<ConsumerRecord> = self.records().map(tombstone).collect();
        gone.sort_by_key(|record| match record {
            ConsumerRecord::Current(..) => 0,
            ConsumerRecord::Target(..) => 1,
            ConsumerRecord::TargetEpoch(_) => 2,
            ConsumerRecord::Member(..) => 3,
            ConsumerRecord::Pattern(..) => 4,
            ConsumerRecord::Group(_) => 5,
        });
        for record in gone {
            self.write(step, record);
        }
    }
}

/// The record that takes another one back.
fn tombstone(record: ConsumerRecord) -> ConsumerRecord {
    match record {
        ConsumerRecord::Group(_) => ConsumerRecord::Group(None),
        ConsumerRecord::Member(id, _) => ConsumerRecord::Member(id, None),
        ConsumerRecord::TargetEpoch(_) => ConsumerRecord::TargetEpoch(None),
        ConsumerRecord::Target(id, _) => ConsumerRecord::Target(id, None),
        ConsumerRecord::Current(id, _) => ConsumerRecord::Current(id, None),
        ConsumerRecord::Pattern(pattern, _) => ConsumerRecord::Pattern(pattern, None),
    }
}
