//! DescribeLogDirs.

use std::sync::Arc;

use model::ErrorCode;
use sim::SimFs;
use wire::Text;
use wire::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResult,
};

use crate::support::{Fixture, assert_code, batch};

fn asking(topics: &[(&'static str, &[i32])]) -> DescribeLogDirsRequest {
    let topics = topics
        .iter()
        .map(|(topic, partitions)| DescribableLogDirTopic {
            topic: Text::from_static(topic),
            partitions: partitions.to_vec(),
        });
    DescribeLogDirsRequest {
        topics: Some(topics.collect()),
    }
}

async fn describe(
    fixture: &mut Fixture,
    request: &DescribeLogDirsRequest,
) -> DescribeLogDirsResult {
    let mut response = fixture.call(request, 5).await;
    assert_code(response.error_code, ErrorCode::None);
    assert_eq!(response.results.len(), 1);
    response.results.remove(0)
}

/// The size of each partition, as `topic-index`.
fn sizes(result: &DescribeLogDirsResult) -> Vec<(String, i64)> {
    let mut sizes = Vec::new();
    for topic in &result.topics {
        for partition in &topic.partitions {
            assert_eq!((partition.offset_lag, partition.is_future_key), (0, false));
            let name = format!("{}-{}", topic.name, partition.partition_index);
            sizes.push((name, partition.partition_size));
        }
    }
    sizes
}

#[tokio::test]
async fn the_size_is_that_of_the_records_in_every_version_and_after_a_restart() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "2")]).await;
    fixture.topic("t").await;
    fixture.topic("empty").await;
    let record = batch(&["something"]);
    let bytes = 3 * i64::try_from(record.len()).unwrap();
    for _ in 0..3 {
        fixture.produce("t", record.clone()).await;
    }
    let expected = [
        ("empty-0".to_owned(), 0),
        ("empty-1".to_owned(), 0),
        ("t-0".to_owned(), bytes),
        ("t-1".to_owned(), 0),
    ];
    for version in 1..=5 {
        let response = fixture
            .call(&DescribeLogDirsRequest { topics: None }, version)
            .await;
        let result = &response.results[0];
        assert_code(result.error_code, ErrorCode::None);
        assert_eq!(result.log_dir, *fixture.data_dir().to_str().unwrap());
        assert_eq!(sizes(result), expected, "version {version}");
        let is_told = version >= 4;
        assert_eq!(result.total_bytes > 0, is_told);
        assert_eq!(result.usable_bytes > 0, is_told);
        assert!(result.usable_bytes <= result.total_bytes);
    }
    // Now the records are in a segment.
    let mut fixture = fixture.restart().await;
    let all = describe(&mut fixture, &DescribeLogDirsRequest { topics: None }).await;
    assert_eq!(sizes(&all), expected);
}

#[tokio::test]
async fn only_what_is_asked_for_and_exists_is_described_once() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "2")]).await;
    fixture.topic("t").await;
    fixture.topic("u").await;
    for (request, expected) in [
        (asking(&[]), &[][..]),
        (asking(&[("missing", &[0])]), &[]),
        (asking(&[("u", &[1, 7, -1])]), &["u-1"]),
        (
            asking(&[("u", &[1, 0, 1]), ("t", &[0]), ("u", &[0])]),
            &["t-0", "u-0", "u-1"],
        ),
    ] {
        let result = describe(&mut fixture, &request).await;
        let names: Vec<_> = sizes(&result).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn size_and_free_space_are_those_of_the_volume() {
    let files = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(files.clone())).await;
    files.set_space(Some(1 << 30));
    let result = describe(&mut fixture, &asking(&[])).await;
    assert_eq!(result.total_bytes, 1 << 30);
    let used = result.total_bytes - result.usable_bytes;
    assert!(used > 0 && used < 64 << 20, "{used} bytes are used");
}
