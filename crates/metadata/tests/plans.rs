//! Kafka's rules for creating, deleting and altering topics, case by case.

use std::collections::BTreeMap;

use config::BrokerSettings;
use metadata::{
    AlterConfig, AlterConfigsError, AlterOperation, Assignment, CreateTopicError, DeleteTopicError,
    Image, MetadataRecord, NewTopic, Resource, TopicReference, plan_alter_configs, plan_cluster,
    plan_create_internal_topic, plan_create_topic, plan_delete_topic, plan_producer_ids,
};
use model::{LogId, TopicId, TopicName};

fn settings(pairs: &[(&str, &str)]) -> BrokerSettings {
    let pairs = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    BrokerSettings::parse(&pairs).unwrap()
}

fn topic(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        num_partitions: -1,
        replication_factor: -1,
        ..NewTopic::default()
    }
}

fn assigned(assignments: &[(i32, &[i32])]) -> NewTopic {
    let assignments = assignments
        .iter()
        .map(|(partition_index, broker_ids)| Assignment {
            partition_index: *partition_index,
            broker_ids: broker_ids.to_vec(),
        })
        .collect();
    NewTopic {
        assignments,
        ..topic("t")
    }
}

fn id(number: u8) -> TopicId {
    TopicId([number; 16])
}

/// An image with the topic `existing` (id 1, logs 1 and 2).
fn image() -> Image {
    let mut image = Image::new();
    let new = NewTopic {
        num_partitions: 2,
        ..topic("existing.one")
    };
    let record = plan_create_topic(&image, &settings(&[]), &new, id(1)).unwrap();
    image.apply(&record).unwrap();
    image.check_invariants();
    image
}

fn create(new: &NewTopic) -> Result<MetadataRecord, CreateTopicError> {
    plan_create_topic(&image(), &settings(&[]), new, id(2))
}

fn partitions(record: MetadataRecord) -> Vec<LogId> {
    match record {
        MetadataRecord::TopicCreated { partitions, .. } => partitions,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_topic_gets_the_next_logs_and_the_defaults() {
    assert_eq!(partitions(create(&topic("t")).unwrap()), [LogId(3)]);
    let three = settings(&[("num.partitions", "3")]);
    let record = plan_create_topic(&image(), &three, &topic("t"), id(2)).unwrap();
    assert_eq!(partitions(record), [LogId(3), LogId(4), LogId(5)]);
    let one = NewTopic {
        replication_factor: 1,
        num_partitions: 1,
        ..topic("t")
    };
    assert_eq!(partitions(create(&one).unwrap()), [LogId(3)]);
    let assigned = assigned(&[(1, &[0]), (0, &[0])]);
    assert_eq!(partitions(create(&assigned).unwrap()), [LogId(3), LogId(4)]);
}

#[test]
fn settings_are_kept_in_one_form() {
    let new = NewTopic {
        configs: vec![("retention.ms".to_owned(), Some(" 010".to_owned()))],
        ..topic("t")
    };
    let MetadataRecord::TopicCreated { configs, .. } = create(&new).unwrap() else {
        panic!()
    };
    assert_eq!(
        configs,
        BTreeMap::from([("retention.ms".to_owned(), "10".to_owned())])
    );
}

#[test]
fn what_cannot_be_created_is_refused_with_its_reason() {
    let config = |name: &str, value: Option<&str>| NewTopic {
        configs: vec![(name.to_owned(), value.map(str::to_owned))],
        ..topic("t")
    };
    let cases = [
        (topic(""), "a topic name cannot be empty"),
        (topic(".."), "a topic name cannot be '.' or '..'"),
        (
            topic("__consumer_offsets"),
            "the name is reserved for the broker itself",
        ),
        (
            topic("__cluster_metadata"),
            "the name is reserved for the broker itself",
        ),
        (topic("existing.one"), "a topic with this name exists"),
        (
            topic("existing_one"),
            "the name collides with that of the topic 'existing.one': they differ only in '.' and '_'",
        ),
        (
            NewTopic {
                num_partitions: 0,
                ..topic("t")
            },
            "a topic has 1 to 10000 partitions, or -1 for the broker's default, not 0",
        ),
        (
            NewTopic {
                num_partitions: -2,
                ..topic("t")
            },
            "a topic has 1 to 10000 partitions, or -1 for the broker's default, not -2",
        ),
        (
            NewTopic {
                num_partitions: 10_001,
                ..topic("t")
            },
            "a topic has 1 to 10000 partitions, or -1 for the broker's default, not 10001",
        ),
        (
            NewTopic {
                replication_factor: 2,
                ..topic("t")
            },
            "the replication factor is 1, or -1 for the default, because there is one broker; not 2",
        ),
        (
            NewTopic {
                replication_factor: 0,
                ..topic("t")
            },
            "the replication factor is 1, or -1 for the default, because there is one broker; not 0",
        ),
        (
            NewTopic {
                replication_factor: 1,
                ..assigned(&[(0, &[0])])
            },
            "with an assignment of replicas, the replication factor has to be -1",
        ),
        (
            NewTopic {
                num_partitions: 1,
                ..assigned(&[(0, &[0])])
            },
            "with an assignment of replicas, the number of partitions has to be -1",
        ),
        (
            assigned(&[(0, &[0]), (0, &[0])]),
            "partition 0 is assigned twice",
        ),
        (
            assigned(&[(0, &[])]),
            "partition 0 can only be assigned to the one broker there is, 0",
        ),
        (
            assigned(&[(0, &[0, 1])]),
            "partition 0 can only be assigned to the one broker there is, 0",
        ),
        (
            assigned(&[(0, &[0]), (2, &[0])]),
            "the assigned partitions must run from 0, but 1 is missing",
        ),
        (
            assigned(&[(-1, &[0]), (0, &[0])]),
            "the assigned partitions must run from 0, but 0 is missing",
        ),
        (
            config("preallocate", Some("true")),
            "config preallocate=true is not supported by this broker; the only value it accepts is 'false'",
        ),
        (
            config("cleanup.policy", Some("compress")),
            "invalid value 'compress' for config cleanup.policy: expected a list of delete, compact",
        ),
        (
            NewTopic {
                configs: [
                    ("min.compaction.lag.ms", "6"),
                    ("max.compaction.lag.ms", "5"),
                ]
                .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
                .to_vec(),
                ..topic("t")
            },
            "min.compaction.lag.ms (6) is above max.compaction.lag.ms (5)",
        ),
        (
            config("retention.ms", None),
            "settings without a value: retention.ms",
        ),
        (
            config("retention", Some("1")),
            "unknown topic config 'retention'; did you mean 'retention.ms'?",
        ),
    ];
    for (new, message) in cases {
        assert_eq!(create(&new).unwrap_err().to_string(), message, "{new:?}");
    }
}

#[test]
fn a_broker_holds_so_many_partitions_and_no_more() {
    let mut image = Image::new();
    let large = |number: u8| NewTopic {
        num_partitions: 10_000,
        ..topic(&format!("t{number}"))
    };
    for number in 0..10 {
        let record = plan_create_topic(&image, &settings(&[]), &large(number), id(number));
        image.apply(&record.unwrap()).unwrap();
    }
    assert_eq!(
        plan_create_topic(&image, &settings(&[]), &topic("more"), id(99)),
        Err(CreateTopicError::TooManyPartitions)
    );
    image
        .apply(&MetadataRecord::TopicDeleted { id: id(3) })
        .unwrap();
    assert!(plan_create_topic(&image, &settings(&[]), &large(11), id(99)).is_ok());
}

#[test]
fn the_broker_makes_its_own_topics_and_clients_leave_them_alone() {
    let mut image = image();
    let name = TopicName::new("__consumer_offsets").unwrap();
    let record = plan_create_internal_topic(&image, &name, 50, BTreeMap::new(), id(9)).unwrap();
    image.apply(&record).unwrap();
    assert_eq!(
        plan_create_internal_topic(&image, &name, 50, BTreeMap::new(), id(8)),
        Err(CreateTopicError::Exists)
    );
    assert!(image.topic(&name).unwrap().is_internal());
    assert_eq!(
        plan_delete_topic(&image, TopicReference::Id(id(9))),
        Err(DeleteTopicError::Internal(name.clone()))
    );
    assert_eq!(
        plan_alter_configs(&image, &settings(&[]), Resource::Topic(&name), &[]),
        Err(AlterConfigsError::Internal)
    );
}

#[test]
fn topics_are_deleted_by_name_or_id_and_log_ids_do_not_come_back() {
    let mut image = image();
    let by = |topic| plan_delete_topic(&image, topic);
    assert_eq!(
        by(TopicReference::Name("missing")),
        Err(DeleteTopicError::UnknownName)
    );
    assert_eq!(
        by(TopicReference::Id(id(7))),
        Err(DeleteTopicError::UnknownId)
    );
    let deleted = MetadataRecord::TopicDeleted { id: id(1) };
    assert_eq!(
        by(TopicReference::Name("existing.one")),
        Ok(deleted.clone())
    );
    assert_eq!(by(TopicReference::Id(id(1))), Ok(deleted.clone()));

    image.apply(&deleted).unwrap();
    image.check_invariants();
    assert_eq!(image.logs().len(), 0);
    let again = plan_create_topic(&image, &settings(&[]), &topic("existing.one"), id(2)).unwrap();
    assert_eq!(partitions(again), [LogId(3)]);
}

fn alter(changes: &[(&str, AlterOperation)]) -> Result<BTreeMap<String, String>, String> {
    let mut image = image();
    image
        .apply(&MetadataRecord::TopicConfigs {
            id: id(1),
            configs: BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]),
        })
        .unwrap();
    let changes: Vec<_> = changes
        .iter()
        .map(|(name, operation)| AlterConfig {
            name: (*name).to_owned(),
            operation: operation.clone(),
        })
        .collect();
    let topic = Resource::Topic("existing.one");
    let record = plan_alter_configs(&image, &settings(&[]), topic, &changes)
        .map_err(|error| error.to_string())?;
    if let Some(record) = record {
        image.apply(&record).unwrap();
    }
    Ok(image.topic("existing.one").unwrap().configs.clone())
}

#[test]
fn settings_are_altered_one_by_one() {
    use AlterOperation::{Append, Delete, Set, Subtract};
    let text = |value: &str| value.to_owned();
    let kept = BTreeMap::from([(text("retention.ms"), text("5"))]);
    assert_eq!(alter(&[]), Ok(kept.clone()));
    assert_eq!(alter(&[("retention.ms", Delete)]), Ok(BTreeMap::new()));
    assert_eq!(alter(&[("unknown", Delete)]), Ok(kept.clone()));
    assert_eq!(
        alter(&[
            ("retention.ms", Set(text("6"))),
            ("segment.ms", Set(text("7")))
        ]),
        Ok(BTreeMap::from([
            (text("retention.ms"), text("6")),
            (text("segment.ms"), text("7"))
        ]))
    );
    for (operation, policy) in [
        (Append(text("delete")), "delete"),
        (Append(text("compact")), "delete,compact"),
        (Subtract(text("delete")), ""),
    ] {
        let altered = alter(&[("cleanup.policy", operation)]);
        assert_eq!(
            altered.map(|configs| configs["cleanup.policy"].clone()),
            Ok(text(policy))
        );
    }
    for (name, operation, message) in [
        (
            "cleanup.policy",
            Append(text("compress")),
            "invalid value 'delete,compress' for config cleanup.policy: expected a list of delete, compact",
        ),
        (
            "retention.ms",
            Append(text("1")),
            "config retention.ms is not a list: nothing can be appended or subtracted",
        ),
        (
            "retention",
            Set(text("1")),
            "unknown topic config 'retention'; did you mean 'retention.ms'?",
        ),
    ] {
        assert_eq!(alter(&[(name, operation)]), Err(message.to_owned()));
    }
    assert_eq!(
        alter(&[("retention.ms", Delete), ("retention.ms", Set(text("6")))]),
        Err(text("config retention.ms is named twice"))
    );
    assert_eq!(
        alter(&[
            ("min.compaction.lag.ms", Set(text("6"))),
            ("max.compaction.lag.ms", Set(text("5")))
        ]),
        Err(text(
            "min.compaction.lag.ms (6) is above max.compaction.lag.ms (5)"
        ))
    );
}

#[test]
fn a_cluster_gets_one_id_and_producers_get_blocks() {
    let mut image = Image::new();
    let record = plan_cluster(&image, [7; 16]).unwrap();
    image.apply(&record).unwrap();
    assert_eq!(image.cluster_id().unwrap().to_string().len(), 22);
    assert_eq!(plan_cluster(&image, [8; 16]), None);
    for first in [0, 1000, 2000] {
        let (block, record) = plan_producer_ids(&image).unwrap();
        assert_eq!(block, first..first + 1000);
        image.apply(&record).unwrap();
    }
    image
        .apply(&MetadataRecord::ProducerIds { next: i64::MAX })
        .unwrap();
    assert_eq!(plan_producer_ids(&image), None);
}
