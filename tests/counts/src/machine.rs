//! The whole broker on one thread, so that the same requests always cost the same: real files, and
//! tasks, time and chance that one seed decides.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use anyhow::{Context as _, Result, bail, ensure};
use broker::{Broker, Connection, KafkaService, Settings};
use bytes::Bytes;
use config::BrokerSettings;
use env::real::RealFs;
use env::{BoxFuture, Clock, Env};
use network::{Outcome, Reply, Service};
use sim::{Handles, SimClock, SimSpawn};
use wire::Chunks;

use crate::door::Door;

/// More turns than a request or a start ever takes.
const TURNS_MAX: usize = 100_000;

/// A broker and one connection to it.
pub(crate) struct Machine {
    service: KafkaService,
    connection: Connection,
    clock: Arc<SimClock>,
    spawn: Arc<SimSpawn>,
}

impl Machine {
    /// A broker on an empty directory, with its defaults but for what would make the first requests
    /// wait.
    pub(crate) fn open(data_dir: &Path) -> Result<Self> {
        let (
            _,
            Handles {
                clock, rng, spawn, ..
            },
        ) = sim::env(1);
        let env = Env {
            clock: clock.clone(),
            rng,
            fs: Arc::new(RealFs),
            spawn: spawn.clone(),
        };
        let settings = [
            ("group.initial.rebalance.delay.ms", "0"),
            ("offsets.topic.num.partitions", "1"),
            ("transaction.state.log.num.partitions", "1"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings {
            data_dir: data_dir.to_owned(),
            broker: BrokerSettings::parse(&BTreeMap::from(settings)).context("legal settings")?,
            advertised_host: "counted".to_owned(),
            advertised_port: 9092,
        };
        let opening: BoxFuture<_> = Box::pin(Broker::open(env, settings));
        let broker = drive(&clock, &spawn, opening)?.context("open the broker")?;
        let service = KafkaService::new(broker);
        let peer = "127.0.0.1:50000".parse().context("an address")?;
        let local = "127.0.0.1:9092".parse().context("an address")?;
        let connection = service.connect(peer, local);
        Ok(Self {
            service,
            connection,
            clock,
            spawn,
        })
    }
}

impl Door for Machine {
    fn exchange(&mut self, frame: Bytes) -> Result<Chunks> {
        let outcome = match self.service.call(&mut self.connection, frame) {
            Reply::Ready(chunks) => return Ok(chunks),
            Reply::Serial(later) | Reply::Parked(later) | Reply::Pipelined(later) => {
                drive(&self.clock, &self.spawn, later)?
            }
            Reply::Close(reason) => Outcome::Close(reason),
            Reply::None => Outcome::None,
        };
        match outcome {
            Outcome::Answer(chunks) => Ok(chunks),
            Outcome::None => bail!("there is no answer"),
            Outcome::Close(reason) => bail!("the connection is closed: {reason}"),
        }
    }

    fn rest(&self) -> Result<()> {
        for _ in 0..TURNS_MAX {
            if !self.spawn.turn(self.clock.now()) {
                return Ok(());
            }
        }
        bail!("it never comes to rest")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Tasks hold the broker, which holds the tasks.
        self.spawn.clear();
    }
}

fn drive<T>(clock: &SimClock, spawn: &SimSpawn, future: BoxFuture<T>) -> Result<T> {
    let mut future = pin!(future);
    let mut ctx = Context::from_waker(Waker::noop());
    for _ in 0..TURNS_MAX {
        if let Poll::Ready(value) = future.as_mut().poll(&mut ctx) {
            return Ok(value);
        }
        ensure!(
            spawn.turn(clock.now()) || clock.advance_to_next(),
            "waits for something that never comes"
        );
    }
    bail!("takes for ever")
}
