//! The word count on Kafka Streams.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::Outcome;
use crate::counts::{Text, judge};
use crate::kills::Kills;
use crate::programs::{Process, Programs};
use crate::records::{printed, taken_back};
use crate::stage::{Guarantee, Options, Stage};

const PARTITIONS: u32 = 4;
const INSTANCES: usize = 2;
/// How long it may take until the last count is told, and until a process ends in good order.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// Counts words in two processes while the broker and they are killed, and judges the counts.
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

    let mut kills = Kills::new(options, &stage.directory);
    kills.run_under_load(&mut stage.broker, &mut instances, follower.output(), || {
        writer.say(&text.portion())
    })?;

    let status = writer.finish(DRAIN_LIMIT)?;
    let acknowledged = writer.output().text();
    ensure!(
        status.success() && acknowledged == text.lines().to_string(),
        "of {} lines the writer had {acknowledged} acknowledged, and ended with {status}",
        text.lines()
    );
    // If the last count does not come the judgement tells which are missing.
    let last = usize::try_from(text.words())? - 1;
    follower.output().wait_for(last, DRAIN_LIMIT, |_| true);
    let mut findings = Vec::new();
    for instance in &mut instances {
        let status = instance.finish(DRAIN_LIMIT)?;
        if !status.success() {
            findings.push(format!("{} ended with {status}", instance.name()));
        }
    }
    let (left, aborted) = stage.read_all("counts", PARTITIONS)?;
    follower.kill()?;
    let followed = printed(follower.output())?;
    let judgement = judge(text.truth(), &left);
    let taken_back = taken_back(&followed, &left);
    let report = json!({
        "processing_guarantee": guarantee,
        "kills": kills.report(),
        "lines": text.lines(),
        "words": text.words(),
        "different_words": text.truth().len(),
        "counts": left.len(),
        "aborted": aborted,
        "followed": followed.len(),
        "lost": judgement.lost,
        "doubled": judgement.doubled,
        "disordered": judgement.disordered,
        "taken_back": taken_back.len(),
    });
    findings.extend(judgement.findings);
    findings.extend(taken_back);
    stage.broker.finish().context("the broker")?;
    Ok(Outcome { report, findings })
}

/// The value of `processing.guarantee`.
fn processing_guarantee(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::ExactlyOnce => "exactly_once_v2",
        Guarantee::AtLeastOnce => "at_least_once",
    }
}
