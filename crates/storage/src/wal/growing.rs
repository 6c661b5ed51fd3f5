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
use super::slots::Way;
use crate::format::round::{self, RoundHeader};

/// What the last round holds, if it may be written again with more.
#[derive(Debug, Default)]
pub(super) struct GrowingRound {
    header: Option<RoundHeader>,
    /// The entry table and the payloads.
    body: Vec<u8>,
}

impl GrowingRound {
    /// Notes the round that has been written: it may grow if it is in the page cache, and takes one block.
    pub(super) fn note(&mut self, built: &BuiltRound, way: Way) {
        let end = round::BYTES + built.header.body_bytes as usize;
        let may_grow = way == Way::Cached && end < SECTOR_BYTES;
        let body = built.buffer.as_slice().get(round::BYTES..end);
        self.header = may_grow.then_some(built.header);
        self.body.clear();
        self.body
            .extend_from_slice(body.filter(|_| may_grow).unwrap_or_default());
    }

    /// Whether these entries fit into the block of the round.
    pub(super) fn has_room(&self, entries: &[Queued]) -> bool {
        let bytes = round::BYTES + self.body.len() + body_bytes(entries);
        self.header.is_some() && bytes <= SECTOR_BYTES
    }

    /// What the round holds.
    pub(super) fn held(&self) -> Held<'_> {
        let table_bytes = self
            .header
            .map_or(0, |header| header.table_bytes() as usize);
        let (table, payloads) = self.body.split_at_checked(table_bytes).unwrap_or_default();
        Held { table, payloads }
    }

    /// The header_crc of the round before.
    pub(super) fn prev_crc(&self) -> u32 {
        self.header.map_or(0, |header| header.prev_crc)
    }
}
