//! What was acknowledged is in the logs, once, unchanged, in its place and order; and nothing else
//! is.

use std::collections::{HashMap, HashSet};

use super::history::{Answer, History, Image, Sent};
use super::{Figures, name};
use crate::content::Identity;
use crate::findings::{Findings, Violation};
use crate::journal::{Held, Place};
use crate::plan::{Kind, Plan};

/// The logs by topic, incarnation and partition.
pub(super) type Images<'a> = HashMap<(Place, u32), &'a Image>;

pub(super) fn judge(
    plan: &Plan,
    history: &History,
    images: &Images<'_>,
    figures: &mut Figures,
    findings: &mut Findings,
) {
    let mut found = HashSet::new();
    let mut in_order: Vec<_> = images.values().collect();
    in_order.sort_unstable_by_key(|image| (image.place, image.incarnation));
    for image in in_order {
        judge_image(plan, history, image, &mut found, figures, findings);
    }
    for (identity, sent) in history.all_sent() {
        figures.intents += 1;
        let Answer::Acknowledged(offset, _) = sent.answer else {
            let is_lasting = plan.topics[sent.place.topic].kind != Kind::Churned;
            if sent.answer == Answer::None && is_lasting && history.is_load_over {
                findings.add(Violation::Unanswered, describe(plan, identity, sent));
            }
            continue;
        };
        figures.acknowledged += 1;
        figures.acknowledged_without_offset += u64::from(offset < 0);
        if found.contains(&identity) {
            continue;
        }
        match images.get(&(sent.place, sent.incarnation)) {
            Some(image) if is_trimmed_away(plan, image, offset) => figures.trimmed += 1,
            Some(image) => findings.add(
                Violation::Lost,
                format!(
                    "{}, the log is from {} to {}",
                    describe(plan, identity, sent),
                    image.start,
                    image.end
                ),
            ),
            None if is_expected(history, sent) => findings.add(
                Violation::Lost,
                format!("{}, there is no such log", describe(plan, identity, sent)),
            ),
            None => figures.deleted_unread += 1,
        }
    }
}

/// Whether retention may have removed what was at this offset.
fn is_trimmed_away(plan: &Plan, image: &Image, offset: i64) -> bool {
    plan.topics[image.place.topic].kind == Kind::Trimmed && offset < image.start
}

/// Whether the log that a record was sent to must be there.
fn is_expected(history: &History, sent: &Sent) -> bool {
    let living = history.living(sent.place.topic);
    living.is_some_and(|(incarnation, _)| incarnation == sent.incarnation)
}

fn judge_image(
    plan: &Plan,
    history: &History,
    image: &Image,
    found: &mut HashSet<Identity>,
    figures: &mut Figures,
    findings: &mut Findings,
) {
    let place = name(plan, image.place);
    let trimmed = history.trimmed.get(&image.place);
    if let Some(trimmed) = trimmed.filter(|trimmed| **trimmed > image.start) {
        let text = format!(
            "{place} begins at {}, below {trimmed} all was deleted",
            image.start
        );
        findings.add(Violation::Reborn, text);
    }
    if image.start != 0 && plan.topics[image.place.topic].kind != Kind::Trimmed {
        let text = format!("{place} begins at {}", image.start);
        findings.add(Violation::Gap, text);
    }
    let mut expected = image.start;
    let mut last: HashMap<u16, u32> = HashMap::new();
    for held in &image.records {
        figures.read += 1;
        if held.offset != expected {
            let text = format!("{place} goes from {expected} to {}", held.offset);
            findings.add(Violation::Gap, text);
        }
        expected = held.offset + 1;
        let identity = held.identity();
        let at = format_args!("{place} offset {}", held.offset);
        let Some(sent) = history.sent(identity) else {
            findings.add(Violation::Invented, at);
            continue;
        };
        let sent_as = describe(plan, identity, sent);
        if sent.place != image.place || sent.incarnation > image.incarnation {
            findings.add(Violation::Moved, format!("{at} holds {sent_as}"));
            continue;
        }
        if sent.incarnation < image.incarnation {
            // A request may come late and find the next topic of this name, but what the broker
            // has acknowledged before must not come again.
            if matches!(sent.answer, Answer::Acknowledged(..)) {
                findings.add(Violation::Reborn, format!("{at} holds {sent_as}"));
            } else {
                figures.carried_over += 1;
            }
            continue;
        }
        if !found.insert(identity) {
            findings.add(Violation::Doubled, format!("{at} holds {sent_as} again"));
            continue;
        }
        judge_record(plan, image.place, *held, sent, findings);
        let before = last.insert(identity.producer, identity.sequence);
        if let Some(before) = before.filter(|before| *before > identity.sequence) {
            let text = format!("{at} holds {sent_as} behind number {before}");
            findings.add(Violation::Reordered, text);
        }
    }
    if expected != image.end {
        let text = format!("{place} ends at {} but {expected} was reached", image.end);
        findings.add(Violation::Gap, text);
    }
}

/// Compares a record with what was sent and answered. `false` if it differs.
pub(super) fn judge_record(
    plan: &Plan,
    place: Place,
    held: Held,
    sent: &Sent,
    findings: &mut Findings,
) -> bool {
    let mut differences = Vec::new();
    if held.digest != sent.digest {
        differences.push("key, headers or value");
    }
    let is_stamped = plan.topics[place.topic].is_log_append_time;
    if !is_stamped && held.timestamp != sent.timestamp {
        differences.push("the time");
    }
    if let Answer::Acknowledged(offset, timestamp) = sent.answer {
        if held.timestamp != timestamp && offset >= 0 {
            differences.push("the acknowledged time");
        }
        if offset >= 0 && held.offset != offset {
            let text = format!(
                "{}: found at {}",
                describe(plan, held.identity(), sent),
                held.offset
            );
            findings.add(Violation::Moved, text);
            return false;
        }
    }
    if differences.is_empty() {
        return true;
    }
    let text = format!(
        "{} offset {}, {}: {} differ",
        name(plan, place),
        held.offset,
        describe(plan, held.identity(), sent),
        differences.join(", ")
    );
    findings.add(Violation::Changed, text);
    false
}

/// A record in words.
pub(super) fn describe(plan: &Plan, identity: Identity, sent: &Sent) -> String {
    let marker = String::from_utf8_lossy(&identity.marker()).into_owned();
    let answer = match sent.answer {
        Answer::None => "not answered".to_owned(),
        Answer::Failed => "given up".to_owned(),
        Answer::Acknowledged(offset, _) => format!("acknowledged at {offset}"),
    };
    let codec = plan
        .producers
        .get(usize::from(identity.producer))
        .map_or("?", |producer| producer.codec.as_str());
    format!(
        "record {marker} ({codec}) to {} incarnation {}, {answer}",
        name(plan, sent.place),
        sent.incarnation
    )
}
