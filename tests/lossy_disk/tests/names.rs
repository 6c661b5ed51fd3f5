//! What power cuts do to names.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::ensure;

use crate::bytes::make_durable;
use crate::{Test, mounted};

pub(crate) const TESTS: &[Test] = &[
    (
        "names::a_new_one_needs_a_force_of_its_directory",
        a_new_one_needs_a_force_of_its_directory,
    ),
    (
        "names::a_removed_one_may_come_back",
        a_removed_one_may_come_back,
    ),
    (
        "names::a_rename_happens_whole_or_not",
        a_rename_happens_whole_or_not,
    ),
    (
        "names::a_file_goes_with_its_directory",
        a_file_goes_with_its_directory,
    ),
];

const CUTS: usize = 40;

fn force(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// What is seen in a directory of its own after each of many power cuts that follow this change,
/// with and without a force of the directory in between.
fn outcomes<T: Ord>(
    seed: u64,
    prepare: impl Fn(&Path) -> io::Result<()>,
    change: impl Fn(&Path) -> io::Result<()>,
    see: impl Fn(&Path) -> io::Result<T>,
) -> anyhow::Result<[BTreeSet<T>; 2]> {
    let (_scratch, mut disk) = mounted(seed)?;
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for round in 0..2 * CUTS {
        let is_forced = round % 2;
        let directory = disk.path().join(format!("round-{round}"));
        fs::create_dir(&directory)?;
        force(disk.path())?;
        prepare(&directory)?;
        force(&directory)?;
        change(&directory)?;
        if is_forced == 1 {
            force(&directory)?;
        }
        disk.power_cut()?;
        found[is_forced].insert(see(&directory)?);
    }
    Ok(found)
}

fn a_new_one_needs_a_force_of_its_directory() -> anyhow::Result<()> {
    let [unforced, forced] = outcomes(
        1,
        |_| Ok(()),
        |directory| {
            let file = File::create_new(directory.join("new"))?;
            // A force of the file itself is none of its name.
            file.sync_all()
        },
        |directory| fs::exists(directory.join("new")),
    )?;
    ensure!(unforced == BTreeSet::from([false, true]), "{unforced:?}");
    ensure!(forced == BTreeSet::from([true]), "{forced:?}");
    Ok(())
}

fn a_removed_one_may_come_back() -> anyhow::Result<()> {
    let [unforced, forced] = outcomes(
        2,
        |directory| make_durable(&directory.join("old"), b"old"),
        |directory| fs::remove_file(directory.join("old")),
        |directory| match fs::read(directory.join("old")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        },
    )?;
    let back = Some(b"old".to_vec());
    ensure!(unforced == BTreeSet::from([None, back]), "{unforced:?}");
    ensure!(forced == BTreeSet::from([None]), "{forced:?}");
    Ok(())
}

fn a_rename_happens_whole_or_not() -> anyhow::Result<()> {
    let [unforced, forced] = outcomes(
        3,
        |directory| {
            make_durable(&directory.join("name"), b"old")?;
            make_durable(&directory.join("name.new"), b"new")
        },
        |directory| fs::rename(directory.join("name.new"), directory.join("name")),
        |directory| {
            let seen = fs::read(directory.join("name"))?;
            Ok((seen, fs::exists(directory.join("name.new"))?))
        },
    )?;
    let (before, after) = ((b"old".to_vec(), true), (b"new".to_vec(), false));
    ensure!(
        unforced == BTreeSet::from([before, after.clone()]),
        "{unforced:?}"
    );
    ensure!(forced == BTreeSet::from([after]), "{forced:?}");
    Ok(())
}

fn a_file_goes_with_its_directory() -> anyhow::Result<()> {
    let [unforced, forced] = outcomes(
        4,
        |_| Ok(()),
        |directory| {
            let inner = directory.join("inner");
            fs::create_dir(&inner)?;
            make_durable(&inner.join("file"), b"well forced")
        },
        |directory| fs::exists(directory.join("inner/file")),
    )?;
    ensure!(unforced == BTreeSet::from([false, true]), "{unforced:?}");
    ensure!(forced == BTreeSet::from([true]), "{forced:?}");
    Ok(())
}
