//! Processes that are killed while they use the disk, or while they are it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use lossy_disk::LossyDisk;

use crate::{Test, mounted};

pub(crate) const TESTS: &[Test] = &[
    (
        "kills::a_killed_writer_leaves_a_disk_that_answers",
        a_killed_writer_leaves_a_disk_that_answers,
    ),
    (
        "kills::the_mount_of_a_killed_process_is_cleared",
        the_mount_of_a_killed_process_is_cleared,
    ),
    ("kills::nothing_stays_mounted", nothing_stays_mounted),
];

/// The arguments by which this program becomes somebody to be killed: one of these and a path.
const WRITER: &str = "role:writer";
const DISK: &str = "role:disk";
const KILLS: usize = 20;
/// How long somebody to be killed stays by itself, should nobody kill it.
const LIFE: Duration = Duration::from_secs(60);

/// If this process was started to be killed: does what it is to be killed at, until it is.
pub(crate) fn play_role() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, role, path] = arguments.as_slice() else {
        return None;
    };
    let done = match role.as_str() {
        WRITER => write(Path::new(path)),
        DISK => be_a_disk(Path::new(path)),
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{role}: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn write(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path)?;
    let bytes = vec![1; 4 << 20];
    let end = Instant::now() + LIFE;
    while Instant::now() < end {
        file.write_all_at(&bytes, 0)?;
        file.sync_data()?;
        println!("written");
    }
    Ok(())
}

fn be_a_disk(path: &Path) -> anyhow::Result<()> {
    let _disk = LossyDisk::mount(path, 1)?;
    println!("mounted");
    // Until the other end of standard input goes.
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// This program again, in a role, when it has said its first line.
fn start(role: &str, path: &Path) -> anyhow::Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(role)
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.as_mut().context("piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(!line.is_empty(), "{role} ended: {:?}", child.wait()?);
    Ok(child)
}

fn a_killed_writer_leaves_a_disk_that_answers() -> anyhow::Result<()> {
    let (_scratch, mut disk) = mounted(1)?;
    let path = disk.path().join("file");
    for _ in 0..KILLS {
        let mut writer = start(WRITER, &path)?;
        writer.kill()?;
        writer.wait()?;
        // What was written is there until the power goes.
        ensure!(fs::metadata(&path)?.len() == 4 << 20);
        let mut file = File::create(disk.path().join("other"))?;
        file.write_all(b"other")?;
        file.sync_all()?;
        File::open(disk.path())?.sync_all()?;
        disk.power_cut()?;
        ensure!(fs::read(disk.path().join("other"))? == b"other");
    }
    Ok(())
}

fn the_mount_of_a_killed_process_is_cleared() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let path = scratch.path().join("disk");
    let mut process = start(DISK, &path)?;
    fs::write(path.join("file"), b"gone with its process")?;
    process.kill()?;
    process.wait()?;
    ensure!(fs::metadata(&path).is_err(), "nobody answers there");
    let disk = LossyDisk::mount(&path, 1)?;
    ensure!(fs::read_dir(disk.path())?.next().is_none());
    ensure!(is_mounted(&path)?);
    drop(disk);
    ensure!(!is_mounted(&path)?);
    Ok(())
}

fn is_mounted(path: &Path) -> anyhow::Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    Ok(mounts.contains(path.to_str().context("text")?))
}

fn nothing_stays_mounted() -> anyhow::Result<()> {
    let (scratch, mut disk) = mounted(1)?;
    let path = disk.path().to_path_buf();
    ensure!(is_mounted(&path)?);
    let open = File::create(path.join("file"))?;
    disk.power_cut()?;
    ensure!(is_mounted(&path)?);
    drop(disk);
    ensure!(!is_mounted(&path)?);
    drop(open);
    scratch.close()?;
    Ok(())
}
