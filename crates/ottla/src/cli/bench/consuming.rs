//! Reading on one connection: a fetch at a time, each from where the last one ended.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use clap::Args;
use client::{Address, Frame, Pipeline, Refusal};
use model::ErrorCode;
use wire::Text;
use wire::batch::{BatchView, Batches, Records};
use wire::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};

use super::drive::{Next, Work};
use super::meter::{Done, Measured, Meter};
use super::stamp::{self, Clock};
use super::topic::Target;

/// From the time at which a record was due to be written until the consumer has it.
pub(super) const END_TO_END: &str = "END-TO-END";

/// Version of Fetch from which on topics go by id.
pub(super) const BY_ID_FROM: i16 = 13;

/// Most bytes that a compressed batch may open to.
const OPENED_BYTES_MAX: usize = 1 << 30;

/// How much is asked for at a time.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limits {
    /// Most bytes of an answer
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 50 << 20,
        value_parser = clap::value_parser!(i32).range(1..=200 << 20)
    )]
    pub(super) fetch_bytes: i32,
    /// Most bytes of one partition in an answer
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 1 << 20,
        value_parser = clap::value_parser!(i32).range(1..=200 << 20)
    )]
    pub(super) partition_bytes: i32,
    /// Bytes that the broker waits for before it answers
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 1,
        value_parser = clap::value_parser!(i32).range(0..)
    )]
    pub(super) min_bytes: i32,
    /// How long it waits for them
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 500,
        value_parser = clap::value_parser!(i32).range(0..=10_000)
    )]
    pub(super) wait_ms: i32,
}

/// What is looked at of a batch besides its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Nothing.
    Header,
    /// Every record, compressed ones too.
    Records,
    /// The time that is in front of every value.
    Stamps,
}

/// Where a partition is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The offset to read next.
    pub(super) next: i64,
    /// The offset at which reading ends.
    pub(super) end: Option<i64>,
}

impl Position {
    pub(super) fn is_at_end(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }
}

/// When consumers that follow a producer are through: unknown until it has ended.
#[derive(Debug, Default)]
pub(super) struct Goal(OnceLock<Written>);

/// What a producer has written, and when it ended.
#[derive(Clone, Copy, Debug)]
struct Written {
    records: u64,
    at: Instant,
}

impl Goal {
    /// So many records are all that there will be.
    pub(super) fn set(&self, records: u64, at: Instant) {
        // There is one producer, which ends once.
        let _ = self.0.set(Written { records, at });
    }

    /// When writing ended, which is before the last of the readers has heard of it.
    pub(super) fn set_at(&self) -> Option<Instant> {
        self.0.get().map(|written| written.at)
    }

    fn is_reached(&self, records: u64) -> bool {
        self.0
            .get()
            .is_some_and(|written| records >= written.records)
    }
}

/// Connects to each broker that leads one of these partitions, and says which of them it leads.
pub(super) async fn connect(
    target: &Target,
    positions: &BTreeMap<i32, Position>,
) -> anyhow::Result<Vec<(Pipeline, BTreeMap<i32, Position>)>> {
    let mut by_leader: BTreeMap<&Address, BTreeMap<i32, Position>> = BTreeMap::new();
    for (index, position) in positions {
        let leader = usize::try_from(*index).ok();
        let leader = leader.and_then(|index| target.leaders.get(index));
        let leader = leader.with_context(|| format!("there is no partition {index}"))?;
        by_leader
            .entry(leader)
            .or_default()
            .insert(*index, *position);
    }
    let mut connected = Vec::new();
    for (leader, positions) in by_leader {
        connected.push((Pipeline::open(leader).await?, positions));
    }
    Ok(connected)
}

/// A consumer's connection to one broker.
#[derive(Debug)]
pub(super) struct Consuming {
    pub(super) target: Arc<Target>,
    pub(super) version: i16,
    pub(super) positions: BTreeMap<i32, Position>,
    pub(super) limits: Limits,
    pub(super) depth: Depth,
    pub(super) clock: Clock,
    pub(super) meter: Arc<Meter>,
    /// How many records all consumers together are to have read.
    pub(super) goal: Option<Arc<Goal>>,
}

impl Consuming {
    fn is_done(&self, now: Instant) -> bool {
        match &self.goal {
            // What was written in time is read, however late.
            Some(goal) => goal.is_reached(self.meter.measured().total.records),
            None => {
                self.meter.window.ends.is_some_and(|ends| now >= ends)
                    || self.positions.values().all(Position::is_at_end)
            }
        }
    }

    fn request(&self) -> FetchRequest {
        let partitions = self.positions.iter().filter(|(_, at)| !at.is_at_end());
        let partitions = partitions.map(|(index, at)| FetchPartition {
            partition: *index,
            fetch_offset: at.next,
            partition_max_bytes: self.limits.partition_bytes,
            ..FetchPartition::default()
        });
        FetchRequest {
            max_wait_ms: self.limits.wait_ms,
            min_bytes: self.limits.min_bytes,
            max_bytes: self.limits.fetch_bytes,
            topics: vec![FetchTopic {
                topic: Text::from(&self.target.name),
                topic_id: self.target.id.unwrap_or_default(),
                partitions: partitions.collect(),
            }],
            ..FetchRequest::default()
        }
    }

    /// Goes through the batches of a partition; answers how many records there were.
    fn take(
        &mut self,
        data: &PartitionData,
        measured: &mut Measured,
        now: Instant,
    ) -> anyhow::Result<Done> {
        let mut done = Done::default();
        let index = data.partition_index;
        let position = self.positions.get_mut(&index);
        let position = position.context("the broker answered for a partition nobody asked for")?;
        // The frame is one piece of memory, so this takes no copy.
        let records = data.records.clone().unwrap_or_default().into_bytes();
        // What is cut off at the end is read with the next fetch.
        for batch in Batches::new(&records).map_while(Result::ok) {
            let next = batch.next_offset().0;
            if next <= position.next {
                continue;
            }
            if !batch.attributes.is_control() {
                done.records += match self.depth {
                    Depth::Header => records_from(&batch, position.next),
                    _ => {
                        let reader = Reader {
                            depth: self.depth,
                            clock: self.clock,
                            from: position.next,
                            now,
                        };
                        reader.read(&batch, measured)?
                    }
                };
            }
            done.bytes += batch.size_bytes() as u64;
            position.next = next;
        }
        Ok(done)
    }
}

/// Records of a batch from an offset on, by its header.
fn records_from(batch: &BatchView<'_>, offset: i64) -> u64 {
    let skipped = offset.saturating_sub(batch.base_offset.0).max(0);
    u64::try_from(i64::from(batch.record_count) - skipped).unwrap_or(0)
}

struct Reader {
    depth: Depth,
    clock: Clock,
    from: i64,
    now: Instant,
}

impl Reader {
    fn read(&self, batch: &BatchView<'_>, measured: &mut Measured) -> anyhow::Result<u64> {
        let opened = batch
            .decompressed(OPENED_BYTES_MAX)
            .context("a batch cannot be opened")?;
        let mut count = 0;
        for record in Records::new(&opened, batch.record_count) {
            let record = record.context("a record cannot be read")?;
            let offset = batch
                .base_offset
                .0
                .wrapping_add(i64::from(record.offset_delta));
            if offset < self.from {
                continue;
            }
            count += 1;
            if self.depth == Depth::Stamps
                && let Some(due_ns) = record.value.and_then(stamp::get)
            {
                let now_ns = self.clock.wall_ns(self.now);
                let took = Duration::from_nanos(now_ns.saturating_sub(due_ns));
                // It counts by the time at which it was due, as it does for its acknowledgement.
                let due = self.now.checked_sub(took).unwrap_or(self.now);
                measured.latency(END_TO_END, due, took, 1);
            }
        }
        Ok(count)
    }
}

impl Work for Consuming {
    type Token = ();

    fn next(&mut self, now: Instant, _: Instant) -> anyhow::Result<Next<()>> {
        if self.is_done(now) {
            return Ok(Next::Done);
        }
        Ok(Next::Send(Frame::new(&self.request(), self.version, 0), ()))
    }

    fn answered(
        &mut self,
        pipeline: &Pipeline,
        (): (),
        answer: Bytes,
        now: Instant,
    ) -> anyhow::Result<()> {
        let response: FetchResponse = pipeline.decode(answer, self.version)?;
        check(response.error_code, || "the fetch".to_owned())?;
        let meter = Arc::clone(&self.meter);
        let mut measured = meter.measured();
        measured.throttled += u64::from(response.throttle_time_ms > 0);
        let mut done = Done {
            requests: 1,
            ..Done::default()
        };
        for data in response
            .responses
            .iter()
            .flat_map(|topic| &topic.partitions)
        {
            check(data.error_code, || {
                format!("partition {} of {}", data.partition_index, self.target.name)
            })?;
            let taken = self.take(data, &mut measured, now)?;
            done.records += taken.records;
            done.bytes += taken.bytes;
        }
        measured.count(now, done);
        Ok(())
    }
}

/// An error of a fetch ends the run: asking again at once would only measure errors.
fn check(code: i16, what: impl FnOnce() -> String) -> anyhow::Result<()> {
    if code == ErrorCode::None.code() {
        return Ok(());
    }
    let refusal = Refusal::of_code(code);
    let advice = match ErrorCode::from_code(code) {
        Some(ErrorCode::OffsetOutOfRange) => {
            ": records were deleted faster than they were read; raise retention.ms or \
             retention.bytes of the topic"
        }
        Some(code) if code.is_retriable() => ": has the leader moved? try again",
        _ => "",
    };
    Err(anyhow!("cannot read {}: {refusal}{advice}", what()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_once_it_is_known_and_keeps_the_time_at_which_writing_ended() {
        let goal = Goal::default();
        assert!(!goal.is_reached(u64::MAX), "more may be written");
        assert_eq!(goal.set_at(), None);
        let ended = Instant::now();
        goal.set(3, ended);
        assert!(!goal.is_reached(2));
        assert!(goal.is_reached(3));
        assert_eq!(goal.set_at(), Some(ended));
    }
}
