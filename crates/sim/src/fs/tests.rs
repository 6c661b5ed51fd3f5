//! Every kind of fault really happens, and one seed gives one run.

mod counts;

use std::collections::BTreeSet;

use super::*;

const SECTOR: usize = SECTOR_BYTES;

fn at(name: &str) -> PathBuf {
    Path::new("/data").join(name)
}

/// A disk with a durable `/data` and in it a file `a` of two sectors of ones, all forced.
fn disk(seed: u64) -> SimFs {
    let fs = SimFs::new(seed);
    fs.create_dir_all(Path::new("/data")).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    let file = fs.open(&at("a"), OpenMode::CreateNew).unwrap();
    file.write_all_at(&[1; 2 * SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    fs.sync_dir(Path::new("/data")).unwrap();
    fs
}

fn names(fs: &SimFs) -> Vec<String> {
    let entries = fs.list_dir(Path::new("/data")).unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}

/// What a file looks like after crashes under many seeds.
fn outcomes<T: Ord>(change: impl Fn(&SimFs), look: impl Fn(&SimFs) -> T) -> BTreeSet<T> {
    (0..200)
        .map(|seed| {
            let fs = disk(seed);
            change(&fs);
            look(&fs.crash())
        })
        .collect()
}

#[test]
fn forced_bytes_and_names_survive_every_crash() {
    let found = outcomes(|_| (), |fs| (names(fs), fs.read(&at("a")).unwrap()));
    assert_eq!(
        found,
        BTreeSet::from([(vec!["a".to_owned()], vec![1; 2 * SECTOR])])
    );
}

#[test]
fn unforced_sectors_survive_each_for_itself_and_torn() {
    let found = outcomes(
        |fs| {
            let file = fs.open(&at("a"), OpenMode::Write).unwrap();
            file.write_all_at(&[2; SECTOR], 0).unwrap();
            file.write_all_at(&[3; 2 * SECTOR], 0).unwrap();
        },
        |fs| fs.read(&at("a")).unwrap(),
    );
    let whole = |first: u8, second: u8| {
        let mut bytes = vec![first; SECTOR];
        bytes.resize(2 * SECTOR, second);
        bytes
    };
    assert!(found.contains(&whole(1, 1)), "all lost");
    assert!(found.contains(&whole(3, 3)), "all kept");
    assert!(found.contains(&whole(1, 3)), "reordered");
    assert!(found.contains(&whole(2, 1)), "an earlier version kept");
    let torn = |bytes: &Vec<u8>| bytes[..SECTOR].iter().collect::<BTreeSet<_>>().len() > 1;
    assert!(found.iter().any(torn), "torn");
    for bytes in &found {
        for shard in bytes.chunks(512) {
            assert!(
                shard.iter().all(|byte| *byte == shard[0]),
                "torn within 512"
            );
        }
    }
}

#[test]
fn an_unforced_length_survives_or_not_with_zeros_for_what_is_missing() {
    let grown = outcomes(
        |fs| {
            let file = fs.open(&at("a"), OpenMode::Write).unwrap();
            file.write_all_at(&[2; 100], 2 * SECTOR as u64).unwrap();
        },
        |fs| {
            let bytes = fs.read(&at("a")).unwrap();
            (bytes.len(), bytes.last().copied())
        },
    );
    let expected = [
        (2 * SECTOR, Some(1)),
        (2 * SECTOR + 100, Some(0)),
        (2 * SECTOR + 100, Some(2)),
    ];
    assert_eq!(grown, BTreeSet::from(expected));
    let cut = outcomes(
        |fs| {
            let file = fs.open(&at("a"), OpenMode::Write).unwrap();
            file.set_len(10).unwrap();
        },
        |fs| fs.read(&at("a")).unwrap().len(),
    );
    assert_eq!(cut, BTreeSet::from([10, 2 * SECTOR]));
}

#[test]
fn what_was_cut_off_reads_as_zeros_when_the_file_grows_again() {
    let fs = disk(1);
    let file = fs.open(&at("a"), OpenMode::Write).unwrap();
    file.set_len(10).unwrap();
    file.set_len(SECTOR as u64 + 1).unwrap();
    let mut expected = vec![1; 10];
    expected.resize(SECTOR + 1, 0);
    assert_eq!(fs.read(&at("a")).unwrap(), expected);
}

#[test]
fn unforced_names_survive_each_for_itself() {
    let found = outcomes(
        |fs| {
            fs.open(&at("b"), OpenMode::CreateNew).unwrap();
            fs.open(&at("c"), OpenMode::CreateNew).unwrap();
            fs.remove_file(&at("a")).unwrap();
        },
        names,
    );
    assert_eq!(found.len(), 8, "every subset of three: {found:?}");
}

#[test]
fn a_rename_happens_whole_or_not() {
    let found = outcomes(
        |fs| {
            let file = fs.open(&at("a.new"), OpenMode::CreateNew).unwrap();
            file.write_all_at(b"new", 0).unwrap();
            file.sync_data().unwrap();
            fs.sync_dir(Path::new("/data")).unwrap();
            fs.rename(&at("a.new"), &at("a")).unwrap();
        },
        |fs| (names(fs).len(), fs.read(&at("a")).unwrap().len()),
    );
    assert_eq!(found, BTreeSet::from([(1, 3), (2, 2 * SECTOR)]));
}

#[test]
fn a_file_in_a_lost_directory_is_lost_however_well_forced() {
    let found = outcomes(
        |fs| {
            fs.create_dir_all(&at("d")).unwrap();
            fs.open(&at("d/x"), OpenMode::CreateNew).unwrap();
            fs.sync_dir(&at("d")).unwrap();
        },
        |fs| fs.exists(&at("d/x")).unwrap(),
    );
    assert_eq!(found, BTreeSet::from([false, true]));
}

#[test]
fn after_a_failed_force_the_cache_lies_until_it_is_dropped() {
    let mut lied = 0;
    for seed in 0..50 {
        let fs = disk(seed);
        let file = fs.open(&at("a"), OpenMode::Write).unwrap();
        file.write_all_at(&[2; SECTOR], 0).unwrap();
        fs.fail_next(Operation::Force, "a", Fault::Device, 1);
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
        assert!(!fs.is_dirty(&at("a")), "pages count as clean");
        file.sync_data().unwrap();
        assert_eq!(fs.read(&at("a")).unwrap()[..SECTOR], [2; SECTOR]);
        let on_disk = fs.durable_bytes(&at("a")).unwrap();
        lied += usize::from(on_disk[..SECTOR] != [2; SECTOR]);
        file.drop_cache().unwrap();
        assert_eq!(fs.read(&at("a")).unwrap(), on_disk);
        assert_eq!(fs.crash().read(&at("a")).unwrap(), on_disk);
    }
    assert!((10..50).contains(&lied), "{lied}");
}

#[test]
fn writing_again_repairs_what_a_failed_force_left_wrong() {
    let fs = disk(3);
    let file = fs.open(&at("a"), OpenMode::Write).unwrap();
    file.write_all_at(&[2; SECTOR], 0).unwrap();
    fs.fail_next(Operation::Force, "", Fault::Device, 1);
    file.sync_data().unwrap_err();
    file.write_all_at(&[3; SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    file.drop_cache().unwrap();
    assert_eq!(fs.crash().read(&at("a")).unwrap()[..SECTOR], [3; SECTOR]);
}

#[test]
fn dropping_the_cache_may_lose_what_was_not_forced() {
    let found: BTreeSet<u8> = (0..50)
        .map(|seed| {
            let fs = disk(seed);
            let file = fs.open(&at("a"), OpenMode::Write).unwrap();
            file.write_all_at(&[2; SECTOR], 0).unwrap();
            file.drop_cache().unwrap();
            fs.read(&at("a")).unwrap()[0]
        })
        .collect();
    assert_eq!(found, BTreeSet::from([1, 2]));
}

#[test]
fn a_full_disk_takes_a_part_and_has_space_again_after_a_removal() {
    let fs = disk(1);
    fs.set_space(Some(3 * SECTOR as u64));
    assert_eq!(fs.available_bytes(&at("a")).unwrap(), SECTOR as u64);
    let file = fs.open(&at("b"), OpenMode::CreateNew).unwrap();
    let error = file.write_all_at(&[7; 2 * SECTOR], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), SECTOR as u64);
    assert_eq!(fs.faults(), 1);
    fs.open(&at("a"), OpenMode::Write)
        .unwrap()
        .write_all_at(&[9; SECTOR], 0)
        .expect("sectors that the file has already cost nothing");
    fs.remove_file(&at("a")).unwrap();
    file.write_all_at(&[7; 2 * SECTOR], 0).unwrap();
    assert_eq!(fs.used_bytes(), 2 * SECTOR as u64);
}

#[test]
fn an_operation_fails_by_its_number() {
    let fs = disk(1);
    fs.fail_at(fs.operations() + 2, Fault::Device);
    let file = fs.open(&at("a"), OpenMode::Write).unwrap();
    file.write_all_at(b"one", 0).unwrap();
    file.write_all_at(&[4; SECTOR], 0).unwrap_err();
    file.write_all_at(b"three", 0).unwrap();
    assert_eq!(fs.faults(), 1);
}

#[test]
fn reads_fail_when_told() {
    let fs = disk(1);
    fs.fail_next(Operation::Read, "a", Fault::Device, 1);
    assert!(fs.read(&at("a")).is_err());
    assert!(fs.read(&at("a")).is_ok());
}

#[test]
fn nothing_works_from_the_crash_on_and_the_operation_itself_is_open() {
    let found: BTreeSet<u8> = (0..50)
        .map(|seed| {
            let fs = disk(seed);
            let file = fs.open(&at("a"), OpenMode::Write).unwrap();
            fs.crash_at(fs.operations() + 1);
            file.write_all_at(&[2; SECTOR], 0).unwrap_err();
            assert!(fs.has_crashed());
            file.sync_data().unwrap_err();
            fs.read(&at("a")).unwrap_err();
            fs.list_dir(Path::new("/data")).unwrap_err();
            fs.crash().read(&at("a")).unwrap()[0]
        })
        .collect();
    assert_eq!(found, BTreeSet::from([1, 2]));
}

#[test]
fn a_killed_process_leaves_its_writes_in_the_cache() {
    let fs = disk(1);
    let file = fs.open(&at("a"), OpenMode::Write).unwrap();
    file.write_all_at(&[2; SECTOR], 0).unwrap();
    let after = fs.kill();
    file.sync_data().unwrap_err();
    assert_eq!(after.read(&at("a")).unwrap()[0], 2);
    assert!(after.is_dirty(&at("a")));
}

#[test]
fn copies_do_not_touch_each_other() {
    let fs = disk(1);
    let copy = fs.fork();
    copy.flip_bit(&at("a"), 5, 1);
    assert_eq!(fs.read(&at("a")).unwrap()[5], 1);
    assert_eq!(copy.read(&at("a")).unwrap()[5], 3);
}

#[test]
fn the_medium_can_be_damaged() {
    let fs = disk(1);
    fs.flip_bit(&at("a"), 0, 7);
    fs.overwrite(&at("a"), 1, &[8, 9]);
    fs.truncate(&at("a"), 3);
    assert_eq!(fs.fork().crash().read(&at("a")).unwrap(), [129, 8, 9]);
    fs.lose(&at("a"));
    assert!(names(&fs.crash()).is_empty());
}

#[test]
fn a_lock_is_held_once_and_ends_with_its_process() {
    let fs = disk(1);
    let held = fs.lock(&at("lock")).unwrap();
    let second = fs.lock(&at("lock"));
    assert_eq!(
        second.err().map(|error| error.kind()),
        Some(io::ErrorKind::WouldBlock)
    );
    drop(held);
    let held = fs.lock(&at("lock")).unwrap();
    let after = fs.crash();
    after
        .lock(&at("lock"))
        .expect("a dead process holds nothing");
    drop(held);
}

#[test]
#[should_panic(expected = "unaligned direct access")]
fn an_unaligned_direct_write_is_a_mistake() {
    let fs = disk(1);
    let file = fs.open(&at("a"), OpenMode::WriteDirect).unwrap();
    let _ = file.write_all_at(&[0; 100], 0);
}

#[test]
fn one_seed_gives_one_run() {
    let run = |seed| {
        let fs = disk(seed);
        let file = fs.open(&at("a"), OpenMode::Write).unwrap();
        for number in 0..20_u8 {
            file.write_all_at(&[number; 700], u64::from(number) * 900)
                .unwrap();
            if number % 6 == 0 {
                fs.fail_next(Operation::Force, "a", Fault::Device, 1);
                file.sync_data().unwrap_err();
            }
        }
        let digest = fs.trace_digest();
        let after = fs.crash();
        (digest, after.read(&at("a")).unwrap())
    };
    assert_eq!(run(1), run(1));
    let contents: BTreeSet<Vec<u8>> = (0..20).map(|seed| run(seed).1).collect();
    assert!(contents.len() > 5, "{}", contents.len());
}

#[test]
fn the_trace_tells_what_happened() {
    let fs = disk(1);
    let trace = fs.trace();
    let kinds: Vec<Operation> = trace.iter().map(|step| step.operation).collect();
    use Operation::{Create, Force, ForceDir, Write};
    assert_eq!(kinds, [Create, ForceDir, Create, Write, Force, ForceDir]);
    assert_eq!(trace.len() as u64, fs.operations());
    assert!(trace.iter().all(|step| step.is_ok));
}
