use std::time::Duration;

use client::ProducerIdentity;
use serde_json::json;

use super::*;

fn transaction(start_time_ms: Option<i64>) -> Transaction {
    Transaction {
        transactional_id: "tx".to_owned(),
        coordinator: 1,
        state: "Ongoing".to_owned(),
        producer: ProducerIdentity { id: 7, epoch: 3 },
        timeout_ms: 60_000,
        start_time_ms,
        partitions: [TopicPartition::new("t", 2)].into(),
    }
}

#[test]
fn the_duration_is_known_while_a_transaction_is_under_way_and_never_below_zero() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_500);
    for (start_time_ms, duration_ms) in [
        (Some(1_000_000), json!(500)),
        (Some(2_000_000), json!(0)),
        (None, json!(null)),
    ] {
        let description = describe(&transaction(start_time_ms), now);
        let expected = json!({
            "transactional_id": "tx", "coordinator": 1, "state": "Ongoing", "producer_id": 7,
            "producer_epoch": 3, "timeout_ms": 60_000, "start_timestamp": start_time_ms,
            "duration_ms": duration_ms, "partitions": [{"topic": "t", "partition": 2}],
        });
        assert_eq!(serde_json::to_value(&description).unwrap(), expected);
    }
}
