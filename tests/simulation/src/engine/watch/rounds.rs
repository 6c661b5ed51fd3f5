//! The write-ahead log as its writes and forces tell it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::formats::{self, Content, RoundContent, SECTOR_BYTES};
use crate::engine::world::{Checked, ensure};

/// A round of the log as it stands.
#[derive(Clone, Debug)]
struct Round {
    path: PathBuf,
    position: u64,
    /// What was written there, the newest last: until it is forced a round may be written again with more. At least one.
    versions: Vec<Version>,
    is_on_medium: bool,
}

#[derive(Clone, Debug)]
struct Version {
    bytes: Vec<u8>,
    content: RoundContent,
    /// The write has succeeded in this life of the process.
    is_written: bool,
}

impl Round {
    fn newest(&self) -> &Version {
        &self.versions[self.versions.len() - 1]
    }

    fn newest_written(&self) -> Option<&Version> {
        self.versions.iter().rfind(|version| version.is_written)
    }

    /// Whether it may be written again like this: in its block, with all that it holds, and with more.
    fn may_become(&self, path: &Path, position: u64, bytes: &[u8], content: &RoundContent) -> bool {
        let Version {
            bytes: old_bytes,
            content: old,
            is_written,
        } = self.newest();
        let is_there = self.path == path && self.position == position;
        let is_one_block = bytes.len() == old_bytes.len() && bytes.len() == SECTOR_BYTES;
        let has_more = content.entries.len() > old.entries.len();
        let is_same = content.prev_crc == old.prev_crc && content.writer_epoch == old.writer_epoch;
        let keeps_all = content.entries.starts_with(&old.entries);
        *is_written && is_there && is_one_block && has_more && is_same && keeps_all
    }
}

/// A batch that was written to a round.
#[derive(Clone, Debug)]
pub(crate) struct WrittenBatch {
    pub log_id: u32,
    pub base: i64,
    pub payload: Vec<u8>,
}

/// The rounds, and how far they have come.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    /// Those that are not written over, released ones among them.
    by_seq: BTreeMap<u64, Round>,
    /// Rounds up to this one are on the medium, or released.
    pub durable_seq: u64,
    /// The last round that was written.
    pub written_seq: u64,
    pub released_seq: u64,
    /// The checksum of the round that was released last.
    released_crc: u32,
    /// The last start that has written.
    epoch: u32,
    /// Nothing has been written since the last start.
    is_new_start: bool,
    /// Where the durable batches of each log end, and where it starts.
    durable: BTreeMap<u32, Durable>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Durable {
    end: i64,
    start: i64,
}

impl Rounds {
    /// A write to a slot. Nothing that is needed may lie there, and a round must follow the one
    /// before, or be the last one again with more. Returns the batches that are new.
    pub(super) fn write(
        &mut self,
        path: &Path,
        position: u64,
        bytes: &[u8],
        is_ok: bool,
    ) -> Checked<Vec<WrittenBatch>> {
        if position == 0 {
            // A slot is filled with zeros before it is used.
            self.write_over(path, 0, u64::MAX)?;
            return Ok(Vec::new());
        }
        let content = formats::round(bytes)
            .ok_or_else(|| format!("{}: no sound round at {position}", path.display()))?;
        let seq = content.seq;
        ensure!(
            seq > self.durable_seq && content.writer_epoch >= self.epoch,
            "round {seq} is written by start {}; up to {} they are durable, and start {} was before",
            content.writer_epoch,
            self.durable_seq,
            self.epoch
        );
        // What a start finds on the medium counts, all of it, and it goes on behind that.
        ensure!(
            !self.is_new_start || seq == self.durable_seq + 1,
            "a start goes on with round {seq}, yet {} is the last one on the medium",
            self.durable_seq
        );
        self.is_new_start = false;
        self.epoch = content.writer_epoch;
        let before = self.by_seq.remove(&seq);
        self.by_seq.retain(|other, _| *other < seq);
        let mut versions = Vec::new();
        let is_same_start = |round: &Round| round.newest().content.writer_epoch == self.epoch;
        if let Some(round) = before.filter(is_same_start) {
            ensure!(
                round.may_become(path, position, bytes, &content),
                "round {seq} is written again at {position} of {} as {content:?}, and was {round:?}",
                path.display()
            );
            versions = round.versions;
        }
        let held = versions.last().map_or(0, |last| last.content.entries.len());
        self.check_follows(&content)?;
        self.write_over(path, position, position + bytes.len() as u64)?;
        let written = content
            .entries
            .iter()
            .skip(held)
            .filter_map(|entry| match &entry.content {
                Content::Batch { base, payload, .. } => Some(WrittenBatch {
                    log_id: entry.log_id,
                    base: *base,
                    payload: payload.clone(),
                }),
                Content::LogStart(_) | Content::OfNoLog => None,
            })
            .collect();
        if is_ok {
            self.written_seq = seq;
        }
        versions.push(Version {
            bytes: bytes.to_vec(),
            content,
            is_written: is_ok,
        });
        let round = Round {
            path: path.to_owned(),
            position,
            versions,
            is_on_medium: false,
        };
        self.by_seq.insert(seq, round);
        Ok(written)
    }

    /// What lies between two positions of a slot is gone. None of it may be needed.
    pub(super) fn write_over(&mut self, path: &Path, from: u64, to: u64) -> Checked {
        let released_seq = self.released_seq;
        let mut needed = Vec::new();
        self.by_seq.retain(|seq, round| {
            let end = round.position + round.newest().bytes.len() as u64;
            let is_hit = round.path == path && round.position < to && from < end;
            if is_hit && *seq > released_seq {
                needed.push(*seq);
            }
            !is_hit
        });
        ensure!(
            needed.is_empty(),
            "{} is written at {from} over rounds {needed:?}; up to {released_seq} they are released",
            path.display()
        );
        Ok(())
    }

    fn check_follows(&self, content: &RoundContent) -> Checked {
        let seq = content.seq;
        ensure!(
            self.crc_of(seq - 1) == Some(content.prev_crc),
            "round {seq} does not follow the one before"
        );
        ensure!(
            content.durable_seq <= self.durable_seq,
            "round {seq} calls round {} durable; {} is",
            content.durable_seq,
            self.durable_seq
        );
        let mut ends = BTreeMap::new();
        for entry in &content.entries {
            let log_id = entry.log_id;
            ensure!(
                entry.leader_epoch == content.writer_epoch.cast_signed(),
                "round {seq}: an entry of log {log_id} has epoch {}",
                entry.leader_epoch
            );
            if let Content::Batch { base, last, .. } = entry.content {
                let end = ends
                    .entry(log_id)
                    .or_insert_with(|| self.submitted_end(log_id));
                ensure!(
                    base == *end,
                    "round {seq}: log {log_id} goes on at {base}, not at {end}"
                );
                *end = last + 1;
            }
        }
        Ok(())
    }

    /// A slot was forced, and this is what the medium holds of it. Whatever is there counts from now
    /// on, and what is not, not.
    pub(super) fn force(&mut self, path: &Path, medium: &[u8]) {
        self.by_seq.retain(|_, round| {
            if round.path != path || round.is_on_medium {
                return true;
            }
            let start = round.position as usize;
            let is_found = |version: &Version| {
                let bytes = &version.bytes[..version.content.bytes_without_padding];
                medium.get(start..start + bytes.len()) == Some(bytes)
            };
            let found = round.versions.iter().rposition(is_found);
            if let Some(number) = found {
                round.versions = vec![round.versions.swap_remove(number)];
            }
            round.is_on_medium = found.is_some();
            round.is_on_medium
        });
        while let Some(round) = self.by_seq.get(&(self.durable_seq + 1)) {
            // A loss of power may have left an earlier version of the round before, which it does not follow.
            let follows = self.crc_of(self.durable_seq) == Some(round.newest().content.prev_crc);
            if !round.is_on_medium || !follows {
                break;
            }
            self.durable_seq += 1;
            for entry in &round.newest().content.entries {
                let durable = self.durable.entry(entry.log_id).or_default();
                match &entry.content {
                    Content::Batch { last, .. } => durable.end = last + 1,
                    Content::LogStart(start) => durable.start = durable.start.max(*start),
                    Content::OfNoLog => {}
                }
            }
        }
        self.written_seq = self.written_seq.max(self.durable_seq);
    }

    /// The process has ended. What was written and not forced may be there or not.
    pub(super) fn restart(&mut self) {
        let rounds = self.by_seq.values_mut();
        for version in rounds.flat_map(|round| &mut round.versions) {
            version.is_written = false;
        }
        self.written_seq = self.durable_seq;
        self.is_new_start = true;
    }

    /// A start is over: what lies above the end of its log has been cut.
    pub(super) fn cut(&mut self) {
        let end = self.written_seq;
        self.by_seq.retain(|seq, _| *seq <= end);
    }

    /// The durable checkpoint that counts says that rounds up to this one are not needed. All later
    /// ones must be there, also if an earlier checkpoint counts again.
    pub(super) fn release(&mut self, seq: u64, crc: u32) -> Checked {
        let is_there = |seq: &u64| self.by_seq.contains_key(seq);
        let missing = (seq + 1..=self.durable_seq).find(|seq| !is_there(seq));
        ensure!(
            missing.is_none(),
            "round {missing:?} is gone, and the checkpoint that counts releases {seq}"
        );
        (self.released_seq, self.released_crc) = (seq, crc);
        Ok(())
    }

    /// The entries of the rounds that are released with this one.
    pub(super) fn entries_up_to(&self, seq: u64) -> impl Iterator<Item = (u32, &Content)> {
        let rounds = self.by_seq.range(self.released_seq + 1..);
        let rounds = rounds.take_while(move |(other, _)| **other <= seq);
        let rounds = rounds.map(|(_, round)| round);
        let entries = rounds.flat_map(|round| &round.newest().content.entries);
        entries.map(|entry| (entry.log_id, &entry.content))
    }

    /// The checksum by which the next round knows this one.
    pub(super) fn crc_of(&self, seq: u64) -> Option<u32> {
        if seq == self.released_seq {
            return Some(self.released_crc);
        }
        let round = self.by_seq.get(&seq)?;
        Some(round.newest().content.header_crc)
    }

    /// Whether a slot holds rounds that are needed.
    pub(super) fn is_needed(&self, path: &Path) -> bool {
        let mut rounds = self.by_seq.range(self.released_seq + 1..);
        rounds.any(|(_, round)| round.path == path)
    }

    /// Where the durable batches of a log end.
    pub(super) fn durable_end(&self, log_id: u32) -> i64 {
        self.durable.get(&log_id).map_or(0, |durable| durable.end)
    }

    /// The highest start of a log that a durable round gives.
    pub(super) fn durable_start(&self, log_id: u32) -> i64 {
        self.durable.get(&log_id).map_or(0, |durable| durable.start)
    }

    /// Where the written batches of a log end.
    pub(super) fn written_end(&self, log_id: u32) -> i64 {
        self.end_among(log_id, Round::newest_written)
    }

    fn submitted_end(&self, log_id: u32) -> i64 {
        self.end_among(log_id, |round| Some(round.newest()))
    }

    fn end_among(&self, log_id: u32, counts: impl Fn(&Round) -> Option<&Version>) -> i64 {
        let rounds = self.by_seq.range(self.durable_seq + 1..);
        let entries = rounds
            .filter_map(|(_, round)| counts(round))
            .flat_map(|version| &version.content.entries);
        entries
            .filter(|entry| entry.log_id == log_id)
            .filter_map(|entry| match entry.content {
                Content::Batch { last, .. } => Some(last + 1),
                Content::LogStart(_) | Content::OfNoLog => None,
            })
            .fold(self.durable_end(log_id), i64::max)
    }
}
