//! What stays of a batch. Decides, and touches nothing.
//!
//! Of the records of a key the last one stays; a tombstone until its delete horizon. Records of
//! aborted transactions go. A batch without records goes too, unless it is the last thing known of
//! its producer, or the last of what is compacted: a reader that has come so far must find where to
//! go on (KIP-98, KIP-534).

use std::borrow::Cow;
use std::collections::HashMap;

use wire::batch::{BatchView, RecordView, Records, retain};

use super::offset_map::OffsetMap;
use super::transactions::{MarkerUse, SeenTransactions};
use crate::batch::{BatchHeader, OPENED_BYTES_MAX, transaction_marker};
use crate::marks::{Mark, mark};

/// The last that a producer has left in the segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastOfProducer {
    /// A batch that ends at this offset.
    Batch { last_offset: i64 },
    /// Markers only, the newest of this epoch.
    Marker { epoch: i16 },
}

/// What stays of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it, as it is.
    Whole,
    /// This batch in its place.
    Rewritten(Vec<u8>),
    /// Nothing.
    Nothing,
}

/// What decides over a round.
#[derive(Debug)]
pub(crate) struct Filter {
    /// The last offsets of the keys.
    pub map: OffsetMap,
    /// Records from here on are not in the map.
    pub mapped_end: i64,
    /// Where what is compacted ends.
    pub until: i64,
    pub log_start: i64,
    pub now_ms: i64,
    pub delete_retention_ms: i64,
    pub last_of_producers: HashMap<i64, LastOfProducer>,
    pub transactions: SeenTransactions,
}

impl Filter {
    /// Judges the next batch.
    pub(crate) fn judge(&mut self, header: &BatchHeader, batch: &[u8]) -> Kept {
        if header.last_offset() < self.log_start {
            return Kept::Nothing;
        }
        let Ok((view, _)) = BatchView::parse(batch) else {
            return Kept::Whole;
        };
        if header.is_control() {
            return self.judge_control(header, &view);
        }
        self.transactions.see_data(header);
        if self.transactions.is_aborted(header) {
            return self.without_records(header, &view);
        }
        // What cannot be opened is nobody's to throw away.
        let Some(opened) = opened(&view) else {
            return Kept::Whole;
        };
        let all = || records(&view, &opened);
        let stays: Vec<bool> = all().map(|record| self.stays(&view, &record)).collect();
        let kept = all()
            .zip(&stays)
            .filter_map(|(record, stays)| stays.then_some(record));
        if !stays.contains(&true) {
            return self.without_records(header, &view);
        }
        let has_tombstone = kept.clone().any(|record| record.value.is_none());
        let horizon_ms = (has_tombstone && !view.attributes.has_delete_horizon())
            .then(|| self.now_ms.saturating_add(self.delete_retention_ms));
        if !stays.contains(&false) && horizon_ms.is_none() {
            return Kept::Whole;
        }
        mark(Mark::BatchRewritten);
        Kept::Rewritten(retain(&view, kept, horizon_ms))
    }

    fn stays(&self, batch: &BatchView<'_>, record: &RecordView<'_>) -> bool {
        let offset = batch.base_offset.get() + i64::from(record.offset_delta);
        if offset >= self.mapped_end {
            return true;
        }
        // A record without a key, from the time before the log was compacted, is nobody's last one.
        let Some(key) = record.key else {
            return false;
        };
        if self.map.get(key).is_some_and(|last| offset < last) {
            return false;
        }
        let is_over = record.value.is_none() && self.is_past_horizon(batch);
        if is_over {
            mark(Mark::TombstoneDropped);
        }
        !is_over
    }

    fn is_past_horizon(&self, batch: &BatchView<'_>) -> bool {
        batch.attributes.has_delete_horizon() && self.now_ms >= batch.base_timestamp
    }

    fn judge_control(&mut self, header: &BatchHeader, view: &BatchView<'_>) -> Kept {
        if view.record_count == 0 {
            return self.without_records(header, view);
        }
        let Some(marker) = transaction_marker(header, view.bytes()) else {
            return Kept::Whole;
        };
        match self.transactions.see_marker(header, marker.is_commit) {
            MarkerUse::Needed => Kept::Whole,
            MarkerUse::Spare if self.is_past_horizon(view) => {
                mark(Mark::MarkerDropped);
                self.without_records(header, view)
            }
            MarkerUse::Spare | MarkerUse::StillListed => {
                let Some(opened) = opened(view).filter(|_| !view.attributes.has_delete_horizon())
                else {
                    return Kept::Whole;
                };
                let horizon_ms = self.now_ms.saturating_add(self.delete_retention_ms);
                Kept::Rewritten(retain(view, records(view, &opened), Some(horizon_ms)))
            }
        }
    }

    /// What stays of a batch that has lost all its records.
    fn without_records(&self, header: &BatchHeader, view: &BatchView<'_>) -> Kept {
        let is_last_of_producer = match self.last_of_producers.get(&header.producer_id) {
            Some(LastOfProducer::Batch { last_offset }) => *last_offset == header.last_offset(),
            Some(LastOfProducer::Marker { epoch }) => {
                header.is_control() && *epoch == header.producer_epoch
            }
            None => false,
        };
        let is_end = header.last_offset() + 1 == self.until;
        if !is_last_of_producer && !is_end {
            mark(Mark::BatchDropped);
            Kept::Nothing
        } else if view.record_count == 0 {
            Kept::Whole
        } else {
            mark(Mark::BatchEmptied);
            Kept::Rewritten(retain(view, std::iter::empty(), None))
        }
    }
}

/// The uncompressed records of a batch. `None` if they are more than is opened, or not what the header
/// says: nobody has looked inside a compressed one.
pub(super) fn opened<'a>(batch: &BatchView<'a>) -> Option<Cow<'a, [u8]>> {
    let opened = batch.decompressed(OPENED_BYTES_MAX).ok()?;
    if opened.len() > OPENED_BYTES_MAX {
        return None;
    }
    let mut last = -1;
    for record in Records::new(&opened, batch.record_count) {
        let offset_delta = record.ok()?.offset_delta;
        if offset_delta <= last || offset_delta > batch.last_offset_delta {
            return None;
        }
        last = offset_delta;
    }
    Some(opened)
}

/// The records of a batch that has been [`opened`], one by one: in memory they would take many times
/// their bytes.
pub(super) fn records<'a>(
    batch: &BatchView<'_>,
    opened: &'a [u8],
) -> impl Iterator<Item = RecordView<'a>> + Clone {
    Records::new(opened, batch.record_count).map_while(Result::ok)
}

#[cfg(test)]
mod tests;
