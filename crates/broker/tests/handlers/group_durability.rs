//! No answer about a group leaves before what it rests on is durable, and none after a disk failed.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use model::ErrorCode;
use network::{Outcome, Reply};
use sim::{Fault, Operation, SimFs};
use wire::Text;
use wire::messages::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponse,
};

use crate::compacted::set;
use crate::gated_disk::Forces;
use crate::support::{Answered, Fixture, assert_code, decode, settle};

fn commit_request(offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: Text::from_static("g"),
        topics: vec![OffsetCommitRequestTopic {
            name: Text::from_static("t"),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: offset,
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

fn fetch_request() -> OffsetFetchRequest {
    OffsetFetchRequest {
        group_id: Text::from_static("g"),
        topics: Some(vec![OffsetFetchRequestTopic {
            name: Text::from_static("t"),
            partition_indexes: vec![0],
        }]),
        ..OffsetFetchRequest::default()
    }
}

fn code_of(response: &OffsetCommitResponse) -> i16 {
    response.topics[0].partitions[0].error_code
}

fn offset_of(response: &OffsetFetchResponse) -> i64 {
    response.topics[0].partitions[0].committed_offset
}

/// Where the log of all groups starts.
pub(crate) async fn log_start(fixture: &mut Fixture) -> i64 {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: Text::from_static("__consumer_offsets"),
            partitions: vec![ListOffsetsPartition {
                timestamp: -2,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    let response = fixture.call(&request, 7).await;
    response.topics[0].partitions[0].offset
}

/// A request that has begun and gone as far as it can without the disk.
fn begin(reply: Reply) -> network::BoxFuture<Outcome> {
    let mut answer: network::BoxFuture<Outcome> = Box::pin(settle(reply));
    let poll = answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending(), "an answer left before it was durable");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_wait_for_the_disk() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let code = code_of(&fixture.call(&commit_request(5), 7).await);
    assert_code(code, ErrorCode::None);

    fixture.disk.set(Forces::Wait);
    let frame = fixture.frame(&commit_request(6), 7);
    let committing = begin(fixture.dispatch(frame));
    fixture.disk.wait_until_forcing();
    // The round is written and not forced. Another client must not be told of it either.
    let frame = fixture.frame(&fetch_request(), 5);
    let fetching = begin(fixture.dispatch(frame));
    fixture.disk.set(Forces::Pass);
    let Answered::Response(committed) = decode::<OffsetCommitRequest>(committing.await, 7) else {
        panic!("no answer");
    };
    assert_code(code_of(&committed), ErrorCode::None);
    let Answered::Response(fetched) = decode::<OffsetFetchRequest>(fetching.await, 5) else {
        panic!("no answer");
    };
    assert_eq!(offset_of(&fetched), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_force_nothing_is_told_until_a_restart() {
    let disk = SimFs::new(7);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    let code = code_of(&fixture.call(&commit_request(5), 7).await);
    assert_code(code, ErrorCode::None);

    disk.fail_next(Operation::Force, "", Fault::Device, u64::MAX);
    let code = code_of(&fixture.call(&commit_request(6), 7).await);
    assert_code(code, ErrorCode::CoordinatorNotAvailable);
    let fetched = fixture.call(&fetch_request(), 5).await;
    assert_code(fetched.error_code, ErrorCode::CoordinatorNotAvailable);
    assert_eq!(offset_of(&fetched), -1);

    // What the power cut left is the old offset or the new one.
    let mut fixture = fixture.crash_onto(Arc::new(disk.crash())).await;
    let fetched = fixture.call(&fetch_request(), 5).await;
    assert_code(fetched.error_code, ErrorCode::None);
    assert!(matches!(offset_of(&fetched), 5 | 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_moment_takes_back_no_committed_offset() {
    for cut in 1..=24 {
        let disk = SimFs::new(cut);
        let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
        fixture.topic("t").await;
        disk.crash_at(disk.operations() + cut);
        let mut acknowledged = -1;
        let mut asked = 0;
        loop {
            let code = code_of(&fixture.call(&commit_request(asked), 7).await);
            if code != ErrorCode::None.code() {
                assert_code(code, ErrorCode::CoordinatorNotAvailable);
                break;
            }
            acknowledged = asked;
            asked += 1;
        }
        let mut fixture = fixture.crash_onto(Arc::new(disk.crash())).await;
        let fetched = fixture.call(&fetch_request(), 5).await;
        assert_code(fetched.error_code, ErrorCode::None);
        let kept = offset_of(&fetched);
        assert!(
            (acknowledged..=asked).contains(&kept),
            "cut {cut}: {acknowledged} was acknowledged, {asked} asked for, {kept} is kept"
        );
        // And the next commit is as good as any.
        let code = code_of(&fixture.call(&commit_request(1_000), 7).await);
        assert_code(code, ErrorCode::None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_wait_out_a_full_disk() {
    let disk = SimFs::new(7);
    let settings = [
        ("offsets.topic.num.partitions", "1"),
        ("num.partitions", "100"),
    ];
    let mut fixture = Fixture::on_files(&settings, Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    disk.set_space(Some(disk.used_bytes()));
    let mut offset = 0;
    loop {
        let code = code_of(&fixture.call(&large_commit_request(offset), 7).await);
        if code != ErrorCode::None.code() {
            assert_code(code, ErrorCode::CoordinatorNotAvailable);
            break;
        }
        offset += 1;
        assert!(offset < 1_000, "the disk is never full");
    }
    disk.set_space(None);
    loop {
        // The engine looks for space again after a second.
        fixture.clock.advance(Duration::from_secs(1));
        let code = code_of(&fixture.call(&commit_request(7), 7).await);
        if code == ErrorCode::None.code() {
            break;
        }
        assert_code(code, ErrorCode::CoordinatorNotAvailable);
    }
    let all = OffsetFetchRequest {
        topics: None,
        ..fetch_request()
    };
    let before = fixture.call(&all, 5).await;
    assert_eq!(offset_of(&before), 7);
    let mut fixture = fixture.restart().await;
    let after = fixture.call(&all, 5).await;
    assert_eq!(after, before, "what was shown is not what was written");
}

/// Commits for 100 partitions, 400 KB in all.
pub(crate) fn large_commit_request(offset: i64) -> OffsetCommitRequest {
    let mut request = commit_request(offset);
    let partition = request.topics[0].partitions[0].clone();
    request.topics[0].partitions = (0..100)
        .map(|partition_index| OffsetCommitRequestPartition {
            partition_index,
            committed_metadata: Some(Text::from("x".repeat(4_000))),
            ..partition.clone()
        })
        .collect();
    request
}

/// How many bytes the log of all groups has.
async fn log_bytes(fixture: &mut Fixture) -> i64 {
    let request = DescribeLogDirsRequest {
        topics: Some(vec![DescribableLogDirTopic {
            topic: Text::from_static("__consumer_offsets"),
            partitions: vec![0],
        }]),
    };
    let response = fixture.call(&request, 4).await;
    response.results[0].topics[0].partitions[0].partition_size
}

#[tokio::test]
async fn the_log_of_groups_is_compacted() {
    let settings = [
        ("offsets.topic.num.partitions", "1"),
        ("num.partitions", "100"),
        ("offsets.topic.segment.bytes", "500000"),
    ];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    // 400 KB each, in a segment of its own.
    for offset in 0..12 {
        let code = code_of(&fixture.call(&large_commit_request(offset), 7).await);
        assert_code(code, ErrorCode::None);
    }
    let mut fixture = fixture.restart().await;
    // What the last two commits have left.
    let mut rounds = 0;
    while log_bytes(&mut fixture).await > 1_000_000 {
        fixture.clock.advance(Duration::from_secs(15));
        // Another thread does it, and gets its turn while this one waits for the disk.
        let index_interval = [("index.interval.bytes", ["4096", "4097"][rounds % 2])];
        assert_code(set(&mut fixture, &index_interval).await, ErrorCode::None);
        rounds += 1;
        assert!(rounds < 1_000, "it is never compacted");
    }
    assert_eq!(log_start(&mut fixture).await, 0);
    let mut fixture = fixture.restart().await;
    let fetched = fixture.call(&fetch_request(), 5).await;
    assert_eq!(offset_of(&fetched), 11);
}

/// Changes a byte of the first place in any file that holds these bytes.
fn damage(directory: &Path, pattern: &[u8]) {
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(pattern.len()).position(|at| at == pattern);
            if let Some(position) = found {
                bytes[position] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                return;
            }
        }
    }
    panic!("no file holds {pattern:?}");
}

#[tokio::test]
async fn groups_of_a_damaged_log_are_not_told_older_offsets_and_the_others_are_served() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    // The groups are in partitions of their own.
    let of_group = |group: &'static str| OffsetCommitRequest {
        group_id: Text::from_static(group),
        ..commit_request(5)
    };
    for group in ["g", "my-group", "g"] {
        let code = code_of(&fixture.call(&of_group(group), 7).await);
        assert_code(code, ErrorCode::None);
    }
    let key = b"\0\x01\0\x08my-group\0\x01t\0\0\0\0";
    let mut fixture = fixture.restart_after(|path| damage(path, key)).await;
    assert!(!fixture.broker.health().is_empty());
    let code = code_of(&fixture.call(&of_group("my-group"), 7).await);
    assert_code(code, ErrorCode::KafkaStorageError);
    let fetched = fixture
        .call(
            &OffsetFetchRequest {
                group_id: Text::from_static("my-group"),
                ..fetch_request()
            },
            5,
        )
        .await;
    assert_code(fetched.error_code, ErrorCode::KafkaStorageError);
    let fetched = fixture.call(&fetch_request(), 5).await;
    assert_code(fetched.error_code, ErrorCode::None);
    assert_eq!(offset_of(&fetched), 5);
    let listed = fixture.call(&ListGroupsRequest::default(), 4).await;
    assert_code(listed.error_code, ErrorCode::KafkaStorageError);
    assert_eq!(listed.groups.len(), 1);
}
