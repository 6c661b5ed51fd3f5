//! What readers are shown of a round: its batches as their logs keep them, and when.

use std::collections::HashSet;

use bytes::Bytes;
use env::{Defect, has_defect};
use smallvec::{SmallVec, smallvec};

use super::copies::Copies;
use super::queue::{Content, Queued};
use super::round_builder::BuiltRound;
use crate::tail::TailBatch;

/// Rounds up to this length are copied out of their buffer, so that it can be used again.
const COPIED_ROUND_BYTES_MAX: usize = 64 << 10;
/// Batches up to this length are copied out of a larger round, so that they do not keep it.
const COPIED_BATCH_BYTES_MAX: usize = 4 << 10;

/// Which entries readers see before the round is forced: those of relaxed logs, unless an earlier
/// entry of the same log has to wait (the log has just become relaxed). Of a group readers see all or
/// nothing, so all of it waits where one entry has to.
pub(super) fn shown_when_written(entries: &[Queued]) -> SmallVec<[bool; 8]> {
    let has_strict = entries.iter().any(|entry| !entry.relaxed);
    if !has_strict || has_defect(Defect::PublishWhenWritten) {
        return smallvec![true; entries.len()];
    }
    if entries.iter().all(|entry| !entry.relaxed) {
        return smallvec![false; entries.len()];
    }
    let mut waiting = HashSet::new();
    let mut early = SmallVec::with_capacity(entries.len());
    for group in entries.chunk_by(|entry, _| entry.joins_next) {
        let may_go = |entry: &Queued| entry.relaxed && !waiting.contains(&entry.log.id());
        let is_early = group.iter().all(may_go);
        if !is_early {
            waiting.extend(group.iter().map(|entry| entry.log.id()));
        }
        early.extend(std::iter::repeat_n(is_early, group.len()));
    }
    early
}

/// Moves the published view of the entry's log.
pub(super) fn show(entry: &Queued, batch: Option<TailBatch>) {
    match (&entry.content, batch) {
        (Content::Batch(_), Some(batch)) => entry.log.publish_batch(batch),
        (Content::SetLogStart(log_start), _) => entry.log.publish_log_start(*log_start),
        (Content::Batch(_), None) => {}
    }
}

/// The batches of a round as their logs keep them, in the order of the entries. Small ones are
/// copied to memory that they share, so that they do not keep the whole round.
pub(super) fn cut_into_batches(
    copies: &mut Copies,
    built: BuiltRound,
    entries: &[Queued],
    seq: u64,
) -> SmallVec<[Option<TailBatch>; 2]> {
    let is_small_round = built.buffer.as_slice().len() <= COPIED_ROUND_BYTES_MAX;
    let is_copied = |bytes: usize| is_small_round || bytes <= COPIED_BATCH_BYTES_MAX;
    let payloads = built.payloads;
    let copied = || payloads.iter().filter(|(_, bytes)| is_copied(*bytes));
    let round = built.buffer.as_slice();
    let parts = copied().map(|(position, bytes)| round.get(*position..position + bytes));
    let copies = copies.copy(
        copied().map(|(_, bytes)| bytes).sum(),
        parts.map(Option::unwrap_or_default),
    );
    let round = if is_small_round {
        Bytes::new()
    } else {
        built.buffer.freeze()
    };
    let mut next_copy = 0;
    let cut = |(entry, (position, bytes)): (&Queued, (usize, usize))| {
        let Content::Batch(batch) = &entry.content else {
            return None;
        };
        let (memory, start) = if is_copied(bytes) {
            next_copy += bytes;
            (&copies, next_copy - bytes)
        } else {
            (&round, position)
        };
        Some(TailBatch {
            base_offset: batch.base_offset,
            last_offset: batch.base_offset + i64::from(batch.last_offset_delta),
            max_timestamp: batch.max_timestamp,
            round_seq: seq,
            bytes: memory.slice(start..start + bytes),
            is_shared: true,
        })
    };
    entries.iter().zip(payloads).map(cut).collect()
}
