//! Compacted topics.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use model::ErrorCode;
use wire::batch::{BatchBuilder, BatchView, NewRecord, Records};
use wire::compression::Codec;
use wire::messages::create_topics::CreatableTopicConfig;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use wire::{Chunks, Text};

use crate::support::{Fixture, NOW_MS, assert_code, batch, produce_request};
use crate::topics_admin::{self, by_name, topic};

/// Creates topic `t` with these settings.
pub(crate) async fn create(fixture: &mut Fixture, configs: &[(&'static str, &'static str)]) -> i16 {
    let config = |(name, value): &(&'static str, &'static str)| CreatableTopicConfig {
        name: Text::from_static(name),
        value: Some(Text::from_static(value)),
    };
    let created = wire::messages::create_topics::CreatableTopic {
        configs: configs.iter().map(config).collect(),
        ..topic("t")
    };
    topics_admin::create(fixture, vec![created]).await[0].error_code
}

/// Sets settings of topic `t`.
pub(crate) async fn set(fixture: &mut Fixture, configs: &[(&'static str, &'static str)]) -> i16 {
    let configs = configs.iter().map(|(name, value)| AlterableConfig {
        name: Text::from_static(name),
        config_operation: 0,
        value: Some(Text::from_static(value)),
    });
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: 2,
            resource_name: Text::from_static("t"),
            configs: configs.collect(),
        }],
        ..IncrementalAlterConfigsRequest::default()
    };
    fixture.call(&request, 1).await.responses[0].error_code
}

/// A batch of keys and values, of now.
pub(crate) fn keyed(records: &[(Option<&str>, Option<&str>)], codec: Codec) -> Bytes {
    let mut builder = BatchBuilder::new().codec(codec);
    for (key, value) in records {
        builder.push(NewRecord {
            timestamp: NOW_MS,
            key: key.map(str::as_bytes),
            value: value.map(str::as_bytes),
            headers: &[],
        });
    }
    builder.build().into()
}

/// The records of fetched batches: offset, key and value.
pub(crate) fn records(chunks: Option<Chunks>) -> Vec<(i64, Option<String>, Option<String>)> {
    let bytes = chunks.map(Chunks::into_bytes).unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = &bytes[..];
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    while !rest.is_empty() {
        let (batch, behind) = BatchView::parse(rest).unwrap();
        assert!(batch.crc_is_valid());
        let opened = batch.decompressed(1 << 20).unwrap();
        for record in Records::new(&opened, batch.record_count) {
            let record = record.unwrap();
            found.push((
                batch.base_offset.0 + i64::from(record.offset_delta),
                record.key.map(text),
                record.value.map(text),
            ));
        }
        rest = behind;
    }
    found
}

/// Lets time pass until what a fetch finds has come down to so many records. Compaction looks for work
/// when a setting of the log changes, and when it has been rolled.
async fn compacted_to(
    fixture: &mut Fixture,
    count: usize,
) -> Vec<(i64, Option<String>, Option<String>)> {
    for round in 0..1_000 {
        fixture.clock.advance(Duration::from_secs(2));
        let lag = ["1000", "1001"][round % 2];
        assert_code(
            set(fixture, &[("delete.retention.ms", lag)]).await,
            ErrorCode::None,
        );
        let found = records(fixture.fetch("t", 0).await.records);
        if found.len() == count {
            return found;
        }
    }
    panic!("it is never compacted");
}

/// Waits until a restart finds what compaction has left: before a checkpoint lists the new segments it goes on with
/// the old ones. Each topic that is deleted asks for checkpoints.
pub(crate) async fn checkpointed(fixture: &mut Fixture) {
    const CHECKPOINTS: &str = "ottla_checkpoints_total";
    // The first from now on may have been begun before.
    let enough = fixture.counter(CHECKPOINTS) + 2;
    for _ in 0..1_000 {
        let created = topics_admin::create(fixture, vec![topic("passing")]).await;
        assert_code(created[0].error_code, ErrorCode::None);
        let request = DeleteTopicsRequest {
            topics: vec![by_name("passing")],
            ..DeleteTopicsRequest::default()
        };
        let deleted = fixture.call(&request, 6).await;
        assert_code(deleted.responses[0].error_code, ErrorCode::None);
        if fixture.counter(CHECKPOINTS) >= enough {
            return;
        }
    }
    panic!("no checkpoint is written");
}

const COMPACTED: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("min.cleanable.dirty.ratio", "0"),
    ("segment.ms", "1000"),
];

#[tokio::test]
async fn of_each_key_the_last_record_stays_over_a_restart() {
    let mut fixture = Fixture::open().await;
    assert_code(create(&mut fixture, &COMPACTED).await, ErrorCode::None);
    let mut last = BTreeMap::new();
    for number in 0..20_i64 {
        let (key, value) = (format!("key {}", number % 3), format!("value {number}"));
        let codec = Codec::ALL[(number % 5) as usize];
        let batch = keyed(&[(Some(&key), Some(&value))], codec);
        let produced = fixture.produce("t", batch).await;
        assert_eq!(produced.base_offset, number);
        last.insert(key, (number, value));
    }
    let mut expected: Vec<_> = last
        .into_iter()
        .map(|(key, (offset, value))| (offset, Some(key), Some(value)))
        .collect();
    expected.sort();
    assert_eq!(compacted_to(&mut fixture, 3).await, expected);
    let fetched = fixture.fetch("t", 0).await;
    assert_eq!((fetched.high_watermark, fetched.log_start_offset), (20, 0));
    checkpointed(&mut fixture).await;
    let mut fixture = fixture.restart().await;
    let fetched = fixture.fetch("t", 0).await;
    assert_eq!(records(fetched.records), expected);
    let fetched = fixture.fetch("t", 18).await;
    assert_eq!(records(fetched.records), expected[1..]);
    assert_eq!(compacted_to(&mut fixture, 3).await, expected);
}

#[tokio::test]
async fn a_topic_becomes_compacted_and_loses_what_has_no_key() {
    let mut fixture = Fixture::open().await;
    create(&mut fixture, &[("segment.ms", "1000")]).await;
    fixture.produce("t", batch(&["without", "a key"])).await;
    let twice = [(Some("a"), Some("1")), (Some("a"), Some("2"))];
    fixture.produce("t", keyed(&twice, Codec::None)).await;
    assert_code(set(&mut fixture, &COMPACTED).await, ErrorCode::None);
    let left = compacted_to(&mut fixture, 1).await;
    assert_eq!(left, [(3, Some("a".to_owned()), Some("2".to_owned()))]);
}

#[tokio::test]
async fn records_without_keys_are_refused_by_their_numbers() {
    let mut fixture = Fixture::open().await;
    create(&mut fixture, &COMPACTED).await;
    for codec in Codec::ALL {
        let mixed = [(Some("a"), None), (None, Some("1")), (None, None)];
        let request = produce_request("t", keyed(&mixed, codec));
        for version in [7, 9, 13] {
            let mut request = request.clone();
            if version == 13 {
                request.topic_data[0].topic_id = fixture.topic("t").await.topic_id;
            }
            let response = fixture.call(&request, version).await;
            let partition = &response.responses[0].partition_responses[0];
            assert_code(partition.error_code, ErrorCode::InvalidRecord);
            let blamed: Vec<_> = partition
                .record_errors
                .iter()
                .map(|error| error.batch_index)
                .collect();
            assert_eq!(blamed, if version < 8 { vec![] } else { vec![1, 2] });
            // It is said once, and not for each record.
            assert_eq!(partition.error_message.is_some(), version >= 8);
            let mut messages = partition
                .record_errors
                .iter()
                .map(|error| &error.batch_index_error_message);
            assert!(messages.all(Option::is_none));
        }
        let good = [(Some("a"), None), (Some(""), Some("1"))];
        let produced = fixture.produce("t", keyed(&good, codec)).await;
        assert_code(produced.error_code, ErrorCode::None);
    }
    let many = vec![(None, Some("x")); 5_000];
    let produced = fixture.produce("t", keyed(&many, Codec::Gzip)).await;
    assert_eq!(produced.record_errors.len(), 100, "the first of them");
}

#[tokio::test]
async fn compressed_batches_that_are_not_what_they_say_are_refused() {
    let mut fixture = Fixture::open().await;
    create(&mut fixture, &COMPACTED).await;
    let sound = keyed(&[(Some("a"), Some("1")); 3], Codec::Zstd);
    let mut broken = sound.to_vec();
    let end = broken.len();
    broken[end - 8..].fill(0);
    let mut miscounted = sound.to_vec();
    miscounted[23..27].copy_from_slice(&6_i32.to_be_bytes());
    miscounted[57..61].copy_from_slice(&7_i32.to_be_bytes());
    let bomb = keyed(&[(Some("a"), Some(&"x".repeat(130 << 20)))], Codec::Zstd);
    for batch in [broken, miscounted, bomb.to_vec()] {
        let produced = fixture.produce("t", sealed(batch)).await;
        assert_code(produced.error_code, ErrorCode::InvalidRecord);
    }
    assert_eq!(fixture.fetch("t", 0).await.high_watermark, 0);
}

/// Makes the checksum of a batch right.
fn sealed(mut batch: Vec<u8>) -> Bytes {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &batch[21..]);
    batch[17..21].copy_from_slice(&u32::try_from(crc).unwrap().to_be_bytes());
    batch.into()
}

#[tokio::test]
async fn clients_set_no_delete_horizon() {
    let mut fixture = Fixture::open().await;
    let log_append_time = ("message.timestamp.type", "LogAppendTime");
    create(&mut fixture, &COMPACTED).await;
    for configs in [&[][..], &[log_append_time]] {
        assert_code(set(&mut fixture, configs).await, ErrorCode::None);
        let mut batch = keyed(&[(Some("a"), None)], Codec::None).to_vec();
        batch[22] |= 0x40;
        let produced = fixture.produce("t", sealed(batch)).await;
        assert_code(produced.error_code, ErrorCode::InvalidRecord);
    }
}

/// The settings of all brokers are those of topics that have none, as they are at present.
#[tokio::test]
async fn lags_of_the_broker_bound_new_topics() {
    let mut fixture = Fixture::open().await;
    let lag = |name, value| AlterableConfig {
        name: Text::from_static(name),
        config_operation: 0,
        value: Some(Text::from_static(value)),
    };
    let mut brokers = async |configs: Vec<AlterableConfig>| {
        let request = IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: 4,
                configs,
                ..AlterConfigsResource::default()
            }],
            ..IncrementalAlterConfigsRequest::default()
        };
        fixture.call(&request, 1).await.responses[0].error_code
    };
    let (least, most) = (
        "log.cleaner.min.compaction.lag.ms",
        "log.cleaner.max.compaction.lag.ms",
    );
    let contradiction = vec![lag(least, "10"), lag(most, "9")];
    assert_code(brokers(contradiction).await, ErrorCode::InvalidRequest);
    assert_code(brokers(vec![lag(most, "9")]).await, ErrorCode::None);
    let created = create(&mut fixture, &[("min.compaction.lag.ms", "10")]).await;
    assert_code(created, ErrorCode::InvalidConfig);
    assert_code(
        create(&mut fixture, &[("min.compaction.lag.ms", "9")]).await,
        ErrorCode::None,
    );
}

#[tokio::test]
async fn lags_that_contradict_each_other_are_refused() {
    let mut fixture = Fixture::open().await;
    let lags = [
        ("min.compaction.lag.ms", "10"),
        ("max.compaction.lag.ms", "9"),
    ];
    let created = create(&mut fixture, &lags).await;
    assert_code(created, ErrorCode::InvalidConfig);
    assert_code(create(&mut fixture, &lags[..1]).await, ErrorCode::None);
    assert_code(
        set(&mut fixture, &lags[1..]).await,
        ErrorCode::InvalidConfig,
    );
    let later = [("max.compaction.lag.ms", "10")];
    assert_code(set(&mut fixture, &later).await, ErrorCode::None);
}
