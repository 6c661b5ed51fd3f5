//! One round: the compaction of one log, a piece at a time.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use wire::batch::{BatchView, Batches};

use super::filter::{Filter, opened, records};
use super::group::Group;
use super::offset_map::OffsetMap;
use super::plan::{GroupLimits, SegmentPart, groups};
use super::reader::Reader;
use super::transactions::SeenTransactions;
use crate::batch::BatchHeader;
use crate::engine::Engine;
use crate::flush::{SEGMENT_BYTES_MAX, SEGMENT_OFFSETS_MAX};
use crate::format::offset_index;
use crate::log::{CompactionSource, Log};
use crate::marks::{Mark, mark};
use crate::segment::{Segment, SegmentFault};

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to do; so many bytes were read and written.
    More { bytes: u64 },
    /// The log is compacted.
    Done,
}

/// Why a round ends early. What it has replaced so far stays replaced.
#[derive(Debug)]
pub(super) enum RoundError {
    /// A new segment cannot be written.
    Io(io::Error),
    /// A segment cannot be read from an offset on.
    Fault(SegmentFault, i64),
    /// The log is gone, or is not to be compacted any more, or has lost segments meanwhile.
    NotWanted,
}

impl From<io::Error> for RoundError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A round that is under way.
pub(super) struct Round {
    log: Arc<Log>,
    source: CompactionSource,
    phase: Phase,
    now_ms: i64,
    read_bytes: u64,
    written_bytes: u64,
}

enum Phase {
    /// Noting the last offset of each key in the dirty part.
    Mapping(Box<Mapping>),
    /// Writing what stays.
    Writing(Box<Writing>),
}

struct Mapping {
    map: OffsetMap,
    transactions: SeenTransactions,
    segments: VecDeque<Arc<Segment>>,
    reader: Option<Reader>,
}

struct Writing {
    filter: Filter,
    groups: VecDeque<Vec<Arc<Segment>>>,
    group: Option<Group>,
}

impl Round {
    pub(super) fn new(
        engine: &Engine,
        log: Arc<Log>,
        source: CompactionSource,
        now_ms: i64,
    ) -> Self {
        let from = source.plan.from;
        let dirty = source.segments.iter();
        let dirty: VecDeque<_> = dirty
            .filter(|segment| segment.facts().end_offset > from)
            .cloned()
            .collect();
        // No more keys than offsets.
        let keys = dirty.iter().map(|segment| {
            let first = segment.base_offset.max(from);
            (segment.facts().end_offset - first).cast_unsigned()
        });
        let settings = engine.compaction_settings();
        let map = OffsetMap::new(
            settings.memory_bytes,
            settings.memory_load_factor,
            keys.sum(),
            engine.env.rng.random_16(),
        );
        engine.metrics.set_compaction_memory(map.bytes());
        let transactions = SeenTransactions::new(&source.aborted, source.is_list_older_on_disk);
        Self {
            log,
            phase: Phase::Mapping(Box::new(Mapping {
                map,
                transactions,
                segments: dirty,
                reader: None,
            })),
            source,
            now_ms,
            read_bytes: 0,
            written_bytes: 0,
        }
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Up to where the records have been compacted with one another when the round is done.
    pub(super) fn mapped_end(&self) -> i64 {
        match &self.phase {
            Phase::Mapping(_) => self.source.plan.from,
            Phase::Writing(writing) => writing.filter.mapped_end,
        }
    }

    /// Reads a piece, and writes what stays of it.
    pub(super) fn step(&mut self, engine: &Engine) -> Result<Progress, RoundError> {
        if !self.log.is_compaction_wanted() {
            return Err(RoundError::NotWanted);
        }
        match &mut self.phase {
            Phase::Mapping(mapping) => {
                let (bytes, mapped_end) = mapping.step(engine, &self.source)?;
                self.read_bytes += bytes;
                if let Some(mapped_end) = mapped_end {
                    self.begin_writing(mapped_end);
                }
                Ok(Progress::More { bytes })
            }
            Phase::Writing(writing) => {
                let Some((read, written)) = writing.step(engine, &self.log, &self.source)? else {
                    let gone = std::mem::take(&mut writing.filter.transactions).into_gone();
                    let mapped_end = writing.filter.mapped_end;
                    self.log.finish_compaction(mapped_end, &gone);
                    return Ok(Progress::Done);
                };
                self.read_bytes += read;
                self.written_bytes += written;
                Ok(Progress::More {
                    bytes: read + written,
                })
            }
        }
    }

    fn begin_writing(&mut self, mapped_end: i64) {
        let Phase::Mapping(mapping) = &mut self.phase else {
            return;
        };
        let nothing = OffsetMap::new(0, 1.0, 0, [0; 16]);
        let config = &self.source.config;
        let filter = Filter {
            map: std::mem::replace(&mut mapping.map, nothing),
            mapped_end,
            until: self.source.plan.until,
            log_start: self.source.log_start,
            now_ms: self.now_ms,
            delete_retention_ms: config.delete_retention_ms,
            last_of_producers: std::mem::take(&mut self.source.last_of_producers),
            transactions: std::mem::take(&mut mapping.transactions),
        };
        let index_bytes = u64::try_from(config.segment_index_bytes).unwrap_or(0);
        let limits = GroupLimits {
            bytes: config.segment_bytes_max().min(SEGMENT_BYTES_MAX),
            offsets: SEGMENT_OFFSETS_MAX,
            index_entries: index_bytes / offset_index::ENTRY_BYTES as u64,
            index_interval: config.index_interval(),
        };
        let touched = self.source.segments.iter();
        let mut touched: Vec<_> = touched
            .filter(|segment| segment.base_offset < mapped_end)
            .cloned()
            .collect();
        let parts: Vec<_> = touched
            .iter()
            .map(|segment| SegmentPart::of(segment))
            .collect();
        let groups = groups(&parts, &limits);
        let groups = groups
            .into_iter()
            .map(|length| touched.drain(..length).collect())
            .collect();
        self.phase = Phase::Writing(Box::new(Writing {
            filter,
            groups,
            group: None,
        }));
    }

    /// Removes what has been written and does not count. What cannot be removed, the next attempt or
    /// the next start removes.
    pub(super) fn abandon(self, engine: &Engine) {
        if let Phase::Writing(writing) = self.phase
            && let Some(mut group) = writing.group
        {
            group.remove(engine);
        }
    }
}

impl Mapping {
    /// Notes the keys of a piece. Gives the bytes read, and where the map ends if that is done.
    fn step(
        &mut self,
        engine: &Engine,
        source: &CompactionSource,
    ) -> Result<(u64, Option<i64>), RoundError> {
        let Some(reader) = &mut self.reader else {
            let Some(segment) = self.segments.pop_front() else {
                return Ok((0, Some(source.plan.until)));
            };
            let interval = source.config.index_interval();
            let fs = engine.env.fs.as_ref();
            self.reader = Some(Reader::open(fs, &segment, source.plan.from, interval)?);
            return Ok((0, None));
        };
        let Some(batches) = reader.read(engine.compaction_settings().io_bytes)? else {
            self.reader = None;
            return Ok((0, None));
        };
        for batch in Batches::new(&batches) {
            let batch = batch.map_err(io::Error::other)?;
            if let Err(full_at) = self.note(&batch, source.plan.from) {
                mark(Mark::CompactedInPart);
                return Ok((batches.len() as u64, Some(full_at)));
            }
        }
        Ok((batches.len() as u64, None))
    }

    /// Notes the keys of a batch. Errs with the first offset for which there is no room.
    fn note(&mut self, batch: &BatchView<'_>, from: i64) -> Result<(), i64> {
        let header = BatchHeader::parse(batch.bytes());
        let is_data =
            |header: &BatchHeader| !header.is_control() && !self.transactions.is_aborted(header);
        if !header.as_ref().is_some_and(is_data) {
            return Ok(());
        }
        // What cannot be opened stays as it is, and takes no part.
        let Some(opened) = opened(batch) else {
            return Ok(());
        };
        for record in records(batch, &opened) {
            let offset = batch.base_offset.get() + i64::from(record.offset_delta);
            if let Some(key) = record.key.filter(|_| offset >= from) {
                self.map.insert(key, offset).map_err(|_| offset)?;
            }
        }
        Ok(())
    }
}

impl Writing {
    /// Writes what stays of a piece. Gives the bytes read and written; `None` if all is done.
    fn step(
        &mut self,
        engine: &Engine,
        log: &Log,
        source: &CompactionSource,
    ) -> Result<Option<(u64, u64)>, RoundError> {
        let fs = engine.env.fs.as_ref();
        let Some(group) = &mut self.group else {
            let Some(segments) = self.groups.pop_front() else {
                return Ok(None);
            };
            let directory = engine.log_directory(log.id().0);
            let interval = source.config.index_interval();
            self.group = Some(Group::begin(fs, directory, interval, segments)?);
            return Ok(Some((0, 0)));
        };
        let Some(batches) = group.read(engine)? else {
            if group.is_read() {
                group.finish(engine, log)?;
                self.group = None;
            }
            return Ok(Some((0, 0)));
        };
        let before = group.written_bytes();
        for batch in Batches::new(&batches) {
            let batch = batch.map_err(io::Error::other)?;
            let header = BatchHeader::parse(batch.bytes());
            // The reader has seen it a moment ago.
            let header = header.ok_or_else(|| io::Error::other("a batch has no header"))?;
            let kept = self.filter.judge(&header, batch.bytes());
            group.write(fs, &header, batch.bytes(), kept)?;
        }
        group.write_gathered()?;
        let written = group.written_bytes() - before;
        Ok(Some((batches.len() as u64, written)))
    }
}
