//! Produce: the memory that a request takes.

use std::task::{Context, Waker};

use model::ErrorCode;
use network::Reply;
use wire::Chunks;
use wire::compression::Codec;
use wire::messages::produce::{PartitionProduceData, ProduceRequest};

use crate::compacted;
use crate::gated_disk::Forces;
use crate::support::{Answered, Fixture, assert_code, batch, decode, produce_request, values};

/// Counts the rounds of the write-ahead log.
const ROUNDS: &str = "ottla_wal_rounds_total";

#[tokio::test]
async fn a_request_larger_than_the_space_is_taken_batch_by_batch() {
    let settings = [("memory.max.bytes", "67108864"), ("num.partitions", "80")];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let value = "x".repeat(1_000_000);
    let large = batch(&[&value]);
    let mut request = produce_request("t", large.clone());
    request.topic_data[0].partition_data = (0..80)
        .map(|index| PartitionProduceData {
            index,
            records: Some(Chunks::from(large.clone())),
        })
        .collect();
    let response = fixture.call(&request, 9).await;
    for partition in &response.responses[0].partition_responses {
        assert_code(partition.error_code, ErrorCode::None);
    }
}

/// A few kilobytes that are to be many megabytes uncompressed.
#[tokio::test]
async fn a_request_that_grows_is_never_far_ahead_of_the_disk() {
    let mut fixture = Fixture::open().await;
    let configs = [("compression.type", "uncompressed")];
    assert_code(
        compacted::create(&mut fixture, &configs).await,
        ErrorCode::None,
    );
    // One more, that is as it was.
    fixture.topic("u").await;
    let value = "x".repeat(1_000_000);
    let small = compacted::keyed(&[(None, Some(&value))], Codec::Zstd);
    let mut request = produce_request("t", small.clone());
    let batch = request.topic_data[0].partition_data[0].clone();
    request.topic_data[0].partition_data = vec![batch; 40];
    let frame = fixture.frame(&request, 9);
    let before = fixture.counter(ROUNDS);
    fixture.disk.set(Forces::Wait);
    let Reply::Serial(mut answer) = fixture.dispatch(frame) else {
        panic!("it does not wait for the disk");
    };
    let context = &mut Context::from_waker(Waker::noop());
    assert!(answer.as_mut().poll(context).is_pending());
    fixture.disk.wait_until_forcing();
    assert!(answer.as_mut().poll(context).is_pending());
    fixture.disk.set(Forces::Pass);
    answer.await;
    // What was appended while the disk waited is at most two rounds; the rest had to wait for it.
    let rounds = fixture.counter(ROUNDS) - before;
    assert!(rounds >= 7, "{rounds}");
    assert_eq!(fixture.fetch("t", 40).await.high_watermark, 40);
}

#[tokio::test]
async fn a_request_waits_for_space_and_then_for_the_disk() {
    let mut fixture = Fixture::with_settings(&[("memory.max.bytes", "67108864")]).await;
    fixture.topic("t").await;
    fixture.disk.set(Forces::Wait);
    let value = "x".repeat(1_000_000);
    let request = produce_request("t", batch(&[&value]));
    let mut under_way = Vec::new();
    let mut waiting = loop {
        assert!(under_way.len() < 64, "there is no end of space");
        let frame = fixture.frame(&request, 9);
        match fixture.dispatch(frame) {
            Reply::Pipelined(answer) => under_way.push(answer),
            Reply::Serial(waiting) => break waiting,
            other => panic!("answered at once: {other:?}"),
        }
    };
    let context = &mut Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(context).is_pending());
    // Who goes away makes room, and what is appended then is not on disk yet.
    let appended = under_way.len();
    drop(under_way.pop());
    assert!(waiting.as_mut().poll(context).is_pending());
    fixture.disk.set(Forces::Pass);
    let Answered::Response(response) = decode::<ProduceRequest>(waiting.await, 9) else {
        panic!("no response");
    };
    let partition = &response.responses[0].partition_responses[0];
    assert_code(partition.error_code, ErrorCode::None);
    assert_eq!(partition.base_offset, appended as i64);
}

#[tokio::test]
async fn the_largest_batch_finds_space_in_the_smallest_memory() {
    let settings = [
        ("memory.max.bytes", "67108864"),
        ("message.max.bytes", "33554432"),
    ];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let small = "x".repeat(1_000_000);
    let large = "x".repeat(33_000_000);
    for round in 0..3 {
        for value in [&small, &large] {
            let response = fixture.produce("t", batch(&[value])).await;
            assert_code(response.error_code, ErrorCode::None);
        }
        let partition = fixture.fetch("t", 2 * round + 1).await;
        assert_eq!(values(partition.records)[0].1.len(), large.len());
    }
}
