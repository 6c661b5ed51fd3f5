//! Folding the entries of one log onto what its segments hold.

use super::payloads::ReplayEntry;
use crate::batch::{BatchHeader, transaction_marker};
use crate::damage::{Damage, DamageCode};
use crate::format::entry::EntryKind;
use crate::log::RestoredLog;
use crate::marks::{Mark, mark};
use crate::tail::TailBatch;
use crate::views::Sequence;

/// Applies one entry. Returns the damage that quarantines the log, if it does.
pub(crate) fn apply(log: &mut RestoredLog, replayed: &ReplayEntry, now_ms: i64) -> Option<Damage> {
    let entry = &replayed.entry;
    match entry.kind {
        EntryKind::Open => None,
        EntryKind::SetLogStart => {
            let log_start = entry.base_offset.min(log.end);
            if log_start > log.log_start {
                mark(Mark::LogStartApplied);
                log.log_start = log_start;
                log.transactions.forget_below(log_start);
                log.epochs.forget_below(log_start);
            }
            None
        }
        EntryKind::Batch => apply_batch(log, replayed, now_ms),
    }
}

fn apply_batch(log: &mut RestoredLog, replayed: &ReplayEntry, now_ms: i64) -> Option<Damage> {
    let entry = &replayed.entry;
    let is_cut_off = log.quarantined_from.is_some_and(|first| first >= log.end);
    if entry.base_offset < log.end || is_cut_off {
        return None;
    }
    let damage = |code, what: &str| Damage {
        code,
        path: replayed.path.clone(),
        position: replayed.position,
        message: format!(
            "log {:010}: {what}; nothing from offset {} on is served",
            entry.log_id, log.end
        ),
    };
    if entry.base_offset > log.end {
        let message = format!("the batch at offset {} is missing", log.end);
        let damage = damage(DamageCode::OffsetGap, &message);
        mark(Mark::OffsetGap);
        log.quarantined_from = Some(log.end);
        return Some(damage);
    }
    let header = replayed.payload.as_deref().and_then(BatchHeader::parse);
    let (Some(payload), Some(header)) = (&replayed.payload, header) else {
        let damage = damage(DamageCode::WalPayload, "a batch does not have its checksum");
        mark(Mark::PayloadQuarantined);
        log.quarantined_from = Some(log.end);
        return Some(damage);
    };
    let log_append_time_ms = if header.has_log_append_time() {
        header.max_timestamp
    } else {
        -1
    };
    log.producers.apply(
        &header,
        header.base_offset,
        log_append_time_ms,
        Sequence(0),
        now_ms,
    );
    if header.is_transactional() {
        log.transactions.apply(&header, transaction_marker(payload));
    }
    mark(Mark::BatchApplied);
    log.epochs.note(header.leader_epoch, header.base_offset);
    log.end = header.last_offset() + 1;
    log.tail.push(TailBatch {
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        max_timestamp: header.max_timestamp,
        round_seq: replayed.seq,
        bytes: payload.clone(),
        is_shared: true,
    });
    None
}
