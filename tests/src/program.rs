//! A running Python program that uses a real client and reports what it saw.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::Client;
use crate::client::programs_directory;

/// How long a program may run before its test fails.
const LIMIT: Duration = Duration::from_secs(600);

/// What a program found: everything it checked, none of which differed.
#[derive(Debug)]
pub struct Verdict {
    /// The checks by name, in the order in which they were made.
    pub checks: Vec<String>,
}

/// A program that runs one scenario with one client.
#[derive(Debug)]
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    deadline: Instant,
    scratch: TempDir,
}

impl Program {
    /// Starts `scenario` with `client` against the broker at `bootstrap`.
    ///
    /// # Errors
    ///
    /// When the client is not installed.
    pub fn start(
        client: Client,
        scenario: &str,
        bootstrap: SocketAddr,
        arguments: &[&str],
    ) -> anyhow::Result<Self> {
        let python = client.python().map_err(anyhow::Error::msg)?;
        let scratch = tempfile::tempdir()?;
        // To a file: a pipe that nobody reads would stop a talkative client.
        let stderr = File::create(scratch.path().join("stderr"))?;
        let mut child = Command::new(&python)
            .current_dir(programs_directory())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // Cargo's has the librdkafka of the `rdkafka` crate, which kcat and others would take for
            // their own.
            .env_remove("LD_LIBRARY_PATH")
            .env("RDKAFKA_PROGRAM", rdkafka_program()?)
            .args([
                "main.py",
                "--client",
                client.adapter,
                "--scenario",
                scenario,
            ])
            .args(["--bootstrap", &bootstrap.to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("start {}", python.display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("standard output is piped")?;
        Ok(Self {
            child,
            stdin,
            lines: read_lines(stdout),
            deadline: Instant::now() + LIMIT,
            scratch,
        })
    }

    /// Says a word to the program.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn say(&mut self, word: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("standard input is piped")?;
        writeln!(stdin, "{word}").context("the program is gone")
    }

    /// Runs the program to its end; `on_event` is given every event on the way.
    ///
    /// # Errors
    ///
    /// With the differences that the program found, or when it ends without a verdict, or not at
    /// all.
    pub fn finish(
        mut self,
        mut on_event: impl FnMut(&mut Self, &Value) -> anyhow::Result<()>,
    ) -> anyhow::Result<Verdict> {
        let mut verdict = None;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let value: Value = serde_json::from_str(&line)
                        .with_context(|| format!("not a line of ours: {line}"))?;
                    if value.get("verdict").is_some() {
                        verdict = Some(value);
                    } else {
                        on_event(&mut self, &value)?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("no end:\n{}", self.stderr()),
            }
        }
        let status = self.child.wait()?;
        let verdict =
            verdict.with_context(|| format!("no verdict, {status}:\n{}", self.stderr()))?;
        ensure!(
            verdict["verdict"] == "passed" && status.success(),
            "{verdict:#}\n{status}\n{}",
            self.stderr()
        );
        let checks = verdict["checks"].as_array().context("a list of checks")?;
        let checks: Vec<String> = checks
            .iter()
            .filter_map(|check| check.as_str().map(str::to_owned))
            .collect();
        ensure!(!checks.is_empty(), "nothing was checked");
        Ok(Verdict { checks })
    }

    /// The end of what the program wrote to standard error.
    fn stderr(&self) -> String {
        let bytes = std::fs::read(self.scratch.path().join("stderr")).unwrap_or_default();
        let tail = bytes.get(bytes.len().saturating_sub(4_000)..);
        String::from_utf8_lossy(tail.unwrap_or_default()).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program around the `rdkafka` crate. Cargo builds it with the tests of this package and puts it
/// beside the directory of the tests.
fn rdkafka_program() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let directory = test.parent().and_then(Path::parent);
    Ok(directory.context("a directory")?.join("rdkafka_program"))
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
