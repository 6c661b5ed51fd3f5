//! Quotas of clients: set from the command line, felt on the socket.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use testkit::{BrokerOptions, Connection};
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{Chunks, Text};

use crate::command_line::Session;

#[test]
fn quotas_are_set_listed_and_deleted() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    let quotas = |arguments: &[&str]| session.json(&[&["cluster", "quotas"], arguments].concat());
    let row = |entity: &str, quota: &str, limit: f64| json!({"entity": entity, "quota": quota, "limit": limit});

    let set = ["set", "producer_byte_rate=1e6", "request_percentage=12.5"];
    let of_app = ["--name", "client-id=app", "--default", "user"];
    let done = quotas(&[&set[..], &of_app].concat())?;
    assert_eq!(done[1]["status"], "OK");
    quotas(&["set", "consumer_byte_rate=2048", "--name", "user=u"])?;
    quotas(&[
        "set",
        "consumer_byte_rate=1",
        "--name",
        "user=v",
        "--dry-run",
    ])?;
    let app = "client-id=app,user=<default>";
    let both = [
        row(app, "producer_byte_rate", 1_000_000.0),
        row(app, "request_percentage", 12.5),
    ];
    let user = row("user=u", "consumer_byte_rate", 2048.0);
    let all = json!([both[0], both[1], user]);
    assert_eq!(quotas(&["list"])?, all);
    assert_eq!(quotas(&["list", "--any", "user"])?, all);
    let strict = quotas(&["list", "--any", "user", "--strict"])?;
    assert_eq!(strict, json!([user]));
    assert_eq!(quotas(&["list", "--default", "user"])?, json!(both));
    assert_eq!(quotas(&["list", "--name", "user=u"])?, json!([user]));

    quotas(&[&["delete", "request_percentage"][..], &of_app].concat())?;
    assert_eq!(quotas(&["list"])?, json!([both[0], user]));
    quotas(&["delete", "--name", "user=u"])?;
    assert_eq!(quotas(&["list"])?, json!([both[0]]));
    for wrong in [&["set", "speed=1"][..], &["set", "producer_byte_rate=0"]] {
        let wrong = [&["cluster", "quotas"], wrong, &["--name", "user=u"]].concat();
        let refused = session.run(&wrong, "")?;
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.stderr.contains("INVALID_REQUEST"), "{refused:#?}");
    }
    let nobody = session.run(&["cluster", "quotas", "delete"], "")?;
    assert_eq!(nobody.code, Some(2), "{nobody:#?}");
    broker.finish()
}

/// Bytes per second.
const LIMIT: i32 = 1000;

fn request() -> ProduceRequest {
    let value = vec![b'v'; 10_400];
    let mut batch = BatchBuilder::new();
    batch.push(NewRecord {
        timestamp: 1_767_225_600_000,
        key: None,
        value: Some(&value),
        headers: &[],
    });
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: Text::from_static("t"),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(Chunks::from(bytes::Bytes::from(batch.build()))),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// The answer comes at once and says how long the client is throttled; what the client sends meanwhile
/// is answered when that time has passed.
#[test]
fn a_client_over_its_quota_is_held_back() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let session = Session::with(&broker);
    session.run(&["topic", "create", "t"], "")?.success()?;
    let limit = format!("producer_byte_rate={LIMIT}");
    let set = ["cluster", "quotas", "set", &limit, "--default", "client-id"];
    session.run(&set, "")?.success()?;

    let mut throttled = Connection::open(broker.kafka())?;
    let answer = throttled.call(&request(), 9)?;
    let answered = Instant::now();
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    let throttle_time = Duration::from_millis(u64::try_from(answer.throttle_time_ms)?);
    // Ten seconds' worth are free; 10,400 bytes and their headers take almost half a second more.
    ensure!(
        (400..600).contains(&throttle_time.as_millis()),
        "{throttle_time:?}"
    );
    throttled.call(&ApiVersionsRequest::default(), 0)?;
    let held = answered.elapsed();
    // The broker began to count before the answer was here.
    ensure!(
        held + Duration::from_millis(100) > throttle_time,
        "{held:?} of {throttle_time:?}"
    );
    broker.finish()
}
