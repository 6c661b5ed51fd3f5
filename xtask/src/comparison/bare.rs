//! What the machine can do without a broker: loops that only write, force, or send. Each runs as a
//! process of its own, on the processor that a broker would have.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::contender::Measured;
use crate::brokers::{BROKER_CORE, LOAD_CORE, pinned};
use crate::places::target;
use crate::statistics;

const APPEND_BYTES: usize = 4_096;
const STREAM_BYTES: usize = 1_000_000;
const SEND_BYTES: usize = 1 << 20;
const READERS: usize = 8;

/// A loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bare {
    /// Appends 4 KiB to a file and forces it, again and again.
    Append,
    /// The same with 1 MB.
    Stream,
    /// Sends to eight connections what it has in memory.
    Send,
}

impl Bare {
    pub(super) fn measure(self, seconds: u32) -> Result<Measured> {
        let seconds = seconds.to_string();
        let result = match self {
            Self::Append => said(bare(BROKER_CORE)?.args(["append", &seconds]))?,
            Self::Stream => said(bare(BROKER_CORE)?.args(["stream", &seconds]))?,
            Self::Send => {
                let mut command = bare(BROKER_CORE)?;
                command.args(["send", &seconds]).stdout(Stdio::piped());
                let mut sender = command.spawn()?;
                let output = sender.stdout.take().context("standard output is piped")?;
                let mut port = String::new();
                BufReader::new(output).read_line(&mut port)?;
                let result = said(bare(LOAD_CORE)?.args(["receive", port.trim()]))?;
                sender.wait()?;
                result
            }
        };
        Ok(Measured::of(result))
    }
}

/// One of the loops as a process of its own, on a processor.
fn bare(core: u32) -> Result<Command> {
    let mut command = pinned(core, std::env::current_exe()?);
    command.args(["bench", "bare"]);
    Ok(command)
}

fn said(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output()?;
    serde_json::from_slice(&output.stdout).context("what a bare loop says")
}

/// Runs one of the loops in this process.
pub(super) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["append", seconds] => append(APPEND_BYTES, seconds.parse()?),
        ["stream", seconds] => append(STREAM_BYTES, seconds.parse()?),
        ["send", seconds] => send(seconds.parse()?),
        ["receive", port] => receive(port.parse()?),
        _ => bail!("bench bare append|stream|send SECONDS, or receive PORT"),
    }
}

/// On the file system of the brokers.
fn append(bytes: usize, seconds: u64) -> Result<()> {
    let directory = target().join("brokers");
    fs::create_dir_all(&directory)?;
    let path = directory.join("bare");
    let milliseconds = append_to(&path, bytes, Duration::from_secs(seconds));
    fs::remove_file(&path)?;
    let mut milliseconds = milliseconds?;
    let total_ms: f64 = milliseconds.iter().sum();
    let megabytes = (milliseconds.len() * bytes) as f64 / 1e6;
    milliseconds.sort_by(f64::total_cmp);
    let result = json!({
        "bytes": bytes,
        "forces": milliseconds.len(),
        "p50_ms": statistics::quantile(&milliseconds, 0.5),
        "p99_ms": statistics::quantile(&milliseconds, 0.99),
        "megabytes_per_second": megabytes / total_ms * 1e3,
    });
    println!("{result}");
    Ok(())
}

fn append_to(path: &Path, bytes: usize, how_long: Duration) -> Result<Vec<f64>> {
    let mut file = File::create(path)?;
    let data = vec![0x5a; bytes];
    let (began, mut milliseconds) = (Instant::now(), Vec::new());
    while began.elapsed() < how_long {
        let at = Instant::now();
        file.write_all(&data)?;
        file.sync_data()?;
        milliseconds.push(at.elapsed().as_secs_f64() * 1e3);
    }
    Ok(milliseconds)
}

fn send(seconds: u64) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    let connections: Result<Vec<TcpStream>, _> = listener.incoming().take(READERS).collect();
    let began = Instant::now();
    let send_all = |mut stream: TcpStream| -> Result<()> {
        let data = vec![0x5a; SEND_BYTES];
        while began.elapsed() < Duration::from_secs(seconds) {
            stream.write_all(&data)?;
        }
        Ok(())
    };
    on_threads(connections?, send_all).map(drop)
}

fn receive(port: u16) -> Result<()> {
    let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let connections: Result<Vec<TcpStream>, _> = (0..READERS).map(connect).collect();
    let began = Instant::now();
    let receive_all = |mut stream: TcpStream| -> Result<u64> {
        let (mut data, mut bytes) = (vec![0; SEND_BYTES], 0);
        loop {
            match stream.read(&mut data)? {
                0 => return Ok(bytes),
                count => bytes += count as u64,
            }
        }
    };
    let bytes: u64 = on_threads(connections?, receive_all)?.iter().sum();
    let megabytes_per_second = bytes as f64 / 1e6 / began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "megabytes_per_second": megabytes_per_second })
    );
    Ok(())
}

/// Does it with each of them at once.
fn on_threads<T, R>(items: Vec<T>, act: impl Fn(T) -> Result<R> + Sync) -> Result<Vec<R>>
where
    T: Send,
    R: Send,
{
    thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || act(item)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<R>>| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    })
}
