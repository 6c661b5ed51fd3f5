//! Whether the chain may end where it ends. What nothing calls durable may be missing behind it; a
//! file that was there may not.

use super::{BreakReason, Chain};
use crate::recovery::scan::{ScannedRound, ScannedSlot};

/// Why more was acknowledged than what is found, if the files say so.
pub(super) fn judge(
    chain: &Chain,
    rounds: &[ScannedRound],
    slots: &[ScannedSlot],
) -> Option<BreakReason> {
    if chain.end_seq == 0 {
        // Nothing has ever been written, or nothing tells.
        return None;
    }
    // The last round is in the slot that was written to last, also if it is released: no round after
    // it has been written over it.
    let is_last = |round: &&ScannedRound| {
        (round.header.seq, round.header_crc) == (chain.end_seq, chain.end_crc)
    };
    let Some(last) = rounds.iter().find(is_last) else {
        return Some(BreakReason::LostWithItsPredecessor);
    };
    if slots.get(last.slot).is_some_and(ScannedSlot::is_cut) {
        return Some(BreakReason::CutSlot(last.slot));
    }
    let (index, bytes) = last.next_slot()?;
    let is_there = |slot: &ScannedSlot| slot.made_as() == index && slot.bytes >= bytes;
    (!slots.iter().any(is_there)).then_some(BreakReason::LostSlot(index))
}
