//! The slots of the write-ahead log: which are free, which hold rounds that are still needed.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use env::{Defect, Env, File, OpenMode, SECTOR_BYTES, has_defect};
use parking_lot::Mutex;

use crate::buffers::BufferPool;
use crate::format::slot_header::SlotHeader;
use crate::marks::{Mark, mark};

/// How much of a new slot is written before it is forced. A round that is to be forced meanwhile waits for a piece,
/// and not for the whole slot.
const PIECE_BYTES: u64 = 4 * CHUNK_BYTES;
/// How much is written at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// How many used slots, of whatever size, make the flusher release some.
const USED_SLOTS_MANY: usize = 8;

/// A slot as recovery found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotState {
    pub index: u32,
    pub bytes: u64,
    /// `None`: free. Rounds up to this one must be released before it is.
    pub highest_seq: Option<u64>,
    /// Which use of a slot this is.
    pub file_number: u64,
}

/// A free slot that is to be written to next.
pub(crate) struct FreeSlot {
    files: Files,
    pub index: u32,
    pub bytes: u64,
}

/// The slot that is written to.
pub(crate) struct OpenSlot {
    files: Files,
    pub bytes: u64,
    /// Where the next round goes.
    pub position: u64,
    pub file_number: u64,
}

/// The file of a slot, opened twice.
struct Files {
    direct: Arc<dyn File>,
    cached: Arc<dyn File>,
}

/// How a round goes to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Past the page cache.
    Direct,
    /// Into the page cache, from where a force takes it to the disk: who only wants it written does not
    /// wait for the disk.
    Cached,
}

impl OpenSlot {
    /// Writes a round behind the others.
    pub(crate) fn append(&mut self, round: &[u8], way: Way) -> io::Result<()> {
        let file = match way {
            Way::Direct => &self.files.direct,
            Way::Cached => &self.files.cached,
        };
        file.write_all_at(round, self.position)?;
        self.position += round.len() as u64;
        Ok(())
    }

    /// Makes all rounds of the slot durable, whichever way they went.
    pub(crate) fn force(&self) -> io::Result<()> {
        self.files.direct.sync_data()
    }

    pub(crate) fn path(&self) -> &PathBuf {
        self.files.direct.path()
    }
}

/// Why there is no slot.
#[derive(Debug)]
pub(crate) enum NoSlot {
    /// All are in use and there may not be more: the flusher has to release one.
    AllInUse,
    /// A file could not be made. Nothing was lost by it.
    Io(io::Error),
}

pub(crate) struct Slots {
    env: Env,
    directory: PathBuf,
    wal_id: u64,
    slot_bytes: u64,
    bytes_max: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    slots: Vec<SlotState>,
    current: Option<u32>,
    /// Where the next round goes in the current slot.
    position: u64,
    file_number: u64,
    is_making: bool,
    /// The header_crc of the rounds from `first_crc_seq` on, which checkpoints need.
    crcs: VecDeque<u32>,
    first_crc_seq: u64,
}

impl Slots {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        env: Env,
        directory: PathBuf,
        wal_id: u64,
        slot_bytes: u64,
        bytes_max: u64,
        slots: Vec<SlotState>,
        file_number: u64,
        crcs: (u64, VecDeque<u32>),
    ) -> Self {
        Self {
            env,
            directory,
            wal_id,
            slot_bytes,
            bytes_max,
            inner: Mutex::new(Inner {
                slots,
                current: None,
                position: 0,
                file_number,
                is_making: false,
                first_crc_seq: crcs.0,
                crcs: crcs.1,
            }),
        }
    }

    fn path(&self, index: u32) -> PathBuf {
        self.directory.join(file_name(index))
    }

    /// Finds a free slot that holds a round of this length besides its header and the round that
    /// hands over to the next one, or makes one.
    pub(crate) fn acquire(&self, round_bytes: u64) -> Result<FreeSlot, NoSlot> {
        let needed = round_bytes + 2 * SECTOR_BYTES as u64;
        loop {
            if let Some((index, bytes)) = self.find_free(needed) {
                let path = self.path(index);
                let open = |mode| self.env.fs.open(&path, mode).map_err(NoSlot::Io);
                let files = Files {
                    direct: open(OpenMode::WriteDirect)?,
                    cached: open(OpenMode::Write)?,
                };
                return Ok(FreeSlot {
                    files,
                    index,
                    bytes,
                });
            }
            let bytes = self.slot_bytes.max(needed);
            if self.make(bytes)? {
                mark(Mark::SlotMadeForRound);
            } else if !self.remove_small(needed, bytes).map_err(NoSlot::Io)? {
                return Err(NoSlot::AllInUse);
            }
        }
    }

    /// Removes the free slots that are too small for a round, if that makes room for one of `bytes`:
    /// starts that follow one another quickly leave many small ones.
    fn remove_small(&self, needed: u64, bytes: u64) -> io::Result<bool> {
        let small: Vec<u32> = {
            let inner = self.inner.lock();
            let is_small = |slot: &&SlotState| slot.highest_seq.is_none() && slot.bytes < needed;
            let small = inner.slots.iter().filter(is_small);
            let kept: u64 = inner.slots.iter().map(|slot| slot.bytes).sum::<u64>()
                - small.clone().map(|slot| slot.bytes).sum::<u64>();
            if inner.is_making || kept + bytes > self.bytes_max {
                return Ok(false);
            }
            small.map(|slot| slot.index).collect()
        };
        for index in &small {
            // Until its file is gone it takes its room.
            self.env.fs.remove_file(&self.path(*index))?;
            mark(Mark::SmallSlotsRemoved);
            let mut inner = self.inner.lock();
            inner.slots.retain(|slot| slot.index != *index);
        }
        Ok(!small.is_empty())
    }

    fn find_free(&self, needed: u64) -> Option<(u32, u64)> {
        let inner = self.inner.lock();
        inner
            .slots
            .iter()
            .filter(|slot| slot.highest_seq.is_none() && slot.bytes >= needed)
            .map(|slot| (slot.index, slot.bytes))
            .min()
    }

    /// Takes a free slot. `last_seq` is the last round in the slot that is left.
    pub(crate) fn switch(&self, free: FreeSlot, last_seq: u64) -> OpenSlot {
        let FreeSlot {
            files,
            index,
            bytes,
        } = free;
        let mut inner = self.inner.lock();
        inner.file_number += 1;
        inner.position = SECTOR_BYTES as u64;
        let (file_number, previous) = (inner.file_number, inner.current.replace(index));
        for slot in &mut inner.slots {
            if Some(slot.index) == previous {
                slot.highest_seq = Some(last_seq);
            }
            if slot.index == index {
                if slot.file_number > 0 {
                    mark(Mark::SlotReused);
                }
                slot.highest_seq = Some(u64::MAX);
                slot.file_number = file_number;
            }
        }
        OpenSlot {
            files,
            bytes,
            position: SECTOR_BYTES as u64,
            file_number,
        }
    }

    /// The slot that is written to.
    pub(crate) fn current(&self) -> Option<u32> {
        self.inner.lock().current
    }

    /// Makes a slot of zeros, durable before it is used. `false` if there may not be another one,
    /// or if one is being made at this moment.
    pub(crate) fn make(&self, bytes: u64) -> Result<bool, NoSlot> {
        let index = {
            let mut inner = self.inner.lock();
            let total: u64 = inner.slots.iter().map(|slot| slot.bytes).sum();
            if inner.is_making || total + bytes > self.bytes_max {
                return Ok(false);
            }
            inner.is_making = true;
            let taken = |index: u32| inner.slots.iter().any(|slot| slot.index == index);
            (0..).find(|index| !taken(*index)).unwrap_or(0)
        };
        let made = self.write_zeros(index, bytes);
        let mut inner = self.inner.lock();
        inner.is_making = false;
        made.map_err(NoSlot::Io)?;
        inner.slots.push(SlotState {
            index,
            bytes,
            highest_seq: None,
            file_number: 0,
        });
        Ok(true)
    }

    fn write_zeros(&self, index: u32, bytes: u64) -> io::Result<()> {
        let path = self.path(index);
        let made =
            write_slot(&self.env, &path, (self.wal_id, index), bytes).and_then(
                |()| match has_defect(Defect::SkipDirectoryForce) {
                    true => Ok(()),
                    false => self.env.fs.sync_dir(&self.directory),
                },
            );
        if made.is_err() {
            // What is left of it must not eat the space that is missing.
            let _ = self.env.fs.remove_file(&path);
        }
        made
    }

    /// Whether the current slot is half full and no other is ready.
    pub(crate) fn wants_spare(&self) -> bool {
        let inner = self.inner.lock();
        let total: u64 = inner.slots.iter().map(|slot| slot.bytes).sum();
        let is_half_full = inner
            .slots
            .iter()
            .any(|slot| Some(slot.index) == inner.current && inner.position > slot.bytes / 2);
        let has_free = inner
            .slots
            .iter()
            .any(|slot| slot.highest_seq.is_none() && slot.bytes >= self.slot_bytes.min(8 << 20));
        is_half_full && !has_free && !inner.is_making && total + self.slot_bytes <= self.bytes_max
    }

    pub(crate) fn make_spare(&self) -> Result<bool, NoSlot> {
        self.make(self.slot_bytes)
    }

    /// Notes a round that has been written, which may be the last one again.
    pub(crate) fn note_round(&self, seq: u64, header_crc: u32, position: u64) {
        let mut inner = self.inner.lock();
        inner.position = position;
        if inner.crcs.is_empty() {
            inner.first_crc_seq = seq;
        }
        let before = seq.saturating_sub(inner.first_crc_seq);
        inner
            .crcs
            .truncate(usize::try_from(before).unwrap_or(usize::MAX));
        inner.crcs.push_back(header_crc);
    }

    /// The header_crc of a round that has not been released.
    pub(crate) fn crc_of(&self, seq: u64) -> Option<u32> {
        let inner = self.inner.lock();
        let index = usize::try_from(seq.checked_sub(inner.first_crc_seq)?).ok()?;
        inner.crcs.get(index).copied()
    }

    /// Frees the slots whose rounds a durable checkpoint has made unnecessary.
    pub(crate) fn release(&self, release_seq: u64) {
        let mut inner = self.inner.lock();
        let reach = match has_defect(Defect::ReuseSlotEarly) {
            true => release_seq.saturating_add(8),
            false => release_seq,
        };
        for slot in &mut inner.slots {
            if slot.highest_seq.is_some_and(|highest| highest <= reach) {
                mark(Mark::SlotsReleased);
                slot.highest_seq = None;
            }
        }
        // The one of release_seq itself stays: the next checkpoint may name it again.
        while inner.first_crc_seq < release_seq && inner.crcs.pop_front().is_some() {
            inner.first_crc_seq += 1;
        }
    }

    /// Bytes of the slots that cannot be written over yet.
    pub(crate) fn used_bytes(&self) -> u64 {
        let inner = self.inner.lock();
        inner
            .slots
            .iter()
            .map(|slot| match slot.highest_seq {
                None => 0,
                Some(_) if Some(slot.index) == inner.current => inner.position,
                Some(_) => slot.bytes,
            })
            .sum()
    }

    /// Whether so much is in use that some should be released, and the number of the current use,
    /// by which the caller can tell whether anything has changed.
    pub(crate) fn pressure(&self) -> (bool, u64) {
        let used = self.used_bytes();
        let inner = self.inner.lock();
        let used_slots = inner
            .slots
            .iter()
            .filter(|slot| slot.highest_seq.is_some())
            .count();
        let is_high = used > self.bytes_max / 2 || used_slots >= USED_SLOTS_MANY;
        (is_high, inner.file_number)
    }

    /// The last round of the older half of what is in use; 0 if all of it is in the current slot.
    pub(crate) fn older_half_seq(&self) -> u64 {
        let inner = self.inner.lock();
        let mut left: Vec<_> = inner
            .slots
            .iter()
            .filter(|slot| Some(slot.index) != inner.current)
            .filter_map(|slot| Some((slot.file_number, slot.highest_seq?, slot.bytes)))
            .collect();
        left.sort_unstable();
        let half = left.iter().map(|(_, _, bytes)| bytes).sum::<u64>() / 2;
        let mut sum = 0;
        let mut seq = 0;
        for (_, highest_seq, bytes) in left {
            if sum > half {
                break;
            }
            sum += bytes;
            seq = seq.max(highest_seq);
        }
        seq
    }

    /// The highest number that a use of a slot has had.
    pub(crate) fn file_number(&self) -> u64 {
        self.inner.lock().file_number
    }

    /// How large all slots may be together.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    pub(crate) fn has_free(&self) -> bool {
        let inner = self.inner.lock();
        inner.slots.iter().any(|slot| slot.highest_seq.is_none())
    }

    /// The indexes of the slots that are free.
    pub(crate) fn free(&self) -> Vec<u32> {
        let inner = self.inner.lock();
        let free = inner.slots.iter().filter(|slot| slot.highest_seq.is_none());
        free.map(|slot| slot.index).collect()
    }

    /// How many slots there are.
    pub(crate) fn count(&self) -> usize {
        self.inner.lock().slots.len()
    }
}

/// The file name of a slot.
pub(crate) fn file_name(index: u32) -> String {
    format!("slot-{index:02}")
}

/// The index in the name of a slot.
pub(crate) fn index_of(file_name: &str) -> Option<u32> {
    let digits = file_name.strip_prefix("slot-")?;
    (digits.len() >= 2 && digits.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// Makes the file of a slot, past the page cache: it would take large pages for it, and each small round that is
/// written to one of them has the kernel look at all blocks of that page.
fn write_slot(
    env: &Env,
    path: &std::path::Path,
    (wal_id, index): (u64, u32),
    bytes: u64,
) -> io::Result<()> {
    drop(env.fs.open(path, OpenMode::CreateOrTruncate)?);
    let file = env.fs.open(path, OpenMode::WriteDirect)?;
    let chunk_bytes = usize::try_from(bytes.min(CHUNK_BYTES)).map_err(io::Error::other)?;
    let mut buffer = BufferPool::new(0).take(chunk_bytes);
    // Zeros, as nothing has used this memory.
    let chunk = buffer.extend_blank(chunk_bytes);
    let header = SlotHeader {
        wal_id,
        slot_bytes: bytes,
        index: Some(index),
    }
    .encode();
    if let Some(place) = chunk.get_mut(..header.len()) {
        place.copy_from_slice(&header);
    }
    let mut position = 0;
    while position < bytes {
        let left = usize::try_from(bytes - position).unwrap_or(usize::MAX);
        let part = chunk.get(..left.min(chunk_bytes)).unwrap_or(chunk);
        file.write_all_at(part, position)?;
        position += part.len() as u64;
        if position.is_multiple_of(PIECE_BYTES) || position == bytes {
            file.sync_data()?;
        }
        if position == part.len() as u64 {
            chunk
                .iter_mut()
                .take(header.len())
                .for_each(|byte| *byte = 0);
        }
    }
    Ok(())
}
