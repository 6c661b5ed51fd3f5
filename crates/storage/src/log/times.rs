//! Finding records by their time.

use std::sync::Arc;

use bytes::Bytes;
use model::{LeaderEpoch, Offset, TimestampMs};
use wire::batch::{BatchView, Records};

use super::{Log, LogState};
use crate::batch::BatchHeader;
use crate::errors::ReadError;
use crate::segment::{ScanError, Segment, SegmentFault};
use crate::views::{Isolation, TimestampAndOffset};

/// How far a batch is opened to look at its records' times, in bytes; a large one a few times its own
/// size. Several batches are opened at the same time, and anybody may have made them.
const OPENED_BYTES_MAX: usize = 16 << 20;
const OPENED_BYTES_PER_BYTE: usize = 4;
/// How many batches in memory are looked into. Each of them holds a record that fits, unless the
/// log starts behind it or its records are malformed.
const CANDIDATES_MAX: usize = 64;
/// How often a search begins anew because compaction has replaced what it looked into. Each time
/// takes the compaction of a log.
const ATTEMPTS_MAX: usize = 8;

impl Log {
    /// The first record below the end that `isolation` sets whose timestamp is at least this; `None`
    /// if there is none. May read the disk, so it is to be run where blocking is allowed.
    pub fn offset_for_timestamp(
        &self,
        timestamp_ms: TimestampMs,
        isolation: Isolation,
    ) -> Result<Option<TimestampAndOffset>, ReadError> {
        self.search(|| self.first_at_least(timestamp_ms, isolation))
    }

    /// The first of the records with the largest timestamp of the log (KIP-734); `None` if no record
    /// has one. May read the disk, so it is to be run where blocking is allowed.
    pub fn offset_of_max_timestamp(&self) -> Result<Option<TimestampAndOffset>, ReadError> {
        self.search(|| match self.largest_timestamp()? {
            Some(largest) => self.first_at_least(largest, Isolation::ReadUncommitted),
            None => Ok(None),
        })
    }

    /// Runs a search, and again if compaction has replaced what it looked into.
    fn search<T>(&self, search: impl Fn() -> Result<T, SearchError>) -> Result<T, ReadError> {
        for _ in 0..ATTEMPTS_MAX {
            match search() {
                Ok(found) => return Ok(found),
                Err(SearchError::Read(error)) => return Err(error),
                Err(SearchError::Fault(segment, fault, offset)) => {
                    if !self.is_replaced(&segment) {
                        return Err(self.note_fault(fault, offset));
                    }
                }
            }
        }
        Err(ReadError::Damaged)
    }

    fn is_replaced(&self, segment: &Segment) -> bool {
        let _state = self.state.lock();
        segment.is_replaced()
    }

    fn first_at_least(
        &self,
        timestamp_ms: TimestampMs,
        isolation: Isolation,
    ) -> Result<Option<TimestampAndOffset>, SearchError> {
        let (range, segments, in_memory, is_cut_off) = {
            let state = self.state.lock();
            let range = Range::of(&state, isolation)?;
            // Taken together with the segments: batches move from here to there.
            let in_memory: Vec<Bytes> = state
                .tail
                .unflushed()
                .filter(|batch| batch.max_timestamp >= timestamp_ms)
                .filter(|batch| (range.log_start..range.end).contains(&batch.last_offset))
                .take(CANDIDATES_MAX)
                .map(|batch| batch.bytes.clone())
                .collect();
            let is_cut_off = self.is_cut_off(&state);
            (range, state.segments.clone(), in_memory, is_cut_off)
        };
        for segment in &segments {
            let facts = segment.facts();
            if facts.max_timestamp >= timestamp_ms && facts.end_offset > range.log_start {
                let found = self.first_in_segment(segment, &range, timestamp_ms);
                let found = found.map_err(|fault| range.fault(segment, fault))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        let mut batches = in_memory.iter();
        let found = batches.find_map(|batch| range.first_in_batch(batch, timestamp_ms));
        if found.is_none() && is_cut_off {
            // It may have been in what is lost.
            return Err(SearchError::Read(ReadError::Damaged));
        }
        Ok(found)
    }

    fn first_in_segment(
        &self,
        segment: &Segment,
        range: &Range,
        timestamp_ms: TimestampMs,
    ) -> Result<Option<TimestampAndOffset>, SegmentFault> {
        let fs = self.engine.env.fs.as_ref();
        let start = segment.position_before_timestamp(fs, timestamp_ms, range.interval)?;
        let mut scanner = segment.scanner_at(fs, &segment.facts(), start)?;
        let fault = |error: ScanError| error.into_fault(&segment.path());
        // Also what is passed over has its checksum: a wrong time must not hide a record.
        while let Some((header, batch)) = scanner.next_batch().map_err(fault)? {
            if header.last_offset() >= range.end {
                return Ok(None);
            }
            if header.max_timestamp < timestamp_ms {
                continue;
            }
            let found = range.first_in_batch(&batch, timestamp_ms);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The largest timestamp of the log, if there is any. Segments and batches tell theirs; those
    /// within which the log starts are opened, as the record may lie before that.
    fn largest_timestamp(&self) -> Result<Option<TimestampMs>, SearchError> {
        let (range, mut largest, cut_segment, cut_batch) = {
            let state = self.state.lock();
            if self.is_cut_off(&state) {
                // It may have been in what is lost.
                return Err(SearchError::Read(ReadError::Damaged));
            }
            let range = Range::of(&state, Isolation::ReadUncommitted)?;
            let (mut largest, mut cut_segment, mut cut_batch) = (-1, None, None);
            for segment in &state.segments {
                let facts = segment.facts();
                if segment.base_offset >= range.log_start {
                    largest = facts.max_timestamp.max(largest);
                } else if facts.end_offset > range.log_start {
                    cut_segment = Some(Arc::clone(segment));
                }
            }
            for batch in state.tail.unflushed() {
                if batch.base_offset >= range.log_start {
                    largest = batch.max_timestamp.max(largest);
                } else if batch.last_offset >= range.log_start {
                    cut_batch = Some(batch.bytes.clone());
                }
            }
            (range, largest, cut_segment, cut_batch)
        };
        if let Some(segment) = &cut_segment {
            let found = self.largest_in_segment(segment, &range);
            let found = found.map_err(|fault| range.fault(segment, fault))?;
            largest = found.max(largest);
        }
        if let Some(batch) = &cut_batch {
            largest = range.largest(batch).max(largest);
        }
        Ok((largest >= 0).then_some(largest))
    }

    fn largest_in_segment(
        &self,
        segment: &Segment,
        range: &Range,
    ) -> Result<TimestampMs, SegmentFault> {
        let fs = self.engine.env.fs.as_ref();
        let start = segment.position_before(fs, range.log_start, range.interval)?;
        let mut scanner = segment.scanner_at(fs, &segment.facts(), start)?;
        let fault = |error: ScanError| error.into_fault(&segment.path());
        let mut largest = -1;
        while let Some((header, batch)) = scanner.next_batch().map_err(fault)? {
            if header.base_offset >= range.log_start {
                largest = header.max_timestamp.max(largest);
            } else if header.last_offset() >= range.log_start {
                largest = range.largest(&batch);
            }
        }
        Ok(largest)
    }
}

/// Why nothing was found out.
enum SearchError {
    Read(ReadError),
    /// A segment cannot be read, and from which offset on that keeps readers away.
    Fault(Arc<Segment>, SegmentFault, i64),
}

/// What readers see of the log.
struct Range {
    log_start: i64,
    end: i64,
    interval: u64,
}

impl Range {
    fn of(state: &LogState, isolation: Isolation) -> Result<Self, SearchError> {
        if state.is_deleted {
            return Err(SearchError::Read(ReadError::Deleted));
        }
        Ok(Self {
            log_start: state.log_start,
            end: state.end_for(isolation),
            interval: state.config.index_interval(),
        })
    }

    fn fault(&self, segment: &Arc<Segment>, fault: SegmentFault) -> SearchError {
        let offset = segment.base_offset.max(self.log_start);
        SearchError::Fault(Arc::clone(segment), fault, offset)
    }

    fn first_in_batch(
        &self,
        batch: &[u8],
        timestamp_ms: TimestampMs,
    ) -> Option<TimestampAndOffset> {
        let mut found = None;
        self.visit(batch, |record| {
            found = (record.timestamp_ms >= timestamp_ms).then_some(record);
            found.is_none()
        });
        found
    }

    fn largest(&self, batch: &[u8]) -> TimestampMs {
        let mut largest = -1;
        self.visit(batch, |record| {
            largest = record.timestamp_ms.max(largest);
            true
        });
        largest
    }

    /// Shows the records of a batch for as long as `goes_on` wants. One that cannot be opened counts as
    /// one record, with the time of the batch.
    fn visit(&self, bytes: &[u8], mut goes_on: impl FnMut(TimestampAndOffset) -> bool) {
        let (Some(header), Ok((view, _))) = (BatchHeader::parse(bytes), BatchView::parse(bytes))
        else {
            return;
        };
        let at = |timestamp_ms, offset| TimestampAndOffset {
            timestamp_ms,
            offset: Offset(offset),
            leader_epoch: LeaderEpoch(header.leader_epoch),
        };
        let opened_bytes_max = OPENED_BYTES_MAX.max(bytes.len() * OPENED_BYTES_PER_BYTE);
        let Ok(opened) = view.decompressed(opened_bytes_max) else {
            let offset = header.base_offset.max(self.log_start);
            goes_on(at(header.max_timestamp, offset));
            return;
        };
        let records = Records::new(&opened, view.record_count)
            .map_while(Result::ok)
            // Of a compressed batch nobody has looked inside.
            .take_while(|record| (0..=header.last_offset_delta).contains(&record.offset_delta));
        let records = records.map(|record| {
            let timestamp_ms = if header.has_log_append_time() {
                header.max_timestamp
            } else {
                view.base_timestamp.saturating_add(record.timestamp_delta)
            };
            at(
                timestamp_ms,
                header.base_offset + i64::from(record.offset_delta),
            )
        });
        let mut seen = records.filter(|record| record.offset.get() >= self.log_start);
        while seen.next().is_some_and(&mut goes_on) {}
    }
}
