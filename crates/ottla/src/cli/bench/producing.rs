//! Writing on one connection, in a closed or in an open loop.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use client::{Frame, Pipeline};
use wire::compression::Codec;
use wire::messages::produce::{ProduceRequest, ProduceResponse};

use super::drive::{Next, Work, drive};
use super::meter::{Done, Meter};
use super::payload::{BY_ID_FROM, Lane, Maker, Time};
use super::schedule::{Batch, Schedule, Turns};
use super::stamp::Clock;
use super::watch::Load;

/// From the intended time, in an open loop, or from sending, to the acknowledgement.
pub(super) const ACKNOWLEDGEMENT: &str = "ACKNOWLEDGEMENT";

/// From the time at which a batch was to be sent, and might have been under way, until it was sent:
/// what the load itself is late.
pub(super) const SENDING: &str = "SENDING";

/// How long after its end an open loop still sends what was due.
const CATCH_UP: Duration = Duration::from_secs(10);

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As soon as the broker has answered: full batches of so many records.
    Closed(u64),
    /// When they are due.
    Open(Schedule),
}

impl Pace {
    pub(super) fn batch_records(&self) -> u64 {
        match self {
            Self::Closed(batch_records) => *batch_records,
            Self::Open(schedule) => schedule.batch_records(),
        }
    }
}

/// What the connections of a producer have in common.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) maker: Maker,
    pub(super) lanes: Vec<Lane>,
    pub(super) pace: Pace,
    /// How many records are written in all; `None` to go on until the window ends.
    pub(super) records: Option<u64>,
    /// Connections to each broker.
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    /// Whether values carry the time at which they were due.
    pub(super) stamped: bool,
    pub(super) clock: Clock,
}

/// A connection, and the lanes that it may write to.
#[derive(Debug)]
pub(super) struct Sender {
    pipeline: Pipeline,
    version: i16,
    /// Its number among those to the same broker.
    index: usize,
    /// Numbers of the lanes whose partitions this broker leads.
    lanes: Vec<usize>,
    /// Requests made beforehand, for each of `lanes` one for each round; empty where every one is
    /// different.
    prepared: Arc<Vec<Vec<Frame>>>,
}

impl Plan {
    /// Connects, and makes the requests: `rounds` for each lane, after which the first is sent again.
    pub(super) async fn connect(
        &self,
        rounds: impl Fn(&Lane) -> u64,
    ) -> anyhow::Result<Vec<Sender>> {
        let mut senders = Vec::new();
        let target = &self.maker.target;
        for broker in target.brokers() {
            let of_broker =
                |number: &usize| target.leaders[self.lanes[*number].partition] == broker;
            let lanes: Vec<usize> = (0..self.lanes.len()).filter(of_broker).collect();
            if lanes.is_empty() {
                continue;
            }
            let mut prepared = Arc::new(Vec::new());
            for index in 0..self.connections {
                let pipeline = Pipeline::open(&broker).await?;
                let version = pipeline.version_of::<ProduceRequest>(self.usable())?;
                if index == 0 && !self.stamped {
                    prepared = Arc::new(self.prepare(version, &lanes, &rounds));
                }
                senders.push(Sender {
                    pipeline,
                    version,
                    index,
                    lanes: lanes.clone(),
                    prepared: Arc::clone(&prepared),
                });
            }
        }
        Ok(senders)
    }

    /// The versions that can say what is written.
    fn usable(&self) -> RangeInclusive<i16> {
        /// zstd may be produced from there on.
        const ZSTD_FROM: i16 = 7;
        let oldest = match self.maker.shape.codec {
            Codec::Zstd => ZSTD_FROM,
            _ => 3,
        };
        oldest..=self.maker.target.version_max(BY_ID_FROM)
    }

    fn prepare(
        &self,
        version: i16,
        lanes: &[usize],
        rounds: impl Fn(&Lane) -> u64,
    ) -> Vec<Vec<Frame>> {
        let time = Time::Plain(self.clock.wall_ns(Instant::now()));
        let count = self.pace.batch_records();
        let prepare = |number: &usize| {
            let lane = &self.lanes[*number];
            let frame = |round| self.maker.frame(version, lane, round, count, time);
            (0..rounds(lane)).map(frame).collect()
        };
        lanes.iter().map(prepare).collect()
    }

    /// Starts to write on all connections; the first record is due at `start`.
    pub(super) fn spawn(
        self: &Arc<Self>,
        senders: Vec<Sender>,
        start: Instant,
        meter: &Arc<Meter>,
        load: &mut Load,
    ) {
        let left = Arc::new(AtomicU64::new(self.records.unwrap_or(u64::MAX)));
        for sender in senders {
            let work = Producing {
                plan: Arc::clone(self),
                version: sender.version,
                index: sender.index,
                turns: Turns::new(&sender.lanes, sender.index, self.connections),
                lanes: sender.lanes,
                prepared: sender.prepared,
                start,
                meter: Arc::clone(meter),
                left: Arc::clone(&left),
                turn: 0,
            };
            load.spawn(drive(sender.pipeline, work, self.in_flight));
        }
    }
}

struct Producing {
    plan: Arc<Plan>,
    version: i16,
    index: usize,
    lanes: Vec<usize>,
    prepared: Arc<Vec<Vec<Frame>>>,
    start: Instant,
    meter: Arc<Meter>,
    /// Records that are still to be written, by all connections of a closed loop.
    left: Arc<AtomicU64>,
    /// How many batches this connection has had its turn with.
    turn: u64,
    /// Which batches those are in an open loop.
    turns: Turns,
}

/// A batch that is under way.
#[derive(Debug)]
struct UnderWay {
    sent_at: Instant,
    records: u64,
    /// Its place in the schedule, in an open loop.
    due: Option<(Schedule, Batch)>,
}

impl Producing {
    fn closed(&mut self, batch_records: u64, now: Instant) -> Next<UnderWay> {
        if self.meter.window.ends.is_some_and(|ends| now >= ends) {
            return Next::Done;
        }
        let take = |left: u64| Some(left - left.min(batch_records));
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let records = left.map_or(0, |left| left.min(batch_records));
        if records == 0 {
            return Next::Done;
        }
        let lanes = self.lanes.len() as u64;
        // Connections begin at different lanes.
        let number = self.index as u64 + self.turn;
        let (place, round) = ((number % lanes) as usize, number / lanes);
        self.turn += 1;
        let frame = self.frame(place, round, records, now);
        self.send(frame, now, records, None)
    }

    fn open(&mut self, schedule: Schedule, now: Instant, room_since: Instant) -> Next<UnderWay> {
        let gives_up = (self.meter.window.ends).is_some_and(|ends| now >= ends + CATCH_UP);
        while let Some((place, batch)) = self.next_due(schedule) {
            let at = self.start + batch.after;
            if at > now {
                return Next::At(at);
            }
            self.turn += 1;
            let mut measured = self.meter.measured();
            if gives_up {
                measured.unsent_records += batch.count;
                continue;
            }
            measured.latency(SENDING, at, now - at.max(room_since), 1);
            drop(measured);
            // Of the first of its records: the others carry the same time.
            let mut intended = schedule.records_after(&batch);
            let intended = self.start + intended.next().unwrap_or(batch.after);
            let frame = self.frame(place, batch.round, batch.count, intended);
            return self.send(frame, now, batch.count, Some((schedule, batch)));
        }
        // The last record is due a little before the end, and the rates are those of all the time.
        match self.meter.window.ends {
            Some(ends) if now < ends => Next::At(ends),
            _ => Next::Done,
        }
    }

    /// The next batch of this connection, and the place of its lane in `lanes`; `None` after the last.
    fn next_due(&self, schedule: Schedule) -> Option<(usize, Batch)> {
        let (place, round) = self.turns.at(self.turn);
        let batch = schedule.batch_of(self.lanes[place], round);
        // First records come in the order of their batches: what follows has none left either.
        let batch = batch.before(self.plan.records.unwrap_or(u64::MAX))?;
        let at = self.start + batch.after;
        let is_over = self.meter.window.ends.is_some_and(|ends| at >= ends);
        (!is_over).then_some((place, batch))
    }

    fn frame(&self, place: usize, round: u64, records: u64, intended: Instant) -> Frame {
        let plan = &self.plan;
        if records == plan.pace.batch_records()
            && let Some(frames) = self.prepared.get(place)
            && let Some(frame) = frames.get((round % frames.len().max(1) as u64) as usize)
        {
            return frame.clone();
        }
        let wall_ns = plan.clock.wall_ns(intended);
        let time = match plan.stamped {
            true => Time::Stamped(wall_ns),
            false => Time::Plain(wall_ns),
        };
        let lane = &plan.lanes[self.lanes[place]];
        plan.maker.frame(self.version, lane, round, records, time)
    }

    fn send(
        &self,
        frame: Frame,
        now: Instant,
        records: u64,
        due: Option<(Schedule, Batch)>,
    ) -> Next<UnderWay> {
        if self.plan.maker.shape.acks == 0 {
            // All that is ever known of it.
            self.meter.measured().count(now, self.done(records));
            return Next::Unanswered(frame);
        }
        let under_way = UnderWay {
            sent_at: now,
            records,
            due,
        };
        Next::Send(frame, under_way)
    }

    fn done(&self, records: u64) -> Done {
        Done {
            requests: 1,
            records,
            bytes: records * self.plan.maker.shape.record_bytes() as u64,
        }
    }
}

impl Work for Producing {
    type Token = UnderWay;

    fn next(&mut self, now: Instant, room_since: Instant) -> anyhow::Result<Next<UnderWay>> {
        Ok(match self.plan.pace {
            Pace::Closed(batch_records) => self.closed(batch_records, now),
            Pace::Open(schedule) => self.open(schedule, now, room_since),
        })
    }

    fn answered(
        &mut self,
        pipeline: &Pipeline,
        token: UnderWay,
        answer: Bytes,
        now: Instant,
    ) -> anyhow::Result<()> {
        let response: ProduceResponse = pipeline.decode(answer, self.version)?;
        let mut measured = self.meter.measured();
        measured.throttled += u64::from(response.throttle_time_ms > 0);
        let topic = response.responses.first();
        let partition = topic.and_then(|topic| topic.partition_responses.first());
        let partition = partition.context("the broker's answer to Produce is empty")?;
        if partition.error_code != 0 {
            measured.error(partition.error_code);
            return Ok(());
        }
        measured.count(now, self.done(token.records));
        match &token.due {
            None => {
                measured.latency(ACKNOWLEDGEMENT, now, now - token.sent_at, token.records);
            }
            Some((schedule, batch)) => {
                for after in schedule.records_after(batch) {
                    let intended = self.start + after;
                    measured.latency(ACKNOWLEDGEMENT, intended, now - intended, 1);
                }
            }
        }
        Ok(())
    }
}
