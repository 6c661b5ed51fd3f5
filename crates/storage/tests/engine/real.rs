//! On the real file system, with threads.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};

use model::LogId;
use storage::{Durability, LogConfig, Opened, Recovery, Storage, StorageSettings};

use crate::harness::{append, batch, read_values, settings};

/// Wakes a thread that waits for a future.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let waker = Arc::new(Unpark(std::thread::current())).into();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn start(settings: StorageSettings, logs: u32) -> Opened {
    let live: BTreeMap<_, _> = (1..=logs)
        .map(|id| (LogId(id), LogConfig::default()))
        .collect();
    let recovery = Recovery::open(&env::real::env(), settings).unwrap();
    let opened = recovery.finish(live, LogId(logs + 1)).unwrap();
    opened.storage.start();
    opened
}

fn append_from_threads(storage: &Arc<Storage>, threads: u32, batches: u8, bytes: usize) {
    std::thread::scope(|scope| {
        for id in 1..=threads {
            scope.spawn(move || {
                let log = storage.log(LogId(id)).unwrap();
                for number in 0..batches {
                    let _permit = block_on(storage.reserve(bytes));
                    let appended = append(&log, batch(&vec![number; bytes], 1)).unwrap();
                    block_on(storage.wait(appended.sequence, Durability::Durable)).unwrap();
                    assert!(log.view().high_watermark > appended.last_offset);
                }
            });
        }
    });
}

#[test]
fn producers_on_many_threads_find_their_batches_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let settings = StorageSettings {
        direct_bytes_min: 4 << 10,
        ..settings(directory.path())
    };
    let Opened { storage, .. } = start(settings.clone(), 4);
    append_from_threads(&storage, 4, 100, 2_000);
    storage.shut_down();
    drop(storage);
    let Opened { storage, report } = start(settings.clone(), 4);
    assert!(report.was_clean, "{report:?}");
    for id in 1..=4 {
        let values = read_values(&storage.log(LogId(id)).unwrap(), 0);
        let expected: Vec<_> = (0..100u8).map(|n| (i64::from(n), n, 2_000)).collect();
        assert_eq!(values, expected);
    }
    // Only files that nothing writes meanwhile are sure to be found whole.
    storage.shut_down();
    drop(storage);
    let found = storage::verify(&env::real::RealFs, directory.path()).unwrap();
    assert!(found.damages.is_empty(), "{found:?}");
}

#[test]
fn batches_of_all_sizes_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let settings = StorageSettings {
        wal_bytes_max: 64 << 20,
        wal_slot_bytes: 8 << 20,
        wal_first_slot_bytes: 1 << 20,
        memory_bytes_max: 32 << 20,
        flush_bytes: 4 << 20,
        ..StorageSettings::new(directory.path())
    };
    let sizes = [
        1, 60, 4_000, 5_000, 70_000, 300_000, 1_000_000, 3_900_000, 10,
    ];
    let expected: Vec<_> = sizes
        .iter()
        .zip(0..)
        .map(|(bytes, number)| (i64::from(number), number, *bytes))
        .collect();
    let Opened { storage, .. } = start(settings.clone(), 1);
    let log = storage.log(LogId(1)).unwrap();
    let mut last = None;
    for (number, bytes) in (0u8..).zip(sizes) {
        last = Some(
            append(&log, batch(&vec![number; bytes], 1))
                .unwrap()
                .sequence,
        );
    }
    block_on(storage.wait(last.unwrap(), Durability::Durable)).unwrap();
    assert_eq!(read_values(&log, 0), expected);
    storage.shut_down();
    drop((storage, log));
    let Opened { storage, .. } = start(settings, 1);
    assert_eq!(read_values(&storage.log(LogId(1)).unwrap(), 0), expected);
    storage.shut_down();
}
