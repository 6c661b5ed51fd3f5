//! Produce: what is taken, what is refused, and when the answer comes.

use std::task::{Context, Waker};

use bytes::Bytes;
use model::ErrorCode;
use network::Reply;
use wire::batch::BatchBuilder;
use wire::compression::Codec;
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::produce::{PartitionProduceData, ProduceRequest};
use wire::{Chunks, Text};

use crate::gated_disk::Forces;
use crate::support::{
    Answered, Fixture, NOW_MS, assert_code, batch, batch_at, build, decode, idempotent_batch,
    produce_request, settle, values,
};

#[tokio::test]
async fn every_version_appends_and_tells_the_offset() {
    let mut fixture = Fixture::open().await;
    let topic_id = fixture.topic("t").await.topic_id;
    for (version, expected) in (3..=13).zip(0..) {
        let mut request = produce_request("t", batch(&["a", "b"]));
        request.topic_data[0].topic_id = topic_id;
        let response = fixture.call(&request, version).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_code(partition.error_code, ErrorCode::None);
        assert_eq!(partition.base_offset, 2 * expected);
        assert_eq!(partition.log_append_time_ms, -1);
        if version >= 5 {
            assert_eq!(partition.log_start_offset, 0);
        }
    }
    let records = values(fixture.fetch("t", 0).await.records);
    assert_eq!(records.len(), 22);
    assert_eq!(records[21], (21, "b".to_owned()));
}

#[tokio::test]
async fn acks_1_is_answered_like_acks_all_and_acks_0_not_at_all() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut request = produce_request("t", batch(&["a"]));
    request.acks = 1;
    let response = fixture.call(&request, 9).await;
    assert_eq!(response.responses[0].partition_responses[0].base_offset, 0);
    request.acks = 0;
    assert!(matches!(fixture.send(&request, 9).await, Answered::Silence));
    // What was appended without an answer has its place before what follows.
    let response = fixture.produce("t", batch(&["c"])).await;
    assert_eq!(response.base_offset, 2);
}

#[tokio::test]
async fn acks_0_tells_an_error_by_closing() {
    let mut fixture = Fixture::open().await;
    let mut request = produce_request("missing", batch(&["a"]));
    request.acks = 0;
    let answered = fixture.send(&request, 9).await;
    assert!(
        matches!(answered, Answered::Closed("unacknowledged_produce_failed")),
        "{answered:?}"
    );
}

#[tokio::test]
async fn other_acks_are_refused_on_every_partition() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for acks in [2, -2, 7] {
        let mut request = produce_request("t", batch(&["a"]));
        request.acks = acks;
        let response = fixture.call(&request, 9).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_code(partition.error_code, ErrorCode::InvalidRequiredAcks);
        assert_eq!(partition.base_offset, -1);
    }
    assert_eq!(fixture.fetch("t", 0).await.high_watermark, 0);
}

#[tokio::test]
async fn a_refused_partition_does_not_spoil_the_others() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "2")]).await;
    fixture.topic("t").await;
    let mut request = produce_request("t", batch(&["a"]));
    let partition = |index, records| PartitionProduceData { index, records };
    request.topic_data[0].partition_data = vec![
        partition(1, Some(Chunks::from(batch(&["b"])))),
        partition(9, Some(Chunks::from(batch(&["c"])))),
        partition(0, None),
        partition(0, Some(Chunks::from(batch(&["d"])))),
    ];
    let response = fixture.call(&request, 8).await;
    let partitions = &response.responses[0].partition_responses;
    let indexes: Vec<_> = partitions.iter().map(|partition| partition.index).collect();
    assert_eq!(
        indexes,
        [1, 9, 0, 0],
        "answers keep the order of the request"
    );
    assert_code(partitions[0].error_code, ErrorCode::None);
    assert_code(partitions[1].error_code, ErrorCode::UnknownTopicOrPartition);
    assert_code(partitions[2].error_code, ErrorCode::InvalidRecord);
    assert_code(partitions[3].error_code, ErrorCode::None);
    assert_eq!(partitions[3].base_offset, 0);
}

#[tokio::test]
async fn unknown_topics_and_ids() {
    let mut fixture = Fixture::open().await;
    let request = produce_request("missing", batch(&["a"]));
    for (version, code) in [
        (9, ErrorCode::UnknownTopicOrPartition),
        (13, ErrorCode::UnknownTopicId),
    ] {
        let response = fixture.call(&request, version).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_code(partition.error_code, code);
    }
}

/// Changes bytes of a batch and makes its CRC right again.
fn patched(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut patched = batch.to_vec();
    patched[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &patched[21..]);
    patched[17..21].copy_from_slice(&u32::try_from(crc).unwrap().to_be_bytes());
    patched.into()
}

#[tokio::test]
async fn batches_that_are_refused() {
    let mut fixture = Fixture::with_settings(&[("message.max.bytes", "1000")]).await;
    fixture.topic("t").await;
    let good = batch(&["a", "b"]);
    let mut bad_crc = good.to_vec();
    bad_crc[62] ^= 1;
    let two = [&good[..], &good[..]].concat();
    let long = "x".repeat(1000);
    let longer = i32::try_from(good.len() - 12 + 1).unwrap().to_be_bytes();
    let trailing = [&good[..], &[0]].concat().into();
    assert_eq!(good[72], 2, "the offset of the second record, zigzag");
    let hour_ms = 3_600_000;
    for (what, batch, code) in [
        ("nothing", Bytes::new(), ErrorCode::InvalidRecord),
        ("a bad CRC", bad_crc.into(), ErrorCode::CorruptMessage),
        (
            "cut",
            good.slice(..good.len() - 1),
            ErrorCode::CorruptMessage,
        ),
        (
            "cut in its header",
            good.slice(..30),
            ErrorCode::CorruptMessage,
        ),
        ("two batches", two.into(), ErrorCode::InvalidRecord),
        (
            "magic 1",
            patched(&good, 16, &[1]),
            ErrorCode::InvalidRecord,
        ),
        (
            "base offset 5",
            patched(&good, 0, &5i64.to_be_bytes()),
            ErrorCode::InvalidRecord,
        ),
        (
            "a count too small",
            patched(&good, 57, &1i32.to_be_bytes()),
            ErrorCode::InvalidRecord,
        ),
        (
            "no records",
            patched(&good, 57, &0i32.to_be_bytes()),
            ErrorCode::InvalidRecord,
        ),
        (
            "a wrong last offset",
            patched(&good, 23, &5i32.to_be_bytes()),
            ErrorCode::InvalidRecord,
        ),
        (
            "a count that the records do not keep",
            patched(
                &patched(&good, 23, &2i32.to_be_bytes()),
                57,
                &3i32.to_be_bytes(),
            ),
            ErrorCode::InvalidRecord,
        ),
        (
            "a byte behind the records",
            patched(&trailing, 8, &longer),
            ErrorCode::InvalidRecord,
        ),
        (
            "two records at one offset",
            patched(&good, 72, &[0]),
            ErrorCode::InvalidRecord,
        ),
        (
            "an offset between two records",
            patched(&good, 72, &[4]),
            ErrorCode::InvalidRecord,
        ),
        ("too large", batch(&[&long]), ErrorCode::MessageTooLarge),
        (
            "codec 5",
            patched(&good, 21, &5i16.to_be_bytes()),
            ErrorCode::UnsupportedCompressionType,
        ),
        (
            "a control batch",
            build(BatchBuilder::new().control(), NOW_MS, &["a"]),
            ErrorCode::InvalidRecord,
        ),
        (
            "a transactional batch",
            build(BatchBuilder::new().transactional(), NOW_MS, &["a"]),
            ErrorCode::InvalidRecord,
        ),
        (
            "a producer without a sequence",
            idempotent_batch(1, 0, -1, &["a"]),
            ErrorCode::InvalidRecord,
        ),
        (
            "more than an hour ahead",
            batch_at(NOW_MS + hour_ms + 1, &["a"]),
            ErrorCode::InvalidTimestamp,
        ),
        (
            "a time that only the broker sets",
            patched(&good, 21, &8i16.to_be_bytes()),
            ErrorCode::InvalidTimestamp,
        ),
    ] {
        let response = fixture.produce("t", batch).await;
        assert_eq!(
            ErrorCode::from_code(response.error_code),
            Some(code),
            "{what}"
        );
        assert_eq!(response.base_offset, -1, "{what}");
    }
    let fetched = fixture.fetch("t", 0).await;
    assert_eq!(fetched.high_watermark, 0, "nothing of that was appended");
}

#[tokio::test]
async fn bounds_that_are_just_kept() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for timestamp in [0, -1, NOW_MS + 3_600_000] {
        let response = fixture.produce("t", batch_at(timestamp, &["a"])).await;
        assert_code(response.error_code, ErrorCode::None);
    }
}

#[tokio::test]
async fn zstd_needs_version_7() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let zstd = build(BatchBuilder::new().codec(Codec::Zstd), NOW_MS, &["a"]);
    let request = produce_request("t", zstd);
    for (version, code) in [
        (6, ErrorCode::UnsupportedCompressionType),
        (7, ErrorCode::None),
    ] {
        let response = fixture.call(&request, version).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_code(partition.error_code, code);
    }
}

#[tokio::test]
async fn compressed_batches_pass_through_untouched() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let codecs = [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ];
    for (codec, offset) in codecs.into_iter().zip(0..) {
        let sent = build(
            BatchBuilder::new().codec(codec),
            NOW_MS,
            &["same words same words"],
        );
        fixture.produce("t", sent.clone()).await;
        let fetched = fixture
            .fetch("t", offset)
            .await
            .records
            .unwrap()
            .into_bytes();
        // Base offset and leader epoch are the broker's.
        assert_eq!(fetched[16..], sent[16..], "{codec:?}");
    }
}

#[tokio::test]
async fn log_append_time_is_stamped_and_told() {
    let settings = [("log.message.timestamp.type", "LogAppendTime")];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let response = fixture.produce("t", batch_at(5, &["a"])).await;
    assert_code(response.error_code, ErrorCode::None);
    assert_eq!(response.log_append_time_ms, NOW_MS);
    let fetched = fixture.fetch("t", 0).await.records.unwrap().into_bytes();
    let (view, _) = wire::batch::BatchView::parse(&fetched).unwrap();
    assert!(view.crc_is_valid());
    assert!(view.attributes.is_log_append_time());
    assert_eq!(view.max_timestamp, NOW_MS);
}

#[tokio::test]
async fn internal_topics_are_for_admin_clients_only() {
    let mut fixture = Fixture::open().await;
    // The first question for a coordinator makes the topic.
    let request = FindCoordinatorRequest {
        key: Text::from_static("g"),
        ..FindCoordinatorRequest::default()
    };
    fixture.call(&request, 3).await;
    let response = fixture.produce("__consumer_offsets", batch(&["a"])).await;
    assert_code(response.error_code, ErrorCode::InvalidTopicException);
    let mut fixture = fixture.with_client_id("__admin_client");
    let response = fixture.produce("__consumer_offsets", batch(&["a"])).await;
    assert_code(response.error_code, ErrorCode::None);
}

#[tokio::test]
async fn an_idempotent_producers_retries_are_recognised() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for (sequence, offset) in [(0, 0), (2, 2), (4, 4)] {
        let response = fixture
            .produce("t", idempotent_batch(7, 0, sequence, &["a", "b"]))
            .await;
        assert_eq!(response.base_offset, offset);
    }
    let retried = fixture
        .produce("t", idempotent_batch(7, 0, 2, &["a", "b"]))
        .await;
    assert_code(retried.error_code, ErrorCode::None);
    assert_eq!(retried.base_offset, 2, "the offset of the original");
    for (what, batch, code) in [
        (
            "a gap",
            idempotent_batch(7, 0, 9, &["a"]),
            ErrorCode::OutOfOrderSequenceNumber,
        ),
        (
            "a new epoch in the middle",
            idempotent_batch(7, 1, 3, &["a"]),
            ErrorCode::OutOfOrderSequenceNumber,
        ),
        (
            "a new epoch",
            idempotent_batch(7, 1, 0, &["a"]),
            ErrorCode::None,
        ),
        (
            "an old epoch",
            idempotent_batch(7, 0, 6, &["a"]),
            ErrorCode::InvalidProducerEpoch,
        ),
        (
            "an unknown producer",
            idempotent_batch(8, 3, 55, &["a"]),
            ErrorCode::None,
        ),
    ] {
        let response = fixture.produce("t", batch).await;
        assert_eq!(
            ErrorCode::from_code(response.error_code),
            Some(code),
            "{what}"
        );
    }
    assert_eq!(fixture.fetch("t", 0).await.high_watermark, 8);
}

#[tokio::test]
async fn requests_are_pipelined_and_keep_their_order() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.disk.set(Forces::Wait);
    let mut replies = Vec::new();
    for value in ["a", "b", "c", "d", "e"] {
        let frame = fixture.frame(&produce_request("t", batch(&[value])), 9);
        let reply = fixture.dispatch(frame);
        assert!(matches!(reply, Reply::Pipelined(_)), "{reply:?}");
        replies.push(reply);
    }
    fixture.disk.set(Forces::Pass);
    for (reply, offset) in replies.into_iter().zip(0..) {
        let answered = decode::<ProduceRequest>(settle(reply).await, 9);
        let Answered::Response(response) = answered else {
            panic!("no response: {answered:?}");
        };
        assert_eq!(
            response.responses[0].partition_responses[0].base_offset,
            offset
        );
    }
}

#[tokio::test]
async fn an_append_goes_on_when_nobody_waits_for_its_answer() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.disk.set(Forces::Wait);
    let frame = fixture.frame(&produce_request("t", batch(&["a"])), 9);
    let Reply::Pipelined(mut answer) = fixture.dispatch(frame) else {
        panic!("not pipelined");
    };
    // The connection is closed while the answer waits.
    let _ = answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    drop(answer);
    fixture.disk.set(Forces::Pass);
    let response = fixture.produce("t", batch(&["b"])).await;
    assert_eq!(response.base_offset, 1);
    let records = values(fixture.fetch("t", 0).await.records);
    assert_eq!(records, [(0, "a".to_owned()), (1, "b".to_owned())]);
}

#[tokio::test]
async fn a_transactional_id_alone_refuses_nothing() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut request = produce_request("t", batch(&["a"]));
    request.transactional_id = Some(Text::from_static("x"));
    let response = fixture.call(&request, 9).await;
    assert_code(
        response.responses[0].partition_responses[0].error_code,
        ErrorCode::None,
    );
}
