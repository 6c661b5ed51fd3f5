//! The image is the fold of its records, and a snapshot says the same in fewer of them. A naive
//! model, three plain maps, tells what the image should hold.

use std::collections::BTreeMap;

use config::BrokerSettings;
use metadata::{
    AlterConfig, AlterOperation, ApplyError, DecodeError, Image, MetadataRecord, MorePartitions,
    NewTopic, QuotaEntity, Resource, TopicReference, plan_add_partitions, plan_alter_client_quotas,
    plan_alter_configs, plan_cluster, plan_create_topic, plan_delete_topic, plan_producer_ids,
};
use model::{LogId, TopicId, TopicName};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Create {
        name: usize,
        partitions: i32,
    },
    Delete {
        name: usize,
    },
    Grow {
        name: usize,
        count: i32,
    },
    Alter {
        name: usize,
        retention_ms: Option<i64>,
    },
    Set {
        resource: usize,
        retention_ms: Option<i64>,
    },
    Quota {
        client: bool,
        limit: Option<u16>,
    },
    ProducerIds,
}

/// Resources that need no topic.
const RESOURCES: [Resource<'_>; 3] = [
    Resource::AllBrokers,
    Resource::Broker(0),
    Resource::Broker(3),
];

const NAMES: [&str; 6] = ["a", "b", "a.b", "a_b", "c-1", "bad name"];

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        (name.clone(), -1..4i32).prop_map(|(name, partitions)| Step::Create { name, partitions }),
        name.clone().prop_map(|name| Step::Delete { name }),
        (name.clone(), -1..7i32).prop_map(|(name, count)| Step::Grow { name, count }),
        (name, proptest::option::of(-1..9i64))
            .prop_map(|(name, retention_ms)| Step::Alter { name, retention_ms }),
        (0..RESOURCES.len(), proptest::option::of(-1..9i64)).prop_map(
            |(resource, retention_ms)| Step::Set {
                resource,
                retention_ms
            }
        ),
        (any::<bool>(), proptest::option::of(1..9u16))
            .prop_map(|(client, limit)| Step::Quota { client, limit }),
        Just(Step::ProducerIds),
    ]
}

/// All users, or a client id of theirs.
fn quota_entity(client: bool) -> QuotaEntity {
    let parts = [("user", None), ("client-id", Some("c"))];
    QuotaEntity::of_parts(parts.into_iter().take(1 + usize::from(client))).unwrap()
}

#[derive(Default)]
struct Model {
    /// Name to number of partitions and retention.
    topics: BTreeMap<&'static str, (usize, Option<i64>)>,
    /// What is set of each resource.
    set: [Option<i64>; RESOURCES.len()],
    /// The limit of each of two entities.
    limits: [Option<u16>; 2],
    logs_made: u32,
    producer_blocks: i64,
}

impl Model {
    fn create(&mut self, name: &'static str, partitions: i32) -> bool {
        let taken = match name {
            "a.b" | "a_b" => self.topics.contains_key("a.b") || self.topics.contains_key("a_b"),
            name => self.topics.contains_key(name),
        };
        if taken || name.contains(' ') || partitions == 0 {
            return false;
        }
        let count = partitions.unsigned_abs();
        self.logs_made += count;
        self.topics.insert(name, (count as usize, None));
        true
    }

    fn grow(&mut self, name: &'static str, count: i32) -> bool {
        let Some((present, _)) = self.topics.get_mut(name) else {
            return false;
        };
        let before = i32::try_from(*present).unwrap();
        if count <= before {
            return false;
        }
        self.logs_made += (count - before).unsigned_abs();
        *present = count.unsigned_abs() as usize;
        true
    }

    fn check(&self, image: &Image) {
        let listed: BTreeMap<_, _> = image
            .topics()
            .map(|topic| {
                let retention = topic
                    .configs
                    .get("retention.ms")
                    .map(|ms| ms.parse().unwrap());
                (topic.name.to_string(), (topic.partitions.len(), retention))
            })
            .collect();
        let expected: BTreeMap<_, _> = self
            .topics
            .iter()
            .map(|(name, topic)| ((*name).to_owned(), *topic))
            .collect();
        assert_eq!(listed, expected);
        let set = [None, Some(0), Some(3)].map(|node_id| {
            let retention_ms = image.broker_configs(node_id).get("log.retention.ms");
            retention_ms.map(|ms| ms.parse().unwrap())
        });
        assert_eq!(set, self.set);
        let limits = [false, true].map(|client| {
            let quotas = image.client_quotas().get(&quota_entity(client))?;
            quotas.values().next().map(|limit| limit.get() as u16)
        });
        assert_eq!(limits, self.limits);
        assert_eq!(image.next_log_id(), LogId(self.logs_made + 1));
        assert_eq!(image.next_producer_id(), self.producer_blocks * 1000);
        image.check_invariants();
    }
}

fn plan(image: &Image, model: &mut Model, step: &Step, id: TopicId) -> Option<MetadataRecord> {
    let settings = BrokerSettings::default();
    match step {
        Step::Create { name, partitions } => {
            let new = NewTopic {
                name: NAMES[*name].to_owned(),
                num_partitions: *partitions,
                replication_factor: 1,
                ..NewTopic::default()
            };
            let record = plan_create_topic(image, &settings, &new, id).ok();
            assert_eq!(
                record.is_some(),
                model.create(NAMES[*name], *partitions),
                "{step:?}"
            );
            record
        }
        Step::Delete { name } => {
            let record = plan_delete_topic(image, TopicReference::Name(NAMES[*name])).ok();
            assert_eq!(
                record.is_some(),
                model.topics.remove(NAMES[*name]).is_some()
            );
            record
        }
        Step::Grow { name, count } => {
            let more = MorePartitions {
                topic: NAMES[*name].to_owned(),
                count: *count,
                assignments: None,
            };
            let record = plan_add_partitions(image, 0, &more).ok();
            assert_eq!(
                record.is_some(),
                model.grow(NAMES[*name], *count),
                "{step:?}"
            );
            record
        }
        Step::Alter { name, retention_ms } => {
            let operation = match retention_ms {
                Some(value) => AlterOperation::Set(value.to_string()),
                None => AlterOperation::Delete,
            };
            let change = AlterConfig {
                name: "retention.ms".to_owned(),
                operation,
            };
            let topic = Resource::Topic(NAMES[*name]);
            let planned = plan_alter_configs(image, &settings, topic, &[change]);
            assert_eq!(planned.is_ok(), model.topics.contains_key(NAMES[*name]));
            if let Some(topic) = model.topics.get_mut(NAMES[*name]) {
                topic.1 = *retention_ms;
            }
            planned.ok().flatten()
        }
        Step::Set {
            resource,
            retention_ms,
        } => {
            let change = AlterConfig {
                name: "log.retention.ms".to_owned(),
                operation: match retention_ms {
                    Some(value) => AlterOperation::Set(value.to_string()),
                    None => AlterOperation::Delete,
                },
            };
            let is_changed = model.set[*resource] != *retention_ms;
            model.set[*resource] = *retention_ms;
            let planned = plan_alter_configs(image, &settings, RESOURCES[*resource], &[change]);
            let record = planned.unwrap();
            assert_eq!(record.is_some(), is_changed, "{step:?}");
            record
        }
        Step::Quota { client, limit } => {
            let changes = [("request_percentage", limit.map(f64::from))];
            let planned = plan_alter_client_quotas(image, &quota_entity(*client), changes);
            let record = planned.unwrap();
            let before = &mut model.limits[usize::from(*client)];
            assert_eq!(record.is_some(), *before != *limit, "{step:?}");
            *before = *limit;
            record
        }
        Step::ProducerIds => {
            let (block, record) = plan_producer_ids(image).unwrap();
            assert_eq!(block.start, model.producer_blocks * 1000);
            model.producer_blocks += 1;
            Some(record)
        }
    }
}

fn fold(records: &[MetadataRecord]) -> Image {
    let mut image = Image::new();
    for record in records {
        // Through bytes, as after a restart.
        image
            .apply(&MetadataRecord::decode(&record.encode()).unwrap())
            .unwrap();
    }
    image
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn replay_and_snapshot_give_the_image(steps in proptest::collection::vec(step(), 0..60)) {
        let mut image = Image::new();
        let mut model = Model::default();
        let mut log = vec![plan_cluster(&image, [1; 16]).unwrap()];
        image.apply(&log[0]).unwrap();
        for (number, step) in steps.iter().enumerate() {
            let id = TopicId((number as u128 + 1).to_be_bytes());
            if let Some(record) = plan(&image, &mut model, step, id) {
                image.apply(&record).unwrap();
                log.push(record);
            }
            model.check(&image);
        }
        prop_assert_eq!(&fold(&log), &image);
        prop_assert_eq!(&fold(&image.snapshot()), &image);
    }

    #[test]
    fn any_bytes_are_a_record_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(record) = MetadataRecord::decode(&bytes) {
            prop_assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn any_change_of_a_record_is_a_record_or_refused(
        position in 0..200usize, value in any::<u8>(), cut in 0..200usize,
    ) {
        let mut bytes = sample().encode().to_vec();
        if let Some(byte) = bytes.get_mut(position) {
            *byte = value;
        }
        bytes.truncate(cut);
        if let Ok(record) = MetadataRecord::decode(&bytes) {
            prop_assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
        }
    }
}

fn sample() -> MetadataRecord {
    MetadataRecord::TopicCreated {
        id: TopicId([3; 16]),
        name: TopicName::new("orders").unwrap(),
        partitions: vec![LogId(4), LogId(9)],
        configs: BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]),
    }
}

#[test]
fn the_bytes_are_as_documented() {
    let mut expected = vec![2, 0];
    expected.extend([3; 16]);
    expected.extend(b"\x06\0\0\0orders");
    expected.extend(b"\x02\0\0\0\x04\0\0\0\x09\0\0\0");
    expected.extend(b"\x01\0\0\0\x0c\0\0\0retention.ms\x01\0\0\x005");
    assert_eq!(sample().encode(), expected);
    let added = MetadataRecord::PartitionsAdded {
        id: TopicId([3; 16]),
        partitions: vec![LogId(10)],
    };
    let mut expected = vec![7, 0];
    expected.extend([3; 16]);
    expected.extend(b"\x01\0\0\0\x0a\0\0\0");
    assert_eq!(added.encode(), expected);
    let configs = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let settings = b"\x01\0\0\0\x01\0\0\0a\x01\0\0\x001".as_slice();
    for (node_id, bytes) in [(None, b"\xff\xff\xff\xff"), (Some(3), b"\x03\0\0\0")] {
        let record = MetadataRecord::BrokerConfigs {
            node_id,
            configs: configs.clone(),
        };
        assert_eq!(
            record.encode(),
            [&[8, 0], bytes.as_slice(), settings].concat()
        );
        assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
    }
    let record = MetadataRecord::GroupConfigs {
        group_id: "g".to_owned(),
        configs,
    };
    assert_eq!(
        record.encode(),
        [b"\x09\0\x01\0\0\0g".as_slice(), settings].concat()
    );
    assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
    let record = MetadataRecord::ProducerIds { next: 1000 };
    assert_eq!(
        record.encode(),
        [5, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0].as_slice()
    );
}

#[test]
fn what_a_newer_broker_wrote_is_refused() {
    let newer = |kind, version| Err(DecodeError::Newer { kind, version });
    assert_eq!(MetadataRecord::decode(&[1, 1]), newer(1, 1));
    assert_eq!(MetadataRecord::decode(&[99, 0]), newer(99, 0));
    assert_eq!(
        MetadataRecord::decode(&[6, 0, 1, 0, 0, 0, 7]),
        Err(DecodeError::TrailingBytes(1))
    );
    assert_eq!(MetadataRecord::decode(&[6]), Err(DecodeError::Truncated));
}

#[test]
fn contradictions_are_refused_and_change_nothing() {
    let created = |id: u8, name: &str, logs: &[u32]| MetadataRecord::TopicCreated {
        id: TopicId([id; 16]),
        name: TopicName::new(name).unwrap(),
        partitions: logs.iter().copied().map(LogId).collect(),
        configs: BTreeMap::new(),
    };
    let added = |id: u8, logs: &[u32]| MetadataRecord::PartitionsAdded {
        id: TopicId([id; 16]),
        partitions: logs.iter().copied().map(LogId).collect(),
    };
    let mut image = fold(&[
        MetadataRecord::Cluster {
            cluster_id: [1; 16],
        },
        MetadataRecord::ProducerIds { next: 1000 },
        created(1, "a.b", &[1, 2]),
    ]);
    let before = image.clone();
    let unknown = TopicId([7; 16]);
    for (record, error) in [
        (
            MetadataRecord::Cluster {
                cluster_id: [2; 16],
            },
            ApplyError::ClusterExists,
        ),
        (created(1, "c", &[3]), ApplyError::TopicExists),
        (created(2, "a.b", &[3]), ApplyError::TopicExists),
        (created(2, "a_b", &[3]), ApplyError::TopicExists),
        (created(2, "c", &[]), ApplyError::NoPartitions),
        (created(2, "c", &[0]), ApplyError::LogInUse),
        (created(2, "c", &[3, 2]), ApplyError::LogInUse),
        (created(2, "c", &[3, 3]), ApplyError::LogInUse),
        (created(2, "c", &[u32::MAX]), ApplyError::LogInUse),
        (added(7, &[3]), ApplyError::UnknownTopic),
        (added(1, &[]), ApplyError::NoPartitions),
        (added(1, &[3, 2]), ApplyError::LogInUse),
        (added(1, &[3, 3]), ApplyError::LogInUse),
        (
            MetadataRecord::TopicDeleted { id: unknown },
            ApplyError::UnknownTopic,
        ),
        (
            MetadataRecord::TopicConfigs {
                id: unknown,
                configs: BTreeMap::new(),
            },
            ApplyError::UnknownTopic,
        ),
        (
            MetadataRecord::ProducerIds { next: 999 },
            ApplyError::NotRising,
        ),
        (
            MetadataRecord::LogIds { next: LogId(2) },
            ApplyError::NotRising,
        ),
    ] {
        assert_eq!(image.apply(&record), Err(error), "{record:?}");
        assert_eq!(image, before);
    }
}
