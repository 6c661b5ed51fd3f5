//! A load on NATS with JetStream, by its own protocol: a process of its own with many connections, each of which
//! publishes one message at a time and waits until the stream has taken it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::brokers::{LOAD_CORE, greet, pinned};

const CONNECTIONS: usize = 64;
const MESSAGE_BYTES: usize = 1_024;
const STREAM: &str = "comparison";

/// Puts the NATS on this port under load for so many seconds, from the processor of the load; what it reports.
pub(super) fn load(port: u16, seconds: u32) -> Result<Value> {
    let output = pinned(LOAD_CORE, std::env::current_exe()?)
        .args(["bench", "nats", &port.to_string(), &seconds.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the load: {}", output.status);
    let result: Value = serde_json::from_slice(&output.stdout).context("what the load says")?;
    Ok(json!({ "result": result }))
}

/// Runs the load in this process.
pub(super) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        [port, seconds] => publish(port.parse()?, seconds.parse()?),
        _ => bail!("bench nats PORT SECONDS"),
    }
}

/// Publishes, and prints how often.
fn publish(port: u16, seconds: u64) -> Result<()> {
    let mut first = Connection::open(port, 0)?;
    // One of an earlier load may be there.
    first.ask(&format!("$JS.API.STREAM.DELETE.{STREAM}"), b"")?;
    let stream = json!({ "name": STREAM, "subjects": [STREAM], "storage": "file" }).to_string();
    let made = first.ask(
        &format!("$JS.API.STREAM.CREATE.{STREAM}"),
        stream.as_bytes(),
    )?;
    ensure!(made.get("error").is_none(), "no stream: {made}");
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let publishers: Vec<_> = (1..=CONNECTIONS)
        .map(|number| thread::spawn(move || publish_until(port, number, end)))
        .collect();
    let mut count = 0;
    for publisher in publishers {
        let published = publisher.join().ok().context("a publisher panicked")?;
        count += published?;
    }
    let taken = began.elapsed().as_secs_f64();
    first.ask(&format!("$JS.API.STREAM.DELETE.{STREAM}"), b"")?;
    let result = json!({
        "total_records": count,
        "acknowledgements_per_second": f64::from(count) / taken,
    });
    println!("{result}");
    Ok(())
}

fn publish_until(port: u16, number: usize, end: Instant) -> Result<u32> {
    let mut connection = Connection::open(port, number)?;
    let mut count = 0;
    while Instant::now() < end {
        let taken = connection.ask(STREAM, &[b'x'; MESSAGE_BYTES])?;
        ensure!(taken.get("seq").is_some(), "not taken: {taken}");
        count += 1;
    }
    Ok(count)
}

/// A connection with one question at a time.
struct Connection {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
    inbox: String,
}

impl Connection {
    fn open(port: u16, number: usize) -> Result<Self> {
        let mut writer = greet(port)?;
        writer.set_nodelay(true)?;
        let reader = BufReader::new(writer.try_clone()?);
        let inbox = format!("_INBOX.{number}");
        let options =
            json!({ "verbose": false, "pedantic": false, "lang": "rust", "version": "0" });
        write!(writer, "CONNECT {options}\r\nSUB {inbox} 1\r\n")?;
        Ok(Self {
            writer,
            reader,
            inbox,
        })
    }

    /// Publishes, and waits for the answer.
    fn ask(&mut self, subject: &str, payload: &[u8]) -> Result<Value> {
        let mut message =
            format!("PUB {subject} {} {}\r\n", self.inbox, payload.len()).into_bytes();
        message.extend_from_slice(payload);
        message.extend_from_slice(b"\r\n");
        self.writer.write_all(&message)?;
        loop {
            let mut line = String::new();
            ensure!(self.reader.read_line(&mut line)? > 0, "it has hung up");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("PING") => self.writer.write_all(b"PONG\r\n")?,
                Some("MSG") => {
                    let bytes: usize = words.next_back().context("no length")?.parse()?;
                    let mut answer = vec![0; bytes + 2];
                    self.reader.read_exact(&mut answer)?;
                    answer.truncate(bytes);
                    return serde_json::from_slice(&answer).context("an answer");
                }
                Some("-ERR") => bail!("{}", line.trim()),
                _ => {}
            }
        }
    }
}
