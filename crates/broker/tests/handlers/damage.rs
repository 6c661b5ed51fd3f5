//! Damage on disk: what it costs, and that it is told.

use std::path::PathBuf;
use std::sync::Arc;

use env::Fs;
use model::ErrorCode;
use sim::SimFs;

use wire::Text;
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::OffsetFetchRequest;

use crate::support::{Fixture, assert_code, batch, values};

/// Where these bytes stand in the write-ahead log.
pub(crate) fn find(disk: &SimFs, data_dir: &std::path::Path, bytes: &[u8]) -> (PathBuf, u64) {
    let wal = data_dir.join("wal");
    for entry in disk.list_dir(&wal).unwrap() {
        let path = wal.join(entry.name);
        let content = disk.read(&path).unwrap();
        let found = content
            .windows(bytes.len())
            .position(|window| window == bytes);
        if let Some(position) = found {
            return (path, position as u64);
        }
    }
    panic!("the bytes are not in the write-ahead log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_to_one_log_is_named_and_spares_the_others() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    for topic in ["broken", "whole"] {
        fixture.topic(topic).await;
        fixture.produce(topic, batch(&["first"])).await;
    }
    fixture.produce("broken", batch(&["will be damaged"])).await;
    // What says that all of that was durable.
    fixture.produce("whole", batch(&["second"])).await;

    let disk = disk.kill();
    let (path, position) = find(&disk, fixture.data_dir(), b"will be damaged");
    disk.flip_bit(&path, position, 3);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    let health = fixture.broker.health();
    assert_eq!(health.len(), 1, "{health:?}");
    assert_eq!(health[0].path.as_ref(), Some(&path));
    let named = health[0].position.unwrap();
    assert!(
        named.abs_diff(position) < 4096,
        "{named} is far from {position}"
    );

    // Up to the damage it can be read, and nothing is added behind it.
    let fetched = fixture.fetch("broken", 0).await;
    assert_code(fetched.error_code, ErrorCode::None);
    assert_eq!(values(fetched.records), [(0, "first".to_owned())]);
    // A reader that has come to the damage is not told that this is the end.
    let fetched = fixture.fetch("broken", 1).await;
    assert_code(fetched.error_code, ErrorCode::KafkaStorageError);
    let fetched = fixture.fetch("broken", 2).await;
    assert_code(fetched.error_code, ErrorCode::KafkaStorageError);
    let response = fixture.produce("broken", batch(&["third"])).await;
    assert_code(response.error_code, ErrorCode::KafkaStorageError);

    let fetched = fixture.fetch("whole", 0).await;
    assert_code(fetched.error_code, ErrorCode::None);
    assert_eq!(values(fetched.records).len(), 2);
    let response = fixture.produce("whole", batch(&["third"])).await;
    assert_code(response.error_code, ErrorCode::None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_chain_of_rounds_is_named_and_what_is_before_it_can_be_read() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    for value in ["first", "in a broken round", "third", "fourth"] {
        fixture.produce("t", batch(&[value])).await;
    }
    let disk = disk.kill();
    let (path, position) = find(&disk, fixture.data_dir(), b"in a broken round");
    // Rounds begin with their header, on a block of their own.
    let header = position / 4096 * 4096;
    disk.flip_bit(&path, header + 20, 0);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    let health = fixture.broker.health();
    assert_eq!(health[0].code, "wal-chain", "{health:?}");
    assert_eq!(health[0].path.as_ref(), Some(&path));
    assert_eq!(health[0].position, Some(header));
    assert_eq!(health[1].code, "read-only", "{health:?}");
    let fetched = fixture.fetch("t", 0).await;
    assert_eq!(values(fetched.records), [(0, "first".to_owned())]);
    // A reader that was further than that is not sent back to the beginning.
    for from in [1, 4] {
        let fetched = fixture.fetch("t", from).await;
        assert_code(fetched.error_code, ErrorCode::KafkaStorageError);
    }
    let response = fixture.produce("t", batch(&["fifth"])).await;
    assert_code(response.error_code, ErrorCode::KafkaStorageError);
    let topic = fixture.topic("new").await;
    assert_code(topic.error_code, ErrorCode::KafkaStorageError);
}

fn commit_request(offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: Text::from_static("group"),
        topics: vec![OffsetCommitRequestTopic {
            name: Text::from_static("t"),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: offset,
                committed_metadata: Some(Text::from(format!("note {offset}").as_str())),
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

async fn commit(fixture: &mut Fixture, offset: i64) {
    let response = fixture.call(&commit_request(offset), 7).await;
    assert_code(response.topics[0].partitions[0].error_code, ErrorCode::None);
}

/// What the group is told of its offsets.
async fn committed(fixture: &mut Fixture) -> Result<i64, i16> {
    let request = OffsetFetchRequest {
        group_id: Text::from_static("group"),
        topics: None,
        ..OffsetFetchRequest::default()
    };
    let response = fixture.call(&request, 5).await;
    let offset = response
        .topics
        .first()
        .map_or(-1, |topic| topic.partitions[0].committed_offset);
    match response.error_code {
        0 => Ok(offset),
        code => Err(code),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_newest_offsets_may_be_lost_is_told_none() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    for offset in [1, 2, 3] {
        commit(&mut fixture, offset).await;
    }
    let disk = disk.kill();
    // The round of the second commit; the third one says that it was durable.
    let (path, position) = find(&disk, fixture.data_dir(), b"note 2");
    disk.flip_bit(&path, position / 4096 * 4096 + 20, 0);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    assert_eq!(fixture.broker.health()[0].code, "wal-chain");
    let refused = Err(ErrorCode::KafkaStorageError.code());
    assert_eq!(committed(&mut fixture).await, refused);
    let listed = fixture.call(&ListGroupsRequest::default(), 4).await;
    assert_code(listed.error_code, ErrorCode::KafkaStorageError);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_may_be_lost_are_not_taken_for_deleted() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    for topic in ["whole", "t"] {
        fixture.topic(topic).await;
        fixture.produce(topic, batch(&["first"])).await;
    }
    commit(&mut fixture, 1).await;
    let disk = disk.kill();
    // The record that makes the topic of the groups: the last one in the log of the metadata.
    let (path, position) = find(&disk, fixture.data_dir(), b"__consumer_offsets");
    disk.flip_bit(&path, position + 3, 0);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    let health = fixture.broker.health();
    assert_eq!(health[0].path.as_ref(), Some(&path), "{health:?}");
    assert!(fixture.broker.cluster_id().is_some());
    let fetched = fixture.fetch("whole", 0).await;
    assert_eq!(values(fetched.records).len(), 1);
    let fetched = fixture.fetch("never", 0).await;
    assert_code(fetched.error_code, ErrorCode::KafkaStorageError);
    let refused = Err(ErrorCode::KafkaStorageError.code());
    assert_eq!(committed(&mut fixture).await, refused);
    let listed = fixture.call(&ListGroupsRequest::default(), 4).await;
    assert_code(listed.error_code, ErrorCode::KafkaStorageError);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_metadata_a_broker_starts_and_says_what_is_damaged() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["first"])).await;
    let disk = disk.kill();
    // The first record of the metadata, with the id of the cluster, is in the second round.
    let slot = fixture.data_dir().join("wal/slot-00");
    let record = 2 * 4096 + 64 + 40 + 61;
    disk.flip_bit(&slot, record + 6, 0);
    let mut fixture = fixture.crash_onto(Arc::new(disk)).await;

    let health = fixture.broker.health();
    assert_eq!(health[0].path.as_ref(), Some(&slot), "{health:?}");
    assert_eq!(health[0].position, Some(record - 61));
    assert_eq!(fixture.broker.cluster_id(), None);
    let fetched = fixture.fetch("t", 0).await;
    assert_code(fetched.error_code, ErrorCode::KafkaStorageError);
    let topic = fixture.topic("t").await;
    assert_code(topic.error_code, ErrorCode::KafkaStorageError);
}
