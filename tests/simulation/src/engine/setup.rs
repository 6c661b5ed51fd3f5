//! The sizes that a run is made with: small ones, so that a hundred actions fill slots and segments
//! several times, and different ones, so that different things are always short.

use sim::Dice;
use storage::StorageSettings;

/// Where the data of every run lies.
pub(crate) const DATA_DIR: &str = "/data";

/// What a run begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    pub wal_bytes_max: u64,
    pub wal_slot_bytes: u32,
    pub wal_first_slot_bytes: u32,
    pub memory_bytes_max: u64,
    pub flush_bytes: u64,
    /// The power goes during the first start: after so many operations, so many times.
    pub first_start_cut: Option<(u64, u64)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            wal_bytes_max: 192 << 10,
            wal_slot_bytes: 32 << 10,
            wal_first_slot_bytes: 16 << 10,
            memory_bytes_max: 32 << 10,
            flush_bytes: 4 << 10,
            first_start_cut: None,
        }
    }
}

impl Setup {
    pub(crate) fn roll(dice: &mut Dice) -> Self {
        let slot_kib = [16, 32, 32, 64][dice.index(4)];
        let first_slot_kib = if dice.one_in(3) { slot_kib } else { 16 };
        let slots = [4, 4, 6, 12][dice.index(4)];
        Self {
            wal_bytes_max: (slots * slot_kib) << 10,
            wal_slot_bytes: (slot_kib as u32) << 10,
            wal_first_slot_bytes: (first_slot_kib as u32) << 10,
            memory_bytes_max: [256, 2 << 10, 8 << 10, 8 << 10, 32 << 10, 128 << 10][dice.index(6)],
            flush_bytes: [1, 1 << 10, 4 << 10, 16 << 10][dice.index(4)],
            first_start_cut: dice
                .one_in(2)
                .then(|| (1 + dice.below(20), 1 + dice.below(3))),
        }
    }

    pub(crate) fn settings(self) -> StorageSettings {
        StorageSettings {
            wal_bytes_max: self.wal_bytes_max,
            wal_slot_bytes: self.wal_slot_bytes,
            wal_first_slot_bytes: self.wal_first_slot_bytes,
            memory_bytes_max: self.memory_bytes_max,
            flush_bytes: self.flush_bytes,
            direct_bytes_min: self.flush_bytes * 4,
            ..StorageSettings::new(DATA_DIR)
        }
    }
}
