//! One of the two brokers, and what its process uses.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::forces::Forces;
use super::load::{Load, Prepared};
use crate::brokers::{Broker, Start};

/// The processor of the brokers; the load has the other one.
const CORE: u32 = 0;

/// How much of its processor a broker may use that nothing is asked of, while the other is measured.
const IDLE_SHARE_MAX: f64 = 0.01;

/// Settings in which both have to be equal.
const SETTINGS: &[(&str, &str)] = &[("group.initial.rebalance.delay.ms", "0")];

/// Which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Ottla,
    Kafka,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ottla => "Ottla",
            Self::Kafka => "Kafka",
        })
    }
}

/// What a process has used since it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Of all its threads, in the program and in the kernel.
    pub(super) cpu_seconds: f64,
    /// Handed to the disk.
    pub(super) written_bytes: f64,
}

/// What a load came to, and what the broker used for it.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) report: Value,
    pub(super) used: Usage,
}

/// A broker that runs.
pub(super) struct Contender {
    pub(super) name: Name,
    broker: Broker,
    /// Loads so far; each has a topic of its own.
    loads: usize,
}

impl Contender {
    pub(super) fn start(name: Name) -> Result<Self> {
        let label = format!("comparison-{name}").to_lowercase();
        let start = Start {
            name: &label,
            settings: SETTINGS,
            port: None,
            core: Some(CORE),
        };
        let broker = match name {
            Name::Ottla => start.ottla()?,
            Name::Kafka => start.kafka()?,
        };
        Ok(Self {
            name,
            broker,
            loads: 0,
        })
    }

    /// From the start of its process to its first answer.
    pub(super) fn answered_after(&self) -> Duration {
        self.broker.answered_after()
    }

    /// Puts it under load for so many seconds.
    pub(super) fn load(&mut self, load: &Load, seconds: u32) -> Result<Measured> {
        self.loads += 1;
        let topic = format!("comparison-{}", self.loads);
        let prepared = Prepared::new(load, self.broker.port(), &topic, seconds)?;
        let watch = match load.are_forces_counted {
            true => Some(Forces::watch(self.broker.pid())?),
            false => None,
        };
        let before = self.usage()?;
        let report = prepared.run();
        let mut report = report.with_context(|| format!("load on {}", self.name))?;
        let used = self.usage()?.since(before);
        if let Some(watch) = watch {
            report["result"]["forces"] = watch.count()?.into();
        }
        prepared.remove_topic()?;
        Ok(Measured { report, used })
    }

    pub(super) fn usage(&self) -> Result<Usage> {
        let pid = self.broker.pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
        Ok(Usage {
            cpu_seconds: cpu_ticks(&stat)? / ticks_per_second()?,
            written_bytes: field(&io, "write_bytes:")?,
        })
    }

    /// Memory that is its own, in bytes, shared pages divided among those who share them.
    pub(super) fn memory_bytes(&self) -> Result<f64> {
        let pid = self.broker.pid();
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        Ok(field(&text, "Pss:")? * 1024.0)
    }

    /// Errs if it keeps its processor busy while nothing is asked of it.
    pub(super) fn check_idle(&self) -> Result<()> {
        let watched = Duration::from_secs(3);
        let before = self.usage()?;
        thread::park_timeout(watched);
        let share = self.usage()?.since(before).cpu_seconds / watched.as_secs_f64();
        ensure!(
            share <= IDLE_SHARE_MAX,
            "{} uses {:.1} % of its processor while it is idle",
            self.name,
            share * 100.0
        );
        Ok(())
    }
}

impl Usage {
    fn since(self, earlier: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds - earlier.cpu_seconds,
            written_bytes: self.written_bytes - earlier.written_bytes,
        }
    }
}

/// Time in the program and in the kernel, from `/proc/PID/stat`. The name of the program is in
/// parentheses and may hold anything.
fn cpu_ticks(stat: &str) -> Result<f64> {
    let (_, rest) = stat.rsplit_once(')').context("no name")?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64> { Ok(fields.next().context("too short")?.parse()?) };
    Ok(ticks()? + ticks()?)
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    Ok(word.with_context(|| format!("no {name}"))?.parse()?)
}

fn ticks_per_second() -> Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_process_are_read() {
        let stat = "71 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 5 0";
        assert_eq!(cpu_ticks(stat).unwrap(), 300.0);
        let io = "rchar: 5\nwrite_bytes: 4096\ncancelled_write_bytes: 1\n";
        assert_eq!(field(io, "write_bytes:").unwrap(), 4096.0);
        assert!(field(io, "Pss:").is_err());
    }
}
