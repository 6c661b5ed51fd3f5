//! Topics that were made are there, topics that were deleted are not.

use super::Figures;
use super::history::{History, TopicEvent};
use crate::findings::{Findings, Violation};
use crate::journal::{Operation, Outcome};
use crate::plan::{Kind, Plan};

/// What is known about a topic's existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    There,
    Gone,
    /// A request is under way, or its answer got lost.
    Open,
}

pub(super) fn judge(
    plan: &Plan,
    history: &History,
    figures: &mut Figures,
    findings: &mut Findings,
) {
    for (topic, events) in &history.topics {
        let name = &plan.topics[*topic].name;
        let mut known = Known::Gone;
        let mut before = Known::Gone;
        for event in events {
            match event {
                TopicEvent::Asked(_) => {
                    before = known;
                    known = Known::Open;
                }
                TopicEvent::Incarnation(..) => {}
                TopicEvent::Answered(operation, outcome) => {
                    known = judge_answer(name, *operation, outcome, before, figures, findings);
                }
            }
        }
    }
    judge_failures(plan, history, findings);
}

/// What is known after an answer, given what was known before the question.
fn judge_answer(
    name: &str,
    operation: Operation,
    outcome: &Outcome,
    before: Known,
    figures: &mut Figures,
    findings: &mut Findings,
) -> Known {
    let (wanted, violation) = match operation {
        Operation::Create => (Known::There, Violation::TopicReborn),
        Operation::Delete => (Known::Gone, Violation::TopicLost),
    };
    match outcome {
        Outcome::Done => {
            match operation {
                Operation::Create => figures.topics_created += 1,
                Operation::Delete => figures.topics_deleted += 1,
            }
            // Making what is there already, or deleting what is gone: the broker forgot.
            if before == wanted {
                let other = match operation {
                    Operation::Create => Violation::TopicLost,
                    Operation::Delete => Violation::TopicReborn,
                };
                findings.add(other, format!("topic {name}: {operation:?} was done twice"));
            }
            wanted
        }
        Outcome::Already => {
            if before != wanted && before != Known::Open {
                let text = format!("topic {name}: {operation:?} finds nothing to do");
                findings.add(violation, text);
            }
            wanted
        }
        Outcome::Unknown(_) => Known::Open,
        Outcome::Refused(reason) => {
            let text = format!("topic {name}: {operation:?} is refused: {reason}");
            findings.add(Violation::Refused, text);
            before
        }
    }
}

/// A record to a topic that is there may not fail, and no client may end over it. Records to a
/// topic that was being deleted may.
fn judge_failures(plan: &Plan, history: &History, findings: &mut Findings) {
    let is_churned = |topic: usize| plan.topics[topic].kind == Kind::Churned;
    for (identity, reason) in &history.failures {
        let sent = history.sent(*identity);
        if sent.is_none_or(|sent| !is_churned(sent.place.topic)) {
            let marker = String::from_utf8_lossy(&identity.marker()).into_owned();
            findings.add(Violation::Refused, format!("record {marker}: {reason}"));
        }
    }
    for (producer, reason) in &history.fatal {
        let topics = plan.producers.get(usize::from(*producer));
        let topics = topics.map_or(&[][..], |producer| &producer.topics);
        if topics.is_empty() || topics.iter().any(|topic| !is_churned(*topic)) {
            findings.add(Violation::Fatal, format!("producer {producer}: {reason}"));
        }
    }
}
