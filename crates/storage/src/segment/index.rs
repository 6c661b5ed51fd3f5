//! The indexes of a segment in memory: loaded from their files as far as those are sound, and
//! completed by reading the segment.

use env::Fs;

use super::{INDEX, ScanError, Segment, SegmentFacts, SegmentFault, TIME_INDEX};
use crate::batch::BatchHeader;
use crate::format::offset_index::{self, IndexOf, OffsetIndexEntry};
use crate::format::time_index::{self, TimeIndexEntry};
use crate::marks::{Mark, mark};

#[derive(Clone, Debug, Default)]
pub(crate) struct SegmentIndex {
    offsets: Vec<OffsetIndexEntry>,
    times: Vec<TimeIndexEntry>,
    /// How far the segment has been folded in.
    indexed_bytes: u64,
    bytes_since_entry: u64,
    max_timestamp: i64,
    /// How many entries both files are known to hold.
    stored: usize,
}

impl SegmentIndex {
    /// The index of a segment without batches.
    pub(crate) fn empty() -> Self {
        Self {
            max_timestamp: i64::MIN,
            ..Self::default()
        }
    }

    /// Loads what the files hold and reads on in the segment from there. Damaged or missing files
    /// cost only time.
    pub(crate) fn load(
        fs: &dyn Fs,
        segment: &Segment,
        facts: SegmentFacts,
        interval: u64,
    ) -> Result<Self, SegmentFault> {
        let path = segment.path();
        let mut index = Self::from_files(fs, segment, facts.bytes);
        let mut start = (0, segment.base_offset);
        if let Some(last) = index.offsets.last() {
            start = (
                u64::from(last.position),
                segment.base_offset + i64::from(last.offset_delta),
            );
        }
        let mut scanner = segment.scanner_at(fs, &facts, start)?;
        if index.offsets.is_empty() || matches!(scanner.peek(), Ok(Some(_))) {
            index.indexed_bytes = start.0;
        } else {
            index = Self::empty();
            scanner = segment.scanner_at(fs, &facts, (0, segment.base_offset))?;
        }
        mark(match index.offsets.is_empty() {
            true => Mark::IndexBuilt,
            false => Mark::IndexLoaded,
        });
        // The batch of the last entry has its entry already.
        index.bytes_since_entry = 0;
        loop {
            match scanner.peek() {
                Ok(Some(header)) => {
                    index.add(segment.base_offset, &header, interval);
                    scanner.skip(&header);
                }
                Ok(None) => return Ok(index),
                // What lies before the damage can be found still.
                Err(ScanError::Unsound(_)) => return Ok(index),
                Err(error) => return Err(error.into_fault(&path)),
            }
        }
    }

    fn from_files(fs: &dyn Fs, segment: &Segment, bytes: u64) -> Self {
        let read = |suffix| fs.read(&segment.file(suffix)).unwrap_or_default();
        let mut offsets = offset_index::decode(&read(INDEX), segment.index_of());
        let mut times = time_index::decode(&read(TIME_INDEX), segment.index_of());
        // Both have an entry for the same batches.
        let agreeing = offsets
            .iter()
            .zip(&times)
            .take_while(|(offset, time)| offset.offset_delta == time.offset_delta)
            .count();
        // Entries of what was written and did not come to count.
        let counting = offsets.partition_point(|entry| u64::from(entry.position) < bytes);
        let agreeing = agreeing.min(counting);
        offsets.truncate(agreeing);
        times.truncate(agreeing);
        Self {
            max_timestamp: times.last().map_or(i64::MIN, |entry| entry.max_timestamp),
            stored: agreeing,
            offsets,
            times,
            ..Self::default()
        }
    }

    /// Folds in the next batch.
    pub(crate) fn add(&mut self, segment_base: i64, header: &BatchHeader, interval: u64) {
        let offset_delta = u32::try_from(header.base_offset - segment_base).unwrap_or(u32::MAX);
        let position = u32::try_from(self.indexed_bytes).unwrap_or(u32::MAX);
        let is_new = self
            .offsets
            .last()
            .is_none_or(|last| last.offset_delta < offset_delta && last.position < position);
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
        if is_new && self.bytes_since_entry > interval {
            self.offsets.push(OffsetIndexEntry {
                offset_delta,
                position,
            });
            // Up to and with this batch no timestamp is larger.
            self.times.push(TimeIndexEntry {
                max_timestamp: self.max_timestamp,
                offset_delta,
            });
            self.bytes_since_entry = 0;
        }
        self.indexed_bytes += header.bytes as u64;
        self.bytes_since_entry += header.bytes as u64;
    }

    pub(crate) fn indexed_bytes(&self) -> u64 {
        self.indexed_bytes
    }

    /// Whether another entry keeps the files within this many bytes.
    pub(crate) fn has_room(&self, bytes_max: i32) -> bool {
        let bytes = offset_index::HEADER_BYTES + self.offsets.len() * offset_index::ENTRY_BYTES;
        let bytes_max = usize::try_from(bytes_max).unwrap_or(0);
        bytes + offset_index::ENTRY_BYTES <= bytes_max
    }

    /// The position and the offset of a batch at or before the one that holds the offset.
    pub(crate) fn position_before(&self, segment_base: i64, offset: i64) -> (u64, i64) {
        let delta = u32::try_from((offset - segment_base).max(0)).unwrap_or(u32::MAX);
        let above = self
            .offsets
            .partition_point(|entry| entry.offset_delta <= delta);
        above
            .checked_sub(1)
            .and_then(|at| self.offsets.get(at))
            .map_or((0, segment_base), |entry| {
                (
                    u64::from(entry.position),
                    segment_base + i64::from(entry.offset_delta),
                )
            })
    }

    /// The position and the offset of the last batch with an entry that begins at or before both.
    pub(crate) fn last_before(
        &self,
        segment_base: i64,
        position: u64,
        offset: i64,
    ) -> Option<(u64, i64)> {
        let place = |entry: &OffsetIndexEntry| {
            (
                u64::from(entry.position),
                segment_base + i64::from(entry.offset_delta),
            )
        };
        let above = self.offsets.partition_point(|entry| {
            let (at, begins) = place(entry);
            at <= position && begins <= offset
        });
        above
            .checked_sub(1)
            .and_then(|at| self.offsets.get(at))
            .map(place)
    }

    /// An offset up to which every batch has a smaller timestamp.
    pub(crate) fn offset_before_timestamp(&self, segment_base: i64, timestamp: i64) -> Option<i64> {
        let above = self
            .times
            .partition_point(|entry| entry.max_timestamp < timestamp);
        let entry = above.checked_sub(1).and_then(|at| self.times.get(at))?;
        Some(segment_base + i64::from(entry.offset_delta))
    }

    /// What the files lack: the position to write at, and the bytes, for the offset index and the
    /// time index.
    pub(crate) fn take_unstored(&mut self, segment: IndexOf) -> [(u64, Vec<u8>); 2] {
        let (mut offsets, mut times) = (Vec::new(), Vec::new());
        let mut places = [
            (offset_index::HEADER_BYTES + self.stored * offset_index::ENTRY_BYTES) as u64,
            (time_index::HEADER_BYTES + self.stored * time_index::ENTRY_BYTES) as u64,
        ];
        if self.stored == 0 {
            offsets = offset_index::encode_header(segment);
            times = time_index::encode_header(segment);
            places = [0, 0];
        }
        for entry in self.offsets.iter().skip(self.stored) {
            offset_index::encode_entry(segment, *entry, &mut offsets);
        }
        for entry in self.times.iter().skip(self.stored) {
            time_index::encode_entry(segment, *entry, &mut times);
        }
        self.stored = self.offsets.len();
        let [offsets_place, times_place] = places;
        [(offsets_place, offsets), (times_place, times)]
    }
}
