//! No answer about a group leaves before what it rests on is durable, and none after a disk failed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Waker};

use env::{DirEntry, File, Fs, OpenMode, real::RealFs};
use model::ErrorCode;
use network::{Outcome, Reply};
use parking_lot::{Condvar, Mutex};
use sim::{Fault, Operation, SimFs};
use wire::Text;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponse,
};

use crate::support::{Answered, Fixture, assert_code, decode, settle};

/// A disk that can be kept from forcing.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_shut: bool,
    waiting: usize,
}

impl Gate {
    fn shut(&self) {
        self.state.lock().is_shut = true;
    }

    fn open(&self) {
        self.state.lock().is_shut = false;
        self.changed.notify_all();
    }

    /// Returns when somebody wants to force.
    fn await_force(&self) {
        let mut state = self.state.lock();
        while state.waiting == 0 {
            self.changed.wait(&mut state);
        }
    }

    fn pass(&self) {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.notify_all();
        while state.is_shut {
            self.changed.wait(&mut state);
        }
        state.waiting -= 1;
    }
}

struct GatedFs(Arc<Gate>);

struct GatedFile {
    file: Arc<dyn File>,
    gate: Arc<Gate>,
}

impl Fs for GatedFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(GatedFile {
            file: RealFs.open(path, mode)?,
            gate: Arc::clone(&self.0),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        RealFs.create_dir_all(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealFs.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFs.rename(from, to)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        RealFs.list_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealFs.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        RealFs.lock(path)
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        RealFs.available_bytes(path)
    }
}

impl File for GatedFile {
    fn path(&self) -> &PathBuf {
        self.file.path()
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.file.read_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass();
        self.file.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

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
    let gate = Arc::new(Gate::default());
    let mut fixture = Fixture::on_files(&[], Arc::new(GatedFs(Arc::clone(&gate)))).await;
    fixture.topic("t").await;
    let code = code_of(&fixture.call(&commit_request(5), 7).await);
    assert_code(code, ErrorCode::None);

    gate.shut();
    let frame = fixture.frame(&commit_request(6), 7);
    let committing = begin(fixture.dispatch(frame));
    gate.await_force();
    // The round is written and not forced. Another client must not be told of it either.
    let frame = fixture.frame(&fetch_request(), 5);
    let fetching = begin(fixture.dispatch(frame));
    gate.open();
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
