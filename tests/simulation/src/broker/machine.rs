//! The process and the machine below it: starts and ends.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use broker::{Broker, KafkaService, Settings};
use config::BrokerSettings;
use env::Clock;
use kafka_protocol::protocol::Request;
use sim::{Handles, SimFs};

use super::codec::{answer, frame};
use super::dump::{Dump, dump};
use super::link::{Heard, Link};
use super::world::{Checked, ensure};

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
        ("transaction.state.log.num.partitions", "2"),
        (
            "transaction.abort.timed.out.transaction.cleanup.interval.ms",
            "1000",
        ),
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

    /// Lets everything happen that waits neither for a request nor for the clock.
    pub(crate) fn rest(&self) -> Checked {
        for _ in 0..TURNS_MAX {
            if !self.handles.spawn.turn(self.handles.clock.now()) {
                return Ok(());
            }
        }
        Err("it never comes to rest".to_owned())
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
