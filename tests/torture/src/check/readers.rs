//! What readers were given during the run: each record of a partition after the other, the same as
//! the log holds in the end, and nothing left out.

use std::collections::HashMap;

use super::history::{Answer, History, Image, Reading};
use super::records::{Images, describe, judge_record};
use super::{Figures, name};
use crate::findings::{Findings, Violation};
use crate::journal::{Held, Micros, Place};
use crate::plan::{Kind, Plan};

/// Which offset comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// This one.
    At(i64),
    /// The first one there is.
    First,
    /// Nobody knows.
    Anywhere,
}

/// How far a reader has come in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    next: Next,
    /// The first offset that it was given, or was to begin with.
    from: Option<i64>,
    /// When it began.
    since: Micros,
    /// How often it went on from an offset that it had passed.
    returns: usize,
}

impl Step {
    /// Whether a record is one that the reader has had, handed out again for a good reason. A client that
    /// looks whether its position still counts under a new leader epoch goes on from where it was when
    /// it asked, and hands out again what it has handed out meanwhile: once for each start of the broker,
    /// the last one before the reader began among them.
    fn is_return(&mut self, offset: i64, now: Micros, starts: &[Micros]) -> bool {
        let is_passed = matches!((self.from, self.next), (Some(from), Next::At(next)) if (from..next).contains(&offset));
        let starts = starts.iter().filter(|at| (self.since..=now).contains(*at));
        let is_return = is_passed && self.returns <= starts.count();
        self.returns += usize::from(is_return);
        is_return
    }
}

/// The offsets that a group has read of a partition, a bit each.
#[derive(Debug, Default)]
struct Coverage(Vec<u64>);

impl Coverage {
    fn add(&mut self, offset: i64) {
        let Ok(offset) = usize::try_from(offset) else {
            return;
        };
        let word = offset / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (offset % 64);
    }

    fn has(&self, offset: i64) -> bool {
        usize::try_from(offset)
            .ok()
            .and_then(|offset| Some(self.0.get(offset / 64)? >> (offset % 64) & 1 == 1))
            .unwrap_or_default()
    }
}

pub(super) fn judge(
    plan: &Plan,
    history: &History,
    images: &Images<'_>,
    figures: &mut Figures,
    findings: &mut Findings,
) {
    let mut coverage: HashMap<(usize, Place), Coverage> = HashMap::new();
    for (reader, readings) in &history.readers {
        let group = group_of(plan, reader);
        let mut steps: HashMap<Place, Step> = HashMap::new();
        for &(now, ref reading) in readings {
            match *reading {
                Reading::Start(place, offset) => {
                    let (next, from) = match offset {
                        Some(offset) if offset >= 0 => (Next::At(offset), Some(offset)),
                        Some(_) => (Next::First, Some(0)),
                        None => (Next::Anywhere, None),
                    };
                    let step = Step {
                        next,
                        from,
                        since: now,
                        returns: 0,
                    };
                    steps.insert(place, step);
                }
                Reading::Revoked(place) => {
                    steps.remove(&place);
                }
                Reading::Seen(place, held) => {
                    figures.seen += 1;
                    judge_seen(plan, history, images, (reader, place, held), findings);
                    let step = steps.entry(place).or_insert(Step {
                        next: Next::Anywhere,
                        from: None,
                        since: now,
                        returns: 0,
                    });
                    step.from.get_or_insert(held.offset);
                    if step.is_return(held.offset, now, &history.starts) {
                        figures.returns += 1;
                    } else {
                        let image = images.get(&(place, 0)).copied();
                        judge_step(plan, step.next, image, (reader, place, held), findings);
                    }
                    step.next = Next::At(held.offset + 1);
                    if let Some(group) = group {
                        coverage.entry((group, place)).or_default().add(held.offset);
                    }
                }
            }
        }
    }
    if history.is_load_over {
        judge_coverage(plan, images, &coverage, findings);
    }
}

/// The group of a reader, by the name of its journal: `group-<index>-<member>`.
fn group_of(plan: &Plan, reader: &str) -> Option<usize> {
    let (group, _) = reader.strip_prefix("group-")?.split_once('-')?;
    let group: usize = group.parse().ok()?;
    (group < plan.groups.len()).then_some(group)
}

/// Compares what a reader was given with what was sent and with what the log holds.
fn judge_seen(
    plan: &Plan,
    history: &History,
    images: &Images<'_>,
    (reader, place, held): (&str, Place, Held),
    findings: &mut Findings,
) {
    let at = format_args!("{reader}: {} offset {}", name(plan, place), held.offset);
    let Some(sent) = history.sent(held.identity()) else {
        findings.add(Violation::Invented, at);
        return;
    };
    let sent_as = describe(plan, held.identity(), sent);
    if sent.place != place {
        findings.add(Violation::Moved, format!("{at} holds {sent_as}"));
        return;
    }
    if !judge_record(plan, place, held, sent, findings) {
        return;
    }
    // What was not acknowledged when its topic was deleted may be in the next one.
    let is_lasting = plan.topics[place.topic].kind != Kind::Churned;
    if !is_lasting && !matches!(sent.answer, Answer::Acknowledged(..)) {
        return;
    }
    let Some(image) = images.get(&(place, sent.incarnation)) else {
        return;
    };
    if held.offset < image.start && plan.topics[place.topic].kind == Kind::Trimmed {
        return;
    }
    let found = image
        .records
        .binary_search_by_key(&held.offset, |held| held.offset);
    match found.map(|index| image.records[index]) {
        Ok(other) if other == held => {}
        Ok(other) => {
            let other = other.identity().marker();
            let other = String::from_utf8_lossy(&other);
            let text = format!("{at} held {sent_as}; the log holds {other} there");
            findings.add(Violation::Disagreement, text);
        }
        Err(_) => {
            let text = format!("{at} held {sent_as}; the log ends at {}", image.end);
            findings.add(Violation::Disagreement, text);
        }
    }
}

/// Whether a record is the one that follows.
fn judge_step(
    plan: &Plan,
    expected: Next,
    image: Option<&Image>,
    (reader, place, held): (&str, Place, Held),
    findings: &mut Findings,
) {
    let kind = plan.topics[place.topic].kind;
    let expected = match (expected, kind) {
        (_, Kind::Churned) | (Next::Anywhere, _) | (Next::First, Kind::Trimmed) => return,
        (Next::First, Kind::Kept) => 0,
        (Next::At(offset), _) => offset,
    };
    // Retention may have overtaken the reader, but not further than it has come in the end.
    let is_overtaken = kind == Kind::Trimmed
        && expected < held.offset
        && image.is_some_and(|image| held.offset <= image.start);
    if held.offset != expected && !is_overtaken {
        let text = format!(
            "{reader}: {} offset {} instead of {expected}",
            name(plan, place),
            held.offset
        );
        findings.add(Violation::Skipped, text);
    }
}

/// Whether every group has read all of the topics whose records stay.
fn judge_coverage(
    plan: &Plan,
    images: &Images<'_>,
    coverage: &HashMap<(usize, Place), Coverage>,
    findings: &mut Findings,
) {
    let nothing = Coverage::default();
    for (index, group) in plan.groups.iter().enumerate() {
        for ((place, _), image) in images {
            let is_read = group.topics.contains(&place.topic);
            if !is_read || plan.topics[place.topic].kind != Kind::Kept {
                continue;
            }
            let read = coverage.get(&(index, *place)).unwrap_or(&nothing);
            for held in image.records.iter().filter(|held| !read.has(held.offset)) {
                let text = format!(
                    "group {}: {} offset {}",
                    group.id,
                    name(plan, *place),
                    held.offset
                );
                findings.add(Violation::NotDelivered, text);
            }
        }
    }
}
