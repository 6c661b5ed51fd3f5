//! A file that Kafka Connect carries into a topic, and from there into another file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Outcome;
use crate::kills::Kills;
use crate::lines::{Lines, judge};
use crate::programs::Programs;
use crate::records::{Record, printed, taken_back};
use crate::stage::{Guarantee, Options, Stage};
use crate::worker::Worker;

const TOPIC: &str = "carried";
/// How often the second file is looked at in the end.
const PAUSE: Duration = Duration::from_millis(100);
/// How long it may take until the last line has come through.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// Carries lines while the broker and the worker are killed, and judges the topic and the second file.
pub(crate) fn run(options: &Options, programs: &Programs) -> Result<Outcome> {
    let mut stage = Stage::set(options, programs, "connect", &[(TOPIC, 1)])?;
    let source = stage.directory.join("source.txt");
    let sink = stage.directory.join("sink.txt");
    let mut file = File::create_new(&source)?;
    let (worker, process) = Worker::start(&stage, programs, options.guarantee)?;
    let mut application = [process];
    worker.connect("source", &source_configuration(&source, options.guarantee))?;
    worker.connect("sink", &sink_configuration(&sink))?;
    let mut follower = stage.follow(TOPIC, 1)?;
    let mut lines = Lines::new(options.seed);

    let mut kills = Kills::new(options, &stage.directory);
    kills.run_under_load(
        &mut stage.broker,
        &mut application,
        follower.output(),
        || Ok(file.write_all(lines.portion().as_bytes())?),
    )?;

    // If the last line does not come the judgement tells which are missing.
    let written = lines.all();
    follower
        .output()
        .wait_for(written.len() - 1, DRAIN_LIMIT, |_| true);
    wait_for_last(&sink, written)?;
    worker.wait_until_running("source")?;
    worker.wait_until_running("sink")?;
    worker.wait_for_position("source", fs::metadata(&source)?.len())?;
    check_internal_topics(options, &stage)?;
    application[0].kill()?;
    let (left, aborted) = stage.read_all(TOPIC, 1)?;
    follower.kill()?;
    let followed = printed(follower.output())?;
    let mut outcome = outcome(written, &left, &followed, &read_lines(&sink)?);
    outcome.report["kills"] = kills.report();
    outcome.report["aborted"] = aborted.into();
    stage.broker.finish().context("the broker")?;
    Ok(outcome)
}

/// Judges what the topic and the second file hold.
fn outcome(
    written: &[String],
    left: &[Record],
    followed: &[Record],
    in_file: &[String],
) -> Outcome {
    let values: Vec<String> = left.iter().map(|record| record.value.clone()).collect();
    let topic = judge(written, &values);
    let file = judge(written, in_file);
    let taken_back = taken_back(followed, left);
    let report = json!({
        "lines": written.len(),
        "records": left.len(),
        "followed": followed.len(),
        "lost": topic.lost.len(),
        "doubled": topic.doubled.len(),
        "disordered": topic.disordered.len(),
        "invented": topic.invented.len(),
        "taken_back": taken_back.len(),
        "sink": {
            "lines": in_file.len(),
            "lost": file.lost.len(),
            "written_again": file.doubled.len(),
            "disordered": file.disordered.len(),
            "invented": file.invented.len(),
        },
    });
    let of_topic = [topic.lost, topic.doubled, topic.disordered, topic.invented].concat();
    // A file takes part in no transaction: what the worker has not committed when it is killed it
    // writes again.
    let of_file = [file.lost, file.disordered, file.invented].concat();
    let mut findings = taken_back;
    findings.extend(of_topic.iter().map(|text| format!("the topic: {text}")));
    findings.extend(of_file.iter().map(|text| format!("the file: {text}")));
    Outcome { report, findings }
}

fn source_configuration(file: &Path, guarantee: Guarantee) -> Value {
    let support = match guarantee {
        // Else a connector that cannot do it would be taken all the same.
        Guarantee::ExactlyOnce => "required",
        Guarantee::AtLeastOnce => "requested",
    };
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": file,
        "topic": TOPIC,
        "exactly.once.support": support,
        // Long enough that a kill finds a transaction with records in it.
        "transaction.boundary": "interval",
        "transaction.boundary.interval.ms": "500",
    })
}

fn sink_configuration(file: &Path) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "tasks.max": "1",
        "file": file,
        "topics": TOPIC,
    })
}

/// Waits until the last line has come to a file, or the time is over.
fn wait_for_last(file: &Path, written: &[String]) -> Result<()> {
    let deadline = Instant::now() + DRAIN_LIMIT;
    while read_lines(file)?.last() != written.last() && Instant::now() < deadline {
        thread::park_timeout(PAUSE);
    }
    Ok(())
}

fn read_lines(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The worker's own topics have to be as it has asked for them.
fn check_internal_topics(options: &Options, stage: &Stage<'_>) -> Result<()> {
    for (topic, partitions) in [
        ("connect-configs", 1),
        ("connect-offsets", 25),
        ("connect-status", 5),
    ] {
        let arguments = ["topic", "describe", topic, "--format", "json"];
        let text = options.ottla(&[&arguments[..], &["--brokers", &stage.bootstrap()]].concat())?;
        let described: Value = serde_json::from_str(&text)?;
        ensure!(
            described["summary"]["partitions"] == partitions
                && described["summary"]["cleanup_policy"] == "compact",
            "{topic} has to be compacted and have {partitions} partitions: {text}"
        );
    }
    Ok(())
}
