//! Kafka's own Connect worker.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use testkit::quiet_port;

use crate::programs::{Process, Programs};
use crate::rest::ask;
use crate::stage::{Guarantee, Stage};

const MAIN_CLASS: &str = "org.apache.kafka.connect.cli.ConnectDistributed";

/// How long the worker may take until something is as it should be.
const LIMIT: Duration = Duration::from_secs(120);
/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

/// Where a worker listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    port: u16,
}

impl Worker {
    /// Starts the worker's main class in distributed mode, as a cluster of one.
    pub(crate) fn start(
        stage: &Stage<'_>,
        programs: &Programs,
        guarantee: Guarantee,
    ) -> Result<(Self, Process)> {
        // Free also while the worker is down.
        let port = quiet_port();
        let file = stage.directory.join("worker.properties");
        fs::write(&file, properties(&stage.bootstrap(), port, guarantee))?;
        let words = programs.connect(MAIN_CLASS, &[&file.to_string_lossy()]);
        let process = Process::start("worker", words, &stage.directory)?;
        Ok((Self { port }, process))
    }

    /// Makes a connector, as soon as the worker takes it.
    pub(crate) fn connect(self, name: &str, configuration: &Value) -> Result<()> {
        let path = format!("/connectors/{name}/config");
        self.wait_for("a connector is made", || {
            ask(self.port, "PUT", &path, Some(configuration)).map(drop)
        })
    }

    /// Waits until a connector and its task run.
    pub(crate) fn wait_until_running(self, name: &str) -> Result<()> {
        self.wait_for("a connector runs", || {
            let path = format!("/connectors/{name}/status");
            let status = ask(self.port, "GET", &path, None)?;
            let is_running = |value: &Value| value["state"] == "RUNNING";
            let tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
            match is_running(&status["connector"]) && tasks.len() == 1 && is_running(&tasks[0]) {
                true => Ok(()),
                false => bail!("{status}"),
            }
        })
    }

    /// Waits until the offset that the source has committed is this position in its file.
    pub(crate) fn wait_for_position(self, name: &str, position: u64) -> Result<()> {
        self.wait_for("the source has committed its position", || {
            let path = format!("/connectors/{name}/offsets");
            let answer = ask(self.port, "GET", &path, None)?;
            match answer["offsets"][0]["offset"]["position"] == json!(position) {
                true => Ok(()),
                false => bail!("not {position}, but {answer}"),
            }
        })
    }

    /// Tries until it succeeds; what went wrong last becomes the error.
    fn wait_for<T>(self, what: &str, attempt: impl Fn() -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + LIMIT;
        loop {
            match attempt() {
                Err(error) if Instant::now() >= deadline => {
                    return Err(error).with_context(|| format!("wait until {what}"));
                }
                Err(_) => std::thread::park_timeout(PAUSE),
                Ok(value) => return Ok(value),
            }
        }
    }
}

fn properties(bootstrap: &str, port: u16, guarantee: Guarantee) -> String {
    let support = match guarantee {
        Guarantee::ExactlyOnce => "enabled",
        Guarantee::AtLeastOnce => "disabled",
    };
    format!(
        "bootstrap.servers={bootstrap}
listeners=http://127.0.0.1:{port}
group.id=connect
config.storage.topic=connect-configs
config.storage.replication.factor=1
offset.storage.topic=connect-offsets
offset.storage.replication.factor=1
status.storage.topic=connect-status
status.storage.replication.factor=1
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
plugin.discovery=service_load
exactly.once.source.support={support}
consumer.isolation.level=read_committed
# A worker that was killed is missed soon, and nobody waits for it to come back.
session.timeout.ms=6000
heartbeat.interval.ms=1000
scheduled.rebalance.max.delay.ms=0
consumer.session.timeout.ms=6000
consumer.heartbeat.interval.ms=1000
offset.flush.interval.ms=1000
reconnect.backoff.max.ms=500
"
    )
}
