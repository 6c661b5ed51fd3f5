//! Offsets of groups never go back.

use super::history::{History, OffsetEvent};
use super::{Figures, name};
use crate::findings::{Findings, Violation};
use crate::journal::Micros;
use crate::plan::{Kind, Plan};

/// What is done at a moment. In this order at the same moment: what was asked may not know of what
/// was told then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The question of a read-back whose answer is this offset is asked.
    Check(i64),
    /// It is known that the group's offset is at least this.
    Raise(i64),
}

pub(super) fn judge(
    plan: &Plan,
    history: &History,
    figures: &mut Figures,
    findings: &mut Findings,
) {
    for ((group, place), events) in &history.offsets {
        let id = plan.groups.get(*group).map_or("?", |group| &group.id);
        let at = format!("group {id}, {}", name(plan, *place));
        let is_churned = plan.topics[place.topic].kind == Kind::Churned;
        let mut highest_asked = -1;
        let mut steps: Vec<(Micros, Step)> = Vec::new();
        for (end, event) in events {
            match *event {
                OffsetEvent::Asked(offset) => highest_asked = highest_asked.max(offset),
                OffsetEvent::Committed(offset) => {
                    figures.commits += 1;
                    steps.push((*end, Step::Raise(offset)));
                }
                OffsetEvent::ReadBack(begin, offset) => {
                    figures.read_backs += 1;
                    steps.push((begin, Step::Check(offset)));
                    steps.push((*end, Step::Raise(offset)));
                }
            }
        }
        // The offsets of a topic that is deleted go with it.
        if is_churned {
            continue;
        }
        steps.sort_unstable();
        let mut known = -1;
        for (time, step) in steps {
            match step {
                Step::Raise(offset) => known = known.max(offset),
                Step::Check(offset) if offset < known => {
                    let text = format!("{at}: {offset} at {time} µs, after {known}");
                    findings.add(Violation::OffsetsGoneBack, text);
                }
                Step::Check(offset) if offset > highest_asked => {
                    let text = format!("{at}: {offset}, at most {highest_asked} was committed");
                    findings.add(Violation::Invented, text);
                }
                Step::Check(_) => {}
            }
        }
    }
}
