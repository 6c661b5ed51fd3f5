//! One file: what reads return, what is on disk, and what may reach the disk in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use env::SECTOR_BYTES;

use super::losses::{Fate, Losses};
use crate::Dice;

/// The unit in which a sector can tear.
const SHARD_BYTES: usize = 512;
const SECTOR: u64 = SECTOR_BYTES as u64;
/// Versions remembered of one sector between two forces; more of them prove nothing new.
const VERSIONS: usize = 4;

/// The bytes of a sector; a missing one reads as zeros.
type Sector = Option<Arc<[u8; SECTOR_BYTES]>>;

/// All sectors that were written with zeros: files are, before they are used, in large.
static ZEROS: LazyLock<Arc<[u8; SECTOR_BYTES]>> = LazyLock::new(|| Arc::new([0; SECTOR_BYTES]));

/// How much of what was not forced outlives a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survival {
    /// Nothing: the usual cache in memory.
    Nothing,
    /// Everything: the disk happened to be done.
    Everything,
    /// Each sector and each directory change for itself, and sectors may tear.
    Mixed,
}

impl Survival {
    pub(crate) fn roll(dice: &mut Dice) -> Self {
        match dice.below(4) {
            0 => Self::Nothing,
            1 => Self::Everything,
            _ => Self::Mixed,
        }
    }
}

/// A sector that was written since the last force.
#[derive(Clone, Debug, Default)]
struct Dirty {
    /// What was written, the newest last.
    versions: Vec<Sector>,
    /// Which write of the file the newest is.
    order: u64,
}

/// A file in memory. Sectors are shared between copies, so that copying a disk is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    cached: BTreeMap<u64, Arc<[u8; SECTOR_BYTES]>>,
    durable: BTreeMap<u64, Arc<[u8; SECTOR_BYTES]>>,
    /// Sectors written since the last force.
    dirty: BTreeMap<u64, Dirty>,
    /// How often a sector has been written.
    writes: u64,
    /// Sectors that count as clean and yet differ from the disk, because a force has failed.
    wrong: BTreeSet<u64>,
    cached_len: u64,
    durable_len: u64,
    /// Lengths set since the last force, the newest last.
    lengths: Vec<u64>,
}

impl Image {
    pub(crate) fn len(&self) -> u64 {
        self.cached_len
    }

    /// Sectors that take space.
    pub(crate) fn sectors(&self) -> u64 {
        self.cached.len() as u64
    }

    /// Whether something is written that a force would still have to bring to the disk.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.lengths.is_empty()
    }

    pub(crate) fn read(&self, buffer: &mut [u8], position: u64) -> usize {
        let wanted = self.cached_len.saturating_sub(position);
        let length = buffer
            .len()
            .min(usize::try_from(wanted).unwrap_or(usize::MAX));
        copy_out(&self.cached, &mut buffer[..length], position);
        length
    }

    /// What is on the disk, whatever the cache says.
    pub(crate) fn durable_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.durable_len).unwrap_or(0)];
        copy_out(&self.durable, &mut bytes, 0);
        bytes
    }

    /// Writes as long as free sectors last; returns the bytes written.
    pub(crate) fn write(&mut self, bytes: &[u8], position: u64, free: &mut u64) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            let at = position + written as u64;
            let start = within(at);
            let count = (SECTOR_BYTES - start).min(bytes.len() - written);
            let number = at / SECTOR;
            if !self.cached.contains_key(&number) {
                if *free == 0 {
                    break;
                }
                *free -= 1;
            }
            let mut sector = self
                .cached
                .get(&number)
                .map_or([0; SECTOR_BYTES], |old| **old);
            sector[start..start + count].copy_from_slice(&bytes[written..written + count]);
            self.put(number, Some(shared(sector)));
            written += count;
        }
        let end = position + written as u64;
        if written > 0 && end > self.cached_len {
            self.cached_len = end;
            self.lengths.push(end);
        }
        written
    }

    /// Cuts or extends; returns the sectors set free.
    pub(crate) fn set_len(&mut self, length: u64) -> u64 {
        let before = self.sectors();
        let first_gone = length.div_ceil(SECTOR);
        let gone: Vec<u64> = self.cached.range(first_gone..).map(|(n, _)| *n).collect();
        for number in gone {
            self.put(number, None);
        }
        let kept = within(length);
        if kept > 0
            && let Some(old) = self.cached.get(&(length / SECTOR))
        {
            let mut sector = **old;
            sector[kept..].fill(0);
            self.put(length / SECTOR, Some(Arc::new(sector)));
        }
        if length != self.cached_len {
            self.cached_len = length;
            self.lengths.push(length);
        }
        before - self.sectors()
    }

    pub(crate) fn force(&mut self) {
        for (number, dirty) in std::mem::take(&mut self.dirty) {
            let newest = dirty.versions.last().cloned().flatten();
            store(&mut self.durable, number, newest);
        }
        self.durable_len = self.cached_len;
        self.lengths.clear();
    }

    /// Some of it reached the disk, nobody knows what, and the rest counts as clean. Whether cache
    /// and disk differ by it.
    pub(crate) fn force_failing(&mut self, dice: &mut Dice) -> bool {
        let survival = Survival::roll(dice);
        let mut differ = false;
        for (number, dirty) in std::mem::take(&mut self.dirty) {
            let before = self.durable.get(&number).cloned();
            let survivor = survivor(&before, &dirty.versions, survival, dice);
            let newest = dirty.versions.last().cloned().flatten();
            differ |= bytes_of(&survivor) != bytes_of(&newest);
            store(&mut self.durable, number, survivor);
            self.wrong.insert(number);
        }
        differ
    }

    /// Clean sectors come from the disk from now on; of the others each is kept or lost.
    pub(crate) fn drop_cache(&mut self, dice: &mut Dice) {
        for number in std::mem::take(&mut self.wrong) {
            store(&mut self.cached, number, self.durable.get(&number).cloned());
        }
        let survival = Survival::roll(dice);
        for (number, dirty) in std::mem::take(&mut self.dirty) {
            let is_lost = match survival {
                Survival::Nothing => true,
                Survival::Everything => false,
                Survival::Mixed => dice.one_in(2),
            };
            if is_lost {
                store(&mut self.cached, number, self.durable.get(&number).cloned());
            } else {
                self.dirty.insert(number, dirty);
            }
        }
    }

    /// The file as it is found after a loss of power.
    pub(crate) fn crash(
        mut self,
        survival: Survival,
        dice: &mut Dice,
        losses: &mut Losses,
    ) -> Self {
        let (mut kept, mut first_lost) = (Vec::new(), u64::MAX);
        for (number, dirty) in std::mem::take(&mut self.dirty) {
            let before = self.durable.get(&number).cloned();
            let survivor = survivor(&before, &dirty.versions, survival, dice);
            let fate = fate(&before, &dirty.versions, &survivor);
            match fate {
                Fate::Kept => kept.push(dirty.order),
                Fate::Lost | Fate::Older => first_lost = first_lost.min(dirty.order),
                Fate::Torn => {}
            }
            losses.note(fate);
            store(&mut self.durable, number, survivor);
        }
        let overtaking = kept.iter().filter(|order| **order > first_lost);
        losses.sectors_reordered += overtaking.count() as u64;
        let length = match survival {
            Survival::Nothing => self.durable_len,
            Survival::Everything => self.cached_len,
            Survival::Mixed => {
                let choice = dice.index(self.lengths.len() + 1);
                self.lengths
                    .get(choice)
                    .copied()
                    .unwrap_or(self.durable_len)
            }
        };
        let mut found = Self {
            cached: self.durable,
            cached_len: length,
            ..Self::default()
        };
        found.set_len(length);
        found.durable = found.cached.clone();
        found.durable_len = length;
        found.dirty.clear();
        found.lengths.clear();
        found
    }

    /// Changes the medium itself, and what the cache holds of it.
    pub(crate) fn damage(&mut self, position: u64, change: impl Fn(u8) -> u8) {
        let number = position / SECTOR;
        let start = within(position);
        let changed = |old: Option<&Arc<[u8; SECTOR_BYTES]>>| {
            let mut sector = old.map_or([0; SECTOR_BYTES], |old| **old);
            sector[start] = change(sector[start]);
            Arc::new(sector)
        };
        let durable = changed(self.durable.get(&number));
        self.durable.insert(number, durable);
        let cached = changed(self.cached.get(&number));
        self.cached.insert(number, cached.clone());
        let dirty = self.dirty.get_mut(&number);
        if let Some(newest) = dirty.and_then(|dirty| dirty.versions.last_mut()) {
            *newest = Some(cached);
        }
    }

    fn put(&mut self, number: u64, sector: Sector) {
        self.writes += 1;
        let dirty = self.dirty.entry(number).or_default();
        if dirty.versions.len() == VERSIONS {
            dirty.versions.remove(0);
        }
        dirty.versions.push(sector.clone());
        dirty.order = self.writes;
        self.wrong.remove(&number);
        store(&mut self.cached, number, sector);
    }
}

fn within(position: u64) -> usize {
    // Below the size of a sector, so it fits.
    (position % SECTOR) as usize
}

/// Memory for a sector. Those of zeros share theirs.
fn shared(sector: [u8; SECTOR_BYTES]) -> Arc<[u8; SECTOR_BYTES]> {
    if sector == **ZEROS {
        ZEROS.clone()
    } else {
        Arc::new(sector)
    }
}

fn bytes_of(sector: &Sector) -> &[u8; SECTOR_BYTES] {
    sector.as_ref().unwrap_or(&ZEROS)
}

fn store(to: &mut BTreeMap<u64, Arc<[u8; SECTOR_BYTES]>>, number: u64, sector: Sector) {
    match sector {
        Some(sector) => to.insert(number, sector),
        None => to.remove(&number),
    };
}

fn copy_out(from: &BTreeMap<u64, Arc<[u8; SECTOR_BYTES]>>, buffer: &mut [u8], position: u64) {
    let mut done = 0;
    while done < buffer.len() {
        let at = position + done as u64;
        let start = within(at);
        let count = (SECTOR_BYTES - start).min(buffer.len() - done);
        let target = &mut buffer[done..done + count];
        match from.get(&(at / SECTOR)) {
            Some(sector) => target.copy_from_slice(&sector[start..start + count]),
            None => target.fill(0),
        }
        done += count;
    }
}

/// What the disk holds of a sector whose versions were on their way to it.
fn survivor(durable: &Sector, versions: &[Sector], survival: Survival, dice: &mut Dice) -> Sector {
    match survival {
        Survival::Nothing => return durable.clone(),
        Survival::Everything => return versions.last().cloned().flatten(),
        Survival::Mixed => {}
    }
    let all: Vec<&Sector> = std::iter::once(durable).chain(versions).collect();
    let newer = dice.index(all.len());
    if newer == 0 || dice.one_in(2) {
        return all[newer].clone();
    }
    let older = dice.index(newer);
    let (mut torn, newer) = (*bytes_of(all[older]), bytes_of(all[newer]));
    let boundary = dice.index(SECTOR_BYTES / SHARD_BYTES + 1);
    let is_prefix = dice.one_in(2);
    for shard in 0..SECTOR_BYTES / SHARD_BYTES {
        let is_new = if is_prefix {
            shard < boundary
        } else {
            dice.one_in(2)
        };
        if is_new {
            let range = shard * SHARD_BYTES..(shard + 1) * SHARD_BYTES;
            torn[range.clone()].copy_from_slice(&newer[range]);
        }
    }
    Some(Arc::new(torn))
}

/// What became of a sector, by what the disk holds of it in the end.
fn fate(durable: &Sector, versions: &[Sector], survivor: &Sector) -> Fate {
    let is = |version: &Sector| bytes_of(version) == bytes_of(survivor);
    if versions.last().is_some_and(is) {
        Fate::Kept
    } else if is(durable) {
        Fate::Lost
    } else if versions.iter().any(is) {
        Fate::Older
    } else {
        Fate::Torn
    }
}
