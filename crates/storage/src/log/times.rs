//! Finding records by their time.

use std::sync::Arc;

use bytes::Bytes;
use env::OpenMode;
use model::{LeaderEpoch, Offset, TimestampMs};
use wire::batch::{BatchView, Records};

use super::Log;
use super::read::index_interval;
use crate::batch::BatchHeader;
use crate::errors::ReadError;
use crate::segment::{BatchScanner, Expected, Segment, SegmentFault};
use crate::views::{Isolation, TimestampAndOffset};

/// How far a batch is opened to look at its records' times, in bytes; a large one a few times its own
/// size. Several batches are opened at the same time, and anybody may have made them.
const OPENED_BYTES_MAX: usize = 16 << 20;
const OPENED_BYTES_PER_BYTE: usize = 4;
/// How many batches in memory are looked into. Each of them holds a record that fits, unless the
/// log starts behind it or its records are malformed.
const CANDIDATES_MAX: usize = 64;

impl Log {
    /// The first record below the end that `isolation` sets whose timestamp is at least this; `None`
    /// if there is none. May read the disk, so it is to be run where blocking is allowed.
    pub fn offset_for_timestamp(
        &self,
        timestamp_ms: TimestampMs,
        isolation: Isolation,
    ) -> Result<Option<TimestampAndOffset>, ReadError> {
        let (search, segments, in_memory, is_cut_off) = {
            let state = self.state.lock();
            if state.is_deleted {
                return Err(ReadError::Deleted);
            }
            let search = Search {
                log_start: state.log_start,
                end: state.end_for(isolation),
                timestamp_ms,
                interval: index_interval(&state),
            };
            // Taken together with the segments: batches move from here to there.
            let in_memory: Vec<Bytes> = state
                .tail
                .unflushed()
                .filter(|batch| batch.max_timestamp >= timestamp_ms)
                .filter(|batch| (search.log_start..search.end).contains(&batch.last_offset))
                .take(CANDIDATES_MAX)
                .map(|batch| batch.bytes.clone())
                .collect();
            let is_cut_off = self.is_cut_off(&state);
            (search, state.segments.clone(), in_memory, is_cut_off)
        };
        for segment in &segments {
            let facts = segment.facts();
            if facts.max_timestamp >= timestamp_ms && facts.end_offset > search.log_start {
                let found = self.search_segment(segment, &search).map_err(|fault| {
                    self.note_fault(fault, segment.base_offset.max(search.log_start))
                })?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        let found = in_memory.iter().find_map(|batch| search.in_batch(batch));
        if found.is_none() && is_cut_off {
            // It may have been in what is lost.
            return Err(ReadError::Damaged);
        }
        Ok(found)
    }

    fn search_segment(
        &self,
        segment: &Arc<Segment>,
        search: &Search,
    ) -> Result<Option<TimestampAndOffset>, SegmentFault> {
        let fs = self.engine.env.fs.as_ref();
        let (position, offset) =
            segment.position_before_timestamp(fs, search.timestamp_ms, search.interval)?;
        let expected = Expected {
            offset,
            ..Expected::default()
        };
        let path = segment.path();
        let (file, facts) = segment.open(fs, OpenMode::Read)?;
        let mut scanner = BatchScanner::new(file, position, facts.bytes, expected);
        let fault = |error: crate::segment::ScanError| error.into_fault(&path);
        // Also what is passed over has its checksum: a wrong time must not hide a record.
        while let Some((header, batch)) = scanner.next_batch().map_err(fault)? {
            if header.last_offset() >= search.end {
                return Ok(None);
            }
            if header.max_timestamp < search.timestamp_ms {
                continue;
            }
            let found = search.in_batch(&batch);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first of the records with the largest timestamp of the log (KIP-734); `None` if the log
    /// is empty. May read the disk, so it is to be run where blocking is allowed.
    pub fn offset_of_max_timestamp(&self) -> Result<Option<TimestampAndOffset>, ReadError> {
        let largest = {
            let state = self.state.lock();
            if self.is_cut_off(&state) {
                // It may have been in what is lost.
                return Err(ReadError::Damaged);
            }
            let tail = state.tail.unflushed().map(|batch| batch.max_timestamp);
            let segments = state
                .segments
                .iter()
                .map(|segment| segment.facts().max_timestamp);
            segments.chain(tail).max()
        };
        match largest {
            Some(timestamp_ms) => {
                self.offset_for_timestamp(timestamp_ms, Isolation::ReadUncommitted)
            }
            None => Ok(None),
        }
    }
}

/// What is looked for.
struct Search {
    log_start: i64,
    end: i64,
    timestamp_ms: i64,
    interval: u64,
}

impl Search {
    /// The first record of a batch that fits. The times of records that cannot be opened are taken
    /// for that of the batch.
    fn in_batch(&self, bytes: &[u8]) -> Option<TimestampAndOffset> {
        let header = BatchHeader::parse(bytes)?;
        let (view, _) = BatchView::parse(bytes).ok()?;
        let at = |timestamp_ms, offset| TimestampAndOffset {
            timestamp_ms,
            offset: Offset(offset),
            leader_epoch: LeaderEpoch(header.leader_epoch),
        };
        let whole = at(header.max_timestamp, header.base_offset.max(self.log_start));
        if header.has_log_append_time() {
            let fits =
                header.max_timestamp >= self.timestamp_ms && header.last_offset() >= self.log_start;
            return fits.then_some(whole);
        }
        let opened_bytes_max = OPENED_BYTES_MAX.max(bytes.len() * OPENED_BYTES_PER_BYTE);
        let Ok(opened) = view.decompressed(opened_bytes_max) else {
            return Some(whole);
        };
        let base_timestamp = view.header().base_timestamp;
        Records::new(&opened, view.header().record_count)
            .map_while(Result::ok)
            // Of a compressed batch nobody has looked inside.
            .take_while(|record| (0..=header.last_offset_delta).contains(&record.offset_delta))
            .map(|record| {
                at(
                    base_timestamp.saturating_add(record.timestamp_delta),
                    header.base_offset + i64::from(record.offset_delta),
                )
            })
            .find(|found| {
                found.timestamp_ms >= self.timestamp_ms && found.offset.get() >= self.log_start
            })
    }
}
