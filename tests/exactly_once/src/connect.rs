//! A file that Kafka Connect carries into a topic, and from there into another file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::kills::Kills;
use crate::lines::{Lines, judge};
use crate::outcome::Outcome;
use crate::programs::{Process, Programs};
use crate::records::{Record, printed, taken_back};
use crate::stage::{Guarantee, Options, Stage};
use crate::worker::Worker;

const TOPIC: &str = "carried";
/// How often the second file is looked at in the end.
const PAUSE: Duration = Duration::from_millis(100);
/// How long it may take until the last line has come through.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// Carries lines while the broker and the worker are killed, and judges the topic and the second file.
/// An error tells that it could not begin.
pub(crate) fn run(options: &Options, programs: &Programs) -> Result<Outcome> {
    let mut stage = Stage::set(options, programs, "connect", &[(TOPIC, 1)])?;
    let files = Files::below(&stage.directory);
    let mut file = File::create_new(&files.source)?;
    let (worker, process) = Worker::start(&stage, programs, options.guarantee)?;
    let mut application = [process];
    let mut follower = stage.follow(TOPIC, 1)?;
    let mut lines = Lines::new(options.seed);
    let mut outcome = Outcome::default();

    let mut kills = Kills::new(options, &stage.directory);
    let made = make_connectors(worker, &files, options.guarantee);
    if outcome.note(made).is_some() {
        let hand_out = || Ok(file.write_all(lines.portion().as_bytes())?);
        outcome.findings = kills.run_under_load(
            &mut stage.broker,
            &mut application,
            follower.output(),
            hand_out,
        );
    }
    let written = lines.all();
    // Nobody waits for the rest of a work that has not gone on.
    let left = match outcome.findings.is_empty() {
        true => {
            wait_for_last(&follower, &files.sink, written);
            outcome.note(worker.wait_until_running("source"));
            outcome.note(worker.wait_until_running("sink"));
            outcome.note(wait_for_position(worker, &files.source));
            outcome.note(check_internal_topics(options, &stage));
            outcome.note(application[0].kill());
            outcome.note(stage.read_all(TOPIC, 1))
        }
        false => None,
    };
    outcome.note(follower.kill());
    let followed = outcome.note(printed(follower.output())).unwrap_or_default();
    outcome.note(kills.finish(stage.broker));

    outcome.report = json!({
        "kills": kills.report(),
        "lines": written.len(),
        "followed": followed.len(),
    });
    if let Some((left, aborted)) = left {
        outcome.report["aborted"] = aborted.into();
        judge_topic(&mut outcome, written, &left, &followed);
        if let Some(in_file) = outcome.note(read_lines(&files.sink)) {
            judge_file(&mut outcome, written, &in_file);
        }
    }
    Ok(outcome)
}

/// What is read and what is written.
#[derive(Debug)]
struct Files {
    source: PathBuf,
    sink: PathBuf,
}

impl Files {
    fn below(directory: &Path) -> Self {
        Self {
            source: directory.join("source.txt"),
            sink: directory.join("sink.txt"),
        }
    }
}

fn make_connectors(worker: Worker, files: &Files, guarantee: Guarantee) -> Result<()> {
    worker.connect("source", &source_configuration(&files.source, guarantee))?;
    worker.connect("sink", &sink_configuration(&files.sink))
}

/// Judges what the topic holds and what a reader of it was given.
fn judge_topic(outcome: &mut Outcome, written: &[String], left: &[Record], followed: &[Record]) {
    let values: Vec<String> = left.iter().map(|record| record.value.clone()).collect();
    let topic = judge(written, &values);
    let taken_back = taken_back(followed, left);
    let report = &mut outcome.report;
    report["records"] = left.len().into();
    report["lost"] = topic.lost.len().into();
    report["doubled"] = topic.doubled.len().into();
    report["disordered"] = topic.disordered.len().into();
    report["invented"] = topic.invented.len().into();
    report["taken_back"] = taken_back.len().into();
    let wrong = [topic.lost, topic.doubled, topic.disordered, topic.invented].concat();
    outcome.findings.extend(taken_back);
    outcome
        .findings
        .extend(wrong.iter().map(|text| format!("the topic: {text}")));
}

/// Judges what the second file holds. A file takes part in no transaction: what the worker has not
/// committed when it is killed it writes again.
fn judge_file(outcome: &mut Outcome, written: &[String], in_file: &[String]) {
    let file = judge(written, in_file);
    outcome.report["sink"] = json!({
        "lines": in_file.len(),
        "lost": file.lost.len(),
        "written_again": file.doubled.len(),
        "disordered": file.disordered.len(),
        "invented": file.invented.len(),
    });
    let wrong = [file.lost, file.disordered, file.invented].concat();
    outcome
        .findings
        .extend(wrong.iter().map(|text| format!("the file: {text}")));
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

/// Waits until the last line has come to a reader and to the second file, or the time is over: then
/// the judgement tells which are missing.
fn wait_for_last(follower: &Process, sink: &Path, written: &[String]) {
    let last = written.len().saturating_sub(1);
    follower.output().wait_for(last, DRAIN_LIMIT, |_| true);
    let deadline = Instant::now() + DRAIN_LIMIT;
    // It may not be there yet.
    let has_last = || read_lines(sink).is_ok_and(|lines| lines.last() == written.last());
    while !has_last() && Instant::now() < deadline {
        thread::park_timeout(PAUSE);
    }
}

/// Waits until the source has committed that it has read its whole file.
fn wait_for_position(worker: Worker, source: &Path) -> Result<()> {
    worker.wait_for_position("source", fs::metadata(source)?.len())
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
