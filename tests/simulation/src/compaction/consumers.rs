//! Consumers of committed records: what they get is what was committed and is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{LogId, Offset};
use storage::{AbortedTransaction, DiskRead, Isolation, Log, Read, ReadError};

use super::access::{self, Found};
use super::model::State;
use super::world::World;
use crate::batch::{self, Sight};
use crate::engine::{Checked, ensure};

/// A read that has begun, of which the disk has not been asked yet.
pub(super) struct LateRead {
    id: LogId,
    from: i64,
    read: DiskRead,
}

impl World {
    /// Reads all from an offset on, and compares with what is there.
    pub(super) fn consume(&mut self, log: u64, from: u64, bytes: usize) -> Checked {
        let id = self.choose(log);
        let Some(from) = self.offset_to_read(id, from)? else {
            return Ok(());
        };
        let log = self.storage.log(id).ok_or("a log is gone")?;
        let end = log.view().last_stable_offset.0;
        let found = present(&log).and_then(|present| {
            let consumed = consume_all(&log, from, end, bytes)?;
            Ok((present, consumed))
        });
        let (present, consumed) = match found {
            Err(_) if self.is_faulty => return Ok(()),
            found => found?,
        };
        let committed = self.committed(&log);
        let expected: Vec<i64> = present
            .into_iter()
            .filter(|offset| (from..end).contains(offset) && committed.contains(offset))
            .collect();
        ensure!(
            consumed == expected,
            "log {id}: from {from}, {bytes} bytes at a time: {consumed:?} are consumed, {expected:?} \
             committed and there"
        );
        self.tally.add("consumed", consumed.len() as u64);
        Ok(())
    }

    /// Begins a read. Others do their work before it is done.
    pub(super) fn begin_read(&mut self, log: u64, from: u64, bytes: usize) -> Checked {
        let id = self.choose(log);
        let Some(from) = self.offset_to_read(id, from)? else {
            return Ok(());
        };
        let log = self.storage.log(id).ok_or("a log is gone")?;
        match log.read(Offset(from), bytes, Isolation::ReadCommitted, true) {
            Ok(Read::Disk(read)) => self.late_read = Some(LateRead { id, from, read }),
            Ok(Read::Ready(_)) => {}
            Err(error) => return Err(format!("log {id}: read at {from}: {error:?}")),
        }
        Ok(())
    }

    /// Does the read that has begun. What was compacted meanwhile may be in it or not; the rest is.
    pub(super) fn end_read(&mut self) -> Checked {
        let Some(LateRead { id, from, read }) = self.late_read.take() else {
            return Ok(());
        };
        let log = self.storage.log(id).ok_or("a log is gone")?;
        let read = match read.run() {
            Ok(read) => read,
            Err(ReadError::OutOfRange { .. }) if from < log.view().log_start.0 => return Ok(()),
            Err(_) if self.is_faulty => return Ok(()),
            Err(error) => return Err(format!("log {id}: late read at {from}: {error:?}")),
        };
        let found = access::batches_of(&read)?;
        let end = found.last().map_or(from, |last| last.last + 1);
        let consumed = consumed(&found, &read.aborted, from)?;
        let present = match present(&log) {
            Err(_) if self.is_faulty => return Ok(()),
            present => present?,
        };
        let committed = self.committed(&log);
        let start = log.view().log_start.0.max(from);
        let is_missing = |offset: &&i64| {
            (start..end).contains(*offset)
                && committed.contains(*offset)
                && !consumed.contains(*offset)
        };
        let missing: Vec<_> = present.iter().filter(is_missing).collect();
        let is_wrong = |offset: &&i64| !committed.contains(*offset);
        let wrong: Vec<_> = consumed.iter().filter(is_wrong).collect();
        ensure!(
            missing.is_empty() && wrong.is_empty(),
            "log {id}: a late read from {from} to {end} lacks {missing:?}, and has {wrong:?} too many"
        );
        self.tally.add("consumed late", consumed.len() as u64);
        Ok(())
    }

    /// Chooses an offset below the end; `None` if there is none, or the log is damaged.
    fn offset_to_read(&self, id: LogId, number: u64) -> Checked<Option<i64>> {
        let log = self.storage.log(id).ok_or("a log is gone")?;
        let view = log.view();
        let (start, end) = (view.log_start.0, view.last_stable_offset.0);
        if log.is_quarantined() || end <= start {
            return Ok(None);
        }
        let number = number % (end - start).cast_unsigned();
        Ok(Some(start + number.cast_signed()))
    }

    /// The offsets of the records that are committed. A marker may stand behind the last stable
    /// offset; it has decided all the same.
    fn committed(&self, log: &Log) -> BTreeSet<i64> {
        let fates = self.logs[&log.id()].fates(log.view().high_watermark.0);
        fates
            .iter()
            .filter(|fate| fate.state == State::Committed)
            .map(|fate| fate.offset)
            .collect()
    }
}

/// The offsets of the records that are in a log.
fn present(log: &Arc<Log>) -> Checked<Vec<i64>> {
    let dump = access::dump(log)?;
    let records = dump.batches.iter().flat_map(|batch| &batch.records);
    Ok(records.map(|(offset, _)| *offset).collect())
}

/// The offsets that a consumer of committed records gets.
fn consume_all(log: &Arc<Log>, mut from: i64, end: i64, bytes: usize) -> Checked<Vec<i64>> {
    let mut offsets = Vec::new();
    while from < end {
        let read = access::read(log, from, bytes, Isolation::ReadCommitted)?;
        let Some((found, read)) = read.filter(|(found, _)| !found.is_empty()) else {
            return Err(format!("log {}: nothing at {from} below {end}", log.id()));
        };
        offsets.extend(consumed(&found, &read.aborted, from)?);
        from = found.last().map_or(end, |last| last.last + 1);
    }
    Ok(offsets)
}

/// The offsets that a consumer takes from an answer.
fn consumed(found: &[Found], aborted: &[AbortedTransaction], from: i64) -> Checked<Vec<i64>> {
    let batches = found.iter().map(|batch| (batch.last, &batch.bytes[..]));
    let aborted = aborted
        .iter()
        .map(|aborted| (aborted.first_offset.0, aborted.producer_id.0));
    let mut offsets = Vec::new();
    for (batch, sight) in found.iter().zip(batch::sights(batches, aborted)?) {
        if sight == Sight::Counts {
            let seen = batch.records.iter().map(|(offset, _)| *offset);
            offsets.extend(seen.filter(|offset| *offset >= from));
        }
    }
    Ok(offsets)
}
