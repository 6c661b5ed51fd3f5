use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use metadata::plan_producer_ids;
use model::{Offset, TopicId, TopicName};
use storage::{Recovery, StorageSettings};
use tokio::sync::Notify;

use super::*;

fn batch(records: &[MetadataRecord]) -> Bytes {
    record_batches::build(
        records.iter().map(|record| (None, Some(record.encode()))),
        0,
    )
}

fn topic(number: u8) -> MetadataRecord {
    MetadataRecord::TopicCreated {
        id: TopicId([number; 16]),
        name: TopicName::new(&format!("topic-{number}")).unwrap(),
        partitions: vec![LogId(number.into())],
        configs: BTreeMap::new(),
    }
}

const CLUSTER: MetadataRecord = MetadataRecord::Cluster {
    cluster_id: [1; 16],
};

#[test]
fn what_stands_before_a_snapshot_counts_for_nothing() {
    let before = [
        batch(&[CLUSTER]),
        batch(&[topic(1), topic(2)]),
        batch(&[MetadataRecord::TopicDeleted {
            id: TopicId([1; 16]),
        }]),
    ];
    let image = fold(&before).unwrap();
    let snapshot = batch(&image.snapshot());
    assert_eq!(fold(std::slice::from_ref(&snapshot)).unwrap(), image);
    let with_snapshot = [before.as_slice(), &[snapshot, batch(&[topic(3)])]].concat();
    let folded = fold(&with_snapshot).unwrap();
    folded.check_invariants();
    let names: Vec<_> = folded.topics().map(|topic| topic.name.as_str()).collect();
    assert_eq!(names, ["topic-2", "topic-3"]);
}

#[test]
fn a_log_that_makes_no_sense_is_refused() {
    let malformed = record_batches::build([(None, Some(Bytes::from_static(b"x")))], 0);
    assert!(matches!(
        fold(&[malformed]),
        Err(MetadataFoldError::Malformed(_))
    ));
    assert!(matches!(
        fold(&[Bytes::from_static(b"no batch")]),
        Err(MetadataFoldError::Malformed(_))
    ));
    assert_eq!(
        fold(&[batch(&[topic(1)]), batch(&[topic(1)])]),
        Err(MetadataFoldError::Contradiction(ApplyError::TopicExists))
    );
}

/// A store on this directory, which rewrites its log when it has grown by a few records.
fn open(directory: &Path) -> Arc<MetadataStore> {
    let env = env::real::env();
    let recovery = Recovery::open(&env, StorageSettings::new(directory)).unwrap();
    let image = fold(recovery.metadata_batches()).unwrap();
    let settings = BrokerSettings::default();
    let live = log_configs::live_logs(&image, &settings).collect();
    let storage = recovery.finish(live, image.next_log_id()).unwrap().storage;
    storage.start();
    let log = storage.log(LogId::METADATA).unwrap();
    let mut store = MetadataStore::new(env, storage, settings, log, image);
    store.rewrite_bytes_min = 1000;
    Arc::new(store)
}

async fn take_producer_ids(store: &Arc<MetadataStore>) {
    let taken = store.update(|image| {
        let (_, record) = plan_producer_ids(image).unwrap();
        Ok::<_, Infallible>(Plan {
            records: vec![record],
            value: (),
        })
    });
    taken.await.unwrap();
}

#[tokio::test]
async fn a_grown_log_is_rewritten_and_means_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let cluster = store.update(|_| {
        Ok::<_, Infallible>(Plan {
            records: vec![CLUSTER, topic(1)],
            value: (),
        })
    });
    cluster.await.unwrap();
    let moved = Arc::new(Notify::new());
    let _watch = store.log.watch(Arc::clone(&moved));
    for _ in 0..50 {
        take_producer_ids(&store).await;
    }
    // The start moves in the background, after the round of the snapshot.
    while store.log.view().log_start == Offset::ZERO {
        moved.notified().await;
    }
    let image = store.published().image.clone();
    store.storage.shut_down();
    drop(store);

    let store = open(directory.path());
    assert_eq!(store.published().image, image);
    assert!(store.published().topics.by_name("topic-1").is_ok());
    take_producer_ids(&store).await;
    store.storage.shut_down();
}

#[tokio::test]
async fn a_refusal_is_told_when_what_it_rests_on_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let refused = {
        // Appended and not waited for.
        let (_, sequence) = store
            .append(|_| {
                Ok::<_, ()>(Plan {
                    records: vec![CLUSTER],
                    value: (),
                })
            })
            .unwrap();
        let refused = store.update(|_| Err::<Plan<()>, _>("refused")).await;
        assert!(store.storage.is_durable(sequence));
        refused
    };
    assert_eq!(refused, Err(UpdateError::Refused("refused")));
    assert!(store.published().image.cluster_id().is_some());
    store.storage.shut_down();
}
