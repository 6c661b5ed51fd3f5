//! Which of the rounds on disk make up the log, and what the end of it means. Decides, and
//! touches nothing.
//!
//! Every round says which was the last durable one when it was built, and so does every checkpoint.
//! So the end of the chain can be judged: above the highest number that anything gives, it is a tail
//! that was never acknowledged, and is cut; at or below it, acknowledged rounds are damaged. That no
//! file with later rounds is missing, [`end`] sees to.

mod end;
mod naming;

use std::collections::BTreeMap;

use env::{Defect, has_defect};

use super::scan::{ScannedRound, ScannedSlot};
use crate::format::checkpoint::Checkpoint;
use crate::marks::{Mark, mark};
pub(crate) use naming::damage;

/// Where the chain begins: what the checkpoint says of the write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Rounds up to this one are not needed.
    pub release_seq: u64,
    /// The header_crc of that round.
    pub release_crc: u32,
    /// Rounds up to this one were durable,
    pub attested_seq: u64,
    /// and the last of them was in the slot of this number.
    pub attested_slot: u32,
}

impl Origin {
    pub(crate) fn of(checkpoint: Option<&Checkpoint>) -> Self {
        checkpoint.map_or_else(Self::default, |checkpoint| Self {
            release_seq: checkpoint.release_seq,
            release_crc: checkpoint.prev_crc,
            attested_seq: checkpoint.attested_seq.max(checkpoint.release_seq),
            attested_slot: checkpoint.attested_slot,
        })
    }
}

/// The log as the rounds give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pub origin: Origin,
    /// The rounds after the checkpoint, in order, as indexes into what was scanned.
    pub rounds: Vec<usize>,
    /// The last round of the chain; what the checkpoint released if there is none.
    pub end_seq: u64,
    pub end_crc: u32,
    /// The highest round that anything calls durable.
    pub attested_seq: u64,
    /// The highest epoch of any header.
    pub writer_epoch: Option<u32>,
    pub file_number: u64,
    /// Why the chain ends, if acknowledged rounds are missing behind it.
    pub broken: Option<Break>,
}

/// Where acknowledged rounds are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// The round that is missing.
    pub seq: u64,
    /// What stands in its place, as an index into what was scanned.
    pub found: Option<usize>,
    pub reason: BreakReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakReason {
    Missing,
    OtherPredecessor,
    OlderEpoch,
    DamagedTable,
    /// The round before it, which is not needed itself, is not there either.
    LostWithItsPredecessor,
    /// The slot in which the chain ends has become shorter.
    CutSlot(usize),
    /// The slot of this number, in which the log goes on, is missing or is another one.
    LostSlot(u32),
}

impl BreakReason {
    fn mark(self) -> Mark {
        match self {
            Self::Missing => Mark::ChainEndMissing,
            Self::OtherPredecessor => Mark::ChainEndOtherPredecessor,
            Self::OlderEpoch => Mark::ChainEndOlderEpoch,
            Self::DamagedTable => Mark::ChainEndDamagedTable,
            Self::LostWithItsPredecessor | Self::CutSlot(_) | Self::LostSlot(_) => {
                Mark::AcknowledgedRoundsDamaged
            }
        }
    }
}

/// Builds the chain behind a checkpoint.
pub(crate) fn build(rounds: &[ScannedRound], slots: &[ScannedSlot], origin: Origin) -> Chain {
    let mut chain = Chain {
        origin,
        end_seq: origin.release_seq,
        end_crc: origin.release_crc,
        attested_seq: origin.attested_seq,
        ..Chain::default()
    };
    // For equal numbers the later writer counts: it found the end of the log below them.
    let mut by_seq: BTreeMap<u64, usize> = BTreeMap::new();
    for (index, round) in rounds.iter().enumerate() {
        let header = &round.header;
        chain.attested_seq = chain.attested_seq.max(header.durable_seq);
        chain.writer_epoch = chain.writer_epoch.max(Some(header.writer_epoch));
        chain.file_number = chain.file_number.max(header.file_number);
        if header.seq <= origin.release_seq {
            continue;
        }
        let other = by_seq
            .get(&header.seq)
            .and_then(|other| rounds.get(*other))
            .map(|other| other.header.writer_epoch);
        if other.is_some() {
            mark(Mark::HigherEpochWins);
        }
        if other.is_none_or(|other| other < header.writer_epoch) {
            by_seq.insert(header.seq, index);
        }
    }
    let mut epoch = 0;
    let (reason, found) = loop {
        let Some(index) = by_seq.get(&(chain.end_seq + 1)).copied() else {
            break (BreakReason::Missing, None);
        };
        let Some(round) = rounds.get(index) else {
            break (BreakReason::Missing, None);
        };
        if round.header.writer_epoch < epoch {
            break (BreakReason::OlderEpoch, Some(index));
        }
        if round.header.prev_crc != chain.end_crc && !has_defect(Defect::IgnorePreviousCrc) {
            break (BreakReason::OtherPredecessor, Some(index));
        }
        if round.entries.is_none() {
            break (BreakReason::DamagedTable, Some(index));
        }
        epoch = round.header.writer_epoch;
        chain.rounds.push(index);
        chain.end_seq += 1;
        chain.end_crc = round.header_crc;
    };
    mark(reason.mark());
    chain.broken = if chain.end_seq < chain.attested_seq {
        Some((reason, found))
    } else {
        end::judge(&chain, rounds, slots).map(|reason| (reason, None))
    }
    .map(|(reason, found)| Break {
        seq: chain.end_seq + 1,
        found,
        reason,
    });
    chain
}

impl Chain {
    /// Ends the chain before a round whose payload is damaged and that nobody calls durable.
    pub(crate) fn cut_at(&mut self, seq: u64, rounds: &[ScannedRound]) {
        mark(Mark::PayloadCut);
        self.rounds.retain(|index| {
            rounds
                .get(*index)
                .is_some_and(|round| round.header.seq < seq)
        });
        let last = self.rounds.last().and_then(|index| rounds.get(*index));
        let origin = (self.origin.release_seq, self.origin.release_crc);
        (self.end_seq, self.end_crc) =
            last.map_or(origin, |round| (round.header.seq, round.header_crc));
    }

    /// Rounds above the end that the last writer wrote: how many, and how many bytes.
    pub(crate) fn cut_rounds(&self, rounds: &[ScannedRound]) -> (u64, u64) {
        rounds
            .iter()
            .filter(|round| {
                round.header.seq > self.end_seq
                    && Some(round.header.writer_epoch) == self.writer_epoch
            })
            .fold((0, 0), |(count, bytes), round| {
                (count + 1, bytes + round.header.padded_bytes())
            })
    }
}

#[cfg(test)]
mod tests;
