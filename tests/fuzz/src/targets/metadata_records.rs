//! The records of the metadata log, folded as a start of the broker folds them.
//!
//! The input is records one after the other, each with its length in two bytes before it.

use std::collections::BTreeMap;

use metadata::{Image, MetadataRecord};
use model::{LogId, TopicId, TopicName};

use crate::input::{Input, put_piece};
use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    // A map of texts has nodes that are larger than what they hold, and there are several of them.
    memory_limits: |received_bytes| times_received(received_bytes, 16),
    ..Target::new("metadata_records", "records of the metadata log", run)
};

fn seeds() -> Vec<Vec<u8>> {
    let id = TopicId([7; 16]);
    let configs = BTreeMap::from([("retention.ms".to_owned(), "86400000".to_owned())]);
    let cluster = MetadataRecord::Cluster {
        cluster_id: [3; 16],
    };
    let created = MetadataRecord::TopicCreated {
        id,
        name: TopicName::new("topic.1").expect("a legal name"),
        partitions: vec![LogId(1), LogId(2)],
        configs: configs.clone(),
    };
    let changed = MetadataRecord::TopicConfigs { id, configs };
    let deleted = MetadataRecord::TopicDeleted { id };
    let ids = MetadataRecord::ProducerIds { next: 1_000 };
    let logs = MetadataRecord::LogIds { next: LogId(9) };
    let records = |records: &[&MetadataRecord]| {
        let mut seed = Vec::new();
        for record in records {
            put_piece(&mut seed, &record.encode());
        }
        seed
    };
    vec![
        records(&[&cluster]),
        records(&[&cluster, &created]),
        records(&[&cluster, &created, &changed]),
        records(&[&cluster, &created, &deleted, &created, &ids, &logs]),
    ]
}

fn run(input: &[u8]) {
    let mut image = Image::new();
    let mut input = Input::new(input);
    while !input.is_empty() {
        let bytes = input.piece();
        let Ok(record) = MetadataRecord::decode(bytes) else {
            continue;
        };
        let written = record.encode();
        assert_eq!(MetadataRecord::decode(&written).as_ref(), Ok(&record));
        let before = image.clone();
        if image.apply(&record).is_err() {
            assert_eq!(image, before, "a record that is refused changes nothing");
        }
        image.check_invariants();
    }
    let mut again = Image::new();
    for record in image.snapshot() {
        again
            .apply(&record)
            .expect("a snapshot contradicts nothing");
    }
    assert_eq!(again, image);
}
