//! What the process asks of the kernel: the real binary, one request after the other, watched by
//! strace.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use testkit::{BrokerOptions, Connection};

use crate::cases::{Case, Sent};
use crate::door::Door;
use crate::measure::{COUNTED, WARM_UP};

/// The calls that a stream of requests decides. How often threads wake and wait for each other
/// (futex, epoll_wait, the write that wakes) is the scheduler's.
const DECIDED: [&str; 5] = ["recvfrom", "pwrite64", "fdatasync", "sendto", "writev"];

/// A write of so many bytes prepares the next slot of the write-ahead log; when that comes is not
/// decided by the requests either.
const SLOT_WRITE_BYTES: i64 = 1 << 19;

/// How often a request of this kind makes the process call the kernel, by name; all but the calls that
/// the scheduler decides.
pub(crate) fn measure(ottla: &Path, case: &Case) -> Result<BTreeMap<String, f64>> {
    let broker = BrokerOptions::new()
        .binary(ottla)
        .set("group.initial.rebalance.delay.ms", "0")
        .start()?;
    let mut connection = Connection::open(broker.kafka())?;
    let mut sent = (case.prepare)(&mut connection, WARM_UP + COUNTED)?;
    let counted = sent.split_off(WARM_UP);
    send(&mut connection, sent)?;
    let watch = Watch::attach(broker.pid())?;
    send(&mut connection, counted)?;
    let calls = watch.finish()?;
    let count = |name: &str| f64::from(calls.get(name).copied().unwrap_or(0)) / COUNTED as f64;
    let rows = DECIDED.map(|name| (name.to_owned(), count(name)));
    Ok(rows.into_iter().collect())
}

fn send(connection: &mut Connection, sent: Vec<Sent>) -> Result<()> {
    for Sent { frame, check } in sent {
        check(connection.exchange(frame)?)?;
    }
    Ok(())
}

/// strace on a process.
struct Watch {
    strace: Child,
    directory: tempfile::TempDir,
}

impl Watch {
    /// Looks at all threads of a process from now on.
    fn attach(pid: Pid) -> Result<Self> {
        let directory = tempfile::tempdir().context("a directory")?;
        let mut strace = Command::new("strace")
            .args(["-f", "-s", "0", "-p", &pid.as_raw_nonzero().to_string()])
            .arg(format!("--trace={}", DECIDED.join(",")))
            .arg("-o")
            .arg(directory.path().join("calls"))
            .stderr(Stdio::piped())
            .spawn()
            .context("run strace, which is to be installed")?;
        let said = strace.stderr.take().context("standard error is piped")?;
        // It says so once it has attached to all of them.
        let mut line = String::new();
        let mut said = BufReader::new(said);
        said.read_line(&mut line).context("what strace says")?;
        ensure!(line.contains("attached"), "strace does not attach: {line}");
        // Nobody reads what else it says; it is little.
        strace.stderr = Some(said.into_inner());
        Ok(Self { strace, directory })
    }

    /// Leaves the process; how often it has made each call.
    fn finish(mut self) -> Result<BTreeMap<String, u32>> {
        let pid = i32::try_from(self.strace.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process id")?, Signal::INT)?;
        self.strace.wait().context("the end of strace")?;
        let text = fs::read_to_string(self.directory.path().join("calls"))?;
        let mut counts = BTreeMap::new();
        for name in text.lines().filter_map(call) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
        Ok(counts)
    }
}

/// The name of a call that has returned, from a line of what strace writes: `PID NAME(...) = RESULT`
/// or `PID <... NAME resumed>...) = RESULT`.
fn call(line: &str) -> Option<&'static str> {
    let (called, result) = line.rsplit_once(" = ")?;
    let result: i64 = result.split_whitespace().next()?.parse().ok()?;
    let is_of = |name: &&str| {
        called.contains(&format!(" {name}(")) || called.contains(&format!("<... {name} resumed>"))
    };
    let name = DECIDED.into_iter().find(is_of)?;
    (name != "pwrite64" || result < SLOT_WRITE_BYTES).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_when_they_return() {
        assert_eq!(
            call("71 pwrite64(9, \"\"..., 4096, 8192) = 4096"),
            Some("pwrite64")
        );
        assert_eq!(call("71 fdatasync(9 <unfinished ...>"), None);
        assert_eq!(
            call("71 <... fdatasync resumed>)    = 0"),
            Some("fdatasync")
        );
        assert_eq!(
            call(
                "71 recvfrom(9, 0x7f, 65536, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)"
            ),
            Some("recvfrom")
        );
        assert_eq!(call("71 pwrite64(9, \"\"..., 1048576, 0) = 1048576"), None);
        assert_eq!(call("71 +++ exited with 0 +++"), None);
    }
}
