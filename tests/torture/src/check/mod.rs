//! The checker: compares the journal of a run with what a reader of its own finds in the broker.
//!
//! [`judge`] decides, from a plan, a history and images of the logs; it reads nothing. [`check`]
//! reads them.

mod history;
mod offsets;
mod readers;
mod records;
mod search;
mod settings;
mod topics;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

pub use history::{Answer, History, Image, OffsetEvent, Reading, Sent, TopicEvent};

use crate::findings::{Findings, Violation};
use crate::journal::{self, Place};
use crate::plan::Plan;
use crate::reading::read_topic;

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Records that producers were going to send.
    pub intents: u64,
    /// Records that the broker acknowledged.
    pub acknowledged: u64,
    /// Those of which it did not say where they are.
    pub acknowledged_without_offset: u64,
    /// Records that the checker read from the logs.
    pub read: u64,
    /// Records that readers read during the run.
    pub seen: u64,
    /// How often a reader went on from an offset that it had passed.
    pub returns: u64,
    /// Acknowledged records that retention or a request removed.
    pub trimmed: u64,
    /// Requests to remove records that were answered.
    pub trims: u64,
    /// Acknowledged records of topics that were deleted before anybody looked.
    pub deleted_unread: u64,
    /// Records that were not acknowledged to a deleted topic and came to the next one.
    pub carried_over: u64,
    /// Offsets that groups said they remember.
    pub commits: u64,
    /// Offsets that groups were asked for.
    pub read_backs: u64,
    /// Topics made.
    pub topics_created: u64,
    /// Topics deleted.
    pub topics_deleted: u64,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How much was looked at.
    pub figures: Figures,
    /// What must not be.
    pub findings: Findings,
}

/// What to check, and where.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The journal's directory.
    pub journal: PathBuf,
    /// A broker that has the data, `host:port`.
    pub bootstrap: String,
    /// Its data directory, to look for what got lost.
    pub data_dir: Option<PathBuf>,
}

/// Reads the journal and all topics, and compares them.
///
/// # Errors
///
/// When the journal or the topics cannot be read: nothing is known then.
pub fn check(options: &CheckOptions) -> anyhow::Result<Report> {
    let plan = Plan::read(&options.journal)?;
    let mut history = History::default();
    journal::read(&options.journal, |actor, line| history.add(actor, line))
        .context("read the journal")?;
    let mut findings = Findings::default();
    let mut images = Vec::new();
    for (index, topic) in plan.topics.iter().enumerate() {
        let Some((incarnation, partitions)) = history.living(index) else {
            continue;
        };
        let logs = read_topic(&options.bootstrap, &topic.name, partitions)
            .with_context(|| format!("read topic {}", topic.name))?;
        if logs.len() != usize::try_from(partitions)? {
            let text = format!(
                "topic {} has {} partitions, {partitions} were made",
                topic.name,
                logs.len()
            );
            findings.add(Violation::TopicLost, text);
        }
        images.extend(logs.into_iter().map(|log| Image {
            place: Place {
                topic: index,
                partition: log.partition,
            },
            incarnation,
            start: log.start,
            end: log.end,
            records: log.records,
        }));
    }
    settings::compare(&plan, &history, &options.bootstrap, &mut findings)?;
    let mut report = judge(&plan, &history, &images)?;
    findings.merge(report.findings);
    report.findings = findings;
    if let Some(data_dir) = &options.data_dir {
        search::explain(&plan, data_dir, &mut report.findings)?;
    }
    Ok(report)
}

/// Compares a history with what the logs hold in the end.
///
/// # Errors
///
/// When the journal contradicts itself.
pub fn judge(plan: &Plan, history: &History, images: &[Image]) -> anyhow::Result<Report> {
    anyhow::ensure!(
        history.nonsense.is_empty(),
        "the journal contradicts itself: {:?}",
        history.nonsense.iter().take(10).collect::<Vec<_>>()
    );
    let mut report = Report::default();
    // Of a log that was looked at twice, the later look counts.
    let images: HashMap<_, _> = history
        .images
        .iter()
        .chain(images)
        .map(|image| ((image.place, image.incarnation), image))
        .collect();
    let Report { figures, findings } = &mut report;
    figures.trims = history.trims;
    records::judge(plan, history, &images, figures, findings);
    readers::judge(plan, history, &images, figures, findings);
    offsets::judge(plan, history, figures, findings);
    topics::judge(plan, history, figures, findings);
    Ok(report)
}

/// A partition in words.
fn name(plan: &Plan, place: Place) -> String {
    let topic = plan.topics.get(place.topic);
    let topic = topic.map_or("?", |topic| topic.name.as_str());
    format!("{topic}-{}", place.partition)
}

/// Where a report is written for whoever started the check.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_report(path: &Path, report: &Report) -> anyhow::Result<()> {
    std::fs::write(path, serde_json::to_vec_pretty(report)?)
        .with_context(|| path.display().to_string())
}
