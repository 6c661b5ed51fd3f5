//! Transactions from the command line: what is open, what hangs, and how both are ended.

use anyhow::{Context, ensure};
use model::{ErrorCode, ProducerEpoch, ProducerId};
use serde_json::{Value, json};
use testkit::{BrokerOptions, BrokerProcess, Connection, fetch_request, produce_request};
use wire::Text;
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::end_txn::EndTxnRequest;
use wire::messages::init_producer_id::InitProducerIdRequest;

use crate::command_line::Session;

/// The version of Produce whose batches add their partitions to the transaction, and one whose do not.
const ADDS: i16 = 12;
const ADDS_NOT: i16 = 9;

/// When the producers say that they write.
const TIMESTAMP: i64 = 1_767_225_600_000;

/// A broker that also takes batches which belong to no transaction, as Kafka did before KIP-890.
fn broker() -> anyhow::Result<(BrokerProcess, Session)> {
    let broker = BrokerOptions::new()
        .set("transaction.partition.verification.enable", "false")
        .start()?;
    let session = Session::with(&broker);
    session
        .run(&["topic", "create", "t", "-p", "2"], "")?
        .success()?;
    Ok((broker, session))
}

/// A producer with a transactional id.
struct Producer {
    connection: Connection,
    transactional_id: &'static str,
    id: i64,
    epoch: i16,
}

impl Producer {
    fn begin(broker: &BrokerProcess, transactional_id: &'static str) -> anyhow::Result<Self> {
        let mut connection = Connection::open(broker.kafka())?;
        let request = InitProducerIdRequest {
            transactional_id: Some(Text::from_static(transactional_id)),
            transaction_timeout_ms: 70_000,
            ..InitProducerIdRequest::default()
        };
        let given = connection.call(&request, 4)?;
        ensure!(given.error_code == 0, "{given:?}");
        Ok(Self {
            connection,
            transactional_id,
            id: given.producer_id,
            epoch: given.producer_epoch,
        })
    }

    /// Writes a record to a partition of `t`; the error code.
    fn write(&mut self, partition: i32, sequence: i32, version: i16) -> anyhow::Result<i16> {
        let (id, epoch) = (ProducerId(self.id), ProducerEpoch(self.epoch));
        let mut batch = BatchBuilder::new()
            .producer(id, epoch, sequence)
            .transactional();
        batch.push(NewRecord {
            timestamp: TIMESTAMP,
            value: Some(b"v"),
            ..NewRecord::default()
        });
        let mut request = produce_request("t", partition, batch.build(), -1);
        request.transactional_id = Some(Text::from_static(self.transactional_id));
        let answer = self.connection.call(&request, version)?;
        Ok(answer.responses[0].partition_responses[0].error_code)
    }

    /// Ends its transaction; the error code.
    fn end(&mut self, committed: bool) -> anyhow::Result<i16> {
        let request = EndTxnRequest {
            transactional_id: Text::from_static(self.transactional_id),
            producer_id: self.id,
            producer_epoch: self.epoch,
            committed,
        };
        Ok(self.connection.call(&request, 4)?.error_code)
    }

    /// The last stable offset of a partition of `t`.
    fn last_stable_offset(&mut self, partition: i32) -> anyhow::Result<i64> {
        let mut request = fetch_request("t", partition, 0, 0);
        request.isolation_level = 1;
        let answer = self.connection.call(&request, 12)?;
        Ok(answer.responses[0].partitions[0].last_stable_offset)
    }
}

fn txn(session: &Session, arguments: &[&str]) -> anyhow::Result<Value> {
    session.json(&[&["cluster", "txn"], arguments].concat())
}

/// Runs a command that has to fail, and say so with these words.
fn refused(session: &Session, arguments: &[&str], words: &str) -> anyhow::Result<()> {
    let finished = session.run(&[&["cluster", "txn"], arguments].concat(), "")?;
    ensure!(finished.code == Some(1), "{finished:#?}");
    ensure!(finished.stderr.contains(words), "{words}: {finished:#?}");
    Ok(())
}

#[test]
fn an_open_transaction_is_found_and_aborted() -> anyhow::Result<()> {
    let (broker, session) = broker()?;
    assert_eq!(txn(&session, &["list"])?, json!([]));
    let idle = Producer::begin(&broker, "idle")?;
    let mut busy = Producer::begin(&broker, "busy")?;
    for partition in [0, 1] {
        assert_eq!(busy.write(partition, 0, ADDS)?, 0);
    }
    let row = |id: &str, producer_id: i64, state: &str| json!({"transactional_id": id, "coordinator": 0, "producer_id": producer_id, "state": state});
    let (of_busy, of_idle) = (
        row("busy", busy.id, "Ongoing"),
        row("idle", idle.id, "Empty"),
    );
    let idle_id = idle.id.to_string();
    for (filter, expected) in [
        (&[][..], json!([of_busy, of_idle])),
        (&["--state", "Ongoing,PrepareAbort"], json!([of_busy])),
        (&["--producer-id", &idle_id], json!([of_idle])),
        (&["--id-pattern", "b.*"], json!([of_busy])),
        (&["--longer-than", "3600000"], json!([])),
    ] {
        assert_eq!(txn(&session, &[&["list"], filter].concat())?, expected);
    }
    refused(
        &session,
        &["list", "--id-pattern", "("],
        "mend --id-pattern",
    )?;

    let described = txn(&session, &["describe", "busy", "idle"])?;
    let busy_now = &described[0];
    assert_eq!(busy_now["state"], "Ongoing");
    assert_eq!(busy_now["producer_id"], busy.id);
    assert_eq!(busy_now["producer_epoch"], busy.epoch);
    assert_eq!(busy_now["timeout_ms"], 70_000);
    let duration_ms = busy_now["duration_ms"].as_i64().context("a duration")?;
    assert!((0..70_000).contains(&duration_ms), "{duration_ms}");
    let both = json!([{"topic": "t", "partition": 0}, {"topic": "t", "partition": 1}]);
    assert_eq!(busy_now["partitions"], both);
    assert_eq!(described[1]["start_timestamp"], Value::Null);
    refused(
        &session,
        &["describe", "nobody"],
        "no transactional id nobody",
    )?;

    let dry = txn(&session, &["abort", "busy", "--dry-run"])?;
    assert_eq!(dry[0]["status"], "OK");
    assert_eq!(busy.last_stable_offset(1)?, 0);
    let aborted = txn(&session, &["abort", "busy"])?;
    assert_eq!(aborted[0]["status"], "OK");
    assert_eq!(aborted[0]["producer_id"], busy.id);
    assert!(aborted[0]["producer_epoch"].as_i64() > Some(busy.epoch.into()));
    // A record and the marker.
    assert_eq!(busy.last_stable_offset(0)?, 2);
    assert_eq!(busy.last_stable_offset(1)?, 2);
    assert_eq!(busy.end(true)?, ErrorCode::ProducerFenced.code());
    // What the producer has asked for stays.
    let after = txn(&session, &["describe", "busy"])?;
    assert_eq!(after[0]["timeout_ms"], 70_000);

    refused(&session, &["abort", "idle"], "no open transaction")?;
    refused(&session, &["abort", "nobody"], "no transactional id nobody")?;
    // Nobody has got the id.
    assert_eq!(txn(&session, &["list"])?.as_array().map(Vec::len), Some(2));
    broker.finish()
}

#[test]
fn a_hung_transaction_is_found_and_aborted() -> anyhow::Result<()> {
    let (broker, session) = broker()?;
    let mut live = Producer::begin(&broker, "live")?;
    let mut late = Producer::begin(&broker, "late")?;
    assert_eq!(live.write(0, 0, ADDS)?, 0);
    assert_eq!(txn(&session, &["list", "--hung"])?, json!([]));
    // No coordinator has its partition.
    assert_eq!(late.write(0, 0, ADDS_NOT)?, 0);
    let found = txn(&session, &["list", "--hung"])?;
    // Of the broker's clock, whatever the producer's says.
    let last_timestamp = found[0]["last_timestamp"].as_i64();
    assert!(last_timestamp > Some(TIMESTAMP), "{found}");
    let row = json!([{"topic": "t", "partition": 0, "start_offset": 1, "producer_id": late.id,
                      "producer_epoch": late.epoch, "coordinator_epoch": null,
                      "last_timestamp": last_timestamp}]);
    for scope in [&[][..], &["--topic", "t"], &["--broker", "0"]] {
        let found = txn(&session, &[&["list", "--hung"], scope].concat())?;
        assert_eq!(found, row, "{scope:?}");
    }
    refused(&session, &["list", "--hung", "--broker", "1"], "broker 1")?;
    refused(
        &session,
        &["list", "--hung", "--topic", "nowhere"],
        "nowhere",
    )?;

    let place = ["--topic", "t", "--partition", "0"];
    let producers = txn(&session, &[&["describe"][..], &place].concat())?;
    let starts = |id: i64| {
        let mut rows = producers.as_array().into_iter().flatten();
        let row = rows.find(|row| row["producer_id"] == id);
        row.map(|row| row["transaction_start_offset"].clone())
    };
    assert_eq!(starts(live.id), Some(json!(0)));
    assert_eq!(starts(late.id), Some(json!(1)));
    let missing = ["describe", "--topic", "t", "--partition", "7"];
    refused(&session, &missing, "UNKNOWN_TOPIC_OR_PARTITION")?;

    let abort = |offset, more: &[&'static str]| {
        let abort = [&["abort"][..], &place, &["--start-offset", offset], more];
        abort.concat()
    };
    // One that its coordinator is going to end is not torn.
    refused(
        &session,
        &abort("0", &[]),
        "`ottla cluster txn abort live` aborts it",
    )?;
    refused(&session, &abort("7", &[]), "begins at offset 7")?;
    txn(&session, &abort("1", &["--dry-run"]))?;
    assert_eq!(txn(&session, &["list", "--hung"])?, row);
    let aborted = txn(&session, &abort("1", &[]))?;
    assert_eq!(aborted[0]["status"], "OK");
    assert_eq!(aborted[0]["producer_id"], late.id);
    assert_eq!(txn(&session, &["list", "--hung"])?, json!([]));
    assert_eq!(live.last_stable_offset(0)?, 0);
    assert_eq!(live.end(true)?, 0);
    // Two records, and a marker of each.
    assert_eq!(live.last_stable_offset(0)?, 4);
    broker.finish()
}
