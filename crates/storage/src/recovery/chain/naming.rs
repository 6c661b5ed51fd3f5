//! Saying where acknowledged rounds are damaged.

use std::path::{Path, PathBuf};

use env::SECTOR_BYTES;

use super::{Break, BreakReason, Chain};
use crate::damage::{Damage, DamageCode};
use crate::recovery::scan::{ScannedRound, ScannedSlot};
use crate::wal::slots::file_name;

const FIRST_ROUND: u64 = SECTOR_BYTES as u64;

/// The damage that a broken chain is.
pub(crate) fn damage(
    directory: &Path,
    slots: &[ScannedSlot],
    rounds: &[ScannedRound],
    chain: &Chain,
) -> Option<Damage> {
    let broken = chain.broken?;
    let names = Names {
        directory,
        slots,
        rounds,
        chain,
        broken,
    };
    let (path, position) = names.place();
    Some(Damage {
        code: DamageCode::WalChain,
        path,
        position,
        message: names.message(),
    })
}

struct Names<'a> {
    directory: &'a Path,
    slots: &'a [ScannedSlot],
    rounds: &'a [ScannedRound],
    chain: &'a Chain,
    broken: Break,
}

impl Names<'_> {
    fn message(&self) -> String {
        let Break { seq, reason, .. } = self.broken;
        let what = match reason {
            BreakReason::Missing => "is missing",
            BreakReason::OtherPredecessor => "does not follow the one before",
            BreakReason::OlderEpoch => "was written by an earlier start than the one before",
            BreakReason::DamagedTable => "has a damaged table",
            BreakReason::LostWithItsPredecessor => {
                return format!("round {}, the last one, is missing", self.chain.end_seq);
            }
            BreakReason::CutSlot(_) => {
                return format!(
                    "the slot ends here, and what followed round {} is lost",
                    seq - 1
                );
            }
            BreakReason::LostSlot(_) => {
                return format!("round {} goes on in this slot, which is lost", seq - 1);
            }
        };
        format!(
            "round {seq} {what}, yet rounds up to {} were acknowledged",
            self.chain.attested_seq
        )
    }

    /// The file and the position in it that tell most.
    fn place(&self) -> (PathBuf, u64) {
        match self.broken.reason {
            BreakReason::CutSlot(slot) => {
                if let Some(slot) = self.slots.get(slot) {
                    return (slot.path.clone(), slot.bytes);
                }
            }
            BreakReason::LostSlot(index) => return self.start_of(index),
            BreakReason::LostWithItsPredecessor => {
                return self.start_of(self.chain.origin.attested_slot);
            }
            BreakReason::Missing
            | BreakReason::OtherPredecessor
            | BreakReason::OlderEpoch
            | BreakReason::DamagedTable => {}
        }
        let found = self.broken.found.and_then(|index| self.rounds.get(index));
        let found = found.and_then(|round| self.at(round.slot, round.position));
        found
            .or_else(|| self.next_slot())
            .or_else(|| self.before_next_round())
            .or_else(|| self.lost_slot())
            .or_else(|| self.between_slots())
            .or_else(|| self.odd_slot())
            .or_else(|| self.attested_slot())
            .or_else(|| self.behind_last_round())
            .unwrap_or_else(|| (self.directory.to_owned(), FIRST_ROUND))
    }

    fn at(&self, slot: usize, position: u64) -> Option<(PathBuf, u64)> {
        Some((self.slots.get(slot)?.path.clone(), position))
    }

    /// Where a slot begins, or ends if it is too short for that.
    fn start_of(&self, index: u32) -> (PathBuf, u64) {
        let slot = self.slots.iter().find(|slot| slot.index == index);
        let position = slot.map_or(0, |slot| slot.bytes.min(FIRST_ROUND));
        (self.directory.join(file_name(index)), position)
    }

    /// The last round that is there, released or not.
    fn last_round(&self) -> Option<&ScannedRound> {
        let end = (self.chain.end_seq, self.chain.end_crc);
        let mut rounds = self.rounds.iter();
        rounds.find(|round| (round.header.seq, round.header_crc) == end)
    }

    /// The slot that the chain says it goes on in.
    fn next_slot(&self) -> Option<(PathBuf, u64)> {
        let (index, _) = self.last_round()?.next_slot()?;
        Some(self.start_of(index))
    }

    /// The first of the rounds behind what is missing.
    fn next_round(&self) -> Option<&ScannedRound> {
        let epoch = self.last_round().map(|last| last.header.writer_epoch);
        let is_later = |round: &&ScannedRound| {
            round.header.seq > self.broken.seq && Some(round.header.writer_epoch) >= epoch
        };
        let later = self.rounds.iter().filter(is_later);
        later.min_by_key(|round| round.header.seq)
    }

    /// In front of the next round, if it is not the first one of its slot.
    fn before_next_round(&self) -> Option<(PathBuf, u64)> {
        let next = self.next_round()?;
        let before = self
            .rounds
            .iter()
            .filter(|round| round.slot == next.slot && round.position < next.position)
            .max_by_key(|round| round.position);
        let is_stray = |before: &&ScannedRound| {
            let (before, next) = (&before.header, &next.header);
            before.file_number != next.file_number || before.seq > next.seq
        };
        if let Some(stray) = before.filter(is_stray) {
            // A round of another place, or of an earlier use of the slot, stands where the missing
            // one was.
            return self.at(stray.slot, stray.position);
        }
        let before = before.map(|before| before.position + before.header.padded_bytes());
        let position = before.unwrap_or(FIRST_ROUND);
        (position < next.position).then(|| self.at(next.slot, position))?
    }

    /// The slot that was written to between those of the last and of the next round.
    fn lost_slot(&self) -> Option<(PathBuf, u64)> {
        let last = self.last_round().map_or(0, |last| last.header.file_number);
        let is_lost = self.next_round()?.header.file_number > last + 1;
        let numbers = self.slots.iter().map(|slot| slot.index + 1).max();
        // A slot takes the lowest number that is free.
        let lost = || {
            self.odd_slot()
                .or_else(|| self.slot_without_start())
                .unwrap_or_else(|| self.start_of(numbers.unwrap_or(0)))
        };
        is_lost.then(lost)
    }

    /// The next round begins its slot, so what is missing ended the one before.
    fn between_slots(&self) -> Option<(PathBuf, u64)> {
        self.next_round().and_then(|_| self.behind_last_round())
    }

    /// A slot that is not as it was made.
    fn odd_slot(&self) -> Option<(PathBuf, u64)> {
        let numbers = self.slots.iter().map(|slot| slot.index).max()?;
        let is_odd = |index: &u32| {
            let slot = self.slots.iter().find(|slot| slot.index == *index);
            slot.is_none_or(|slot| !slot.has_sound_header)
        };
        (0..=numbers).find(is_odd).map(|index| self.start_of(index))
    }

    /// A slot that does not begin with rounds of its own, as every slot does that is written to.
    fn slot_without_start(&self) -> Option<(PathBuf, u64)> {
        let number = (0..self.slots.len()).find(|number| self.is_without_start(*number))?;
        self.at(number, FIRST_ROUND)
    }

    fn is_without_start(&self, number: usize) -> bool {
        let rounds = self.rounds.iter().filter(|round| round.slot == number);
        let newest = rounds.clone().map(|round| round.header.file_number).max();
        let Some(first) = rounds.min_by_key(|round| round.position) else {
            return false;
        };
        // Each use of a slot has a number of its own: of two slots with the same one, that which
        // has less of it has got it from the other.
        let file_number = first.header.file_number;
        let of_it = |slot: usize| {
            let rounds = self.rounds.iter();
            let of_it = |round: &&ScannedRound| {
                round.slot == slot && round.header.file_number == file_number
            };
            rounds.filter(of_it).count()
        };
        let own = of_it(number);
        let is_copied = (0..self.slots.len()).any(|slot| of_it(slot) > own);
        first.position > FIRST_ROUND || Some(file_number) < newest || is_copied
    }

    /// The slot that was written to when the last checkpoint was, if all is lost that followed it.
    fn attested_slot(&self) -> Option<(PathBuf, u64)> {
        let origin = self.chain.origin;
        let index = origin.attested_slot;
        let is_left = self.last_round().is_some_and(|last| {
            let slot = self.slots.get(last.slot);
            slot.is_some_and(|slot| slot.index == index)
        });
        (self.broken.seq <= origin.attested_seq && !is_left).then(|| self.start_of(index))
    }

    fn behind_last_round(&self) -> Option<(PathBuf, u64)> {
        let last = self.last_round()?;
        self.at(last.slot, last.position + last.header.padded_bytes())
    }
}
