//! Appending to several logs at once: all of it, or nothing.
//!
//! The locks of the logs are taken in the order of their ids and kept until all batches are in the
//! queue, which never splits them: they go into one round, and after a crash a round is there as a
//! whole or not at all.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::MutexGuard;

use super::append::{Candidate, Place, refused};
use super::{Log, LogState};
use crate::engine::Engine;
use crate::errors::{AppendError, AppendGroupError};
use crate::format::entry;
use crate::marks::{Mark, mark};
use crate::views::{Append, Appended, Sequence};
use crate::wal::queue::Coming;

/// How many batches go into one group. Their logs are locked while the group is taken.
const ENTRIES_MAX: usize = 10_000;

/// A batch of a group, and its log.
#[derive(Clone, Debug)]
pub struct GroupEntry {
    /// Where it goes.
    pub log: Arc<Log>,
    /// The batch, checked as for [`Log::append`].
    pub batch: Bytes,
    /// Who appends it.
    pub mode: Append,
}

/// Appends all batches, or none.
pub(crate) fn append_group(
    engine: &Engine,
    entries: &[GroupEntry],
) -> Result<Vec<Appended>, AppendGroupError> {
    let bytes = |entry: &GroupEntry| entry::BYTES + entry.batch.len();
    let body_bytes: usize = entries.iter().map(bytes).sum();
    if entries.len() > ENTRIES_MAX || body_bytes > engine.settings.round_bytes_max() {
        mark(Mark::GroupTooLarge);
        return Err(AppendGroupError::TooLarge);
    }
    let candidate = |(index, entry): (usize, &GroupEntry)| {
        let batch = entry.batch.clone();
        Candidate::new(engine, batch, entry.mode).map_err(of(index))
    };
    let candidates = entries.iter().enumerate().map(candidate);
    let candidates: Vec<_> = candidates.collect::<Result<_, _>>()?;
    let lacks_disk = |entry: &GroupEntry| entry.log.lacks_disk(body_bytes);
    let is_disk_full = entries.iter().any(lacks_disk);
    let now_ms = engine.env.clock.wall_ms();

    let mut logs = Locked::new(entries);
    let places = match logs.places(&candidates, is_disk_full, now_ms) {
        Ok(places) => places,
        Err(error) => {
            logs.note_refused(&candidates);
            return Err(error);
        }
    };
    // What is not the same for all logs is shown when all of it may be.
    let is_relaxed = logs.states.iter().all(|state| state.config.is_relaxed());
    let placed = candidates.iter().zip(&places).zip(entries);
    let coming = placed.map(|((candidate, place), entry)| Coming {
        log: Arc::clone(&entry.log),
        content: place.content(candidate),
    });
    let first = engine
        .queue
        .push_group(coming, is_relaxed)
        .map_err(|refusal| of(0)(refused(refusal)))?;
    mark(Mark::GroupQueued);
    let mut appended = Vec::with_capacity(entries.len());
    for (number, (candidate, place)) in candidates.iter().zip(places).enumerate() {
        let sequence = Sequence(first.0 + number as u64);
        let now = (engine.leader_epoch, now_ms);
        if let Some(state) = logs.of_entry(number) {
            appended.push(state.accept(candidate, place, sequence, now));
        }
    }
    drop(logs);
    engine.wake_committer();
    Ok(appended)
}

/// Names the entry that is in the way.
fn of(index: usize) -> impl Fn(AppendError) -> AppendGroupError {
    move |error| AppendGroupError::Entry { index, error }
}

/// The locked logs of a group.
struct Locked<'a> {
    /// In the order of the logs' ids.
    states: Vec<MutexGuard<'a, LogState>>,
    /// For each entry, which of them is its log's.
    of_entries: Vec<usize>,
}

impl<'a> Locked<'a> {
    fn new(entries: &'a [GroupEntry]) -> Self {
        let mut logs: Vec<_> = entries.iter().map(|entry| &entry.log).collect();
        logs.sort_unstable_by_key(|log| log.id);
        logs.dedup_by_key(|log| log.id);
        let place_of = |entry: &GroupEntry| logs.partition_point(|log| log.id < entry.log.id);
        Self {
            of_entries: entries.iter().map(place_of).collect(),
            states: logs.iter().map(|log| log.state.lock()).collect(),
        }
    }

    fn of_entry(&mut self, number: usize) -> Option<&mut LogState> {
        let state = self.states.get_mut(*self.of_entries.get(number)?)?;
        Some(state)
    }

    /// The places of all batches; an error if one cannot be appended. Changes nothing.
    fn places(
        &self,
        candidates: &[Candidate],
        is_disk_full: bool,
        now_ms: i64,
    ) -> Result<Vec<Place>, AppendGroupError> {
        let ends = self.states.iter().map(|state| state.appended_end);
        let mut ends: Vec<i64> = ends.collect();
        let mut producers = HashSet::new();
        let mut places = Vec::with_capacity(candidates.len());
        for (index, (candidate, log)) in candidates.iter().zip(&self.of_entries).enumerate() {
            let (Some(state), Some(end)) = (self.states.get(*log), ends.get_mut(*log)) else {
                continue;
            };
            let producer_id = candidate.header.producer_id;
            if producer_id >= 0 && !producers.insert((*log, producer_id)) {
                // It would have to be judged by what is not appended yet.
                return Err(of(index)(AppendError::InvalidBatch));
            }
            if let Some(original) = state.judge(candidate).map_err(of(index))? {
                return Err(AppendGroupError::Duplicate { index, original });
            }
            let place = state.place(&candidate.header, *end, now_ms);
            let place = place.map_err(of(index))?;
            *end = place.last_offset + 1;
            places.push(place);
        }
        match is_disk_full {
            true => Err(of(0)(AppendError::DiskFull)),
            false => Ok(places),
        }
    }

    /// Notes which batches were refused for what is wrong with others, or with the disk.
    fn note_refused(&mut self, candidates: &[Candidate]) {
        for (number, candidate) in candidates.iter().enumerate() {
            if let Some(state) = self.of_entry(number)
                && state.judge(candidate) == Ok(None)
            {
                state.note_refused(candidate);
            }
        }
    }
}
