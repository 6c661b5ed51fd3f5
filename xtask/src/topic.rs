//! A topic to be put under load by `ottla bench`, which runs on the processor that brokers leave free.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::brokers::{LOAD_CORE, pinned};
use crate::places::{must_succeed, target};

/// How often a new topic is tried. Kafka tells of leaders before they are there.
const FIRST_TRIES_MAX: u32 = 100;

/// A topic of a broker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topic<'a> {
    pub(crate) port: u16,
    pub(crate) name: &'a str,
    /// Whether the load keeps to its own processor.
    pub(crate) is_pinned: bool,
}

impl Topic<'_> {
    /// Creates it, with this `flush.messages` if that is to be set, and sees every partition of it take a
    /// record.
    pub(crate) fn create(&self, partitions: u32, flush_messages: Option<u64>) -> Result<()> {
        let mut command = self.command();
        command
            .args(["topic", "create", self.name, "--partitions"])
            .arg(partitions.to_string())
            .stdout(Stdio::null());
        if let Some(messages) = flush_messages {
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

    /// Changes a setting of it: `NAME=VALUE`.
    pub(crate) fn set(&self, setting: &str) -> Result<()> {
        let mut command = self.command();
        command
            .args(["topic", "alter-config", self.name, "--set", setting])
            .stdout(Stdio::null());
        must_succeed(&mut command)
    }

    pub(crate) fn delete(&self) -> Result<()> {
        let mut command = self.command();
        command
            .args(["topic", "delete", self.name])
            .stdout(Stdio::null());
        must_succeed(&mut command)
    }

    /// Runs a benchmark to its end; what it reports.
    pub(crate) fn bench(&self, options: &str, seconds: u32) -> Result<Value> {
        self.begin(options, seconds)?.end()
    }

    pub(crate) fn begin(&self, options: &str, seconds: u32) -> Result<Running> {
        let child = self
            .command()
            .arg("bench")
            .args(words(options, self.name, seconds))
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
pub(crate) struct Running {
    child: Child,
    options: String,
}

impl Running {
    /// Waits for its end; what it reports. Errors that it counted are an error.
    pub(crate) fn end(self) -> Result<Value> {
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
