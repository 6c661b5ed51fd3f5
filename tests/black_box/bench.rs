//! `ottla bench`: what it says it did is what the topics and groups then hold. Times are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::{BrokerOptions, BrokerProcess, ProcessLog};
use workspace_tests::ottla;

use crate::command_line::Session;

/// How long a line may take to be shown.
const LIMIT: Duration = Duration::from_secs(30);

impl Session {
    /// How many records a topic has ever had.
    fn records(&self, topic: &str) -> anyhow::Result<i64> {
        Ok(self.high_watermarks(topic)?.iter().sum())
    }

    /// Waits until a group has so many members.
    fn await_members(&self, group: &str, members: i64) -> anyhow::Result<()> {
        let give_up_at = Instant::now() + LIMIT;
        loop {
            let described = self.run(&["group", "describe", group, "--format", "json"], "")?;
            if described.code == Some(0) && described.json()?["members"] == members {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < give_up_at,
                "{group} has not {members} members"
            );
        }
    }

    /// The result of a benchmark; its arguments are separated by blanks.
    fn bench(&self, arguments: &str) -> anyhow::Result<Value> {
        let mut all = vec!["bench"];
        all.extend(arguments.split(' '));
        self.json(&all)
    }
}

/// How many times a kind of latency was taken.
fn latencies(report: &Value, of: &str) -> Option<i64> {
    let rows = report["latencies"].as_array()?;
    rows.iter().find(|row| row["of"] == of)?["count"].as_i64()
}

fn count(report: &Value, name: &str) -> anyhow::Result<i64> {
    report["result"][name]
        .as_i64()
        .with_context(|| format!("{name} of {report:#}"))
}

#[test]
fn as_many_records_are_written_as_were_asked_for() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    for (number, options) in [
        "--batch-records 7 --connections 3 --in-flight 2",
        "--batch-bytes 1 --acks 1",
        "--batch-bytes 2000 --record-bytes 100 --codec zstd",
        "--keys 50 --key-bytes 10 --batch-records 3",
        "--rate 20000 --connections 2",
        "--rate 20000 --linger-ms 3 --batch-records 40 --codec lz4",
        "--rate 20000 --linger-ms 3 --keys 50 --connections 4 --codec gzip",
        "--rate 20000 --keys 1 --codec snappy",
    ]
    .iter()
    .enumerate()
    {
        let topic = format!("topic{number}");
        let report = session.bench(&format!("produce {topic} -p 5 --records 1000 {options}"))?;
        assert_eq!(report["settings"]["topic"], *topic);
        assert_eq!(report["settings"]["partitions"], 5);
        assert_eq!(count(&report, "records")?, 1000, "{options}");
        assert_eq!(count(&report, "total_records")?, 1000, "{options}");
        assert_eq!(count(&report, "errors")?, 0, "{report:#}");
        assert_eq!(
            latencies(&report, "ACKNOWLEDGEMENT"),
            Some(1000),
            "{options}"
        );
        assert_eq!(
            latencies(&report, "SENDING").is_some(),
            options.contains("--rate")
        );
        assert_eq!(session.records(&topic)?, 1000, "{options}");
        let read = session.bench(&format!("consume {topic} --decompress --consumers 2"))?;
        assert_eq!(count(&read, "records")?, 2000, "{options}");
    }
    broker.finish()
}

#[test]
fn a_run_by_time_counts_all_that_it_has_written() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    let timed = "--seconds 1 --warm-up-seconds 1";
    let closed = session.bench(&format!("produce closed -p 3 {timed}"))?;
    assert_eq!(count(&closed, "total_records")?, session.records("closed")?);
    let measured = count(&closed, "records")?;
    assert!(
        measured > 0 && measured < count(&closed, "total_records")?,
        "{closed:#}"
    );
    assert_eq!(closed["result"]["measured_seconds"], 1.0);

    let open = session.bench(&format!("produce open --rate 500 {timed}"))?;
    assert_eq!(session.records("open")?, 1000);
    // By the time at which they were due, whenever they were answered.
    assert_eq!(latencies(&open, "ACKNOWLEDGEMENT"), Some(500));
    assert_eq!(count(&open, "unsent_records")?, 0);
    assert_eq!(open["result"]["measured_seconds"], 1.0);

    session
        .run(
            &[
                "bench",
                "produce",
                "silent",
                "--records",
                "300",
                "--acks",
                "0",
            ],
            "",
        )?
        .success()?;
    let read = session.run(
        &["topic", "consume", "silent", "-n", "300", "-f", "%o\\n"],
        "",
    )?;
    assert_eq!(read.success()?.lines().count(), 300);
    broker.finish()
}

#[test]
fn keys_are_in_the_partition_that_other_clients_look_for_them_in() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    let keyed = "produce topic1 -p 4 --records 200 --keys 40 --key-bytes 9 --batch-records 3";
    session.bench(keyed)?;
    let read = session.run(
        &["topic", "consume", "topic1", "-n", "200", "-f", "%k %p\\n"],
        "",
    )?;
    let read = read.success()?;
    let mut partitions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in read.lines() {
        let (key, partition) = line.split_once(' ').context("a key")?;
        assert_eq!(key.len(), 9);
        partitions.entry(key).or_default().insert(partition);
    }
    assert_eq!(partitions.len(), 40, "every key is written");
    for of_key in partitions.values() {
        assert_eq!(of_key.len(), 1, "a key is in one partition");
    }
    // Some of them where librdkafka puts them.
    for (key, of_key) in partitions.into_iter().step_by(8) {
        let produced = session
            .run(&["topic", "produce", "topic1", "-k", key], "x\n")?
            .success()?;
        let partition = produced.split(' ').nth(3).context("a partition")?;
        assert_eq!(of_key, BTreeSet::from([partition]), "{key}");
    }
    broker.finish()
}

#[test]
fn consumers_read_what_is_there_all_of_it_or_divided() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    session.bench("produce topic1 -p 3 --records 1000 --batch-records 9")?;
    session
        .run(&["topic", "trim", "topic1", "-o", "4", "-p", "0"], "")?
        .success()?;
    for (options, records) in [
        ("", 996),
        (" --decompress", 996),
        (" --consumers 4", 4 * 996),
        (" --consumers 3 --divide", 996),
        (" --fetch-bytes 1 --partition-bytes 1", 996),
    ] {
        let report = session.bench(&format!("consume topic1{options}"))?;
        assert_eq!(count(&report, "records")?, records, "{options}");
        assert_eq!(report["result"]["complete"], true);
    }
    let tail =
        session.bench("consume topic1 --tail --seconds 1 --warm-up-seconds 0 --wait-ms 50")?;
    assert_eq!(count(&tail, "total_records")?, 0);
    let many = session.run(
        &["bench", "consume", "topic1", "--consumers", "4", "--divide"],
        "",
    )?;
    assert_eq!(many.code, Some(2), "{many:#?}");
    broker.finish()
}

#[test]
fn each_record_has_a_latency_to_the_acknowledgement_and_to_the_consumer() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    // What was there before is not read.
    session.bench("produce topic1 -p 2 --records 100")?;
    let report = session.bench("latency topic1 --records 300")?;
    assert_eq!(count(&report, "records")?, 300);
    assert_eq!(count(&report, "consumed_records")?, 300);
    for of in ["ACKNOWLEDGEMENT", "END-TO-END", "SENDING"] {
        assert_eq!(latencies(&report, of), Some(300), "{report:#}");
    }
    assert_eq!(session.records("topic1")?, 400);
    let timed = session.bench("latency topic1 --seconds 1 --warm-up-seconds 0 --rate 100")?;
    assert_eq!(latencies(&timed, "END-TO-END"), Some(100));
    broker.finish()
}

#[test]
fn groups_have_what_was_committed() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    let report = session.bench(
        "groups topic1 -p 2 --commits --members 3 --seconds 1 --warm-up-seconds 0 --group g",
    )?;
    assert_eq!(count(&report, "errors")?, 0, "{report:#}");
    let commits = count(&report, "total_commits")?;
    assert!(commits >= 3, "{report:#}");
    // A record for each partition that is committed.
    assert_eq!(session.records("__consumer_offsets")?, 2 * commits);
    let offsets = session.json(&["cluster", "offsets"])?;
    let groups: BTreeSet<&str> = (offsets.as_array().context("rows")?.iter())
        .filter(|row| row["committed"] == 0)
        .filter_map(|row| row["group"].as_str())
        .collect();
    assert_eq!(groups, BTreeSet::from(["g-0", "g-1", "g-2"]));
    broker.finish()
}

#[test]
fn members_get_their_partitions_and_get_them_again_when_one_leaves() -> anyhow::Result<()> {
    let broker = BrokerOptions::new()
        .set("group.initial.rebalance.delay.ms", "0")
        .start()?;
    let session = Session::with(&broker);
    let rebalance = "groups topic1 -p 8 --rebalance 5 --heartbeat-ms 20 --group g";
    let report = session.bench(rebalance)?;
    assert_eq!(latencies(&report, "JOIN"), Some(5), "{report:#}");
    assert_eq!(latencies(&report, "LEAVE"), Some(4), "{report:#}");
    assert_eq!(report["settings"]["members"], 5);
    // All have left, so it can be done again.
    let report = session.bench("groups topic1 --rebalance 2 --heartbeat-ms 20 --group g")?;
    assert_eq!(latencies(&report, "LEAVE"), Some(1), "{report:#}");
    broker.finish()
}

#[test]
fn what_cannot_be_measured_is_explained() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    session.bench("produce topic1 -p 2 --records 1")?;
    for (arguments, code, words) in [
        ("produce topic1 -p 3", 2, "has 2 partitions, not 3"),
        (
            "produce topic1 -c retention.ms=1",
            2,
            "ottla topic alter-config topic1",
        ),
        (
            "produce topic1 --keys 1000 --key-bytes 2",
            2,
            "--key-bytes 3",
        ),
        (
            "produce topic1 --keys 10000000 --batch-records 1",
            2,
            "fewer keys",
        ),
        ("produce new -c no.such.setting=1", 1, "INVALID_CONFIG"),
        ("consume nowhere", 1, "ottla topic create nowhere"),
    ] {
        let mut all = vec!["bench"];
        all.extend(arguments.split(' '));
        let finished = session.run(&all, "")?;
        assert_eq!(finished.code, Some(code), "{finished:#?}");
        assert!(finished.stderr.contains(words), "{finished:#?}");
        assert!(finished.stdout.is_empty(), "{finished:#?}");
    }
    let large = "bench produce small -c max.message.bytes=1000 --records 3 --record-bytes 2000";
    let all: Vec<&str> = large.split(' ').collect();
    let finished = session.run(&all, "")?;
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(
        finished.stderr.contains("no records were written"),
        "{finished:#?}"
    );
    assert!(
        finished.stdout.contains("MESSAGE_TOO_LARGE"),
        "{finished:#?}"
    );
    assert_eq!(session.records("small")?, 0);
    broker.finish()
}

/// A benchmark under way that has shown a line of progress.
struct Running {
    child: Child,
    stdout: ProcessLog,
    stderr: ProcessLog,
}

/// Writes for minutes, unless something ends it.
const LONG: &str = "produce topic1 --seconds 600 --warm-up-seconds 0 --rate 100";

/// Starts a benchmark, its output in pipes.
fn spawn(address: &str, arguments: &str) -> anyhow::Result<Child> {
    let mut command = ottla(&["bench"]);
    command.args(arguments.split(' '));
    command.args(["--progress", "--format", "json", "-b", address]);
    Ok(command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?)
}

impl Running {
    fn start(broker: &BrokerProcess, arguments: &str) -> anyhow::Result<Self> {
        let mut child = spawn(&broker.kafka().to_string(), arguments)?;
        let stdout = ProcessLog::follow(child.stdout.take().context("piped")?);
        let stderr = ProcessLog::follow(child.stderr.take().context("piped")?);
        let shown = stderr.wait_for(0, LIMIT, |line| line.text().contains("records/s"));
        let mut running = Self {
            child,
            stdout,
            stderr,
        };
        if shown.is_none() {
            running.child.kill()?;
            anyhow::bail!("no line of progress: {}", running.stderr.text());
        }
        Ok(running)
    }

    /// Its exit code, its report, and its standard error.
    fn end(mut self) -> anyhow::Result<(Option<i32>, Value, String)> {
        let ended = self.stdout.wait_for_end(LIMIT) && self.stderr.wait_for_end(LIMIT);
        if !ended {
            self.child.kill()?;
        }
        let code = self.child.wait()?.code();
        let report: Value = serde_json::from_str(&self.stdout.text())?;
        Ok((code, report, self.stderr.text()))
    }
}

#[test]
fn a_run_that_is_interrupted_prints_the_result_so_far() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let running = Running::start(&broker, LONG)?;
    kill_process(Pid::from_child(&running.child), Signal::INT)?;
    let (code, report, told) = running.end()?;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("interrupted"), "{told}");
    let records = count(&report, "total_records")?;
    assert!(records > 0 && records <= Session::with(&broker).records("topic1")?);
    broker.finish()
}

#[test]
fn a_run_that_has_not_begun_is_ended_by_a_signal_as_usual() -> anyhow::Result<()> {
    // A peer that takes the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let mut child = spawn(&silent.local_addr()?.to_string(), LONG)?;
    let (sender, accepted) = mpsc::channel();
    thread::spawn(move || sender.send(silent.accept()));
    let _connection = accepted.recv_timeout(LIMIT)??;
    // Who runs the tests may have it ignore SIGINT.
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    let stderr = ProcessLog::follow(child.stderr.take().context("piped")?);
    let ended = stderr.wait_for_end(LIMIT);
    if !ended {
        child.kill()?;
    }
    let signal = child.wait()?.signal();
    assert_eq!(signal, Some(Signal::TERM.as_raw()), "{}", stderr.text());
    Ok(())
}

#[test]
fn members_of_a_run_that_is_interrupted_leave_their_group() -> anyhow::Result<()> {
    // They wait longer for one another than the signal takes.
    let broker = BrokerOptions::new()
        .set("group.initial.rebalance.delay.ms", "600000")
        .start()?;
    let session = Session::with(&broker);
    let running = Running::start(&broker, "groups topic1 --rebalance 3 --group g")?;
    session.await_members("g", 3)?;
    kill_process(Pid::from_child(&running.child), Signal::INT)?;
    let (code, _, told) = running.end()?;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("interrupted"), "{told}");
    let group = session.json(&["group", "describe", "g"])?;
    assert_eq!(group["members"], 0, "{group:#}");
    broker.finish()
}

#[test]
fn a_broker_that_goes_away_is_an_error_and_the_result_so_far_is_printed() -> anyhow::Result<()> {
    let mut broker = BrokerOptions::new().start()?;
    let running = Running::start(&broker, LONG)?;
    broker.kill()?;
    let (code, report, told) = running.end()?;
    let records = count(&report, "total_records")?;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("error: the connection to"), "{told}");
    assert!(records > 0, "{told}");
    Ok(())
}
