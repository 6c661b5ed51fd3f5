//! A producer of the topics that last.

use std::time::Duration;

use super::sender::{Burst, Sender};
use super::{Role, Stage};
use crate::findings::Violation;
use crate::journal::Place;
use crate::random::Random;

/// How long the broker may take to answer everything once the kills are over.
const ANSWERS_LIMIT: Duration = Duration::from_secs(60);
/// How many records go to one partition before the next one has its turn.
const BURST_MAX: u64 = 40;

/// Sends bursts to random partitions at a mean rate until the workload is to stop, and waits for the
/// answers. `sequence` counts the records of this producer over all stages of a run.
pub(super) fn run(stage: &Stage, producer: u16, sequence: &mut u32) -> anyhow::Result<()> {
    let plan = &stage.plan.producers[usize::from(producer)];
    let mut random = Random::new(stage.seed, 100 + u64::from(producer));
    let pen = stage.journal.pen(&format!("producer-{producer:02}"))?;
    let sender = Sender::new(
        &stage.bootstrap,
        producer,
        &plan.codec,
        true,
        &mut random,
        &pen,
        &stage.control,
    )?;
    while !stage.control.is_stopping(Role::Writer) {
        if !sender.wait_for_room(Duration::from_millis(100)) {
            continue;
        }
        let index = *random.one_of(&plan.topics);
        let topic = &stage.plan.topics[index];
        let last = u64::from((topic.partitions - 1).unsigned_abs());
        let records = random.magnitude(1, BURST_MAX);
        let burst = Burst {
            topic: &topic.name,
            place: Place {
                topic: index,
                partition: i32::try_from(random.between(0, last))?,
            },
            incarnation: 0,
            records,
        };
        if !sender.send(burst, sequence, &mut random) {
            // Why is in the journal.
            break;
        }
        let share = records as f64 / stage.records_per_second;
        stage
            .control
            .pause(Role::Writer, Duration::from_secs_f64(share));
    }
    if !sender.wait_for_answers(ANSWERS_LIMIT) {
        let text = format!("producer {producer} has waited {ANSWERS_LIMIT:?} for answers");
        stage.control.find(Violation::Stalled, text);
    }
    sender.close();
    Ok(())
}
