//! The word count on Kafka Streams.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::counts::{Text, judge};
use crate::kills::Kills;
use crate::outcome::Outcome;
use crate::programs::{Process, Programs};
use crate::records::{Record, printed, taken_back};
use crate::stage::{Guarantee, Options, Stage};

const PARTITIONS: u32 = 4;
const INSTANCES: usize = 2;
/// How long it may take until the last count is told, and until a process ends in good order.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// Counts words in two processes while the broker and they are killed, and judges the counts. An
/// error tells that it could not begin.
pub(crate) fn run(options: &Options, programs: &Programs) -> Result<Outcome> {
    let guarantee = processing_guarantee(options.guarantee);
    let topics = [("lines", PARTITIONS), ("counts", PARTITIONS)];
    let mut stage = Stage::set(options, programs, "streams", &topics)?;
    let mut instances = (0..INSTANCES)
        .map(|number| {
            let name = format!("instance-{number}");
            let state = stage.directory.join(format!("state-{number}"));
            let arguments = [&state.to_string_lossy(), guarantee];
            stage.start(&name, "WordCount", &arguments)
        })
        .collect::<Result<Vec<Process>>>()?;
    let mut follower = stage.follow("counts", PARTITIONS)?;
    let partitions = PARTITIONS.to_string();
    let mut writer = stage.start("writer", "LineWriter", &["lines", &partitions])?;
    let mut text = Text::new(options.seed);
    let mut outcome = Outcome::default();

    let mut kills = Kills::new(options, &stage.directory);
    let hand_out = || writer.say(&text.portion());
    outcome.findings = kills.run_under_load(
        &mut stage.broker,
        &mut instances,
        follower.output(),
        hand_out,
    );
    // Nobody waits for the rest of a work that has not gone on.
    let left = match outcome.findings.is_empty() {
        true => {
            outcome.note(finish_writer(&mut writer, &text));
            wait_for_counts(&follower, &text);
            for instance in &mut instances {
                outcome.note(finish_instance(instance));
            }
            outcome.note(stage.read_all("counts", PARTITIONS))
        }
        false => None,
    };
    outcome.note(follower.kill());
    let followed = outcome.note(printed(follower.output())).unwrap_or_default();
    outcome.note(kills.finish(stage.broker));

    outcome.report = json!({
        "processing_guarantee": guarantee,
        "kills": kills.report(),
        "lines": text.lines(),
        "words": text.words(),
        "different_words": text.truth().len(),
        "followed": followed.len(),
    });
    if let Some((left, aborted)) = left {
        outcome.report["aborted"] = aborted.into();
        add_judgement(&mut outcome, &text, &left, &followed);
    }
    Ok(outcome)
}

/// Ends what writes the lines; all of them have to be acknowledged.
fn finish_writer(writer: &mut Process, text: &Text) -> Result<()> {
    let status = writer.finish(DRAIN_LIMIT)?;
    let acknowledged = writer.output().text();
    ensure!(
        status.success() && acknowledged == text.lines().to_string(),
        "of {} lines the writer had {acknowledged} acknowledged, and ended with {status}",
        text.lines()
    );
    Ok(())
}

/// Waits for the last count. If it does not come the judgement tells which are missing.
fn wait_for_counts(follower: &Process, text: &Text) {
    let counts = usize::try_from(text.words()).unwrap_or(usize::MAX);
    let last = counts.saturating_sub(1);
    follower.output().wait_for(last, DRAIN_LIMIT, |_| true);
}

fn finish_instance(instance: &mut Process) -> Result<()> {
    let status = instance.finish(DRAIN_LIMIT)?;
    ensure!(status.success(), "{} ended with {status}", instance.name());
    Ok(())
}

/// Judges the counts that are left and those that a reader was given.
fn add_judgement(outcome: &mut Outcome, text: &Text, left: &[Record], followed: &[Record]) {
    let judgement = judge(text.truth(), left);
    let taken_back = taken_back(followed, left);
    let report = &mut outcome.report;
    report["counts"] = left.len().into();
    report["lost"] = judgement.lost.into();
    report["doubled"] = judgement.doubled.into();
    report["disordered"] = judgement.disordered.into();
    report["taken_back"] = taken_back.len().into();
    outcome.findings.extend(judgement.findings);
    outcome.findings.extend(taken_back);
}

/// The value of `processing.guarantee`.
fn processing_guarantee(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::ExactlyOnce => "exactly_once_v2",
        Guarantee::AtLeastOnce => "at_least_once",
    }
}
