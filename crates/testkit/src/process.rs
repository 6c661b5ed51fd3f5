//! The real binary as a child process.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{LogLine, ProcessLog, ottla_binary, quiet_port};

/// How long a start or an end may take before a test fails.
const LIMIT: Duration = Duration::from_secs(60);

/// How a broker is started.
#[derive(Clone, Debug, Default)]
pub struct BrokerOptions {
    binary: Option<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    data_dir: Option<PathBuf>,
    listen: Option<String>,
    has_one_processor: bool,
}

impl BrokerOptions {
    /// A broker on free ports of 127.0.0.1 with a directory of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs this binary instead of the one that [`ottla_binary`] gives.
    #[must_use]
    pub fn binary(mut self, path: &Path) -> Self {
        self.binary = Some(path.to_path_buf());
        self
    }

    /// Adds arguments to `ottla serve`.
    #[must_use]
    pub fn arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// Sets a configuration key, `--set name=value`.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.arguments(["--set", &format!("{name}={value}")])
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets it run on one processor only.
    #[must_use]
    pub fn on_one_processor(mut self) -> Self {
        self.has_one_processor = true;
        self
    }

    /// Keeps data here instead of in a new temporary directory.
    #[must_use]
    pub fn data_dir(mut self, directory: &Path) -> Self {
        self.data_dir = Some(directory.to_path_buf());
        self
    }

    /// Listens here instead of on port 0 of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Listens on a port that stays free while the broker is down, so that it can be restarted.
    #[must_use]
    pub fn restartable(self) -> Self {
        self.listen(&format!("127.0.0.1:{}", quiet_port()))
    }

    /// Starts it and waits for its start lines.
    ///
    /// # Errors
    ///
    /// When it ends instead, or does not say where it listens.
    pub fn start(self) -> anyhow::Result<BrokerProcess> {
        let scratch = tempfile::tempdir().context("a temporary directory")?;
        let data_dir = match &self.data_dir {
            Some(directory) => directory.clone(),
            None => scratch.path().join("data"),
        };
        let running = Running::start(&self, &data_dir)?;
        Ok(BrokerProcess {
            options: self,
            data_dir,
            _scratch: scratch,
            running,
            earlier: Vec::new(),
            expected: Vec::new(),
        })
    }

    /// `ottla serve` with all of this, not started.
    fn command(&self, data_dir: &Path) -> Command {
        let binary = self.binary.as_deref().unwrap_or_else(|| ottla_binary());
        let mut command = match self.has_one_processor {
            true => on_first_processor(binary),
            false => Command::new(binary),
        };
        command
            .args(["serve", "--log-format", "text", "--data-dir"])
            .arg(data_dir)
            .args(["--listen", self.listen.as_deref().unwrap_or("127.0.0.1:0")]);
        if !self.arguments.iter().any(|argument| argument == "--http") {
            command.args(["--http", "127.0.0.1:0"]);
        }
        command.args(&self.arguments);
        // What the machine says to some other Ottla is not for this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OTTLA_") {
                command.env_remove(name);
            }
        }
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

/// One life of the process.
#[derive(Debug)]
struct Running {
    child: Child,
    log: ProcessLog,
    kafka: SocketAddr,
    http: Option<SocketAddr>,
}

/// A program on the first processor that this process may use. It keeps the process id.
fn on_first_processor(program: &Path) -> Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = allowed.and_then(|list| list.trim().split([',', '-']).next());
    let mut command = Command::new("taskset");
    command
        .args(["--cpu-list", first.unwrap_or("0")])
        .arg(program);
    command
}

/// The process and its log, whether or not it is ready.
fn spawn(options: &BrokerOptions, data_dir: &Path) -> anyhow::Result<(Child, ProcessLog)> {
    let mut child = options.command(data_dir).spawn().context("start ottla")?;
    let stderr = child.stderr.take().context("standard error is piped")?;
    Ok((child, ProcessLog::follow(stderr)))
}

/// Kills a process, which must be alive until then.
fn kill(child: &mut Child, log: &ProcessLog) -> anyhow::Result<()> {
    child.kill()?;
    let status = child.wait()?;
    log.wait_for_end(LIMIT);
    ensure!(
        status.signal() == Some(Signal::KILL.as_raw()),
        "ottla ended by itself with {status} before it was killed:\n{}",
        log.text()
    );
    Ok(())
}

impl Running {
    fn start(options: &BrokerOptions, data_dir: &Path) -> anyhow::Result<Self> {
        let (mut child, log) = spawn(options, data_dir)?;
        let kafka = listening(&log, "kafka");
        let wants_http = !options
            .arguments
            .windows(2)
            .any(|pair| pair == ["--http", "none"]);
        let http = if kafka.is_some() && wants_http {
            listening(&log, "http")
        } else {
            None
        };
        match kafka {
            Some(kafka) if http.is_some() || !wants_http => Ok(Self {
                child,
                log,
                kafka,
                http,
            }),
            _ => {
                // It may hang rather than have ended, and no test shall leave it behind.
                let _ = child.kill();
                let status = child.wait();
                log.wait_for_end(LIMIT);
                bail!("ottla did not start ({status:?}):\n{}", log.text())
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whatever a test found, it leaves no process behind; one that has ended is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address that a start line names for a protocol.
fn listening(log: &ProcessLog, protocol: &str) -> Option<SocketAddr> {
    log.wait_for(0, LIMIT, |line| {
        line.text().contains("listening") && line.field("protocol") == Some(protocol)
    })
    .and_then(|line| {
        line.field("address")
            .and_then(|address| address.parse().ok())
    })
}

/// A running broker. It is killed when this value goes.
#[derive(Debug)]
pub struct BrokerProcess {
    running: Running,
    options: BrokerOptions,
    data_dir: PathBuf,
    /// The logs of earlier lives.
    earlier: Vec<ProcessLog>,
    expected: Vec<String>,
    _scratch: TempDir,
}

impl BrokerProcess {
    /// Where it speaks Kafka.
    pub fn kafka(&self) -> SocketAddr {
        self.running.kafka
    }

    /// Where it speaks HTTP.
    ///
    /// # Panics
    ///
    /// When it was started with `--http none`.
    pub fn http(&self) -> SocketAddr {
        self.running.http.expect("started with HTTP")
    }

    /// Where it keeps its data.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.running.child)
    }

    /// The log of this life.
    pub fn log(&self) -> &ProcessLog {
        &self.running.log
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kibibytes.context("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Says that warnings which contain `part` are part of this test.
    pub fn expect_warnings(&mut self, part: &str) {
        self.expected.push(part.to_owned());
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.pid(), signal).context("send a signal")
    }

    /// Waits for the process to end by itself, at most `limit` long.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn wait_for_exit(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        // The end of its log is the end of the process, and can be waited for with a limit.
        let started = Instant::now();
        self.running.log.wait_for_end(limit);
        match self.running.child.try_wait()? {
            Some(status) => Ok(status),
            // The pipe closes a moment before the process is a zombie that can be asked.
            None if started.elapsed() < limit => Ok(self.running.child.wait()?),
            None => bail!(
                "still running after {limit:?}:\n{}",
                self.running.log.text()
            ),
        }
    }

    /// Kills it, as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When it has ended by itself before.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        kill(&mut self.running.child, &self.running.log)
    }

    /// Starts it again after it has ended and kills it so long afterwards, however far its start has
    /// come; the log tells how far.
    ///
    /// # Errors
    ///
    /// When it ends by itself before that.
    pub fn start_and_kill(&mut self, after: Duration) -> anyhow::Result<ProcessLog> {
        let (mut child, log) = spawn(&self.options, &self.data_dir)?;
        self.earlier.push(log.clone());
        log.wait_for_end(after);
        kill(&mut child, &log)?;
        Ok(log)
    }

    /// Starts it again on the same directory and address after it has ended, and tells how long it
    /// took until it listened.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let running = Running::start(&self.options, &self.data_dir)?;
        let earlier = std::mem::replace(&mut self.running, running);
        self.earlier.push(earlier.log.clone());
        Ok(began.elapsed())
    }

    /// Ends it by SIGTERM and checks that it ends well and warned of nothing unexpected.
    ///
    /// # Errors
    ///
    /// When it does not end within 5 s with code 0, or its log holds a warning or an error that no
    /// [`BrokerProcess::expect_warnings`] covers.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.wait_for_exit(Duration::from_secs(5))?;
        ensure!(
            status.success(),
            "ended with {status}:\n{}",
            self.log().text()
        );
        self.check_log()
    }

    /// Checks that no life of this broker warned of anything unexpected.
    ///
    /// # Errors
    ///
    /// With the lines that were not expected.
    pub fn check_log(&self) -> anyhow::Result<()> {
        let lines: Vec<LogLine> = self
            .earlier
            .iter()
            .chain([&self.running.log])
            .flat_map(ProcessLog::lines)
            .collect();
        let unexpected: Vec<&str> = lines
            .iter()
            .filter(|line| line.is_alarming())
            .map(LogLine::text)
            .filter(|text| {
                !self
                    .expected
                    .iter()
                    .any(|part| text.contains(part.as_str()))
            })
            .collect();
        ensure!(
            unexpected.is_empty(),
            "unexpected warnings:\n{}",
            unexpected.join("\n")
        );
        Ok(())
    }
}
