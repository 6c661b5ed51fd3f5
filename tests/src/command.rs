//! Running `ottla` commands to their end.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use testkit::{ProcessLog, ottla_binary};

/// How long a command may take before a test fails.
const LIMIT: Duration = Duration::from_secs(60);

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// The standard output, if the command succeeded.
    ///
    /// # Errors
    ///
    /// When it did not.
    pub fn success(self) -> anyhow::Result<String> {
        ensure!(self.code == Some(0), "{self:#?}");
        Ok(self.stdout)
    }

    /// The standard output as one JSON document, if the command succeeded.
    ///
    /// # Errors
    ///
    /// When it did not, or it is something else.
    pub fn json(self) -> anyhow::Result<Value> {
        let stdout = self.success()?;
        serde_json::from_str(&stdout).with_context(|| format!("not JSON: {stdout}"))
    }
}

/// `ottla` with these arguments and nothing of the surrounding environment meant for it.
pub fn ottla(arguments: &[&str]) -> Command {
    let mut command = Command::new(ottla_binary());
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTTLA_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end with `input` as its standard input.
///
/// # Errors
///
/// When it cannot be started or does not end.
pub fn finish(mut command: Command, input: &str) -> anyhow::Result<Finished> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {command:?}"))?;
    // One that does not read its input ends before all of it is written, which is its good right.
    let _ = child
        .stdin
        .take()
        .context("piped")?
        .write_all(input.as_bytes());
    let stdout = ProcessLog::follow(child.stdout.take().context("piped")?);
    let stderr = ProcessLog::follow(child.stderr.take().context("piped")?);
    if !stdout.wait_for_end(LIMIT) || !stderr.wait_for_end(LIMIT) {
        child.kill()?;
        child.wait()?;
        anyhow::bail!(
            "no end of {command:?}:\n{}\n{}",
            stdout.text(),
            stderr.text()
        );
    }
    Ok(Finished {
        code: child.wait()?.code(),
        stdout: stdout.text(),
        stderr: stderr.text(),
    })
}
