//! A developer's first session on the command line: the walk-through of the README.

use anyhow::Context;
use serde_json::{Value, json};
use testkit::{BrokerOptions, BrokerProcess, Connection};
use wire::Text;
use wire::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use workspace_tests::{Finished, finish, ottla};

/// A broker's address and commands sent to it.
pub(crate) struct Session {
    brokers: String,
}

impl Session {
    pub(crate) fn with(broker: &BrokerProcess) -> Self {
        Self {
            brokers: broker.kafka().to_string(),
        }
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> anyhow::Result<Finished> {
        let mut command = ottla(arguments);
        command.args(["--brokers", &self.brokers]);
        finish(command, input)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        self.run(&[arguments, &["--format", "json"]].concat(), "")?
            .json()
    }

    /// The high watermarks of a topic's partitions, in order.
    pub(crate) fn high_watermarks(&self, topic: &str) -> anyhow::Result<Vec<i64>> {
        let described = self.json(&["topic", "describe", topic])?;
        let partitions = described["partitions"].as_array().context("partitions")?;
        Ok(partitions
            .iter()
            .filter_map(|partition| partition["high_watermark"].as_i64())
            .collect())
    }
}

/// `Produced to partition P at offset O with timestamp T.` as three numbers.
fn produced(line: &str) -> anyhow::Result<[i64; 3]> {
    let words: Vec<&str> = line.trim().trim_end_matches('.').split(' ').collect();
    let [
        "Produced",
        "to",
        "partition",
        partition,
        "at",
        "offset",
        offset,
        "with",
        "timestamp",
        timestamp,
    ] = words[..]
    else {
        anyhow::bail!("not the answer to a produced record: {line:?}")
    };
    Ok([partition.parse()?, offset.parse()?, timestamp.parse()?])
}

#[test]
fn a_first_session() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);

    // One: a topic is created and described.
    session
        .run(&["topic", "create", "topic1", "-p", "3"], "")?
        .success()?;
    let described = session.json(&["topic", "describe", "topic1"])?;
    let summary = &described["summary"];
    assert_eq!(summary["name"], "topic1");
    assert_eq!(summary["partitions"], 3);
    assert_eq!(summary["replicas"], 1);
    assert_eq!(summary["cleanup_policy"], "delete");
    assert_eq!(summary["durability"], "strict");
    let configs = described["configs"].as_array().context("configs")?;
    let policy = configs
        .iter()
        .find(|config| config["key"] == "cleanup.policy")
        .context("cleanup.policy is listed")?;
    assert_eq!(policy["value"], "delete");
    assert_eq!(policy["source"], "DEFAULT_CONFIG");
    for (index, partition) in described["partitions"]
        .as_array()
        .context("partitions")?
        .iter()
        .enumerate()
    {
        assert_eq!(partition["partition"], index);
        assert_eq!(partition["leader"], 0);
        assert_eq!(partition["replicas"], json!([0]));
        assert_eq!(partition["in_sync_replicas"], json!([0]));
        assert_eq!(partition["high_watermark"], 0);
    }

    // Two: the key chooses the partition as the Java client does; offsets and times go on.
    let produce = ["topic", "produce", "topic1", "-k", "key1"];
    let [partition, offset, first_time] = produced(&session.run(&produce, "test\n")?.success()?)?;
    assert_eq!((partition, offset), (2, 0));
    assert_eq!(session.high_watermarks("topic1")?, [0, 0, 1]);
    let [partition, offset, second_time] = produced(&session.run(&produce, "test\n")?.success()?)?;
    assert_eq!((partition, offset), (2, 1));
    assert!(second_time > first_time, "{second_time} after {first_time}");
    assert_eq!(session.high_watermarks("topic1")?, [0, 0, 2]);

    // Three: two groups are given the same records, each of them all.
    for group in ["group", "group2"] {
        let consume = [
            "topic", "consume", "topic1", "-g", group, "-o", "start", "-n", "2",
        ];
        let printed = session.run(&consume, "")?.success()?;
        let records: Vec<Value> = printed
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let record = |offset: i64, timestamp: i64| {
            json!({"topic": "topic1", "key": "key1", "value": "test", "partition": 2,
                   "offset": offset, "timestamp": timestamp, "headers": []})
        };
        assert_eq!(records, [record(0, first_time), record(1, second_time)]);
    }

    // Four: how far they are, although nobody consumes any more.
    session.run(&produce, "test\n")?.success()?;
    let offsets = session.json(&["cluster", "offsets"])?;
    let row = |group: &str| {
        json!({"group": group, "topic": "topic1", "partition": 2, "lag": 1, "committed": 2,
               "latest": 3, "consumer": null, "host": null, "client_id": null})
    };
    assert_eq!(offsets, json!([row("group"), row("group2")]));
    broker.finish()
}

#[test]
fn a_group_is_shown_with_its_members_also_when_the_broker_shares_the_partitions()
-> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    session
        .run(&["topic", "create", "topic1", "-p", "2"], "")?
        .success()?;
    let joins = ConsumerGroupHeartbeatRequest {
        group_id: Text::from_static("group"),
        member_id: Text::from_static("member"),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec![Text::from_static("topic1")]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let joined = Connection::open(broker.kafka())?.call(&joins, 1)?;
    assert_eq!((joined.error_code, joined.member_epoch), (0, 1));
    let described = session.json(&["group", "describe", "group"])?;
    assert_eq!(described["state"], "Stable");
    assert_eq!(described["balancer"], "uniform");
    assert_eq!(described["members"], 1);
    for index in [0, 1] {
        let partition = &described["partitions"][index];
        assert_eq!(partition["partition"], index);
        assert_eq!(partition["member_id"], "member");
        assert_eq!(partition["current_offset"], Value::Null);
    }
    let offsets = session.json(&["cluster", "offsets"])?;
    assert_eq!(offsets[1]["consumer"], "member");
    let moved = session.run(&["group", "seek", "group", "--to", "start"], "")?;
    assert_eq!(moved.code, Some(1), "{moved:#?}");
    assert!(moved.stderr.contains("active members"), "{moved:#?}");
    broker.finish()
}

/// Groups and topics as the tool shows them, and what it says when something is wrong.
#[test]
fn what_is_asked_for_may_be_missing() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    assert_eq!(session.json(&["topic", "list"])?, json!([]));
    assert_eq!(session.json(&["group", "list"])?, json!([]));
    let missing = session.run(&["topic", "describe", "nowhere"], "")?;
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    assert!(missing.stderr.contains("nowhere"), "{missing:#?}");
    session.run(&["topic", "create", "twice"], "")?.success()?;
    let twice = session.run(&["topic", "create", "twice"], "")?;
    assert_eq!(twice.code, Some(1), "{twice:#?}");
    assert!(twice.stdout.contains("TOPIC_ALREADY_EXISTS"), "{twice:#?}");
    let tiered = [
        "topic",
        "create",
        "tiered",
        "-c",
        "remote.storage.enable=true",
    ];
    let tiered = session.run(&tiered, "")?;
    assert_eq!(tiered.code, Some(1), "{tiered:#?}");
    assert!(tiered.stdout.contains("INVALID_CONFIG"), "{tiered:#?}");
    assert!(
        tiered.stderr.contains("remote.storage.enable"),
        "{tiered:#?}"
    );
    let relaxed = [
        "topic",
        "create",
        "relaxed",
        "-c",
        "cleanup.policy=compact",
        "-c",
        "flush.messages=1000",
    ];
    session.run(&relaxed, "")?.success()?;
    let described = session.json(&["topic", "describe", "relaxed"])?;
    assert_eq!(described["summary"]["cleanup_policy"], "compact");
    assert_eq!(described["summary"]["durability"], "relaxed");
    broker.finish()
}
