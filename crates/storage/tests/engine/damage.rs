//! Damage on disk: what is acknowledged and damaged is named and never served, the rest is.

use std::path::{Path, PathBuf};

use env::Env;
use model::{LogId, Offset};
use sim::{Dice, Handles, SimFs};
use storage::{
    Append, AppendError, Damage, DamageCode, LogConfig, OpenError, ReadError, Recovery, verify,
};

use crate::harness::{
    DATA_DIR, Engine, LOG, append, batch, open, open_with, producer_batch, read_all, read_some,
    read_values, sim_settings,
};

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(DATA_DIR).join(name)
}

/// Three logs with 60 batches each, partly in segments; the last rounds are attested.
pub(crate) fn filled(seed: u64) -> Handles {
    let (env, handles) = sim::env(seed);
    let engine = open_with(&env, sim_settings(), 3, &config()).unwrap();
    for number in 0..60i32 {
        for id in 1..=3 {
            let tag = u8::try_from(number).unwrap();
            let batch = producer_batch(&[tag; 900], 1, (i64::from(id), 0), number);
            append(&engine.log(LogId(id)), batch).unwrap();
            engine.settle();
        }
    }
    handles.clock.advance(std::time::Duration::from_secs(1));
    engine.settle();
    engine.storage.shut_down();
    assert!(engine.storage.metrics().flushes > 0);
    drop(engine);
    handles.crash()
}

pub(crate) fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 16 << 10,
        index_interval_bytes: 1_000,
        ..LogConfig::default()
    }
}

pub(crate) fn reopen(env: &Env) -> Result<Engine, OpenError> {
    open_with(env, sim_settings(), 3, &config())
}

pub(crate) fn files(fs: &SimFs, directory: &Path) -> Vec<PathBuf> {
    use env::Fs;
    let mut found = Vec::new();
    for entry in fs.list_dir(directory).unwrap() {
        let path = directory.join(&entry.name);
        if entry.is_dir {
            found.extend(files(fs, &path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn an_undamaged_directory_is_verified() {
    let handles = filled(1);
    let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
    assert_eq!(report.damages, []);
    assert!(report.rounds > 0 && report.batches >= 180, "{report:?}");
    let engine = reopen(&handles.env()).unwrap();
    assert!(engine.report.was_clean, "{:?}", engine.report);
}

#[test]
fn a_damaged_batch_in_a_segment_is_not_served_and_the_rest_is() {
    let handles = filled(1);
    let segment = path("logs/0000000001/00000000000000000000.log");
    let contents = storage::inspect::segment(&handles.fs, &segment).unwrap();
    assert_eq!(contents.ends_at, None);
    let third = contents.batches[2];
    assert_eq!((third.base_offset, third.is_sound), (Offset(2), true));
    handles.fs.flip_bit(&segment, third.position + 100, 3);
    let contents = storage::inspect::segment(&handles.fs, &segment).unwrap();
    assert!(!contents.batches[2].is_sound && contents.batches[3].is_sound);

    let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
    let found: Vec<_> = report
        .damages
        .iter()
        .map(|d| (d.code, d.position))
        .collect();
    assert_eq!(found, [(DamageCode::SegmentBatch, third.position)]);
    assert!(report.is_damaged());

    let engine = reopen(&handles.env()).unwrap();
    let log = engine.log(LOG);
    assert_eq!(read_all(&log, 0), Err(ReadError::Damaged));
    let damages = engine.storage.damages();
    assert_eq!(damages.len(), 1);
    assert_eq!(
        (&damages[0].path, damages[0].position),
        (&segment, third.position)
    );
    assert_eq!(append(&log, batch(b"x", 1)), Err(AppendError::Quarantined));
    assert_eq!(
        read_values(&log, 3).len(),
        57,
        "what lies behind it is sound"
    );
    let other = engine.log(LogId(2));
    assert_eq!(read_values(&other, 0).len(), 60);
    append(&other, batch(b"x", 1)).unwrap();
}

/// The slot and position of the payload of the batch at an offset of log 1.
pub(crate) fn payload_of(handles: &Handles, offset: i64) -> (PathBuf, u64, u64) {
    let mut last = None;
    for slot in files(&handles.fs, &path("wal")) {
        for round in storage::inspect::wal_slot(&handles.fs, &slot)
            .unwrap()
            .rounds
        {
            for entry in round.entries.unwrap_or_default() {
                let is_it = entry.log_id == LOG && entry.base_offset == Offset(offset);
                if is_it && entry.bytes > 0 {
                    last = Some((slot.clone(), entry.position, round.position));
                }
            }
        }
    }
    last.unwrap()
}

#[test]
fn a_damaged_payload_that_was_acknowledged_quarantines_its_log() {
    let handles = filled(1);
    let (slot, position, _) = payload_of(&handles, 58);
    handles.fs.flip_bit(&slot, position + 200, 1);
    let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
    assert_eq!(report.damages[0].code, DamageCode::WalPayload);
    assert_eq!(
        (&report.damages[0].path, report.damages[0].position),
        (&slot, position)
    );
    // Twice, and over a checkpoint that forgets the rounds.
    let mut handles = handles;
    for start in 0..3 {
        let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
        let engine = reopen(&handles.env()).unwrap();
        for damages in [report.damages, engine.storage.damages()] {
            let lasting = damages.iter().filter(|one| !one.code.is_repaired());
            let place = lasting.map(|one| (one.code, &one.path, one.position));
            let expected = (DamageCode::WalPayload, &slot, position);
            assert_eq!(place.collect::<Vec<_>>(), [expected], "start {start}");
        }
        let log = engine.log(LOG);
        assert_eq!(log.view().high_watermark, Offset(58), "start {start}");
        assert_eq!(
            read_all(&log, 0).map(|batches| batches.len()),
            Err(ReadError::Damaged)
        );
        assert_eq!(append(&log, batch(b"x", 1)), Err(AppendError::Quarantined));
        let other = engine.log(LogId(2));
        for _ in 0..200 {
            append(&other, batch(&[1; 3_000], 1)).unwrap();
            engine.settle();
        }
        drop(engine);
        handles = handles.crash();
    }
}

#[test]
fn a_damaged_table_of_an_acknowledged_round_makes_the_engine_read_only() {
    let handles = filled(1);
    let (slot, _, round) = payload_of(&handles, 58);
    handles.fs.flip_bit(&slot, round + 70, 1);
    let before = handles.fs.operations();
    let engine = reopen(&handles.env()).unwrap();
    assert!(engine.report.is_read_only && engine.storage.is_poisoned());
    let damage = &engine.report.damages[0];
    assert_eq!(damage.code, DamageCode::WalChain);
    assert_eq!((&damage.path, damage.position), (&slot, round));
    let log = engine.log(LOG);
    assert_eq!(log.view().high_watermark, Offset(58));
    // All of it can be read; who wants more, or was further, is told that there was more.
    assert!(read_some(&log, Offset(57), 1).is_ok());
    for from in [58, 59, 1_000] {
        let read = read_some(&log, Offset(from), 1).map(|read| read.bytes);
        assert_eq!(read, Err(ReadError::Damaged), "from {from}");
    }
    assert_eq!(append(&log, batch(b"x", 1)), Err(AppendError::Poisoned));
    let metadata = engine.log(LogId::METADATA);
    assert_eq!(
        metadata.append(batch(b"x", 1), Append::Internal),
        Err(AppendError::Poisoned)
    );
    assert!(handles.fs.operations() < before + 100, "nothing but forces");
}

#[test]
fn a_torn_tail_is_cut_and_told() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    append(&engine.log(LOG), batch(b"first", 1)).unwrap();
    engine.commit();
    append(&engine.log(LOG), batch(b"last", 1)).unwrap();
    engine.commit();
    drop(engine);
    let handles = handles.crash();
    let (slot, position, _) = payload_of(&handles, 1);
    // Nobody has written down that the last round was durable.
    handles.fs.flip_bit(&slot, position + 64, 1);
    let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
    assert_eq!(
        (report.damages, report.cut_rounds),
        (Vec::<Damage>::new(), 1)
    );
    let engine = open(&handles.env());
    assert_eq!(
        (engine.report.cut_rounds, engine.report.was_clean),
        (1, false)
    );
    assert_eq!(engine.report.damages, []);
    assert_eq!(read_values(&engine.log(LOG), 0), [(0, b'f', 5)]);
}

#[test]
fn indexes_and_snapshots_are_built_anew() {
    let handles = filled(1);
    for file in files(&handles.fs, &path("logs")) {
        let name = file.to_str().unwrap();
        if name.ends_with("index") {
            handles.fs.lose(&file);
        } else if name.ends_with(".snapshot") {
            handles.fs.flip_bit(&file, 20, 1);
        }
    }
    let engine = reopen(&handles.env()).unwrap();
    let repaired = engine
        .report
        .damages
        .iter()
        .all(|damage| damage.code.is_repaired());
    assert!(repaired, "{:?}", engine.report.damages);
    for id in 1..=3 {
        let log = engine.log(LogId(id));
        assert_eq!(read_values(&log, 0).len(), 60);
        assert_eq!(read_values(&log, 17).len(), 43);
        let again = producer_batch(&[59; 900], 1, (i64::from(id), 0), 59);
        assert!(append(&log, again).unwrap().duplicate);
    }
}

#[test]
fn a_missing_or_short_segment_is_named() {
    for is_lost in [true, false] {
        let handles = filled(1);
        let segment = path("logs/0000000002/00000000000000000000.log");
        if is_lost {
            handles.fs.lose(&segment);
        } else {
            handles.fs.truncate(&segment, 1_500);
        }
        let engine = reopen(&handles.env()).unwrap();
        let damage = &engine.report.damages[0];
        assert_eq!(damage.code, DamageCode::SegmentMissing);
        assert_eq!(damage.path, segment);
        assert_eq!(read_all(&engine.log(LogId(2)), 0), Err(ReadError::Damaged));
        assert_eq!(read_values(&engine.log(LOG), 0).len(), 60);
    }
}

#[test]
fn a_newer_format_and_a_foreign_directory_are_refused() {
    let handles = filled(1);
    handles.fs.overwrite(&path("format"), 4, &[9, 0]);
    let refused = Recovery::open(&handles.env(), sim_settings());
    assert!(matches!(
        refused,
        Err(OpenError::NewerFormat {
            found: 9,
            supported: 3,
            ..
        })
    ));
    handles.fs.lose(&path("format"));
    let refused = Recovery::open(&handles.env(), sim_settings());
    assert!(matches!(refused, Err(OpenError::NotOurs { .. })));
}

#[test]
fn any_single_damage_is_noticed_or_does_no_harm() {
    let golden = filled(1);
    let expected: Vec<_> = {
        let copy = golden.fs.fork();
        let engine = reopen(&Env {
            fs: std::sync::Arc::new(copy),
            ..golden.env()
        })
        .unwrap();
        (1..=3)
            .map(|id| read_all(&engine.log(LogId(id)), 0).unwrap())
            .collect()
    };
    let all = files(&golden.fs, Path::new(DATA_DIR));
    let mut dice = Dice::new(7);
    for round in 0..400 {
        let fs = golden.fs.fork();
        let file = &all[dice.index(all.len())];
        let length = {
            use env::Fs;
            fs.read(file).unwrap().len() as u64
        };
        if length == 0 {
            continue;
        }
        let position = dice.below(length);
        match round % 4 {
            0 => fs.truncate(file, position),
            _ => fs.flip_bit(file, position, (round % 8) as u8),
        }
        let report = verify(&fs, Path::new(DATA_DIR));
        let env = Env {
            fs: std::sync::Arc::new(fs.clone()),
            ..golden.env()
        };
        let Ok(engine) = reopen(&env) else {
            assert!(report.is_err() || report.is_ok_and(|report| report.is_damaged()));
            continue;
        };
        for (id, expected) in (1..=3).zip(&expected) {
            let log = engine.log(LogId(id));
            match read_all(&log, 0) {
                Ok(found) => {
                    let context = format!("{} at {position}, log {id}", file.display());
                    assert!(expected.starts_with(&found), "{context}");
                    let is_told = !engine.storage.damages().is_empty();
                    assert!(found.len() == expected.len() || is_told, "{context}");
                }
                Err(ReadError::Damaged) => assert!(!engine.storage.damages().is_empty()),
                Err(error) => panic!("{error}"),
            }
        }
    }
}
