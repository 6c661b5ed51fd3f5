//! The process and the machine below it: starts, ends, and a look at all that is there.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use broker::{Broker, KafkaService, Settings};
use config::BrokerSettings;
use env::Clock;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::Request;
use sim::{Handles, SimFs};

use super::codec::{self, answer, code, frame, text};
use super::link::{Heard, Link};
use super::world::{Checked, ensure};
use crate::batch;

/// More turns than a request or a start ever takes.
const TURNS_MAX: usize = 100_000;

/// The groups that the members are in.
pub(crate) const GROUPS: [&str; 2] = ["group-0", "group-1"];

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    PowerCut,
    Killed,
    ShutDown,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PowerCut => "fault: power cut",
            Self::Killed => "fault: process killed",
            Self::ShutDown => "clean ends",
        }
    }
}

/// The broker on its machine.
pub(crate) struct Machine {
    pub handles: Handles,
    node: Option<(Arc<Broker>, KafkaService)>,
}

/// What is known after a start.
pub(crate) struct Restarted {
    /// What a start on a copy of the disk, without any trouble, has found.
    pub once: Option<Dump>,
}

/// Sizes at which a hundred requests fill slots and segments several times.
fn settings() -> Settings {
    let pairs = [
        ("auto.create.topics.enable", "false"),
        ("offsets.topic.num.partitions", "2"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("log.retention.check.interval.ms", "1000"),
        ("log.roll.ms", "2000"),
        ("offsets.topic.segment.bytes", "3000"),
        ("log.cleaner.backoff.ms", "500"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut broker = BrokerSettings::parse(&BTreeMap::from(pairs)).expect("legal settings");
    // Below what users may set: so that it fills.
    broker.wal_max_bytes = 512 << 10;
    broker.memory_max_bytes = 64 << 10;
    Settings {
        data_dir: "/data".into(),
        broker,
        advertised_host: "simulated".to_owned(),
        advertised_port: 9092,
    }
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Checked<Self> {
        let (_, handles) = sim::env(seed);
        let mut machine = Self {
            handles,
            node: None,
        };
        machine.open()?;
        Ok(machine)
    }

    pub(crate) fn fs(&self) -> &SimFs {
        &self.handles.fs
    }

    pub(crate) fn broker(&self) -> &Arc<Broker> {
        &self.node.as_ref().expect("a broker that is open").0
    }

    pub(crate) fn service(&self) -> &KafkaService {
        &self.node.as_ref().expect("a broker that is open").1
    }

    fn open(&mut self) -> Checked {
        let opening = Broker::open(self.handles.env(), settings());
        let opened = self.drive(opening)?;
        let broker = opened.map_err(|error| format!("it does not start: {error}"))?;
        let service = KafkaService::new(Arc::clone(&broker));
        self.node = Some((broker, service));
        Ok(())
    }

    /// Runs the machine until a future is ready.
    fn drive<T>(&self, future: impl Future<Output = T>) -> Checked<T> {
        let mut future = pin!(future);
        let mut ctx = Context::from_waker(Waker::noop());
        let clock = &self.handles.clock;
        for _ in 0..TURNS_MAX {
            if let Poll::Ready(value) = future.as_mut().poll(&mut ctx) {
                return Ok(value);
            }
            let moved = self.handles.spawn.turn(clock.now());
            ensure!(
                moved || !self.fs().has_crashed(),
                "the power has gone while it was waited for"
            );
            if !moved && !clock.advance_to_next() {
                return Err("waits for something that never comes".to_owned());
            }
        }
        Err("takes for ever".to_owned())
    }

    fn end(&mut self) {
        self.node = None;
        self.handles.spawn.clear();
    }

    /// Ends the process and starts it again, with so many losses of power on the way.
    pub(crate) fn restart(&mut self, end: End, crashes: Option<(u64, u64)>) -> Checked<Restarted> {
        self.end();
        self.handles = match end {
            End::PowerCut => self.handles.crash(),
            End::Killed | End::ShutDown => self.handles.kill(),
        };
        self.fs().set_space(None);
        let mut once = None;
        if let Some((after, times)) = crashes {
            let mut reference = Self {
                handles: self.handles.fork(),
                node: None,
            };
            reference.open()?;
            once = Some(dump(&mut reference)?);
            reference.end();
            for round in 0..times {
                self.fs().crash_at(after + round * 3);
                let opened = self.open();
                if let (Err(error), false) = (opened, self.fs().has_crashed()) {
                    return Err(error);
                }
                self.end();
                self.handles = self.handles.crash();
            }
        }
        self.open()?;
        Ok(Restarted { once })
    }

    /// Asks the broker something and waits for the answer.
    pub(crate) fn ask<R: Request>(&mut self, request: &R, version: i16) -> Checked<R::Response> {
        let mut link = Link::new(self.service());
        link.send(frame(request, version, 1), ());
        link.dispatch(self.service());
        let heard = self.drive(std::future::poll_fn(|_| match link.hear() {
            Some(heard) => Poll::Ready(heard),
            None => Poll::Pending,
        }))?;
        match heard {
            Heard::Answer((), bytes) => answer::<R>(bytes, version, 1),
            Heard::Silence => Err("no answer".to_owned()),
            Heard::Closed(reason) => Err(format!("the connection is closed: {reason}")),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Tasks hold the broker, which holds the tasks.
        self.end();
    }
}

/// What a log holds, as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogDump {
    pub start: i64,
    pub end: i64,
    pub batches: Vec<(i64, Vec<u8>)>,
}

/// All that clients can see of a broker at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dump {
    /// Name and number of partitions by id.
    pub topics: BTreeMap<[u8; 16], (String, i32)>,
    pub logs: BTreeMap<([u8; 16], i32), LogDump>,
    /// Committed offsets by group, topic and partition.
    pub offsets: BTreeMap<(String, String, i32), i64>,
}

impl Dump {
    /// Errs with the first difference. The leader epochs that starts leave behind are not among
    /// what is compared: each start has its own.
    pub(crate) fn same(&self, other: &Self) -> Checked {
        let (a, b) = (&self.topics, &other.topics);
        ensure!(a == b, "topics {a:?} and then {b:?}");
        let (a, b) = (&self.offsets, &other.offsets);
        ensure!(a == b, "committed {a:?} and then {b:?}");
        for (key, one) in &self.logs {
            let Some(two) = other.logs.get(key) else {
                return Err(format!("{key:?} is there only once"));
            };
            ensure!(
                (one.start, one.end) == (two.start, two.end),
                "{key:?} is {}..{} and then {}..{}",
                one.start,
                one.end,
                two.start,
                two.end
            );
            ensure!(one.batches == two.batches, "{key:?} has other batches");
        }
        Ok(())
    }
}

/// Looks at everything.
pub(crate) fn dump(machine: &mut Machine) -> Checked<Dump> {
    let mut dump = Dump::default();
    let request = MetadataRequest::default().with_topics(None);
    let metadata = machine.ask(&request, 12)?;
    for topic in metadata.topics {
        let name = topic
            .name
            .map(|name| name.0.to_string())
            .unwrap_or_default();
        ensure!(
            topic.error_code == code::NONE,
            "topic {name}: {}",
            topic.error_code
        );
        if topic.is_internal {
            continue;
        }
        let count = i32::try_from(topic.partitions.len()).unwrap_or(0);
        let id = topic.topic_id.into_bytes();
        for partition in 0..count {
            let log = dump_log(machine, &name, topic.topic_id, partition)
                .map_err(|error| format!("{name}-{partition}: {error}"))?;
            dump.logs.insert((id, partition), log);
        }
        dump.topics.insert(id, (name, count));
    }
    for group in GROUPS {
        for (topic, partition, offset) in committed(machine, group)? {
            dump.offsets
                .insert((group.to_owned(), topic, partition), offset);
        }
    }
    Ok(dump)
}

fn dump_log(machine: &mut Machine, name: &str, id: uuid::Uuid, partition: i32) -> Checked<LogDump> {
    let start = list_offset(machine, name, partition, -2)?;
    let end = list_offset(machine, name, partition, -1)?;
    let mut batches = Vec::new();
    let mut from = start;
    while from < end {
        let request = fetch(id, partition, from, 20_000, 0);
        let mut response = machine.ask(&request, 13)?;
        let mut topic = response.responses.pop().ok_or("no topic in the answer")?;
        let found = topic.partitions.pop().ok_or("no partition in the answer")?;
        let (error, high_watermark) = (found.error_code, found.high_watermark);
        ensure!(
            error == code::NONE,
            "fetch at {from} of {start}..{end}: {error}"
        );
        ensure!(high_watermark == end, "ends at {end} and {high_watermark}");
        let records = found.records.unwrap_or_default();
        let before = from;
        for (base, last, batch) in batch::split(&records)? {
            let is_next = base == from || (batches.is_empty() && base <= from && last >= from);
            ensure!(is_next, "{base} comes where {from} was expected");
            from = last + 1;
            batches.push((base, batch.to_vec()));
        }
        ensure!(from > before, "nothing at {from} of {start}..{end}");
    }
    Ok(LogDump {
        start,
        end,
        batches,
    })
}

/// A request for one partition, without waiting.
pub(crate) fn fetch(
    id: uuid::Uuid,
    partition: i32,
    from: i64,
    bytes_max: i32,
    isolation: i8,
) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(from)
        .with_partition_max_bytes(bytes_max);
    let topic = FetchTopic::default()
        .with_topic_id(id)
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(0)
        .with_max_bytes(bytes_max)
        .with_isolation_level(isolation)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

pub(crate) fn list_offsets(name: &str, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(codec::topic(name))
        .with_partitions(vec![partition]);
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_topics(vec![topic])
}

fn list_offset(machine: &mut Machine, name: &str, partition: i32, timestamp: i64) -> Checked<i64> {
    let mut response = machine.ask(&list_offsets(name, partition, timestamp), 5)?;
    let mut topic = response.topics.pop().ok_or("no topic in the answer")?;
    let found = topic.partitions.pop().ok_or("no partition in the answer")?;
    ensure!(
        found.error_code == code::NONE,
        "offsets: {}",
        found.error_code
    );
    Ok(found.offset)
}

pub(crate) fn offset_fetch(group: &str) -> OffsetFetchRequest {
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(text(group).into())
        .with_member_epoch(-1)
        .with_topics(None);
    OffsetFetchRequest::default().with_groups(vec![group])
}

fn committed(machine: &mut Machine, group: &str) -> Checked<Vec<(String, i32, i64)>> {
    // A coordinator that is not there yet is being made.
    for _ in 0..50 {
        let mut response = machine.ask(&offset_fetch(group), 8)?;
        let found = response.groups.pop().ok_or("no group in the answer")?;
        if found.error_code == code::COORDINATOR_NOT_AVAILABLE {
            machine
                .handles
                .clock
                .advance(std::time::Duration::from_millis(200));
            continue;
        }
        ensure!(
            found.error_code == code::NONE,
            "{group}: {}",
            found.error_code
        );
        let partitions = found.topics.into_iter().flat_map(|topic| {
            let name = topic.name.0.to_string();
            let partitions = topic.partitions.into_iter();
            partitions
                .map(move |found| (name.clone(), found.partition_index, found.committed_offset))
        });
        return Ok(partitions.filter(|(.., offset)| *offset >= 0).collect());
    }
    Err(format!("{group}: its coordinator never comes"))
}
