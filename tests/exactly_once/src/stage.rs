//! The broker that an application runs on, in a directory of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{BrokerOptions, BrokerProcess};

use crate::programs::{Process, Programs, remove_if_there};
use crate::records::{Record, printed};

/// How long the last reader may take.
const READING_LIMIT: Duration = Duration::from_secs(120);

/// What a kill may make the broker warn of.
const EXPECTED_WARNING: &str = "cut what the last run wrote and never acknowledged";

/// How to run.
#[derive(Debug)]
pub(crate) struct Options {
    pub directory: PathBuf,
    pub binary: PathBuf,
    pub seed: u64,
    pub kills: u64,
    pub guarantee: Guarantee,
}

/// What an application is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    ExactlyOnce,
    /// Fails, and so shows that the check can.
    AtLeastOnce,
}

impl Options {
    /// Runs a command of the binary and gives what it prints.
    pub(crate) fn ottla(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .output()
            .with_context(|| format!("run {}", self.binary.display()))?;
        ensure!(
            output.status.success(),
            "ottla {} ended with {}: {}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A broker and a directory.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub broker: BrokerProcess,
    pub directory: PathBuf,
    programs: &'a Programs,
}

impl<'a> Stage<'a> {
    /// Starts a broker with nothing in it, and makes topics.
    pub(crate) fn set(
        options: &Options,
        programs: &'a Programs,
        name: &str,
        topics: &[(&str, u32)],
    ) -> Result<Self> {
        let directory = options.directory.join(name);
        remove_if_there(&directory)?;
        fs::create_dir_all(&directory)?;
        let mut broker = BrokerOptions::new()
            .binary(&options.binary)
            .data_dir(&directory.join("data"))
            .restartable()
            .set("group.initial.rebalance.delay.ms", "0")
            .arguments(["--http", "none"])
            .start()?;
        broker.expect_warnings(EXPECTED_WARNING);
        let stage = Self {
            broker,
            directory,
            programs,
        };
        for (topic, partitions) in topics {
            options.ottla(&[
                "topic",
                "create",
                topic,
                "-p",
                &partitions.to_string(),
                "--brokers",
                &stage.bootstrap(),
            ])?;
        }
        Ok(stage)
    }

    /// Where the broker is.
    pub(crate) fn bootstrap(&self) -> String {
        self.broker.kafka().to_string()
    }

    /// Starts a program of ours with the broker's address and these arguments.
    pub(crate) fn start(&self, name: &str, class: &str, arguments: &[&str]) -> Result<Process> {
        let bootstrap = self.bootstrap();
        let arguments = [&[&*bootstrap], arguments].concat();
        let words = self.programs.ours(class, &arguments);
        Process::start(name, words, &self.directory)
    }

    /// Starts a reader that prints what is committed, as soon as it is.
    pub(crate) fn follow(&self, topic: &str, partitions: u32) -> Result<Process> {
        let partitions = partitions.to_string();
        let arguments = [topic, &partitions, "follow"];
        self.start("follower", "RecordReader", &arguments)
    }

    /// What a topic holds for readers of committed records, and how many records besides were aborted.
    pub(crate) fn read_all(&self, topic: &str, partitions: u32) -> Result<(Vec<Record>, usize)> {
        let committed = self.read(topic, partitions, "committed").with_context(|| {
            format!("read {topic} to its end, where readers do not get while a transaction is open")
        })?;
        let all = self.read(topic, partitions, "uncommitted")?;
        let aborted = all.len().saturating_sub(committed.len());
        Ok((committed, aborted))
    }

    fn read(&self, topic: &str, partitions: u32, way: &str) -> Result<Vec<Record>> {
        let arguments = [topic, &partitions.to_string(), way];
        let mut reader = self.start("reader", "RecordReader", &arguments)?;
        let status = reader.wait(READING_LIMIT)?;
        ensure!(status.success(), "the reader ended with {status}");
        printed(reader.output())
    }
}
