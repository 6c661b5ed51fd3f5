//! The load: `ottla bench`, on the processor that the brokers leave free.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::places::{must_succeed, target};

const CORE: &str = "1";

/// A benchmark and its options. `TOPIC` stands for the topic and `SECONDS` for the length of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// What fills the topic before it is measured.
    pub(crate) fill: Option<&'static str>,
    /// What is measured.
    pub(crate) measured: &'static str,
    /// Whether the forces of the disk are counted meanwhile, which slows the broker down.
    pub(crate) are_forces_counted: bool,
}

/// A load whose topic is there.
pub(super) struct Prepared<'a> {
    load: &'a Load,
    brokers: String,
    topic: &'a str,
    seconds: u32,
}

impl<'a> Prepared<'a> {
    /// Fills the topic, if the load wants it filled.
    pub(super) fn new(load: &'a Load, port: u16, topic: &'a str, seconds: u32) -> Result<Self> {
        let prepared = Self {
            load,
            brokers: format!("127.0.0.1:{port}"),
            topic,
            seconds,
        };
        if let Some(fill) = load.fill {
            prepared.bench(fill)?;
        }
        Ok(prepared)
    }

    /// Runs what is measured.
    pub(super) fn run(&self) -> Result<Value> {
        let report = self.bench(self.load.measured)?;
        let errors = report["errors"].as_array().context("no errors told")?;
        ensure!(errors.is_empty(), "errors: {errors:?}");
        Ok(report)
    }

    /// What was written is not needed any more.
    pub(super) fn remove_topic(&self) -> Result<()> {
        must_succeed(
            self.command()
                .args(["topic", "delete", self.topic])
                .stdout(Stdio::null()),
        )
    }

    fn command(&self) -> Command {
        let mut command = Command::new("taskset");
        command
            .args(["--cpu-list", CORE])
            .arg(target().join("release/ottla"))
            .args(["--brokers", &self.brokers]);
        command
    }

    fn bench(&self, options: &str) -> Result<Value> {
        let output = self
            .command()
            .arg("bench")
            .args(words(options, self.topic, self.seconds))
            .args(["--format", "json"])
            .stderr(Stdio::inherit())
            .output()
            .context("run ottla bench")?;
        ensure!(
            output.status.success(),
            "ottla bench {options}: {}",
            output.status
        );
        serde_json::from_slice(&output.stdout).context("what ottla bench says")
    }
}

fn words(options: &str, topic: &str, seconds: u32) -> Vec<String> {
    let word = |word: &str| match word {
        "TOPIC" => topic.to_owned(),
        "SECONDS" => seconds.to_string(),
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
    }
}
