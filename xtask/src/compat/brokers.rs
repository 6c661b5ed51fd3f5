//! The broker that a suite is run against, in a directory of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::sources;
use crate::places::{cargo, must_succeed, target};

/// How long a broker may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);

type Settings<'a> = &'a [(&'a str, &'a str)];

/// A broker that runs until this is dropped.
pub(super) struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    /// Builds the release `ottla` and starts it.
    pub(super) fn start_ottla(settings: Settings<'_>, port: Option<u16>) -> Result<Self> {
        must_succeed(cargo().args(["build", "--release", "--locked", "--package", "ottla"]))?;
        let directory = empty_directory("ottla")?;
        let port = free_port(port)?;
        let mut command = Command::new(target().join("release/ottla"));
        command
            .args(["serve", "--http", "none", "--listen"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("--data-dir")
            .arg(directory.join("data"));
        for (name, value) in settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        Self::start(command, port, &directory)
    }

    /// Starts Apache Kafka from its jars, which Maven fetches.
    pub(super) fn start_kafka(settings: Settings<'_>, port: Option<u16>) -> Result<Self> {
        fetch_kafka()?;
        let directory = empty_directory("kafka")?;
        let (port, controller_port) = (free_port(port)?, free_port(None)?);
        let mut properties = fs::read_to_string(sources().join("kafka/server.properties"))?
            .replace("CONTROLLER_PORT", &controller_port.to_string())
            .replace("PORT", &port.to_string())
            .replace("DIRECTORY", &directory.join("data").display().to_string());
        for (name, value) in settings {
            properties.push_str(&format!("{name}={value}\n"));
        }
        let file = directory.join("server.properties");
        fs::write(&file, properties)?;
        let java = |class: &str| {
            let mut command = Command::new("java");
            command
                .arg(format!(
                    "-Dlog4j2.configurationFile={}",
                    sources().join("kafka/log4j2.yaml").display()
                ))
                .arg("--class-path")
                .arg(format!("{}/*", kafka_jars().display()))
                .arg(class);
            command
        };
        must_succeed(
            java("kafka.tools.StorageTool")
                .args([
                    "format",
                    "--cluster-id",
                    "b3R0bGEtY29tcGF0LTAwMA",
                    "--config",
                ])
                .arg(&file),
        )?;
        let mut command = java("kafka.Kafka");
        command.arg(&file);
        Self::start(command, port, &directory)
    }

    fn start(mut command: Command, port: u16, directory: &Path) -> Result<Self> {
        let log = directory.join("log");
        let output = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let mut broker = Self { child, port };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let began = Instant::now();
        while TcpStream::connect_timeout(&address, PAUSE).is_err() {
            let is_running = broker.child.try_wait()?.is_none();
            ensure!(
                is_running && began.elapsed() < START_LIMIT,
                "the broker does not answer; its log is {}",
                log.display()
            );
            std::thread::park_timeout(PAUSE);
        }
        Ok(broker)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The data is not needed any more; whoever reads the log sees what the suite has seen.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the jars of Apache Kafka are.
pub(super) fn kafka_jars() -> PathBuf {
    target().join("compat/kafka-jars")
}

/// Lets Maven fetch Apache Kafka and its tools.
pub(super) fn fetch_kafka() -> Result<()> {
    must_succeed(
        Command::new("mvn")
            .args([
                "--quiet",
                "--batch-mode",
                "dependency:copy-dependencies",
                "--file",
            ])
            .arg(sources().join("kafka/pom.xml"))
            .arg(format!("-DoutputDirectory={}", kafka_jars().display())),
    )
}

fn empty_directory(name: &str) -> Result<PathBuf> {
    let directory = target().join("compat/brokers").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The port that is asked for, or any.
fn free_port(wanted: Option<u16>) -> Result<u16> {
    let port = wanted.unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = listener.with_context(|| format!("take port {port}, which the suite wants"))?;
    Ok(listener.local_addr()?.port())
}
