//! How often a process forces the disk, as strace counts it.
//!
//! A thread that strace looks at stops at each call of the kernel, and then less is done while the disk
//! is forced. So only those threads are looked at that force: they are found out first.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::places::{must_succeed, target};

/// strace on threads of a process.
pub(super) struct Forces {
    strace: Child,
    output: PathBuf,
    /// What it says; it would be told to end if nobody held the other side.
    _said: BufReader<ChildStderr>,
}

impl Forces {
    /// Looks at all threads of a process from now on, to find out which of them force.
    pub(super) fn watch_all(pid: u32) -> Result<Self> {
        Self::watch(Command::new("strace").arg("-f"), [pid])
    }

    /// Counts the forces of these threads from now on.
    pub(super) fn watch_threads(threads: &BTreeSet<u32>) -> Result<Self> {
        ensure!(!threads.is_empty(), "no thread has forced the disk");
        Self::watch(Command::new("strace").arg("-c"), threads.iter().copied())
    }

    fn watch(strace: &mut Command, ids: impl IntoIterator<Item = u32>) -> Result<Self> {
        let output = target().join("brokers/forces");
        for id in ids {
            strace.args(["-p", &id.to_string()]);
        }
        let mut strace = strace
            .args(["--trace=fsync,fdatasync", "-o"])
            .arg(&output)
            .stderr(Stdio::piped())
            .spawn()
            .context("run strace, which is to be installed")?;
        let mut said = BufReader::new(strace.stderr.take().context("standard error is piped")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        ensure!(line.contains("attached"), "strace does not attach: {line}");
        Ok(Self {
            strace,
            output,
            _said: said,
        })
    }

    /// The threads that have forced.
    pub(super) fn threads(self) -> Result<BTreeSet<u32>> {
        Ok(threads(&self.end()?))
    }

    /// How often the threads have forced.
    pub(super) fn count(self) -> Result<u64> {
        Ok(total(&self.end()?))
    }

    /// Leaves the process; what strace has written.
    fn end(mut self) -> Result<String> {
        let pid = self.strace.id().to_string();
        must_succeed(Command::new("kill").args(["-INT", &pid]))?;
        self.strace.wait()?;
        Ok(fs::read_to_string(&self.output)?)
    }
}

/// The threads at the beginnings of lines such as `71 fdatasync(5) = 0`.
fn threads(calls: &str) -> BTreeSet<u32> {
    let thread = |line: &str| -> Option<u32> {
        let (thread, call) = line.split_once(' ')?;
        let is_force = ["fsync(", "fdatasync("]
            .iter()
            .any(|name| call.trim().starts_with(name));
        is_force.then(|| thread.parse().ok())?
    };
    calls.lines().filter_map(thread).collect()
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

    #[test]
    fn threads_that_force_are_found() {
        let calls = "71    fdatasync(5 <unfinished ...>\n72    +++ exited with 0 +++\n\
                     71    <... fdatasync resumed>) = 0\n73    fsync(9) = 0\n";
        assert_eq!(threads(calls), BTreeSet::from([71, 73]));
    }
}
