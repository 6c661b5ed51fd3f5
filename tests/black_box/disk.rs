//! Disks that are full or that changed what was written.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use testkit::{BrokerOptions, BrokerProcess, Connection, batch};
use workspace_tests::{Finished, finish, http_get, ottla};

const KAFKA_STORAGE_ERROR: i16 = 56;

/// A small file system of its own, unmounted when it goes.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// None, with the reason, where this user may not mount.
    fn mount(path: &Path, mebibytes: u32) -> anyhow::Result<Option<Self>> {
        std::fs::create_dir(path)?;
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(path)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Some(Self {
                path: path.to_path_buf(),
            })),
            Ok(output) => {
                println!(
                    "skipped: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                );
                Ok(None)
            }
            Err(error) => {
                println!("skipped: mount: {error}");
                Ok(None)
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a broker that has just been killed may still be letting go of its files.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status();
    }
}

/// The value of record `number`, found nowhere else.
fn value(number: usize) -> Vec<u8> {
    [format!("needle-{number:06}:").into_bytes(), vec![b'x'; 200]].concat()
}

fn create(connection: &mut Connection, topic: &str) -> anyhow::Result<()> {
    let code = connection.create_topic(topic, 1)?;
    ensure!(code == 0, "create {topic}: {code}");
    Ok(())
}

/// Writes one batch a record, and checks that each is acknowledged.
fn write(
    connection: &mut Connection,
    topic: &str,
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<()> {
    for number in numbers {
        let answer = connection.produce(topic, 0, batch(1_000, [value(number).as_slice()]))?;
        ensure!(
            answer.error_code == 0,
            "record {number}: {}",
            answer.error_code
        );
    }
    Ok(())
}

/// Reads a whole topic and checks that it is these records.
fn check_topic(broker: &BrokerProcess, topic: &str, count: usize) -> anyhow::Result<()> {
    let batches = Connection::open(broker.kafka())?.batches(topic, 0)?;
    ensure!(
        batches.len() == count,
        "{} batches of {count}",
        batches.len()
    );
    for (number, batch) in batches.iter().enumerate() {
        ensure!(
            find(batch, &value(number)).is_some(),
            "record {number} differs"
        );
    }
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Every file below a directory.
fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Flips a bit of a file.
fn damage(file: &Path, position: usize) -> anyhow::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(file)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, position as u64)?;
    file.write_all_at(&[byte[0] ^ 0x10], position as u64)?;
    Ok(())
}

/// Flips a bit in every copy of a value on disk, and names a file that held one.
fn damage_value(data_dir: &Path, value: &[u8]) -> anyhow::Result<PathBuf> {
    let mut damaged = None;
    for file in files_below(data_dir)? {
        let bytes = std::fs::read(&file)?;
        if let Some(position) = find(&bytes, value) {
            damage(&file, position + value.len() / 2)?;
            damaged = Some(file);
        }
    }
    damaged.context("the value is on disk")
}

fn verify(data_dir: &Path) -> anyhow::Result<Finished> {
    let mut command = ottla(&["debug", "log", "verify", "--data-dir"]);
    command.arg(data_dir);
    finish(command, "")
}

fn name_of(file: &Path) -> anyhow::Result<&str> {
    file.file_name()
        .and_then(|name| name.to_str())
        .context("a name")
}

#[test]
fn a_full_disk_refuses_writes_and_serves_reads() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let Some(disk) = SmallDisk::mount(&scratch.path().join("small"), 24)? else {
        return Ok(());
    };
    let mut broker = BrokerOptions::new()
        .data_dir(&disk.path.join("data"))
        .restartable()
        .start()?;
    // What a full disk makes it say.
    broker.expect_warnings("no room");
    broker.expect_warnings("segments cannot be written");
    let mut connection = Connection::open(broker.kafka())?;
    create(&mut connection, "full")?;
    let large = |number: usize| [value(number), vec![b'y'; 200_000]].concat();
    let mut acknowledged = 0;
    let refused = loop {
        ensure!(acknowledged < 1_000, "200 MB fit on a disk of 24 MiB");
        let bytes = batch(1_000, [large(acknowledged).as_slice()]);
        let answer = connection.produce("full", 0, bytes)?;
        match answer.error_code {
            0 => acknowledged += 1,
            code => break code,
        }
    };
    ensure!(acknowledged > 0, "nothing fitted");
    ensure!(refused == KAFKA_STORAGE_ERROR, "refused with {refused}");
    // Reads go on, and it says what is wrong.
    check_topic(&broker, "full", acknowledged)?;
    let (status, body) = http_get(broker.http(), "/health/ready")?;
    ensure!(
        status == 503 && body.contains("disk-full"),
        "{status} {body}"
    );
    // With room again it takes writes by itself.
    let options = "remount,size=200m";
    let remounted = Command::new("mount")
        .args(["-o", options])
        .arg(&disk.path)
        .status()?;
    ensure!(remounted.success(), "remount: {remounted}");
    let deadline = Instant::now() + Duration::from_secs(30);
    let taken = loop {
        let answer = connection.produce("full", 0, batch(1_000, [b"room".as_slice()]))?;
        if answer.error_code == 0 {
            break usize::try_from(answer.base_offset)?;
        }
        ensure!(Instant::now() < deadline, "still refused: {answer:?}");
    };
    ensure!(
        taken >= acknowledged,
        "{taken} is the offset of an earlier record"
    );
    let (status, body) = http_get(broker.http(), "/health/ready")?;
    ensure!(status == 200, "{status} {body}");
    // All that was acknowledged is there after a crash too.
    broker.kill()?;
    broker.start_again()?;
    let batches = Connection::open(broker.kafka())?.batches("full", 0)?;
    for number in 0..acknowledged {
        let batch = batches.get(number).context("a batch for each record")?;
        ensure!(
            find(batch, &value(number)).is_some(),
            "record {number} differs"
        );
    }
    let last = batches
        .get(taken)
        .context("the batch that was taken at last")?;
    ensure!(find(last, b"room").is_some(), "the last record differs");
    broker.finish()
}

/// While a writer never pauses, the last round on disk is one that nothing proves: what a crash in
/// the middle of a write leaves behind.
#[test]
fn a_damaged_tail_is_cut_and_told() -> anyhow::Result<()> {
    let mut broker = BrokerOptions::new().restartable().start()?;
    let mut connection = Connection::open(broker.kafka())?;
    create(&mut connection, "tail")?;
    let writer = std::thread::spawn(move || {
        // Until the broker is gone.
        (0..).find(|number| write(&mut connection, "tail", *number..number + 1).is_err())
    });
    let mut reader = Connection::open(broker.kafka())?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while reader.fetch("tail", 0, 0)?.high_watermark < 50 {
        ensure!(Instant::now() < deadline, "the writer is slow");
    }
    broker.kill()?;
    let Ok(Some(acknowledged)) = writer.join() else {
        bail!("the writer panicked")
    };
    let (slot, position) = last_written(broker.data_dir(), acknowledged)?;
    damage(&slot, position)?;
    broker.expect_warnings("cut");
    broker.start_again()?;
    let log = broker.log().text();
    ensure!(log.contains("cut"), "the cut is told: {log}");
    let kept = Connection::open(broker.kafka())?.batches("tail", 0)?.len();
    // The damaged round held one record: the last one, whether it was acknowledged or not.
    ensure!(
        kept == acknowledged || kept + 1 == acknowledged,
        "{kept} of {acknowledged} are left"
    );
    check_topic(&broker, "tail", kept)?;
    let (status, body) = http_get(broker.http(), "/health/ready")?;
    ensure!(status == 200, "{status}: {body}");
    broker.finish()
}

/// Where the last record lies in the WAL: the one after those acknowledged, or the last of them.
fn last_written(data_dir: &Path, acknowledged: usize) -> anyhow::Result<(PathBuf, usize)> {
    let slots = files_below(&data_dir.join("wal"))?;
    for number in [acknowledged, acknowledged - 1] {
        for slot in &slots {
            if let Some(position) = find(&std::fs::read(slot)?, &value(number)) {
                return Ok((slot.clone(), position));
            }
        }
    }
    bail!("record {} is in no slot", acknowledged - 1)
}

/// How a broker is ended before its disk is damaged.
type End = fn(&mut BrokerProcess) -> anyhow::Result<()>;

#[test]
fn damage_after_a_kill_is_reported() -> anyhow::Result<()> {
    reports_damage(BrokerProcess::kill)
}

#[test]
fn damage_after_a_clean_end_is_reported() -> anyhow::Result<()> {
    reports_damage(|broker| {
        broker.signal(rustix::process::Signal::TERM)?;
        let status = broker.wait_for_exit(Duration::from_secs(5))?;
        ensure!(status.success(), "{status}");
        Ok(())
    })
}

/// A record that rotted on disk is never served; where it is, is said everywhere; the rest serves.
fn reports_damage(end: End) -> anyhow::Result<()> {
    let mut broker = BrokerOptions::new().restartable().start()?;
    let mut connection = Connection::open(broker.kafka())?;
    create(&mut connection, "rotten")?;
    create(&mut connection, "sound")?;
    write(&mut connection, "rotten", 0..30)?;
    write(&mut connection, "sound", 0..30)?;
    write(&mut connection, "rotten", 30..60)?;
    drop(connection);
    end(&mut broker)?;
    let sound = verify(broker.data_dir())?;
    ensure!(sound.code == Some(0), "{sound:#?}");

    let file = damage_value(broker.data_dir(), &value(40))?;
    let name = name_of(&file)?;
    let rotten = verify(broker.data_dir())?;
    let output = format!("{}{}", rotten.stdout, rotten.stderr);
    ensure!(rotten.code == Some(1), "{rotten:#?}");
    ensure!(output.contains(name), "{name} is named: {output}");

    broker.expect_warnings(name);
    broker.start_again()?;
    let told = broker
        .log()
        .lines()
        .into_iter()
        .any(|line| line.is_alarming() && line.text().contains(name));
    check_fetches(&broker)?;
    let (status, body) = http_get(broker.http(), "/health/ready")?;
    let health: serde_json::Value = serde_json::from_str(&body)?;
    ensure!(status == 503, "{status}: {body}");
    let reason = &health["reasons"][0];
    let path = reason["path"].as_str().context("a path")?;
    ensure!(path.ends_with(name), "{body}");
    ensure!(reason["position"].is_u64(), "{body}");
    ensure!(reason["code"].is_string(), "{body}");
    ensure!(
        told,
        "{name} is named at start or at the read: {}",
        broker.log().text()
    );
    broker.finish()
}

/// All before the damage is served, the damaged record is an error, the other topic is whole.
fn check_fetches(broker: &BrokerProcess) -> anyhow::Result<()> {
    let mut connection = Connection::open(broker.kafka())?;
    let mut offset = 0;
    while offset < 40 {
        let data = connection.fetch("rotten", 0, offset)?;
        ensure!(data.error_code == 0, "offset {offset}: {}", data.error_code);
        let records = data.records.unwrap_or_default().into_bytes();
        ensure!(
            find(&records, &value(40)).is_none(),
            "served from a damaged place"
        );
        let mut rest = records.as_ref();
        if rest.is_empty() {
            bail!("nothing at offset {offset}");
        }
        while !rest.is_empty() {
            let (view, after) = wire::batch::BatchView::parse(rest)
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            ensure!(view.crc_is_valid(), "a bad CRC was served");
            offset = view.header().next_offset().0;
            rest = after;
        }
    }
    ensure!(offset == 40, "served up to {offset}");
    let data = connection.fetch("rotten", 0, 40)?;
    ensure!(
        data.error_code == KAFKA_STORAGE_ERROR,
        "offset 40: {}",
        data.error_code
    );
    check_topic(broker, "sound", 30)
}
