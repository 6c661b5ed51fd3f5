//! What the machine can do without a broker: loops that only write, force, send, or answer. Each runs as a
//! process of its own, on the processor that a broker would have.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::contender::Measured;
use crate::brokers::{BROKER_CORE, LOAD_CORE, pinned};
use crate::places::{must_succeed, target};
use crate::process::Usage;
use crate::statistics;

const APPEND_BYTES: usize = 4_096;
const STREAM_BYTES: usize = 1_000_000;
const SEND_BYTES: usize = 1 << 20;
const READERS: usize = 8;

/// About what a produce request with a record of 100 B takes, and its answer.
const REQUEST_BYTES: usize = 250;
const ANSWER_BYTES: usize = 60;
const REQUESTS_PER_SECOND: u32 = 5_000;

/// A loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bare {
    /// Appends 4 KiB to a file and forces it, again and again.
    Append,
    /// The same with 1 MB.
    Stream,
    /// Sends to eight connections what it has in memory.
    Send,
    /// Reads requests from a connection and answers each, 5,000 a second.
    Answer,
}

impl Bare {
    pub(super) fn measure(self, seconds: u32) -> Result<Measured> {
        let seconds = seconds.to_string();
        let result = match self {
            Self::Append => said(bare(BROKER_CORE)?.args(["append", &seconds]))?,
            Self::Stream => said(bare(BROKER_CORE)?.args(["stream", &seconds]))?,
            Self::Send => {
                let (mut sender, port, _) = listening(&["send", &seconds])?;
                let result = said(bare(LOAD_CORE)?.args(["receive", &port]))?;
                sender.wait()?;
                result
            }
            Self::Answer => {
                let (mut server, port, output) = listening(&["answer"])?;
                must_succeed(bare(LOAD_CORE)?.args(["ask", &port, &seconds]))?;
                let result = serde_json::from_reader(output).context("what a bare loop says")?;
                server.wait()?;
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

/// One of those that listen, the port, and what else it says.
fn listening(arguments: &[&str]) -> Result<(Child, String, impl Read)> {
    let mut command = bare(BROKER_CORE)?;
    let mut child = command.args(arguments).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("standard output is piped")?;
    let (mut output, mut port) = (BufReader::new(output), String::new());
    output.read_line(&mut port)?;
    Ok((child, port.trim().to_owned(), output))
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
        ["answer"] => answer(),
        ["ask", port, seconds] => ask(port.parse()?, seconds.parse()?),
        _ => bail!(
            "bench bare append|stream|send SECONDS, receive PORT, answer, or ask PORT SECONDS"
        ),
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

/// Reads and answers until the connection ends, and tells what that took of the processor.
fn answer() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let (mut request, answer) = ([0; REQUEST_BYTES], [0x5a; ANSWER_BYTES]);
    let (before, mut requests) = (Usage::of(std::process::id())?, 0u64);
    while stream.read(&mut request)? > 0 {
        stream.write_all(&answer)?;
        requests += 1;
    }
    let used = Usage::of(std::process::id())?.since(before);
    let result = json!({ "total_records": requests, "cpu_seconds": used.cpu_seconds });
    println!("{result}");
    Ok(())
}

/// Asks one by one, at times that do not depend on the answers.
fn ask(port: u16, seconds: u32) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    let (request, mut answer) = ([0x5a; REQUEST_BYTES], [0; ANSWER_BYTES]);
    let began = Instant::now();
    for number in 0..seconds * REQUESTS_PER_SECOND {
        let due = Duration::from_secs(1) * number / REQUESTS_PER_SECOND;
        while let Some(left) = due.checked_sub(began.elapsed())
            && !left.is_zero()
        {
            thread::park_timeout(left);
        }
        stream.write_all(&request)?;
        stream.read_exact(&mut answer)?;
    }
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
