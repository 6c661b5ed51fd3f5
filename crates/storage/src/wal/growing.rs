//! The last round, while it may still grow.
//!
//! A round takes a block at least. Where each small batch of a relaxed topic is a round of its own, most of the
//! write-ahead log is padding, and segments have to be written that much sooner. So a round that went into the page cache,
//! and that no force has taken to the disk, is written again with what comes next, as long as all of it fits into its
//! block. The page cache takes a block as a whole, so what the round held is there at any moment, for whoever is
//! killed; and a loss of power may take what is not forced.

use env::SECTOR_BYTES;

use super::queue::Queued;
use super::round_builder::{BuiltRound, Held, body_bytes};
use crate::format::{entry, round};

#[derive(Debug, Default)]
pub(super) struct GrowingRound {
    /// The entry table and the payloads.
    body: Vec<u8>,
    /// 0 if no round may grow.
    entry_count: usize,
    prev_crc: u32,
}

impl GrowingRound {
    /// Notes what has been written, which may grow if it takes one block; `prev_crc` is that of the round before.
    pub(super) fn note(&mut self, built: &BuiltRound, prev_crc: u32) {
        self.clear();
        if let Some(body) = built.buffer.as_slice().get(round::BYTES..built.bytes)
            && built.bytes < SECTOR_BYTES
        {
            self.body.extend_from_slice(body);
            self.entry_count = built.entry_count;
            self.prev_crc = prev_crc;
        }
    }

    /// From now on no round may grow.
    pub(super) fn clear(&mut self) {
        self.body.clear();
        self.entry_count = 0;
    }

    /// Whether these entries fit into the block of the round.
    pub(super) fn has_room(&self, entries: &[Queued]) -> bool {
        let bytes = round::BYTES + self.body.len() + body_bytes(entries);
        self.entry_count > 0 && bytes <= SECTOR_BYTES
    }

    /// What the round holds.
    pub(super) fn held(&self) -> Held<'_> {
        let table_bytes = self.entry_count * entry::BYTES;
        let (table, payloads) = self.body.split_at_checked(table_bytes).unwrap_or_default();
        Held { table, payloads }
    }

    /// The header_crc of the round before.
    pub(super) fn prev_crc(&self) -> u32 {
        self.prev_crc
    }
}
