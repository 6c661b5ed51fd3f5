//! AlterReplicaLogDirs. The codes are those of Apache Kafka 4.4 with one directory.

use model::ErrorCode;
use wire::Text;
use wire::messages::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use wire::messages::describe_log_dirs::DescribeLogDirsRequest;

use crate::support::Fixture;

/// Topics with the indexes of partitions.
type Topics = &'static [(&'static str, &'static [i32])];

/// A directory and what is to be in it.
type Dir<'a> = (&'a str, Topics);

/// A topic, the index of a partition, and the code of the answer.
type Outcome<'a> = (&'a str, i32, i16);

const OK: i16 = ErrorCode::None.code();
const UNKNOWN: i16 = ErrorCode::UnknownTopicOrPartition.code();
const NOT_FOUND: i16 = ErrorCode::LogDirNotFound.code();

/// Asks for moves to directories; the outcomes by topic and partition.
async fn alter(fixture: &mut Fixture, version: i16, dirs: &[Dir<'_>]) -> Vec<(String, i32, i16)> {
    let dirs = dirs.iter().map(|(path, topics)| AlterReplicaLogDir {
        path: Text::from(*path),
        topics: topics
            .iter()
            .map(|(name, partitions)| AlterReplicaLogDirTopic {
                name: Text::from_static(name),
                partitions: partitions.to_vec(),
            })
            .collect(),
    });
    let request = AlterReplicaLogDirsRequest {
        dirs: dirs.collect(),
    };
    let response = fixture.call(&request, version).await;
    let mut outcomes = Vec::new();
    for topic in response.results {
        for partition in topic.partitions {
            let name = topic.topic_name.to_string();
            outcomes.push((name, partition.partition_index, partition.error_code));
        }
    }
    outcomes
}

/// A broker with the topic `t` of two partitions, and its directory as it names it itself.
async fn fixture() -> (Fixture, String) {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "2")]).await;
    fixture.topic("t").await;
    let described = fixture
        .call(&DescribeLogDirsRequest { topics: None }, 5)
        .await;
    let here = described.results[0].log_dir.to_string();
    (fixture, here)
}

fn outcomes(expected: &[Outcome<'_>]) -> Vec<(String, i32, i16)> {
    let owned = |(name, index, code): &Outcome<'_>| ((*name).to_owned(), *index, *code);
    expected.iter().map(owned).collect()
}

#[tokio::test]
async fn a_replica_can_only_stay_where_it_is() {
    let (mut fixture, here) = fixture().await;
    let slashed = format!("{here}/");
    for version in 1..=2 {
        assert_eq!(
            alter(&mut fixture, version, &[(&here, &[("t", &[1, 0])])]).await,
            outcomes(&[("t", 0, OK), ("t", 1, OK)])
        );
        for elsewhere in ["/nowhere", "relative", "", ".", &slashed] {
            let asked: Topics = &[("t", &[0]), ("missing", &[0])];
            assert_eq!(
                alter(&mut fixture, version, &[(elsewhere, asked)]).await,
                outcomes(&[("missing", 0, NOT_FOUND), ("t", 0, NOT_FOUND)]),
                "{elsewhere}"
            );
        }
        let asked: Topics = &[("t", &[7, -1]), ("missing", &[0]), ("", &[0])];
        assert_eq!(
            alter(&mut fixture, version, &[(&here, asked)]).await,
            outcomes(&[
                ("", 0, UNKNOWN),
                ("missing", 0, UNKNOWN),
                ("t", -1, UNKNOWN),
                ("t", 7, UNKNOWN)
            ])
        );
    }
}

/// Of 214 characters: too long for the name of a directory that Kafka moves the partition to.
const LONG: &str = concat!(
    "a-name-of-fifty-characters-in-all-is-what-this-is-",
    "a-name-of-fifty-characters-in-all-is-what-this-is-",
    "a-name-of-fifty-characters-in-all-is-what-this-is-",
    "a-name-of-fifty-characters-in-all-is-what-this-is-",
    "and-fourteen-x"
);

#[tokio::test]
async fn a_long_name_is_like_any_other() {
    assert_eq!(LONG.len(), 214);
    let (mut fixture, here) = fixture().await;
    fixture.topic(LONG).await;
    assert_eq!(
        alter(&mut fixture, 2, &[(&here, &[(LONG, &[0])])]).await,
        outcomes(&[(LONG, 0, OK)])
    );
}

#[tokio::test]
async fn a_partition_is_answered_once_and_by_its_last_directory() {
    let (mut fixture, here) = fixture().await;
    let here = here.as_str();
    let twice: Topics = &[("t", &[0, 0]), ("t", &[0])];
    let cases: [(&[Dir<'_>], &[Outcome<'_>]); 6] = [
        (&[], &[]),
        (&[(here, &[("t", &[])])], &[]),
        (&[(here, twice)], &[("t", 0, OK)]),
        (
            &[(here, &[("t", &[0])]), ("/nowhere", &[("t", &[0])])],
            &[("t", 0, NOT_FOUND)],
        ),
        (
            &[("/nowhere", &[("t", &[0])]), (here, &[("t", &[0])])],
            &[("t", 0, OK)],
        ),
        (
            &[("/nowhere", &[("t", &[1])]), (here, &[("t", &[0])])],
            &[("t", 0, OK), ("t", 1, NOT_FOUND)],
        ),
    ];
    for (asked, expected) in cases {
        assert_eq!(alter(&mut fixture, 2, asked).await, outcomes(expected));
    }
}
