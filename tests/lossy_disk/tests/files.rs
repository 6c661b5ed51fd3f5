//! To a program it is an ordinary file system.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use anyhow::ensure;
use env::real::RealFs;
use env::{Fs, OpenMode};

use crate::{Test, mounted};

pub(crate) const TESTS: &[Test] = &[
    (
        "files::bytes_are_where_they_were_written",
        bytes_are_where_they_were_written,
    ),
    (
        "files::names_lead_where_they_should",
        names_lead_where_they_should,
    ),
    ("files::the_kernel_keeps_nothing", the_kernel_keeps_nothing),
    ("files::a_full_disk_says_so", a_full_disk_says_so),
    (
        "files::the_brokers_own_access_works",
        the_brokers_own_access_works,
    ),
];

fn bytes_are_where_they_were_written() -> anyhow::Result<()> {
    let (_scratch, disk) = mounted(1)?;
    let path = disk.path().join("file");
    // More than one request of the kernel holds, and not in whole sectors.
    let bytes: Vec<u8> = (0..5_000_001_u32).map(|n| (n % 251) as u8).collect();
    fs::write(&path, &bytes)?;
    ensure!(fs::read(&path)? == bytes);
    let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
    file.write_all(b"end")?;
    file.seek(SeekFrom::Start(5_000_000))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    ensure!(rest == [&bytes[5_000_000..], b"end"].concat());
    // Cut, extended with zeros, with a hole.
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    file.set_len(10)?;
    file.set_len(20)?;
    file.write_all_at(b"far", 10_000)?;
    let mut expected = bytes[..10].to_vec();
    expected.resize(10_000, 0);
    expected.extend(b"far");
    ensure!(fs::read(&path)? == expected);
    ensure!(file.metadata()?.len() == 10_003);
    // Made empty by the way it is opened.
    File::create(&path)?;
    ensure!(file.metadata()?.len() == 0);
    Ok(())
}

fn names_lead_where_they_should() -> anyhow::Result<()> {
    let (_scratch, disk) = mounted(2)?;
    let root = disk.path();
    fs::create_dir_all(root.join("a/b"))?;
    // More than one answer to the kernel holds.
    let names: BTreeSet<String> = (0..500)
        .map(|number| format!("file-{number:0>60}"))
        .collect();
    for name in &names {
        fs::write(root.join("a/b").join(name), name)?;
    }
    let listed: BTreeSet<String> = fs::read_dir(root.join("a/b"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    ensure!(listed == names);
    let error = fs::remove_dir(root.join("a/b"))
        .err()
        .map(|error| error.kind());
    ensure!(error == Some(ErrorKind::DirectoryNotEmpty), "{error:?}");
    // A file that is open outlives its name.
    let name = root.join("a/b").join(format!("file-{:0>60}", 7));
    let mut open = File::open(&name)?;
    fs::remove_file(&name)?;
    let error = File::open(&name).err().map(|error| error.kind());
    ensure!(error == Some(ErrorKind::NotFound), "{error:?}");
    let mut text = String::new();
    open.read_to_string(&mut text)?;
    ensure!(text.ends_with("0007"));
    // Directories move with what is in them.
    fs::rename(root.join("a/b"), root.join("c"))?;
    let moved = root.join("c").join(format!("file-{:0>60}", 8));
    ensure!(fs::read_to_string(&moved)?.ends_with("0008"));
    let error = File::create_new(&moved).err().map(|error| error.kind());
    ensure!(error == Some(ErrorKind::AlreadyExists), "{error:?}");
    // Removed while it is listed.
    fs::remove_dir_all(root.join("c"))?;
    ensure!(!root.join("c").exists());
    Ok(())
}

fn the_kernel_keeps_nothing() -> anyhow::Result<()> {
    let (_scratch, disk) = mounted(5)?;
    let path = disk.path().join("file");
    fs::write(&path, [1; 4096])?;
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    let mut buffer = [0; 4096];
    for _ in 0..3 {
        let before = disk.report();
        file.read_exact_at(&mut buffer, 0)?;
        file.write_all_at(&buffer[..10], 0)?;
        let after = disk.report();
        ensure!(after.reads == before.reads + 1, "{after}");
        ensure!(after.writes == before.writes + 1, "{after}");
    }
    Ok(())
}

fn a_full_disk_says_so() -> anyhow::Result<()> {
    let (_scratch, disk) = mounted(3)?;
    disk.set_space(1 << 20);
    let path = disk.path().join("large");
    fs::write(&path, vec![7; 900 << 10])?;
    ensure!(RealFs.available_bytes(&path)? == 124 << 10);
    let error = fs::write(disk.path().join("more"), vec![8; 200 << 10]).err();
    ensure!(
        error.as_ref().map(|error| error.kind()) == Some(ErrorKind::StorageFull),
        "{error:?}"
    );
    ensure!(fs::read(&path)? == vec![7; 900 << 10]);
    fs::remove_file(&path)?;
    fs::write(disk.path().join("more"), vec![8; 200 << 10])?;
    Ok(())
}

/// By the calls that the broker uses, its lock among them.
fn the_brokers_own_access_works() -> anyhow::Result<()> {
    let (_scratch, mut disk) = mounted(4)?;
    let root = disk.path().to_path_buf();
    let lock = RealFs.lock(&root.join("lock"))?;
    let second = RealFs
        .lock(&root.join("lock"))
        .err()
        .map(|error| error.kind());
    ensure!(second == Some(ErrorKind::WouldBlock), "{second:?}");
    drop(lock);
    let _lock = RealFs.lock(&root.join("lock"))?;
    let file = RealFs.open(&root.join("file"), OpenMode::CreateNew)?;
    file.write_all_at(b"forced", 0)?;
    file.sync_data()?;
    RealFs.sync_dir(&root)?;
    file.drop_cache()?;
    disk.power_cut()?;
    ensure!(RealFs.read(&root.join("file"))? == b"forced");
    // A handle from before is none of this disk any more, and neither is a lock.
    ensure!(file.read_at(&mut [0; 6], 0).is_err());
    ensure!(file.sync_data().is_err());
    RealFs.lock(&root.join("lock"))?;
    Ok(())
}
