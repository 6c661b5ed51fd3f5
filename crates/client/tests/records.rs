//! Producer and consumer against the broker that librdkafka brings for tests of its own.

use std::collections::BTreeMap;

use client::{
    Acks, Admin, Brokers, Compression, Consumer, Event, Membership, NewRecord, Position, Producer,
    Record, StartAt, TopicPartition,
};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

const TOPIC: &str = "topic1";
const GROUP: &str = "group";

struct Cluster {
    _mock: MockCluster<'static, DefaultProducerContext>,
    brokers: Brokers,
}

fn cluster(partitions: i32) -> Cluster {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(TOPIC, partitions, 1).unwrap();
    let brokers = mock.bootstrap_servers().parse().unwrap();
    Cluster {
        _mock: mock,
        brokers,
    }
}

fn record(key: Option<&str>, value: Option<&str>) -> NewRecord {
    NewRecord {
        key: key.map(|key| key.as_bytes().to_vec()),
        value: value.map(|value| value.as_bytes().to_vec()),
        ..NewRecord::default()
    }
}

async fn read(consumer: &mut Consumer, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        match consumer.next().await.unwrap() {
            Event::Record(record) => records.push(record),
            Event::Trouble(trouble) => panic!("{trouble:?}"),
        }
    }
    records
}

fn starts(partitions: i32) -> BTreeMap<TopicPartition, i64> {
    (0..partitions)
        .map(|index| (TopicPartition::new(TOPIC, index), 0))
        .collect()
}

#[tokio::test]
async fn keys_choose_partitions_as_the_java_client_does() {
    // murmur2 of each key with the sign bit off, modulo 1000; for key1 over 3 partitions see below.
    let cluster = cluster(1000);
    let producer = Producer::new(&cluster.brokers, Acks::Leader, Compression::None).unwrap();
    for (key, hash) in [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        (
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
            -58_897_971,
        ),
        ("abc", 479_470_107),
    ] {
        let mut answer = producer
            .send(TOPIC, &record(Some(key), Some("x")))
            .await
            .unwrap();
        let partition = answer.written().await.unwrap().partition;
        assert_eq!(partition, (hash & i32::MAX) % 1000, "{key}");
    }
}

#[tokio::test]
async fn records_come_back_as_they_were_sent_with_every_codec_and_level_of_acks() {
    let cluster = cluster(3);
    let mut sent = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        for (acks, level) in [(Acks::None, "0"), (Acks::Leader, "1"), (Acks::All, "all")] {
            let producer = Producer::new(&cluster.brokers, acks, codec.parse().unwrap()).unwrap();
            let mut new = record(Some("key1"), Some(&format!("{codec} {level}").repeat(50)));
            new.headers = vec![
                ("a".to_owned(), Some(b"1".to_vec())),
                ("a".to_owned(), Some(Vec::new())),
                ("b".to_owned(), None),
            ];
            let mut answer = producer.send(TOPIC, &new).await.unwrap();
            let written = answer.written().await.unwrap();
            assert_eq!(written.partition, 2, "murmur2 of key1 over 3 partitions");
            let known = if acks == Acks::None {
                -1
            } else {
                i64::try_from(sent.len()).unwrap()
            };
            assert_eq!(written.offset, known, "{codec} {level}");
            sent.push(new);
        }
    }
    let mut consumer = Consumer::new(&cluster.brokers, &Membership::None, starts(3)).unwrap();
    let records = read(&mut consumer, sent.len()).await;
    for (index, (record, new)) in records.into_iter().zip(sent).enumerate() {
        let expected = Record {
            topic: TOPIC.to_owned(),
            partition: 2,
            offset: i64::try_from(index).unwrap(),
            // The broker of the tests answers a time of its own.
            timestamp_ms: record.timestamp_ms,
            key: new.key,
            value: new.value,
            headers: new.headers,
        };
        assert_eq!(record, expected);
    }
}

#[tokio::test]
async fn null_and_empty_stay_apart() {
    let cluster = cluster(1);
    let producer = Producer::new(&cluster.brokers, Acks::All, Compression::None).unwrap();
    let sent = [
        record(None, None),
        record(Some(""), Some("")),
        record(None, Some("")),
        record(Some(""), None),
    ];
    for new in &sent {
        producer
            .send(TOPIC, new)
            .await
            .unwrap()
            .written()
            .await
            .unwrap();
    }
    let mut consumer = Consumer::new(&cluster.brokers, &Membership::None, starts(1)).unwrap();
    for (record, new) in read(&mut consumer, sent.len()).await.into_iter().zip(sent) {
        assert_eq!((record.key, record.value), (new.key, new.value));
    }
}

/// Reads two of three records from the second on, commits the first of them, and comes back.
async fn goes_on_where_the_group_has_committed(membership: Membership) {
    let cluster = cluster(1);
    let producer = Producer::new(&cluster.brokers, Acks::Leader, Compression::None).unwrap();
    for value in ["a", "b", "c"] {
        let mut answer = producer
            .send(TOPIC, &record(None, Some(value)))
            .await
            .unwrap();
        answer.written().await.unwrap();
    }
    let at = TopicPartition::new(TOPIC, 0);
    let values = |records: Vec<Record>| -> Vec<_> {
        let values = records.into_iter().map(|record| record.value.unwrap());
        values
            .map(|value| String::from_utf8(value).unwrap())
            .collect()
    };
    // Nothing is committed: from the start it was given.
    let begin = BTreeMap::from([(at.clone(), 1)]);
    let mut consumer = Consumer::new(&cluster.brokers, &membership, begin.clone()).unwrap();
    assert_eq!(values(read(&mut consumer, 2).await), ["b", "c"]);
    consumer.store(&BTreeMap::from([(at, 2)])).unwrap();
    consumer.finish().await.unwrap();
    // Something is: from there, whatever the start and whatever had been fetched. Not as a member,
    // because this broker lets one go after the session timeout only.
    let membership = Membership::Standalone(GROUP.to_owned());
    let mut consumer = Consumer::new(&cluster.brokers, &membership, begin).unwrap();
    assert_eq!(values(read(&mut consumer, 1).await), ["c"]);
}

#[tokio::test]
async fn a_standalone_reader_goes_on_where_its_group_has_committed() {
    goes_on_where_the_group_has_committed(Membership::Standalone(GROUP.to_owned())).await;
}

#[tokio::test]
async fn a_member_goes_on_where_its_group_has_committed() {
    goes_on_where_the_group_has_committed(Membership::Member(GROUP.to_owned())).await;
}

#[tokio::test]
async fn the_administrator_sees_topics_and_offsets() {
    let cluster = cluster(2);
    let producer = Producer::new(&cluster.brokers, Acks::All, Compression::None).unwrap();
    for partition in [0, 0, 1] {
        let mut new = record(None, Some("x"));
        new.partition = Some(partition);
        producer
            .send(TOPIC, &new)
            .await
            .unwrap()
            .written()
            .await
            .unwrap();
    }
    let mut admin = Admin::connect(&cluster.brokers).await.unwrap();
    let topics = admin.all_topics().await.unwrap();
    assert_eq!(topics.len(), 1);
    assert_eq!(topics[0].name, TOPIC);
    assert_eq!(topics[0].partitions.len(), 2);
    let partitions = starts(2).into_keys().collect();
    let ends = admin
        .resolve(&partitions, StartAt::Position(Position::End))
        .await
        .unwrap();
    assert_eq!(ends.into_values().collect::<Vec<_>>(), [2, 1]);
    let near_end = admin
        .resolve(&partitions, StartAt::BeforeEnd(1))
        .await
        .unwrap();
    assert_eq!(near_end.into_values().collect::<Vec<_>>(), [1, 0]);
}
