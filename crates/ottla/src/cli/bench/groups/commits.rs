//! Commits as fast as they are answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::{Frame, Pipeline};
use wire::Text;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};

use super::Command;
use crate::cli::Connection;
use crate::cli::bench::drive::{Next, Work, drive};
use crate::cli::bench::meter::{Done, Measured, Meter};
use crate::cli::bench::report::{Report, number, per_second, seconds, settings};
use crate::cli::bench::topic::Target;
use crate::cli::bench::watch::{Load, conclude, fail_without_success, watch};
use crate::cli::table::Fields;

/// From sending to the answer.
const COMMIT: &str = "COMMIT";

/// A member waits for its commit, as consumers do.
const IN_FLIGHT: usize = 1;

/// Version of OffsetCommit from which on topics go by id.
const BY_ID_FROM: i16 = 10;

pub(super) async fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    let brokers = connection.brokers()?;
    let mut admin = connection.admin().await?;
    let target = Target::find_or_create(&mut admin, &command.topic).await?;
    let mut members = Vec::new();
    for member in 0..command.members {
        let group = format!("{}-{member}", command.group);
        let coordinator = admin.group_coordinator(&group).await?;
        let pipeline = Pipeline::open(&coordinator).await?;
        let usable = 2..=target.version_max(BY_ID_FROM);
        let version = pipeline.version_of::<OffsetCommitRequest>(usable)?;
        let frame = Frame::new(&request(&group, &target), version, 0);
        members.push((pipeline, version, frame));
    }
    let span = command.span;
    let meter = Arc::new(Meter::new(span.window(Instant::now(), span.warm_up())));
    let mut load = Load::new();
    for (pipeline, version, frame) in members {
        let work = Committing {
            version,
            frame,
            meter: Arc::clone(&meter),
        };
        load.spawn(drive(pipeline, work, IN_FLIGHT));
    }
    let progress = command.shown.progress();
    let (ending, passed) = watch(load, &meter, progress).await?;
    let measured = meter.measured();
    let settings = settings("groups commits", &brokers, &target)
        .field("GROUP", command.group.as_str())
        .field("MEMBERS", number(command.members))
        .field("SECONDS", number(span.seconds))
        .field("WARM-UP-SECONDS", number(span.warm_up_seconds));
    let report = Report::new(settings, result(&measured, passed)).with(&measured);
    conclude(ending, &report, command.shown.output)?;
    fail_without_success(&measured, "offsets were committed")
}

fn result(measured: &Measured, passed: Duration) -> Fields {
    let done = measured.done;
    Fields::default()
        .field("MEASURED-SECONDS", seconds(passed))
        .field("COMMITS", number(done.requests))
        .field("COMMITS-PER-SECOND", per_second(done.requests, passed))
        .field("ERRORS", number(measured.errors.values().sum()))
        .field("THROTTLED-ANSWERS", number(measured.throttled))
        .field("TOTAL-COMMITS", number(measured.total.requests))
}

/// The commit of a member outside of any generation; the same each time.
fn request(group: &str, target: &Target) -> OffsetCommitRequest {
    let count = i32::try_from(target.leaders.len()).unwrap_or(i32::MAX);
    let partition = |index| OffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: 0,
        committed_metadata: Some(Text::EMPTY),
        ..OffsetCommitRequestPartition::default()
    };
    OffsetCommitRequest {
        group_id: Text::from(group),
        topics: vec![OffsetCommitRequestTopic {
            name: Text::from(&target.name),
            topic_id: target.id.unwrap_or_default(),
            partitions: (0..count).map(partition).collect(),
        }],
        ..OffsetCommitRequest::default()
    }
}

struct Committing {
    version: i16,
    frame: Frame,
    meter: Arc<Meter>,
}

impl Work for Committing {
    /// When it was sent.
    type Token = Instant;

    fn next(&mut self, now: Instant, _: Instant) -> anyhow::Result<Next<Instant>> {
        let is_over = self.meter.window.ends.is_some_and(|ends| now >= ends);
        Ok(match is_over {
            true => Next::Done,
            false => Next::Send(self.frame.clone(), now),
        })
    }

    fn answered(
        &mut self,
        pipeline: &Pipeline,
        sent_at: Instant,
        answer: Bytes,
        now: Instant,
    ) -> anyhow::Result<()> {
        let response: OffsetCommitResponse = pipeline.decode(answer, self.version)?;
        let mut measured = self.meter.measured();
        measured.throttled += u64::from(response.throttle_time_ms > 0);
        let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        match partitions.find(|partition| partition.error_code != 0) {
            Some(partition) => measured.error(partition.error_code),
            None => {
                let one = Done {
                    requests: 1,
                    ..Done::default()
                };
                measured.count(now, one);
                measured.latency(COMMIT, now, now - sent_at, 1);
            }
        }
        Ok(())
    }
}
