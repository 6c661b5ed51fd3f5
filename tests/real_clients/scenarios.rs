//! What each client goes through. The checks themselves are in the Python programs.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use testkit::{BrokerOptions, Connection};
use wire::batch::BatchView;
use wire::compression::Codec;
use workspace_tests::{Client, GroupProtocol, Kills, Program, finish, ottla};

/// A scenario: it fails with what differed.
pub(crate) type Scenario = fn(Client) -> anyhow::Result<()>;

/// The scenarios of a client: kcat administers nothing, and some do not tell how long they were
/// throttled. One is there for the versions that another client speaks, and tells that one's story.
/// Where the broker divides the partitions, only groups differ.
pub(crate) fn of(client: Client) -> impl Iterator<Item = &'static (&'static str, Scenario)> {
    let scenarios = match client.protocol {
        GroupProtocol::Classic => CLASSIC,
        GroupProtocol::Consumer => CONSUMER,
    };
    scenarios.iter().filter(move |(name, _)| match *name {
        "administration" => client.name != "kcat",
        "crashed_handler" => client.name == "franz_go_as_brod",
        EXACTLY_ONCE | "transactions" => TRANSACTIONAL.contains(&client.name),
        "quotas" => !UNAWARE_OF_THROTTLING.contains(&client.name),
        _ => true,
    })
}

/// The scenario that waits for a session to end, at default settings.
pub(crate) const LONGEST: &str = "groups_of_both_protocols";

/// The scenario that is told by `OTTLA_KILLS` how often the broker is killed.
const EXACTLY_ONCE: &str = "exactly_once";

/// How often that is by itself.
const KILLS: u64 = 8;

/// The clients whose programs write in transactions.
const TRANSACTIONAL: &[&str] = &[
    "confluent_kafka",
    "confluent_kafka_consumer_protocol",
    "franz_go",
    "franz_go_consumer_protocol",
    "java",
    "java_consumer_protocol",
];

/// Those that do not tell how long they were throttled, and one that is there for its versions only.
const UNAWARE_OF_THROTTLING: &[&str] = &[
    "aiokafka",
    "franz_go_as_brod",
    "kafka_tools",
    "kafkajs",
    "kcat",
    "rdkafka",
    "sarama",
];

const CLASSIC: &[(&str, Scenario)] = &[
    ("administration", administration),
    ("codecs_and_sizes", codecs_and_sizes),
    ("crashed_handler", crashed_handler),
    (EXACTLY_ONCE, exactly_once),
    ("groups_rebalance_commit_and_resume", groups),
    ("killed_broker", killed_broker),
    ("quotas", quotas),
    ("transactions", transactions),
];

const CONSUMER: &[(&str, Scenario)] = &[
    (EXACTLY_ONCE, exactly_once),
    ("groups_rebalance_commit_and_resume", groups),
    (LONGEST, consumer_protocol),
    ("killed_broker", killed_broker),
];

/// Scenarios that are no client's: that comparisons find what they are there to find.
pub(crate) fn negative_controls() -> Vec<Trial> {
    [
        ("comparison", "records_test.py"),
        ("comparison_of_transactions", "transformed_test.py"),
    ]
    .map(|(name, program)| {
        let name = format!("{name}::finds_every_kind_of_difference");
        Trial::test(name, move || negative_control(program))
    })
    .into()
}

fn negative_control(program: &str) -> Result<(), Failed> {
    let output = std::process::Command::new("python3")
        .current_dir(testkit::workspace_directory().join("tests/real_clients/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(program)
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Failed::from(String::from_utf8_lossy(&output.stderr)))
    }
}

fn options() -> BrokerOptions {
    BrokerOptions::new().set("num.partitions", "3")
}

fn codecs_and_sizes(client: Client) -> anyhow::Result<()> {
    let broker = options().start()?;
    let mut written = Vec::new();
    let program = Program::start(client, "codecs", broker.kafka(), &[])?;
    program
        .finish(|_, event| {
            if event["event"] == "written" {
                written.push(event.clone());
            }
            Ok(())
        })
        .with_context(|| broker.log().text())?;
    ensure!(written.len() == 5, "five codecs, not {written:?}");
    let mut connection = Connection::open(broker.kafka())?;
    for event in &written {
        codec_arrived(&mut connection, event)?;
    }
    broker.finish()
}

/// That the batches in a topic have the codec they were written with: what the client compressed
/// was neither opened nor compressed otherwise. Some stay as they are because they would grow.
fn codec_arrived(connection: &mut Connection, event: &Value) -> anyhow::Result<()> {
    let topic = event["topic"].as_str().context("a topic")?;
    let codec = match event["codec"].as_str().context("a codec")? {
        "none" => Codec::None,
        "gzip" => Codec::Gzip,
        "snappy" => Codec::Snappy,
        "lz4" => Codec::Lz4,
        "zstd" => Codec::Zstd,
        other => bail!("no codec: {other}"),
    };
    let partitions = event["partitions"].as_i64().context("a number")?;
    let mut found = BTreeSet::new();
    for partition in 0..i32::try_from(partitions)? {
        for batch in connection.batches(topic, partition)? {
            let (view, _) =
                BatchView::parse(&batch).map_err(|error| anyhow::anyhow!("{error:?}"))?;
            ensure!(view.crc_is_valid(), "{topic}-{partition}: a bad CRC");
            found.extend(view.header().attributes.codec());
        }
    }
    ensure!(found.remove(&codec), "{topic}: no batch has {codec:?}");
    found.remove(&Codec::None);
    ensure!(found.is_empty(), "{topic}: batches also have {found:?}");
    Ok(())
}

fn administration(client: Client) -> anyhow::Result<()> {
    run(client, "admin")
}

fn groups(client: Client) -> anyhow::Result<()> {
    run(client, "groups")
}

fn crashed_handler(client: Client) -> anyhow::Result<()> {
    run(client, "crashes")
}

/// With every setting of consumer groups at its default.
fn consumer_protocol(client: Client) -> anyhow::Result<()> {
    run(client, "consumer_protocol")
}

/// A scenario that needs a broker and nothing else.
fn run(client: Client, scenario: &str) -> anyhow::Result<()> {
    let options = options().set("group.initial.rebalance.delay.ms", "0");
    run_with(options, client, scenario)
}

fn run_with(options: BrokerOptions, client: Client, scenario: &str) -> anyhow::Result<()> {
    let broker = options.start()?;
    Program::start(client, scenario, broker.kafka(), &[])?
        .finish(|_, event| {
            println!("{event}");
            Ok(())
        })
        .with_context(|| broker.log().text())?;
    broker.finish()
}

fn killed_broker(client: Client) -> anyhow::Result<()> {
    let mut broker = options()
        .set("group.initial.rebalance.delay.ms", "0")
        .restartable()
        .start()?;
    let program = Program::start(client, "kills", broker.kafka(), &[])?;
    let mut kills = Kills::new([900, 2_100]);
    program
        .finish(|program, event| kills.on_event(&mut broker, program, event))
        .with_context(|| broker.log().text())?;
    kills.all_done()?;
    broker.finish()
}

fn exactly_once(client: Client) -> anyhow::Result<()> {
    let rounds = match std::env::var("OTTLA_KILLS") {
        Ok(number) => number.parse().context("OTTLA_KILLS")?,
        Err(_) => KILLS,
    };
    let mut broker = transactional_options().restartable().start()?;
    let program = Program::start(client, "exactly_once", broker.kafka(), &[])?;
    let mut kills = Kills::one_per_round(rounds);
    program
        .finish(|program, event| {
            if event["event"] == "worked" {
                println!("{}: {rounds} kills, {event}", client.name);
            }
            kills.on_event(&mut broker, program, event)
        })
        .with_context(|| broker.log().text())?;
    kills.all_done()?;
    broker.finish()
}

fn transactions(client: Client) -> anyhow::Result<()> {
    run_with(transactional_options(), client, "transactions")
}

/// Members that are gone and could not say so are not missed for longer than a test can wait.
fn transactional_options() -> BrokerOptions {
    options()
        .set("group.initial.rebalance.delay.ms", "0")
        .set("group.min.session.timeout.ms", "3000")
        .set("group.consumer.session.timeout.ms", "3000")
        .set("group.consumer.min.session.timeout.ms", "3000")
        .set("group.consumer.heartbeat.interval.ms", "500")
        .set("group.consumer.min.heartbeat.interval.ms", "500")
}

fn quotas(client: Client) -> anyhow::Result<()> {
    let broker = options().start()?;
    let address = broker.kafka().to_string();
    let change = |arguments: &[&str]| {
        let slow = ["--name", "client-id=slow", "-b", &address];
        let command = ottla(&[&["cluster", "quotas"], arguments, &slow].concat());
        finish(command, "")?.success()
    };
    change(&[
        "set",
        "producer_byte_rate=10000",
        "consumer_byte_rate=10000",
    ])?;
    Program::start(client, "quotas", broker.kafka(), &[])?
        .finish(|_, _| change(&["delete", "consumer_byte_rate"]).map(drop))
        .with_context(|| broker.log().text())?;
    broker.finish()
}
