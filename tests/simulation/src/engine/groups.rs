//! Batches that are appended together: readers, and the next start, find all of them or none.

use bytes::Bytes;
use env::SECTOR_BYTES;
use model::{LogId, Offset};
use storage::{Append, AppendError, AppendGroupError, Durability, GroupEntry};

use crate::batch::{self, Kind, Recipe};
use crate::engine::appends::{IDEMPOTENT, TRANSACTIONAL};
use crate::engine::model::following;
use crate::engine::waits::Promise;
use crate::engine::world::{Checked, World, ensure, pick};

/// What an entry takes of a round beside its batch.
const ENTRY_BYTES: usize = 40;

/// What is with the last batch of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    Nothing,
    /// It skips sequence numbers.
    Gap,
    /// It is in its log already.
    Duplicate,
}

/// A batch of a group.
struct Member {
    log: LogId,
    sent: Vec<u8>,
    mode: Append,
    /// `None` for one that must not go in.
    recipe: Option<Recipe>,
}

impl World {
    /// Ends a transaction in all its logs, with a record of the coordinator before and behind the
    /// markers. If none is open the others get a batch.
    pub(crate) fn append_group(
        &mut self,
        log: u64,
        producer: u64,
        odd: Odd,
        bytes: u32,
    ) -> Checked {
        let log = self.choose(log);
        let mut group = vec![self.plain(log, bytes)];
        group.extend(self.markers(TRANSACTIONAL.start + pick(producer, 3) as i64));
        if group.len() == 1 {
            let others: Vec<LogId> = self.model.logs.keys().copied().skip(1).take(3).collect();
            group.extend(others.into_iter().map(|other| self.plain(other, bytes / 2)));
        }
        group.push(self.plain(log, 8));
        let (last, original) = self.odd_one(log, producer, odd);
        group.extend(last);
        self.send_group(group, odd, original)
    }

    fn plain(&self, log: LogId, bytes: u32) -> Member {
        let recipe = self.recipe(1, bytes, None, Kind::Plain);
        Member {
            log,
            sent: batch::build(&recipe),
            mode: Append::Internal,
            recipe: Some(recipe),
        }
    }

    /// The markers that end a producer's transaction everywhere.
    fn markers(&self, id: i64) -> Vec<Member> {
        let logs = self.model.logs.iter();
        let open = logs.filter(|(_, model)| model.has_open(id));
        let marker = |(log, _): (&LogId, _)| {
            let known = self.model.logs[log].producer(id).unwrap_or_default();
            let kind = Kind::Marker {
                is_commit: known.next_sequence % 2 == 0,
            };
            let is_bumped = known.next_sequence % 3 == 0;
            let epoch = known.epoch + i16::from(is_bumped);
            let recipe = self.recipe(1, 6, Some((id, epoch, -1)), kind);
            Member {
                log: *log,
                sent: batch::build(&recipe),
                mode: Append::Marker { is_bumped },
                recipe: Some(recipe),
            }
        };
        open.map(marker).collect()
    }

    /// A batch for which the whole group is refused; for a duplicate, also which one it is.
    fn odd_one(&self, log: LogId, producer: u64, odd: Odd) -> (Option<Member>, Option<usize>) {
        let id = IDEMPOTENT.start + pick(producer, 3) as i64;
        let Some(known) = self.model.logs[&log].producer(id) else {
            return (None, None);
        };
        let (sent, original) = match (odd, known.recent.last()) {
            (Odd::Gap, Some(_)) => {
                let sequence = following(known.next_sequence, 7);
                let sender = Some((id, known.epoch, sequence));
                let recipe = self.recipe(1, 10, sender, Kind::Plain);
                (batch::build(&recipe), None)
            }
            (Odd::Duplicate, Some(last)) => {
                let entry = &self.model.logs[&log].entries[*last];
                (entry.sent.clone(), Some(*last))
            }
            _ => return (None, None),
        };
        let member = Member {
            log,
            sent,
            mode: Append::Produce,
            recipe: None,
        };
        (Some(member), original)
    }

    fn send_group(&mut self, group: Vec<Member>, odd: Odd, original: Option<usize>) -> Checked {
        let round_bytes_max = self.machine.setup.wal_slot_bytes as usize - 3 * SECTOR_BYTES;
        let bytes: usize = group.iter().map(|one| one.sent.len() + ENTRY_BYTES).sum();
        let batch_bytes_max = self.machine.setup.settings().batch_bytes_max();
        let is_large = |one: &Member| one.sent.len() > batch_bytes_max;
        // Without room the client would wait, and this one goes away.
        let Some(permit) = self.reserve(bytes) else {
            return Ok(());
        };
        let mut entries = Vec::new();
        for one in &group {
            entries.push(GroupEntry {
                log: self.storage.log(one.log).ok_or("a log is gone")?,
                batch: Bytes::from(one.sent.clone()),
                mode: one.mode,
            });
        }
        let expected = if bytes > round_bytes_max {
            Some(AppendGroupError::TooLarge)
        } else if let Some(index) = group.iter().position(is_large) {
            let error = AppendError::TooLarge;
            Some(AppendGroupError::Entry { index, error })
        } else {
            let odd_one = group.iter().position(|one| one.recipe.is_none());
            odd_one.filter(|_| odd == Odd::Gap).map(|index| {
                let error = AppendError::OutOfOrderSequence;
                AppendGroupError::Entry { index, error }
            })
        };
        let is_duplicate = original.is_some() && expected.is_none();
        let appended = match (self.storage.append_group(&entries), expected) {
            (Err(error), Some(expected)) if error == expected => {
                self.machine.tally.add("groups refused", 1);
                return Ok(());
            }
            (
                Err(AppendGroupError::Duplicate {
                    index,
                    original: found,
                }),
                None,
            ) if is_duplicate => {
                let at =
                    original.map_or(0, |at| self.model.logs[&group[index].log].entries[at].base);
                ensure!(
                    found.duplicate && found.base_offset == Offset(at),
                    "{found:?} for a retry of offset {at}"
                );
                self.machine.tally.add("groups refused", 1);
                return Ok(());
            }
            (Err(AppendGroupError::Entry { error, .. }), _) if self.may_refuse(error) => {
                return Ok(());
            }
            (found, Some(_)) => return Err(format!("a group: {found:?}, expected {expected:?}")),
            (Err(error), None) => return Err(format!("a group: {error:?}")),
            (Ok(appended), None) => appended,
        };
        ensure!(
            !is_duplicate && appended.len() == group.len(),
            "a group of {}: {appended:?}",
            group.len()
        );
        let Some(sequence) = appended.last().map(|last| last.sequence) else {
            return Err("a group has no batches".to_owned());
        };
        let mut permit = Some(permit);
        let mut places = Vec::new();
        for (one, appended) in group.into_iter().zip(appended) {
            let log = one.log;
            let recipe = one.recipe.ok_or("a batch went in that must not")?;
            let order = self.remember(log, &recipe, one.sent, &appended)?;
            places.push((log, appended.last_offset));
            let promise = Promise::Entry { log, order };
            self.wait(promise, sequence, Durability::Durable, permit.take());
        }
        self.model.groups.push(places);
        self.machine.tally.add("groups appended", 1);
        Ok(())
    }

    /// All of a group is shown or none; of a log that is deleted nobody knows.
    pub(crate) fn observe_groups(&mut self) -> Checked {
        for group in std::mem::take(&mut self.model.groups) {
            let mut is_shown = Vec::new();
            for (id, last) in &group {
                if self.model.logs.contains_key(id) {
                    let log = self.storage.log(*id).ok_or("a log is gone")?;
                    is_shown.push(log.view().high_watermark > *last);
                }
            }
            let shown = is_shown.iter().filter(|is_shown| **is_shown).count();
            ensure!(
                shown == 0 || shown == is_shown.len(),
                "of a group in {group:?} only {shown} are shown"
            );
            if shown == 0 {
                self.model.groups.push(group);
            }
        }
        Ok(())
    }

    /// After a start: what is there of a group is all of it, and what is not will not come.
    pub(crate) fn settle_groups(&mut self) -> Checked {
        let before = self.model.groups.len();
        self.observe_groups()?;
        let lost = std::mem::take(&mut self.model.groups).len();
        self.machine.tally.add("groups lost", lost as u64);
        let found = before - lost;
        self.machine
            .tally
            .add("groups found by a start", found as u64);
        Ok(())
    }
}
