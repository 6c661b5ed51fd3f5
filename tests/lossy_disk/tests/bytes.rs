//! What power cuts do to the bytes of files.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use anyhow::ensure;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::{Test, mounted};

pub(crate) const TESTS: &[Test] = &[
    (
        "bytes::unforced_ones_are_kept_lost_mixed_and_torn",
        unforced_ones_are_kept_lost_mixed_and_torn,
    ),
    (
        "bytes::forced_ones_are_never_lost",
        forced_ones_are_never_lost,
    ),
    (
        "bytes::direct_ones_are_aligned_and_lost_like_others",
        direct_ones_are_aligned_and_lost_like_others,
    ),
    (
        "bytes::one_seed_gives_one_outcome",
        one_seed_gives_one_outcome,
    ),
    (
        "bytes::a_drive_that_lies_loses_forced_ones",
        a_drive_that_lies_loses_forced_ones,
    ),
];

const SECTOR: usize = 4096;
/// The unit in which a sector tears.
const SHARD: usize = 512;
const CUTS: u8 = 60;

/// Makes a file with these bytes that no power cut can change.
pub(crate) fn make_durable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Two sectors.
fn pair(first: u8, second: u8) -> Vec<u8> {
    [[first; SECTOR], [second; SECTOR]].concat()
}

/// What a durable file of ones holds after each of many power cuts that follow this change.
fn outcomes(seed: u64, change: impl Fn(&Path) -> io::Result<()>) -> anyhow::Result<Vec<Vec<u8>>> {
    let (_scratch, mut disk) = mounted(seed)?;
    let path = disk.path().join("file");
    let mut found = Vec::new();
    for _ in 0..CUTS {
        make_durable(&path, &pair(1, 1))?;
        change(&path)?;
        disk.power_cut()?;
        found.push(std::fs::read(&path)?);
    }
    let losses = disk.report().losses;
    let counted =
        losses.sectors_kept + losses.sectors_lost + losses.sectors_older + losses.sectors_torn;
    ensure!(counted <= 2 * u64::from(CUTS), "{losses}");
    Ok(found)
}

fn overwrite_twice(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(&[2; SECTOR], 0)?;
    file.write_all_at(&pair(3, 3), 0)
}

fn unforced_ones_are_kept_lost_mixed_and_torn() -> anyhow::Result<()> {
    let found = outcomes(1, overwrite_twice)?;
    for (what, expected) in [
        ("all lost", pair(1, 1)),
        ("all kept", pair(3, 3)),
        ("the later sector kept, the earlier lost", pair(1, 3)),
        ("the earlier sector kept, the later lost", pair(3, 1)),
    ] {
        ensure!(found.contains(&expected), "never {what}");
    }
    let values = |bytes: &[u8]| bytes.iter().copied().collect::<BTreeSet<u8>>();
    let mut torn = 0;
    for bytes in &found {
        ensure!(bytes.len() == 2 * SECTOR);
        torn += bytes
            .chunks(SECTOR)
            .filter(|sector| values(sector).len() > 1)
            .count();
        ensure!(
            bytes.chunks(SHARD).all(|shard| values(shard).len() == 1),
            "torn within {SHARD} bytes"
        );
    }
    ensure!(torn > 0, "never torn");
    Ok(())
}

fn forced_ones_are_never_lost() -> anyhow::Result<()> {
    let (_scratch, mut disk) = mounted(2)?;
    let path = disk.path().join("file");
    let other = disk.path().join("other");
    let mut expected = pair(1, 1);
    make_durable(&path, &expected)?;
    for round in 1..=CUTS {
        let mut others = OpenOptions::new().append(true).create(true).open(&other)?;
        others.write_all(&[9; 3 * SECTOR])?;
        let file = OpenOptions::new().write(true).open(&path)?;
        // Over what is there, and beyond its end, and not in whole sectors.
        for position in [usize::from(round) * 31, expected.len()] {
            let bytes = vec![round; 700];
            file.write_all_at(&bytes, position as u64)?;
            expected.resize(expected.len().max(position + bytes.len()), 0);
            expected[position..position + bytes.len()].copy_from_slice(&bytes);
        }
        match round % 3 {
            0 => file.sync_all()?,
            1 => file.sync_data()?,
            // A force of another handle is a force of the file.
            _ => File::open(&path)?.sync_data()?,
        }
        disk.power_cut()?;
        ensure!(std::fs::read(&path)? == expected, "round {round}");
    }
    // Forced by the way it is opened.
    let mut synchronous = OpenOptions::new();
    synchronous.write(true);
    synchronous.custom_flags(OFlags::DSYNC.bits().cast_signed());
    for round in 1..=CUTS {
        synchronous.open(&path)?.write_all_at(&[round; SECTOR], 0)?;
        expected[..SECTOR].fill(round);
        disk.power_cut()?;
        ensure!(std::fs::read(&path)? == expected, "round {round}");
    }
    let report = disk.report();
    ensure!(report.forces >= u64::from(CUTS), "{report}");
    ensure!(report.losses.sectors_lost > 0, "{report}");
    Ok(())
}

fn direct_ones_are_aligned_and_lost_like_others() -> anyhow::Result<()> {
    let mut direct = OpenOptions::new();
    direct.read(true).write(true);
    direct.custom_flags(OFlags::DIRECT.bits().cast_signed());
    // Memory that starts where a sector may, as the kernel wants it for direct access.
    let memory = vec![3; 3 * SECTOR];
    let start = memory.as_ptr().align_offset(SECTOR);
    let aligned = &memory[start..start + 2 * SECTOR];

    let unforced = outcomes(3, |path| direct.open(path)?.write_all_at(aligned, 0))?;
    ensure!(unforced.contains(&pair(3, 3)), "never kept");
    ensure!(unforced.contains(&pair(1, 1)), "never lost");
    let forced = outcomes(4, |path| {
        let file = direct.open(path)?;
        file.write_all_at(aligned, 0)?;
        file.sync_data()
    })?;
    ensure!(forced.iter().all(|bytes| *bytes == pair(3, 3)));

    let (_scratch, disk) = mounted(5)?;
    let path = disk.path().join("file");
    make_durable(&path, &pair(1, 1))?;
    let file = direct.open(&path)?;
    for (bytes, position) in [(&aligned[..SHARD], 0), (&aligned[..SECTOR], SHARD as u64)] {
        let error = file.write_all_at(bytes, position).err();
        ensure!(
            error.as_ref().and_then(io::Error::raw_os_error) == Some(Errno::INVAL.raw_os_error()),
            "{} bytes at {position}: {error:?}",
            bytes.len()
        );
    }
    ensure!(std::fs::read(&path)? == pair(1, 1));
    Ok(())
}

fn one_seed_gives_one_outcome() -> anyhow::Result<()> {
    ensure!(outcomes(6, overwrite_twice)? == outcomes(6, overwrite_twice)?);
    ensure!(outcomes(6, overwrite_twice)? != outcomes(7, overwrite_twice)?);
    Ok(())
}

fn a_drive_that_lies_loses_forced_ones() -> anyhow::Result<()> {
    let (_scratch, mut disk) = mounted(8)?;
    let path = disk.path().join("file");
    make_durable(&path, &pair(1, 1))?;
    disk.ignore_forces();
    let (mut bytes_lost, mut names_lost) = (0, 0);
    for round in 0..CUTS {
        let before = std::fs::read(&path)?;
        make_durable(&path, &pair(round, round))?;
        let new = disk.path().join(format!("new-{round}"));
        make_durable(&new, b"new")?;
        disk.power_cut()?;
        bytes_lost += usize::from(std::fs::read(&path)? == before);
        names_lost += usize::from(!new.exists());
    }
    ensure!(bytes_lost > 0 && names_lost > 0, "{}", disk.report());
    Ok(())
}
