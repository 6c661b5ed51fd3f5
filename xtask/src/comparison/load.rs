//! The load: `ottla bench`, on the processor that the brokers leave free.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::rows::{Durability, LOAD_CORE};
use crate::brokers::pinned;
use crate::places::{must_succeed, target};

/// How often a new topic is tried. Kafka tells of leaders before they are there.
const FIRST_TRIES_MAX: u32 = 100;

/// A gigabyte, as fast as it is taken.
pub(super) const GIGABYTE: &str =
    "produce TOPIC -p 16 --records 1000000 --record-bytes 1024 --batch-bytes 100000";

/// A benchmark and its options. `TOPIC` stands for the topic, `SECONDS` for the length of a block and
/// `LONGER` for one that lasts until a block is surely over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) partitions: u32,
    /// What fills the topic before it is measured; it is filled once.
    pub(super) fill: Option<&'static str>,
    /// What goes on meanwhile.
    pub(super) beside: Option<&'static str>,
    pub(super) measured: &'static str,
    /// Whether the forces of the disk are counted meanwhile, which slows the broker down.
    pub(super) are_forces_counted: bool,
    /// Whether the operating system is made to forget what is on disk before it is measured.
    pub(super) is_cold: bool,
}

/// Where a load goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) port: u16,
    pub(super) topic: &'a str,
    /// Whether it keeps to its own processor.
    pub(super) is_pinned: bool,
}

impl Place<'_> {
    /// Creates the topic, and sees every partition of it take a record.
    pub(super) fn create_topic(&self, partitions: u32, durability: Durability) -> Result<()> {
        let mut command = self.command();
        command
            .args(["topic", "create", self.topic, "--partitions"])
            .arg(partitions.to_string())
            .stdout(Stdio::null());
        if let Some(messages) = durability.flush_messages() {
            command.args(["--config", &format!("flush.messages={messages}")]);
        }
        must_succeed(&mut command)?;
        let first =
            format!("produce TOPIC -p {partitions} --records {partitions} --batch-records 1");
        for _ in 1..FIRST_TRIES_MAX {
            if self.bench(&first, 0).is_ok() {
                return Ok(());
            }
        }
        self.bench(&first, 0).map(drop)
    }

    pub(super) fn delete_topic(&self) -> Result<()> {
        let mut command = self.command();
        command
            .args(["topic", "delete", self.topic])
            .stdout(Stdio::null());
        must_succeed(&mut command)
    }

    /// Runs a benchmark to its end; what it reports.
    pub(super) fn bench(&self, options: &str, seconds: u32) -> Result<Value> {
        self.begin(options, seconds)?.end()
    }

    pub(super) fn begin(&self, options: &str, seconds: u32) -> Result<Running> {
        let child = self
            .command()
            .arg("bench")
            .args(words(options, self.topic, seconds))
            .args(["--format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("run ottla bench")?;
        Ok(Running {
            child,
            options: options.to_owned(),
        })
    }

    fn command(&self) -> Command {
        let program = target().join("release/ottla");
        let mut command = match self.is_pinned {
            true => pinned(LOAD_CORE, program),
            false => Command::new(program),
        };
        command.args(["--brokers", &format!("127.0.0.1:{}", self.port)]);
        command
    }
}

/// A benchmark that runs.
pub(super) struct Running {
    child: Child,
    options: String,
}

impl Running {
    /// Waits for its end; what it reports. Errors that it counted are an error.
    pub(super) fn end(self) -> Result<Value> {
        let output = self.child.wait_with_output()?;
        let options = self.options;
        ensure!(
            output.status.success(),
            "ottla bench {options}: {}",
            output.status
        );
        let report: Value =
            serde_json::from_slice(&output.stdout).context("what ottla bench says")?;
        let errors = report["errors"].as_array().context("no errors told")?;
        ensure!(errors.is_empty(), "ottla bench {options}: {errors:?}");
        Ok(report)
    }
}

fn words(options: &str, topic: &str, seconds: u32) -> Vec<String> {
    let word = |word: &str| match word {
        "TOPIC" => topic.to_owned(),
        "SECONDS" => seconds.to_string(),
        "LONGER" => (seconds + 5).to_string(),
        word => word.to_owned(),
    };
    options.split_whitespace().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_and_length_are_filled_in() {
        let found = words("produce TOPIC --seconds SECONDS -p 16", "t", 10);
        assert_eq!(found, ["produce", "t", "--seconds", "10", "-p", "16"]);
        assert_eq!(words("--seconds LONGER", "t", 10), ["--seconds", "15"]);
    }
}
