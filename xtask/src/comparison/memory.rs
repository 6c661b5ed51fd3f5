//! How much memory a broker holds for each of what it holds many of.

use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::contender::{Contender, Measured, Name};
use super::rows::{Cores, Durability};
use crate::brokers::ask;
use crate::process;

/// After this a broker that nothing is asked of counts as being at rest.
pub(super) const REST: Duration = Duration::from_secs(5);

/// Files that a broker has open besides its connections, or less.
const OTHER_FILES: u64 = 2_000;

/// What a broker holds many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Of one topic, each with a record.
    Partitions,
    /// Each has asked once, and is idle.
    Connections,
    /// Each has committed offsets, and is empty.
    Groups,
}

impl Held {
    /// How many of them there are. A connection takes so little that a thousand are lost among the moods of a virtual
    /// machine.
    fn count(self) -> u32 {
        match self {
            Self::Partitions | Self::Groups => 1_000,
            Self::Connections => 8_000,
        }
    }
}

/// Starts a broker and lets it hold many; bytes for each.
pub(super) fn measure(name: Name, held: Held) -> Result<Measured> {
    let count = held.count();
    if held == Held::Connections {
        process::allow_open_files(u64::from(count) + OTHER_FILES)?;
    }
    let mut contender = Contender::start(name, Cores::OneEach)?;
    prepare(&mut contender, held)?;
    let before = memory_bytes(&contender)?;
    let connections = hold(&contender, held)?;
    let after = memory_bytes(&contender)?;
    drop(connections);
    ensure!(
        after > before,
        "{name} held less with {count} of them than without"
    );
    Ok(Measured::of(json!({
        "count": count,
        "before_bytes": before,
        "after_bytes": after,
        "bytes_each": (after - before) / f64::from(count),
    })))
}

/// What is there once, however many there are, is there before.
fn prepare(contender: &mut Contender, held: Held) -> Result<()> {
    let topic = contender.topic("before");
    topic.create(1, Durability::Relaxed.flush_messages())?;
    match held {
        Held::Partitions => {}
        Held::Connections => drop(connect(contender, 1)?),
        Held::Groups => {
            let options = "groups TOPIC --commits --group before --seconds 1 --warm-up-seconds 0";
            topic.bench(options, 0)?;
        }
    }
    Ok(())
}

/// Makes them; connections as long as what is returned lives.
fn hold(contender: &Contender, held: Held) -> Result<Vec<TcpStream>> {
    match held {
        Held::Partitions => {
            contender
                .topic("many")
                .create(held.count(), Durability::Relaxed.flush_messages())?;
            Ok(Vec::new())
        }
        Held::Connections => connect(contender, held.count()),
        Held::Groups => {
            let count = held.count();
            let options =
                format!("groups TOPIC --commits --members {count} --seconds 1 --warm-up-seconds 0");
            contender.topic("before").bench(&options, 0)?;
            Ok(Vec::new())
        }
    }
}

fn connect(contender: &Contender, count: u32) -> Result<Vec<TcpStream>> {
    let port = contender.topic("").port;
    Ok((0..count).map(|_| ask(port)).collect::<Result<_, _>>()?)
}

/// What it holds at rest. Of a virtual machine the heap counts with what is alive in it, which is the
/// least that it could do with: how much of the rest it has touched is chance.
fn memory_bytes(contender: &Contender) -> Result<f64> {
    thread::park_timeout(REST);
    let pid = contender.pid();
    if !contender.name.is_virtual_machine() {
        return process::memory_bytes(pid);
    }
    diagnose(pid, "GC.run")?;
    let heap = Heap::read(&diagnose(pid, "GC.heap_info")?).context("no heap is told")?;
    Ok(heap.used_bytes + process::memory_bytes_outside(pid, heap.from, heap.to)?)
}

fn diagnose(pid: u32, command: &str) -> Result<String> {
    let output = Command::new("jcmd")
        .args([&pid.to_string(), command])
        .output()?;
    ensure!(output.status.success(), "jcmd {command}: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[derive(Debug, PartialEq)]
struct Heap {
    used_bytes: f64,
    from: u64,
    to: u64,
}

impl Heap {
    /// From a line such as `garbage-first heap   total 1048576K, used 95232K [0x00c0000000, 0x0100000000)`.
    fn read(text: &str) -> Option<Self> {
        let line = text
            .lines()
            .find(|line| line.contains(" heap ") && line.contains("used "))?;
        let (_, rest) = line.split_once("used ")?;
        let (used, rest) = rest.split_once("K ")?;
        let (from, to) = rest.trim_start_matches('[').split_once(", ")?;
        let address = |text: &str| {
            let digits = text.trim().trim_end_matches(')').trim_start_matches("0x");
            u64::from_str_radix(digits, 16).ok()
        };
        Some(Self {
            used_bytes: used.parse::<f64>().ok()? * 1024.0,
            from: address(from)?,
            to: address(to)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_is_read() {
        let text = "71:\n garbage-first heap   total 1048576K, used 2K [0x00000000c0000000, 0x0000000100000000)\n  region size 1024K\n";
        let expected = Heap {
            used_bytes: 2048.0,
            from: 0xc000_0000,
            to: 0x1_0000_0000,
        };
        assert_eq!(Heap::read(text), Some(expected));
        assert_eq!(Heap::read("nothing"), None);
    }
}
