//! Administration from the command line: partitions, records, offsets, settings, room on disk.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};
use testkit::{BrokerOptions, BrokerProcess, Connection};
use wire::messages::api_versions::ApiVersionsRequest;

use crate::command_line::Session;

fn broker() -> anyhow::Result<(BrokerProcess, Session)> {
    let broker = BrokerOptions::new()
        .set("group.initial.rebalance.delay.ms", "0")
        .start()?;
    let session = Session::with(&broker);
    Ok((broker, session))
}

#[test]
fn a_topic_grows_and_loses_its_oldest_records() -> anyhow::Result<()> {
    let (broker, session) = broker()?;
    session.run(&["topic", "create", "t"], "")?.success()?;
    let produce = ["topic", "produce", "t", "-p", "0"];
    session.run(&produce, "a\nb\nc\n")?.success()?;

    let dry = ["topic", "add-partitions", "t", "-n", "2", "--dry-run"];
    session.run(&dry, "")?.success()?;
    assert_eq!(session.high_watermarks("t")?, [3]);
    let grown = session.json(&["topic", "add-partitions", "t", "-n", "2"])?;
    assert_eq!(grown, json!([{"topic": "t", "status": "OK"}]));
    assert_eq!(session.high_watermarks("t")?, [3, 0, 0]);
    let missing = ["topic", "add-partitions", "t", "nowhere", "-n", "1"];
    let missing = session.run(&missing, "")?;
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    assert!(missing.stderr.contains("nowhere"), "{missing:#?}");
    assert_eq!(session.high_watermarks("t")?.len(), 4);

    let row = |partition: i32, prior: i64, start: i64| {
        json!({"topic": "t", "partition": partition, "prior_start_offset": prior,
               "start_offset": start, "status": "OK"})
    };
    let dry = ["topic", "trim", "t", "-o", "end", "--dry-run"];
    let expected = json!([row(0, 0, 3), row(1, 0, 0), row(2, 0, 0), row(3, 0, 0)]);
    assert_eq!(session.json(&dry)?, expected);
    let trimmed = session.json(&["topic", "trim", "t", "-o", "2", "-p", "0"])?;
    assert_eq!(trimmed, json!([row(0, 0, 2)]));
    let consume = ["topic", "consume", "t", "-n", "1", "-f", "%o=%v"];
    assert_eq!(session.run(&consume, "")?.success()?, "2=c");
    let beyond = session.run(&["topic", "trim", "t", "-o", "4", "-p", "0"], "")?;
    assert_eq!(beyond.code, Some(1), "{beyond:#?}");
    assert!(beyond.stdout.contains("OFFSET_OUT_OF_RANGE"), "{beyond:#?}");
    // A dry run says what would come of it, no more and no less.
    let dry = session.run(
        &["topic", "trim", "t", "-o", "4", "-p", "0", "--dry-run"],
        "",
    )?;
    assert_eq!(dry.code, Some(1), "{dry:#?}");
    assert!(dry.stdout.contains("OFFSET_OUT_OF_RANGE"), "{dry:#?}");
    let dry = session.json(&["topic", "trim", "t", "-o", "1", "-p", "0", "--dry-run"])?;
    assert_eq!(dry, json!([row(0, 2, 2)]));
    let all = session.json(&["topic", "trim", "t", "-o", "end", "-p", "0"])?;
    assert_eq!(all, json!([row(0, 2, 3)]));
    broker.finish()
}

#[test]
fn groups_take_over_and_give_up_offsets() -> anyhow::Result<()> {
    let (broker, session) = broker()?;
    for topic in ["t", "u"] {
        session.run(&["topic", "create", topic], "")?.success()?;
        session
            .run(&["topic", "produce", topic], "a\nb\n")?
            .success()?;
        let consume = ["topic", "consume", topic, "-g", "one", "-n", "2"];
        session.run(&consume, "")?.success()?;
    }
    let committed = |group: &str| -> anyhow::Result<Vec<(String, i64)>> {
        let described = session.json(&["group", "describe", group])?;
        let partitions = described["partitions"].as_array().context("partitions")?;
        let rows = partitions.iter().map(|row| {
            let topic = row["topic"].as_str().unwrap_or_default().to_owned();
            (topic, row["current_offset"].as_i64().unwrap_or(-1))
        });
        Ok(rows.collect())
    };
    let both = [("t".to_owned(), 2), ("u".to_owned(), 2)];
    assert_eq!(committed("one")?, both);
    // The other group does not exist yet.
    let seek = ["group", "seek", "two", "--to-group", "one"];
    session.run(&seek, "")?.success()?;
    assert_eq!(committed("two")?, both);
    let seek = [
        "group",
        "seek",
        "three",
        "--to-group",
        "one",
        "--topics",
        "u",
    ];
    session.run(&seek, "")?.success()?;
    assert_eq!(committed("three")?, both[1..]);
    let nobody = session.run(&["group", "seek", "two", "--to-group", "nobody"], "")?;
    assert_eq!(nobody.code, Some(1), "{nobody:#?}");
    assert!(nobody.stderr.contains("nobody"), "{nobody:#?}");

    let deleted = session.json(&["group", "offset-delete", "two", "-t", "t"])?;
    assert_eq!(
        deleted,
        json!([{"topic": "t", "partition": 0, "status": "OK"}])
    );
    assert_eq!(committed("two")?, both[1..]);
    let partly = ["group", "offset-delete", "two", "-t", "u:0,7"];
    let partly = session.run(&partly, "")?;
    assert_eq!(partly.code, Some(1), "{partly:#?}");
    assert!(
        partly.stdout.contains("UNKNOWN_TOPIC_OR_PARTITION"),
        "{partly:#?}"
    );
    // With its last offset the group is gone.
    let gone = session.run(&["group", "describe", "two"], "")?;
    assert_eq!(gone.code, Some(1), "{gone:#?}");
    broker.finish()
}

#[test]
fn settings_of_the_broker_change_while_it_runs() -> anyhow::Result<()> {
    let (broker, session) = broker()?;
    session.run(&["topic", "create", "t"], "")?.success()?;
    let get = ["cluster", "config", "get", "message.max.bytes"];
    assert_eq!(session.run(&get, "")?.success()?, "1048588");
    let set = [
        "cluster",
        "config",
        "set",
        "message.max.bytes=100",
        "max.connections=500",
    ];
    session.run(&set, "")?.success()?;
    assert_eq!(session.run(&get, "")?.success()?, "100");
    let long = "x".repeat(200);
    let refused = session.run(&["topic", "produce", "t"], &long)?;
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    let changed = session.json(&["cluster", "config", "list", "--changed"])?;
    let changed = changed.as_array().context("rows")?;
    let dynamic: Vec<&Value> = changed
        .iter()
        .filter(|row| row["source"] == "DYNAMIC_DEFAULT_BROKER_CONFIG")
        .map(|row| &row["key"])
        .collect();
    assert_eq!(dynamic, ["max.connections", "message.max.bytes"]);

    let both = [
        "cluster",
        "config",
        "set",
        "--broker",
        "0",
        "-d",
        "max.connections",
        "message.max.bytes=3000",
    ];
    session.run(&both, "")?.success()?;
    session.run(&["topic", "produce", "t"], &long)?.success()?;
    let fixed = session.run(&["cluster", "config", "set", "num.partitions=3"], "")?;
    assert_eq!(fixed.code, Some(1), "{fixed:#?}");
    assert!(fixed.stderr.contains("num.partitions"), "{fixed:#?}");
    let unknown = session.run(&["cluster", "config", "get", "nothing"], "")?;
    assert_eq!(unknown.code, Some(1), "{unknown:#?}");
    broker.finish()
}

/// `max.connections` acts on the listener, also over a restart.
#[test]
fn the_limit_of_connections_changes_while_the_broker_runs() -> anyhow::Result<()> {
    let mut broker = BrokerOptions::new().restartable().start()?;
    let session = Session::with(&broker);
    let set = ["cluster", "config", "set", "max.connections=1"];
    session.run(&set, "")?.success()?;
    for _ in 0..2 {
        let only = taken(broker.kafka())?;
        let refused = session.run(&["cluster", "info"], "")?;
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        drop(only);
        broker.kill()?;
        broker.start_again()?;
    }
    broker.finish()
}

/// A connection that the broker serves: those before it may still be ending.
fn taken(address: SocketAddr) -> anyhow::Result<Connection> {
    for _ in 0..1000 {
        let mut connection = Connection::open(address)?;
        if connection.call(&ApiVersionsRequest::default(), 0).is_ok() {
            return Ok(connection);
        }
    }
    anyhow::bail!("no connection is taken")
}

#[test]
fn the_room_that_logs_take_is_told() -> anyhow::Result<()> {
    let (broker, session) = broker()?;
    session
        .run(&["topic", "create", "t", "-p", "2"], "")?
        .success()?;
    session
        .run(&["topic", "produce", "t", "-p", "1"], "something\n")?
        .success()?;
    let rows = session.json(&["cluster", "logdirs"])?;
    let rows = rows.as_array().context("rows")?;
    let size = |partition: i64| {
        let row = rows.iter().find(|row| row["partition"] == partition);
        row.and_then(|row| row["size"].as_i64())
    };
    assert_eq!(size(0), Some(0));
    let bytes = size(1).context("the size of a partition")?;
    assert!(bytes > 60, "{bytes}");
    let topics = session.json(&[
        "cluster",
        "logdirs",
        "--aggregate-into",
        "topic",
        "--topics",
        "t",
    ])?;
    assert_eq!(topics[0]["size"], bytes);
    let directories = session.json(&["cluster", "logdirs", "--aggregate-into", "dir"])?;
    let directory = &directories[0];
    assert!(
        directory["dir"]
            .as_str()
            .is_some_and(|path| path.starts_with('/'))
    );
    assert!(directory["volume_free"].as_i64() <= directory["volume_size"].as_i64());
    assert!(directory["volume_free"].as_i64() > Some(0));
    let missing = session.run(&["cluster", "logdirs", "--topics", "nowhere"], "")?;
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    broker.finish()
}
