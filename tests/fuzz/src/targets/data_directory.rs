//! A data directory in which anything may stand: checkpoints, slots, segments, indexes, snapshots.
//!
//! The input is a list of changes to the files of a sound directory, which is the same every time. Most
//! of what is changed is seen by a checksum, so a change may ask to have the checksums of its file made
//! right again: then the numbers themselves are what is tried. What comes of it is verified, inspected,
//! recovered, read, and written to.
//!
//! A change is a file, what to do, a position of two bytes, and bytes with their count before them.

mod reseal;
mod sound;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use env::Fs;
use env::Step;
use model::{LogId, Offset};
use sim::SimFs;
use storage::{Append, Isolation, Log, LogConfig, Opened, Read, Recovery, inspect, verify};
use wire::batch::BatchView;

use crate::input::Input;
use crate::{MemoryLimits, Target};
use sound::{DATA_DIR, LOGS, SoundDirectory, batch, settings, sound};

pub(super) const TARGET: Target = Target {
    prepare: || {
        sound();
    },
    seeds,
    input_bytes_max: 512,
    // What is received is the directory; some of its files are read as a whole, the engine has buffers.
    memory_limits: |_| MemoryLimits {
        at_once_bytes: 1 << 20,
        held_bytes: 16 << 20,
    },
    ..Target::new("data_directory", "every file of a data directory", run)
};

/// Changes in one input; more only takes longer.
const CHANGES_MAX: usize = 8;

/// Values that fields are given in the seeds.
const EXTREMES: [&[u8]; 2] = [
    &[0xff; 8],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
];

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Overwrite,
    /// Overwrites, and makes the checksums right.
    Reseal,
    Truncate,
    Lose,
}

impl Change {
    const ALL: [Self; 4] = [Self::Overwrite, Self::Reseal, Self::Truncate, Self::Lose];
}

/// One file of each kind: the beginning field by field, with the checksums made right; and each file
/// cut, and gone.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut kinds = BTreeSet::new();
    for (file, path) in (0..).zip(&sound().files) {
        seeds.push(vec![file, 2, 0, 40]);
        seeds.push(vec![file, 3]);
        let kind = path.extension().or(path.parent().map(Path::as_os_str));
        if !kinds.insert(kind) {
            continue;
        }
        // The first round of a slot stands in its second block: a header, a table, a batch.
        let starts = if is_slot(path) {
            [0..28, 4096..4264]
        } else {
            [0..160, 0..0]
        };
        let file_bytes = sound().fs.read(path).map_or(0, |bytes| bytes.len());
        let positions = starts.into_iter().flat_map(|range| range.step_by(4));
        for position in positions.filter(|position| usize::from(*position) < file_bytes) {
            for value in EXTREMES {
                let mut seed = vec![file, 1];
                seed.extend(u16::to_be_bytes(position));
                seed.push(value.len() as u8);
                seed.extend(value);
                seeds.push(seed);
            }
        }
    }
    seeds
}

fn is_slot(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "wal")
}

fn run(input: &[u8]) {
    let sound = sound();
    let fs = sound.fs.fork();
    let mut input = Input::new(input);
    for _ in 0..CHANGES_MAX {
        if input.is_empty() {
            break;
        }
        let path = change(&fs, sound, &mut input);
        // Of what is wrong these two say what and where, or why they cannot begin.
        let _ = if is_slot(path) {
            inspect::wal_slot(&fs, path).map(drop)
        } else {
            inspect::segment(&fs, path).map(drop)
        };
    }
    let _ = verify(&fs, Path::new(DATA_DIR));
    recover(&fs);
}

/// Makes a change, and answers to which file.
fn change<'a>(fs: &SimFs, sound: &'a SoundDirectory, input: &mut Input<'_>) -> &'a Path {
    let path = &sound.files[usize::from(input.u8()) % sound.files.len()];
    let change = Change::ALL[usize::from(input.u8()) % Change::ALL.len()];
    let position = u64::from(input.u16());
    let count = usize::from(input.u8());
    let bytes = input.bytes(count);
    // An earlier change may have taken the file away.
    let Ok(before) = fs.read(path) else {
        return path;
    };
    let file_bytes = before.len() as u64;
    match change {
        Change::Lose => fs.lose(path),
        Change::Truncate => fs.truncate(path, position.min(file_bytes)),
        Change::Overwrite | Change::Reseal => {
            let room = usize::try_from(file_bytes.saturating_sub(position)).unwrap_or(0);
            fs.overwrite(path, position, &bytes[..bytes.len().min(room)]);
        }
    }
    if change == Change::Reseal {
        let unsealed = fs.read(path).expect("the file is there");
        let sealed = reseal::reseal(path, unsealed.clone());
        let blocks = unsealed
            .chunks(64)
            .zip(sealed.chunks(64))
            .zip((0..).step_by(64));
        for ((one, other), position) in blocks {
            if one != other {
                fs.overwrite(path, position, other);
            }
        }
    }
    path
}

/// Opens the directory as the broker does, reads everything, writes a little, stops and starts again.
fn recover(fs: &SimFs) {
    let (mut env, _handles) = sim::env(7);
    env.fs = Arc::new(fs.clone());
    for _ in 0..2 {
        let Ok(recovery) = Recovery::open(&env, settings()) else {
            return;
        };
        for batch in recovery.metadata_batches() {
            assert_sound(batch);
        }
        let live: BTreeMap<_, _> = (1..=LOGS)
            .map(|id| (LogId(id), LogConfig::default()))
            .collect();
        let Ok(Opened { storage, .. }) = recovery.finish(live, LogId(LOGS + 1)) else {
            return;
        };
        for id in 0..=LOGS {
            let log = storage.log(LogId(id)).expect("a live log is there");
            read_all(&log);
            let _ = log.append(batch(&[9; 100], None), Append::Produce);
        }
        storage.run_retention(i64::MAX);
        for _ in 0..20 {
            let steps = [storage.commit_step(), storage.flush_step()];
            if !steps.contains(&Step::Worked) {
                break;
            }
        }
        storage.shut_down();
    }
}

/// Reads a log to its end or to its damage, and looks for times in it.
fn read_all(log: &Arc<Log>) {
    let view = log.view();
    let mut from = view.log_start;
    while from < view.high_watermark {
        let read = match log.read(from, 8 << 10, Isolation::ReadCommitted, true) {
            Ok(Read::Ready(read)) => Ok(read),
            Ok(Read::Disk(read)) => read.run(),
            Err(error) => Err(error),
        };
        let Ok(read) = read else {
            break;
        };
        let before = from;
        for chunk in &read.chunks {
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                let (batch, behind) = BatchView::parse(rest).expect("whole batches are served");
                assert_sound(batch.bytes());
                from = batch.next_offset();
                rest = behind;
            }
        }
        if from == before {
            break;
        }
        assert!(from > before, "reading goes forward");
    }
    for time in [0, 1_000, i64::MAX] {
        let _ = log.offset_for_timestamp(time, Isolation::ReadUncommitted);
    }
    let _ = log.offset_of_max_timestamp();
    let _ = log.producers();
    let _ = log.set_log_start(Offset(view.log_start.get().saturating_add(1)));
}

/// Nothing is served that does not have its checksum.
fn assert_sound(batch: &[u8]) {
    let (view, rest) = BatchView::parse(batch).expect("a batch");
    assert!(rest.is_empty() && view.crc_is_valid(), "a batch is sound");
}
