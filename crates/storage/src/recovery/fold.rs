//! Folding the entries of one log onto what its segments hold.

use std::path::Path;

use super::payloads::ReplayEntry;
use crate::batch::{BatchHeader, transaction_marker};
use crate::damage::{Damage, DamageCode, Quarantine};
use crate::engine::log_directory;
use crate::format::entry::EntryKind;
use crate::log::RestoredLog;
use crate::marks::{Mark, mark};
use crate::tail::TailBatch;
use crate::views::Sequence;

/// Applies one entry. Returns the damage that quarantines the log, if it does.
pub(crate) fn apply(log: &mut RestoredLog, replayed: &ReplayEntry, now_ms: i64) -> Option<Damage> {
    let entry = &replayed.entry;
    match entry.kind {
        EntryKind::Open | EntryKind::Handover => None,
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

/// A log whose start is known and whose batches up to there are missing ends where it starts: what is
/// below has been given up, and what may have followed is not known. Returns the damage, unless it is
/// one that has been named.
pub(crate) fn end_at_start(log: &mut RestoredLog, log_id: u32, data_dir: &Path) -> Option<Damage> {
    if log.log_start <= log.end {
        return None;
    }
    let damage = Damage {
        code: DamageCode::OffsetGap,
        path: log_directory(data_dir, log_id),
        position: 0,
        message: format!(
            "log {log_id:010} starts at offset {} and ends at {}; nothing of it is served",
            log.log_start, log.end
        ),
    };
    let is_new = log.quarantine.is_none();
    if is_new {
        quarantine(log, damage.clone());
    }
    log.end = log.log_start;
    is_new.then_some(damage)
}

/// Ends the log here.
fn quarantine(log: &mut RestoredLog, cause: Damage) -> Damage {
    let found = Quarantine {
        from: log.end,
        cause: cause.clone(),
    };
    log.quarantine = Some(found.earlier(log.quarantine.take()));
    cause
}

fn apply_batch(log: &mut RestoredLog, replayed: &ReplayEntry, now_ms: i64) -> Option<Damage> {
    let entry = &replayed.entry;
    let is_cut_off = log
        .quarantine
        .as_ref()
        .is_some_and(|found| found.from >= log.end);
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
        return Some(quarantine(log, damage));
    }
    let header = replayed.payload.as_deref().and_then(BatchHeader::parse);
    let (Some(payload), Some(header)) = (&replayed.payload, header) else {
        let damage = damage(DamageCode::WalPayload, "a batch does not have its checksum");
        mark(Mark::PayloadQuarantined);
        return Some(quarantine(log, damage));
    };
    let log_append_time_ms = if header.has_log_append_time() {
        header.max_timestamp
    } else {
        -1
    };
    let marker = transaction_marker(&header, payload);
    log.producers.apply(
        &header,
        marker,
        header.base_offset,
        log_append_time_ms,
        Sequence(0),
        now_ms,
    );
    log.transactions.apply(&header, marker);
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

#[cfg(test)]
mod tests;
