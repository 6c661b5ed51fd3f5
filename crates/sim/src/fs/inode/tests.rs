//! Files by number, with and without a name.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use env::Fs;

use super::*;

const DATA: &str = "/data";

/// A disk with a durable directory, its number, and the number of a durable file `a` in it.
fn disk(seed: u64) -> (SimFs, u64, u64) {
    let fs = SimFs::new(seed);
    fs.create_dir_all(Path::new(DATA)).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    let file = fs.open(Path::new("/data/a"), OpenMode::CreateNew).unwrap();
    file.write_all_at(&[1; 5000], 0).unwrap();
    file.sync_data().unwrap();
    fs.sync_dir(Path::new(DATA)).unwrap();
    let data = fs.lookup(SimFs::ROOT_INODE, "data").unwrap();
    let a = fs.lookup(data, "a").unwrap();
    (fs, data, a)
}

/// How many files the disk keeps in memory.
fn files(fs: &SimFs) -> usize {
    fs.state.lock().files.len()
}

#[test]
fn numbers_lead_to_files_and_back_to_paths() {
    let (fs, data, a) = disk(1);
    assert_eq!(fs.path_to(SimFs::ROOT_INODE).unwrap(), Path::new("/"));
    assert_eq!(fs.path_to(data).unwrap(), Path::new(DATA));
    assert_eq!(fs.path_to(a).unwrap(), Path::new("/data/a"));
    let attributes = fs.attributes(a).unwrap();
    assert_eq!(
        attributes,
        Attributes {
            inode: a,
            is_dir: false,
            bytes: 5000,
            used_bytes: 8192
        }
    );
    assert!(fs.attributes(data).unwrap().is_dir);
    let missing = fs.lookup(data, "b").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(
        fs.open_inode(data).err().map(|error| error.kind()),
        Some(ErrorKind::IsADirectory)
    );
    fs.rename(Path::new("/data/a"), Path::new("/b")).unwrap();
    assert_eq!(fs.path_to(a).unwrap(), Path::new("/b"));
}

#[test]
fn a_number_stays_the_same_over_a_loss_of_power_and_the_old_disk_answers_no_more() {
    let (fs, data, a) = disk(1);
    let file = fs.open_inode(a).unwrap();
    let found = fs.crash();
    assert_eq!(found.lookup(data, "a").unwrap(), a);
    for result in [
        fs.lookup(data, "a").map(drop),
        fs.attributes(a).map(drop),
        fs.path_to(a).map(drop),
        fs.open_inode(a).map(drop),
        file.read_at(&mut [0], 0).map(drop),
    ] {
        assert!(result.is_err());
    }
}

#[test]
fn a_file_without_name_is_kept_while_it_is_open() {
    let (fs, _, a) = disk(1);
    let file = fs.open_inode(a).unwrap();
    fs.remove_file(Path::new("/data/a")).unwrap();
    fs.sync_dir(Path::new(DATA)).unwrap();
    let mut byte = [0];
    assert_eq!(file.read_at(&mut byte, 4999).unwrap(), 1);
    assert_eq!(byte, [1]);
    assert_eq!(fs.attributes(a).unwrap().bytes, 5000);
    assert!(fs.path_to(a).is_err());
    drop(file);
    assert!(fs.attributes(a).is_err());
    assert_eq!(files(&fs), 0);
}

#[test]
fn a_file_without_name_is_kept_while_a_loss_of_power_may_bring_it_back() {
    let kept: BTreeSet<bool> = (0..50)
        .map(|seed| {
            let (fs, data, a) = disk(seed);
            fs.remove_file(Path::new("/data/a")).unwrap();
            drop(fs.open(Path::new("/data/b"), OpenMode::CreateNew).unwrap());
            assert_eq!(files(&fs), 2);
            let found = fs.crash();
            match found.lookup(data, "a") {
                Ok(inode) => {
                    assert_eq!(inode, a);
                    assert_eq!(found.read(Path::new("/data/a")).unwrap(), [1; 5000]);
                    true
                }
                Err(_) => false,
            }
        })
        .collect();
    assert_eq!(kept, BTreeSet::from([false, true]));
    let (fs, _, _) = disk(1);
    fs.remove_file(Path::new("/data/a")).unwrap();
    fs.sync_dir(Path::new(DATA)).unwrap();
    assert_eq!(files(&fs), 0, "nothing can bring it back");
}

#[test]
fn what_a_loss_of_power_took_is_counted() {
    let mut total = crate::Losses::default();
    for seed in 0..100 {
        let (fs, _, a) = disk(seed);
        let file = fs.open_inode(a).unwrap();
        file.write_all_at(&[2; 4096], 0).unwrap();
        file.write_all_at(&[3; 4096], 0).unwrap();
        fs.rename(Path::new("/data/a"), Path::new("/data/b"))
            .unwrap();
        let found = fs.crash();
        let name = match found.exists(Path::new("/data/a")).unwrap() {
            true => "/data/a",
            false => "/data/b",
        };
        let bytes = found.read(Path::new(name)).unwrap();
        let seen: BTreeSet<u8> = bytes[..4096].iter().copied().collect();
        let losses = found.losses();
        let expected = match Vec::from_iter(seen.iter().copied()).as_slice() {
            [3] => losses.sectors_kept,
            [1] => losses.sectors_lost,
            [2] => losses.sectors_older,
            _ => losses.sectors_torn,
        };
        assert_eq!(expected, 1, "{seen:?}: {losses}");
        assert_eq!(losses.names_lost == 1, name == "/data/a");
        assert_eq!(losses.names_kept + losses.names_lost, 1);
        total += losses;
    }
    let sectors = [
        total.sectors_kept,
        total.sectors_lost,
        total.sectors_older,
        total.sectors_torn,
    ];
    assert_eq!(sectors.iter().sum::<u64>(), 100);
    assert!(sectors.iter().all(|count| *count > 0), "{total}");
}

#[test]
fn operations_are_counted_by_kind() {
    let (fs, _, a) = disk(1);
    let forces = fs.operations_of(Operation::Force);
    fs.open_inode(a).unwrap().sync_data().unwrap();
    assert_eq!(fs.operations_of(Operation::Force), forces + 1);
    assert_eq!(fs.operations_of(Operation::DropCache), 0);
    let (all, reads) = (fs.operations(), fs.operations_of(Operation::Read));
    fs.open_inode(a).unwrap().read_at(&mut [0], 0).unwrap();
    assert_eq!(fs.operations_of(Operation::Read), reads + 1);
    assert_eq!(fs.operations(), all);
}

#[test]
fn a_directory_that_is_not_empty_is_not_replaced() {
    let (fs, _, _) = disk(1);
    fs.create_dir_all(Path::new("/empty")).unwrap();
    let error = fs.rename(Path::new("/empty"), Path::new(DATA)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty);
}
