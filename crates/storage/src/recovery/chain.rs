//! Which of the rounds on disk make up the log, and what the end of it means. Decides, and
//! touches nothing.
//!
//! Every round says which was the last durable one when it was built. So the end of the chain can
//! be judged: above the highest number that any round gives, it is a tail that was never
//! acknowledged, and is cut; at or below it, acknowledged rounds are damaged.

use std::collections::BTreeMap;
use std::path::Path;

use env::{Defect, SECTOR_BYTES, has_defect};

use super::scan::{ScannedRound, ScannedSlot};
use crate::damage::{Damage, DamageCode};
use crate::marks::{Mark, mark};

/// The log as the rounds give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The rounds after the checkpoint, in order, as indexes into what was scanned.
    pub rounds: Vec<usize>,
    /// The last round of the chain; what the checkpoint released if there is none.
    pub end_seq: u64,
    pub end_crc: u32,
    /// The highest round that any header calls durable.
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
}

impl BreakReason {
    fn mark(self) -> Mark {
        match self {
            Self::Missing => Mark::ChainEndMissing,
            Self::OtherPredecessor => Mark::ChainEndOtherPredecessor,
            Self::OlderEpoch => Mark::ChainEndOlderEpoch,
            Self::DamagedTable => Mark::ChainEndDamagedTable,
        }
    }
}

/// Builds the chain behind a checkpoint that released rounds up to `release_seq`.
pub(crate) fn build(rounds: &[ScannedRound], release_seq: u64, release_crc: u32) -> Chain {
    let mut chain = Chain {
        end_seq: release_seq,
        end_crc: release_crc,
        ..Chain::default()
    };
    // For equal numbers the later writer counts: it found the end of the log below them.
    let mut by_seq: BTreeMap<u64, usize> = BTreeMap::new();
    for (index, round) in rounds.iter().enumerate() {
        let header = &round.header;
        chain.attested_seq = chain.attested_seq.max(header.durable_seq);
        chain.writer_epoch = chain.writer_epoch.max(Some(header.writer_epoch));
        chain.file_number = chain.file_number.max(header.file_number);
        if header.seq <= release_seq {
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
    if chain.end_seq < chain.attested_seq {
        chain.broken = Some(Break {
            seq: chain.end_seq + 1,
            found,
            reason,
        });
    }
    chain
}

impl Chain {
    /// Ends the chain before a round whose payload is damaged and that nobody calls durable.
    pub(crate) fn cut_at(&mut self, seq: u64, rounds: &[ScannedRound], release: (u64, u32)) {
        mark(Mark::PayloadCut);
        self.rounds.retain(|index| {
            rounds
                .get(*index)
                .is_some_and(|round| round.header.seq < seq)
        });
        let last = self.rounds.last().and_then(|index| rounds.get(*index));
        (self.end_seq, self.end_crc) =
            last.map_or(release, |round| (round.header.seq, round.header_crc));
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

/// The damage that a broken chain is.
pub(crate) fn damage(
    directory: &Path,
    slots: &[ScannedSlot],
    rounds: &[ScannedRound],
    chain: &Chain,
) -> Option<Damage> {
    let broken = chain.broken?;
    let at = |index: usize| {
        let round = rounds.get(index)?;
        Some((slots.get(round.slot)?.path.clone(), round.position, round))
    };
    let reason = match broken.reason {
        BreakReason::Missing => "is missing",
        BreakReason::OtherPredecessor => "does not follow the one before",
        BreakReason::OlderEpoch => "was written by an earlier start than the one before",
        BreakReason::DamagedTable => "has a damaged table",
    };
    // A round that is missing should stand behind the last one, or at the front of a slot.
    let behind_last = || {
        let (path, position, round) = at(*chain.rounds.last()?)?;
        Some((path, position + round.header.padded_bytes()))
    };
    let found = broken
        .found
        .and_then(at)
        .map(|(path, position, _)| (path, position));
    let (path, position) = found
        .or_else(behind_last)
        .unwrap_or_else(|| (directory.to_owned(), SECTOR_BYTES as u64));
    Some(Damage {
        code: DamageCode::WalChain,
        path,
        position,
        message: format!(
            "round {} {reason}, yet rounds up to {} were acknowledged",
            broken.seq, chain.attested_seq
        ),
    })
}

#[cfg(test)]
mod tests;
