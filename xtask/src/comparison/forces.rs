//! How often a process forces the disk, as strace counts it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::places::{must_succeed, target};

/// strace on a process.
pub(super) struct Forces {
    strace: Child,
    table: PathBuf,
    /// What it says; it would be told to end if nobody held the other side.
    _said: BufReader<ChildStderr>,
}

impl Forces {
    /// Looks at all threads of a process from now on.
    pub(super) fn watch(pid: u32) -> Result<Self> {
        let table = target().join("brokers/forces");
        let mut strace = Command::new("strace")
            .args([
                "-f",
                "-c",
                "--trace=fsync,fdatasync",
                "-p",
                &pid.to_string(),
                "-o",
            ])
            .arg(&table)
            .stderr(Stdio::piped())
            .spawn()
            .context("run strace, which is to be installed")?;
        let mut said = BufReader::new(strace.stderr.take().context("standard error is piped")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        ensure!(line.contains("attached"), "strace does not attach: {line}");
        Ok(Self {
            strace,
            table,
            _said: said,
        })
    }

    /// Leaves the process; how often it has forced the disk.
    pub(super) fn count(mut self) -> Result<u64> {
        let pid = self.strace.id().to_string();
        must_succeed(Command::new("kill").args(["-INT", &pid]))?;
        self.strace.wait()?;
        Ok(total(&fs::read_to_string(&self.table)?))
    }
}

/// The calls in its table: share, seconds, microseconds each, calls, perhaps errors, name.
fn total(table: &str) -> u64 {
    let calls = |line: &str| -> Option<u64> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_force = matches!(*words.last()?, "fsync" | "fdatasync");
        is_force.then(|| words.get(3)?.parse().ok())?
    };
    table.lines().filter_map(calls).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forces_of_both_kinds_are_counted() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
                     ------ ----------- ----------- --------- --------- ----------------\n\
                      90.00    0.040000          40      1000           fdatasync\n\
                      10.00    0.004000          40         3         1 fsync\n\
                     ------ ----------- ----------- --------- --------- ----------------\n\
                     100.00    0.044000                  1003         1 total\n";
        assert_eq!(total(table), 1003);
        assert_eq!(total(""), 0);
    }
}
