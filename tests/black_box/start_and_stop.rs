//! Starting and ending: addresses, signals, and one clear line for everything that is wrong.

use std::fs::{File, OpenOptions, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;
use testkit::{
    BrokerOptions, BrokerProcess, Connection, batch, fetch_request, ottla_binary, quiet_port,
};
use wire::Text;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use workspace_tests::{Finished, finish, http_get, ottla};

fn metadata(connection: &mut Connection) -> anyhow::Result<MetadataResponse> {
    connection.call(&MetadataRequest::default(), 9)
}

/// `ottla serve` that is expected to end by itself, on ports of its own.
fn refused(data_dir: &Path, arguments: &[&str]) -> anyhow::Result<Finished> {
    let mut command = ottla(&["serve", "--data-dir"]);
    command.arg(data_dir);
    let given = |flag: &str| arguments.contains(&flag);
    if !given("--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    if !given("--http") {
        command.args(["--http", "127.0.0.1:0"]);
    }
    command.args(arguments);
    finish(command, "")
}

/// Checks that a start ended with one clear line, an error that holds all of `parts`.
fn check_refused(finished: &Finished, parts: &[&str]) {
    assert!(!matches!(finished.code, Some(0) | None), "{finished:#?}");
    let errors: Vec<&str> = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("error:"))
        .collect();
    let [error] = errors[..] else {
        panic!("one error line, not {finished:#?}")
    };
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
    assert!(!finished.stderr.contains("panicked"), "{finished:#?}");
}

#[test]
fn start_lines_name_the_ports() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    assert_ne!(broker.kafka().port(), 0);
    assert_ne!(broker.http().port(), 0);
    let mut connection = Connection::open(broker.kafka())?;
    let versions = connection.call(&ApiVersionsRequest::default(), 0)?;
    assert_eq!(versions.error_code, 0);
    let metadata = metadata(&mut connection)?;
    let brokers: Vec<(i32, &str, i32)> = metadata
        .brokers
        .iter()
        .map(|broker| (broker.node_id, &*broker.host, broker.port))
        .collect();
    let port = i32::from(broker.kafka().port());
    assert_eq!(brokers, [(0, "127.0.0.1", port)]);
    let log = broker.log().text();
    let directory = broker.data_dir().display().to_string();
    assert!(log.contains(&directory), "names its directory: {log}");
    assert!(
        log.contains("acks=all"),
        "says what an answer promises: {log}"
    );
    broker.finish()
}

/// What is read at a start may be much: meanwhile it is told that it lives, and why it is not ready.
#[test]
fn health_is_told_while_it_opens() -> anyhow::Result<()> {
    for options in [
        BrokerOptions::new(),
        BrokerOptions::new().on_one_processor(),
    ] {
        let scratch = tempfile::tempdir()?;
        let data_dir = scratch.path().join("data");
        BrokerOptions::new().data_dir(&data_dir).start()?.finish()?;
        // Who opens a pipe to read it waits until somebody opens it to write.
        let format = data_dir.join("format");
        std::fs::remove_file(&format)?;
        mknodat(CWD, &format, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;

        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, quiet_port()));
        let options = options
            .data_dir(&data_dir)
            .arguments(["--http", &http.to_string()]);
        let starting = thread::spawn(|| options.start());
        let told = within_limit("nobody listens", || TcpStream::connect(http).is_ok())
            .and_then(|()| http_get(http, "/health/ready"));
        // It finds nothing in it, and ends.
        let opened = within_limit("nobody reads the format", || open_to_write(&format).is_ok());
        let Ok(Err(ended)) = starting.join() else {
            bail!("it started without its format")
        };
        opened?;
        assert!(ended.to_string().contains("format"), "{ended:#}");
        let (status, reasons) = told?;
        assert_eq!(status, 503, "{reasons}");
        assert!(reasons.contains("recovering"), "{reasons}");
    }
    Ok(())
}

/// Opens a pipe to write; errs while nobody opens it to read.
fn open_to_write(path: &Path) -> std::io::Result<File> {
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new()
        .write(true)
        .custom_flags(without_waiting)
        .open(path)
}

/// Tries until it is so, or errs with what it is not.
fn within_limit(what_is_wrong: &'static str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_so() {
        ensure!(began.elapsed() < Duration::from_secs(60), what_is_wrong);
        thread::yield_now();
    }
    Ok(())
}

#[test]
fn ipv6_works() -> anyhow::Result<()> {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: this machine has no IPv6 loopback");
        return Ok(());
    }
    let broker = BrokerOptions::new().listen("[::1]:0").start()?;
    let metadata = metadata(&mut Connection::open(broker.kafka())?)?;
    assert_eq!(
        metadata.brokers.first().map(|broker| &*broker.host),
        Some("::1")
    );
    broker.finish()
}

#[test]
fn a_second_instance_refuses() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let second = refused(broker.data_dir(), &[])?;
    check_refused(&second, &[&broker.data_dir().display().to_string()]);
    // The first one was not disturbed.
    assert_eq!(
        metadata(&mut Connection::open(broker.kafka())?)?
            .brokers
            .len(),
        1
    );
    broker.finish()
}

/// A broker with clients that wait: idle ones, and one in a long poll.
fn with_waiting_clients(
    options: BrokerOptions,
) -> anyhow::Result<(BrokerProcess, Vec<Connection>)> {
    let broker = options.start()?;
    let mut idle = (0..5)
        .map(|_| Connection::open(broker.kafka()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut poll = Connection::open(broker.kafka())?;
    ensure!(
        poll.create_topic("waiting", 1)? == 0,
        "the topic is created"
    );
    poll.start(&fetch_request("waiting", 0, 0, 60_000), 12)?;
    // Answered after the poll has been read: the poll waits in the broker by then.
    metadata(idle.first_mut().context("one of five")?)?;
    idle.push(poll);
    Ok((broker, idle))
}

#[test]
fn signals_end_it_in_order() -> anyhow::Result<()> {
    for (signal, options) in [
        (Signal::TERM, BrokerOptions::new()),
        (Signal::INT, BrokerOptions::new()),
        // There all that does not block is done by one thread.
        (Signal::TERM, BrokerOptions::new().on_one_processor()),
    ] {
        let (mut broker, clients) = with_waiting_clients(options)?;
        broker.signal(signal)?;
        let status = broker.wait_for_exit(Duration::from_secs(5))?;
        assert_eq!(
            status.code(),
            Some(0),
            "{signal:?}: {}",
            broker.log().text()
        );
        broker.check_log()?;
        drop(clients);
    }
    Ok(())
}

#[test]
fn a_second_signal_ends_it_at_once() -> anyhow::Result<()> {
    let mut broker = BrokerOptions::new().start()?;
    broker.expect_warnings("ending at once");
    let mut connection = Connection::open(broker.kafka())?;
    ensure!(
        connection.create_topic("large", 1)? == 0,
        "the topic is created"
    );
    for _ in 0..8 {
        let produced = connection.produce("large", 0, batch(1, [vec![7; 1_000_000].as_slice()]))?;
        ensure!(produced.error_code == 0, "produce: {}", produced.error_code);
    }
    // Answers that nobody takes: the end in order has something to wait for.
    for _ in 0..20 {
        connection.start(&fetch_request("large", 0, 0, 0), 12)?;
    }
    let began = Instant::now();
    broker.signal(Signal::TERM)?;
    let stopping = broker.log().wait_for(0, Duration::from_secs(5), |line| {
        line.text().contains("stopping")
    });
    assert!(stopping.is_some(), "{}", broker.log().text());
    broker.signal(Signal::TERM)?;
    let status = broker.wait_for_exit(Duration::from_secs(5))?;
    assert_eq!(status.code(), Some(128 + 15), "after {:?}", began.elapsed());
    broker.check_log()
}

#[test]
fn wrong_flags_are_named() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let data_dir = scratch.path().join("data");
    let cases: &[(&[&str], &[&str])] = &[
        (&["--nonsense"], &["--nonsense"]),
        (&["--listen", "nowhere"], &["nowhere", "--listen"]),
        (&["--listen", "127.0.0.1:70000"], &["127.0.0.1:70000"]),
        (&["--log-format", "xml"], &["xml"]),
        (
            &["--set", "num.partitons=3"],
            &["num.partitons", "num.partitions"],
        ),
        (
            &["--set", "num.partitions=many"],
            &["num.partitions", "many"],
        ),
        (&["--set", "num.partitions=0"], &["num.partitions"]),
        (&["--set", "num.partitions"], &["num.partitions"]),
        (
            &["--set", "wal.max.bytes=134217727"],
            &["wal.max.bytes", "134217728"],
        ),
        (&["--listen", "0.0.0.0:0"], &["--advertise"]),
    ];
    for (arguments, parts) in cases {
        check_refused(&refused(&data_dir, arguments)?, parts);
    }
    // Nothing was begun for a start that could not be meant.
    assert!(!data_dir.exists());
    Ok(())
}

#[test]
fn the_least_that_is_allowed_is_enough() -> anyhow::Result<()> {
    let broker = BrokerOptions::new()
        .set("wal.max.bytes", "134217728")
        .set("memory.max.bytes", "67108864")
        .start()?;
    let mut connection = Connection::open(broker.kafka())?;
    assert_eq!(connection.create_topic("small", 1)?, 0);
    let answer = connection.produce("small", 0, batch(1_000, [b"value".as_slice()]))?;
    assert_eq!(answer.error_code, 0);
    broker.finish()
}

#[test]
fn an_unreadable_configuration_is_named() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("ottla.toml");
    let path = file.display().to_string();
    let start = || refused(&scratch.path().join("data"), &["--config", &path]);
    check_refused(&start()?, &[&path]);
    std::fs::write(&file, "data_dir = ")?;
    check_refused(&start()?, &[&path]);
    std::fs::write(&file, [0xff, 0xfe])?;
    check_refused(&start()?, &[&path]);
    std::fs::write(&file, "\"num.partitons\" = 3\n")?;
    check_refused(&start()?, &["num.partitons", "num.partitions"]);
    Ok(())
}

#[test]
fn a_port_in_use_is_named() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    for flag in ["--listen", "--http"] {
        let finished = refused(&scratch.path().join("data"), &[flag, &address])?;
        check_refused(&finished, &[&address]);
    }
    Ok(())
}

#[test]
fn a_directory_that_cannot_be_is_named() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("file");
    std::fs::write(&file, "no directory")?;
    for data_dir in [
        file.as_path(),
        &file.join("below"),
        Path::new("/proc/ottla"),
    ] {
        let finished = refused(data_dir, &[])?;
        check_refused(&finished, &[&data_dir.display().to_string()]);
    }
    Ok(())
}

#[test]
fn a_directory_of_a_newer_version_is_left_alone() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let data_dir = scratch.path().join("data");
    let mut broker = BrokerOptions::new().data_dir(&data_dir).start()?;
    broker.kill()?;
    // The version stands behind four bytes of magic.
    let format = data_dir.join("format");
    let mut bytes = std::fs::read(&format)?;
    bytes[4] += 1;
    std::fs::write(&format, &bytes)?;
    let finished = refused(&data_dir, &[])?;
    check_refused(&finished, &[&data_dir.display().to_string(), "newer"]);
    assert_eq!(std::fs::read(&format)?, bytes);
    Ok(())
}

/// As somebody who is not root, for whom permissions do not count.
#[test]
fn a_directory_without_permission_is_named() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let forbidden = scratch.path().join("forbidden");
    std::fs::create_dir(&forbidden)?;
    std::fs::set_permissions(&forbidden, Permissions::from_mode(0o500))?;
    let data_dir = forbidden.join("data");
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "none",
        "--data-dir",
    ];
    let finished = if rustix::process::geteuid().is_root() {
        // A directory that another user may pass through but not write to.
        std::fs::set_permissions(&forbidden, Permissions::from_mode(0o755))?;
        std::fs::set_permissions(scratch.path(), Permissions::from_mode(0o755))?;
        let binary = scratch.path().join("ottla");
        std::fs::copy(ottla_binary(), &binary)?;
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(binary);
        finish(with_arguments(command, &serve, &data_dir), "")?
    } else {
        finish(with_arguments(ottla(&[]), &serve, &data_dir), "")?
    };
    check_refused(&finished, &[&data_dir.display().to_string()]);
    Ok(())
}

fn with_arguments(mut command: Command, arguments: &[&str], data_dir: &Path) -> Command {
    command.args(arguments).arg(data_dir);
    command
}

/// How many partitions a topic gets that is created by being asked for.
fn partitions_by_default(broker: &BrokerProcess) -> anyhow::Result<usize> {
    let mut connection = Connection::open(broker.kafka())?;
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(Text::from("asked-for")),
            ..Default::default()
        }]),
        allow_auto_topic_creation: true,
        ..Default::default()
    };
    // The first answer may tell that it is being created.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = connection.call(&request, 9)?;
        let topic = answer.topics.first().context("the topic asked for")?;
        if topic.error_code == 0 {
            return Ok(topic.partitions.len());
        }
        ensure!(
            Instant::now() < deadline,
            "still error {}",
            topic.error_code
        );
    }
}

#[test]
fn flags_go_over_environment_over_file() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("ottla.toml");
    std::fs::write(&file, "\"num.partitions\" = 3\n")?;
    let path = file.display().to_string();
    let from_file = || BrokerOptions::new().arguments(["--config", &path]);
    let broker = from_file().start()?;
    assert_eq!(partitions_by_default(&broker)?, 3);
    broker.finish()?;
    let from_environment = || from_file().environment("OTTLA_NUM_PARTITIONS", "5");
    let broker = from_environment().start()?;
    assert_eq!(partitions_by_default(&broker)?, 5);
    broker.finish()?;
    let broker = from_environment().set("num.partitions", "7").start()?;
    assert_eq!(partitions_by_default(&broker)?, 7);
    broker.finish()
}

#[test]
fn what_is_unusual_is_warned_of() -> anyhow::Result<()> {
    let mut broker = BrokerOptions::new()
        .environment("OTTLA_NUM_PARTITON", "5")
        .listen("0.0.0.0:0")
        .arguments(["--advertise", "localhost:4711"])
        .start()?;
    broker.expect_warnings("OTTLA_NUM_PARTITON");
    broker.expect_warnings("authentication");
    for part in ["OTTLA_NUM_PARTITON", "authentication"] {
        let limit = Duration::from_secs(30);
        let warning = broker.log().wait_for(0, limit, |line| {
            line.is_alarming() && line.text().contains(part)
        });
        assert!(
            warning.is_some(),
            "no warning of {part}: {}",
            broker.log().text()
        );
    }
    let here = (Ipv4Addr::LOCALHOST, broker.kafka().port()).into();
    let metadata = metadata(&mut Connection::open(here)?)?;
    let advertised = metadata.brokers.first().context("a broker")?;
    assert_eq!((&*advertised.host, advertised.port), ("localhost", 4711));
    broker.finish()
}
