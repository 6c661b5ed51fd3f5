//! Bytes written down by hand.

use std::sync::Arc;

use bytes::Bytes;
use chunks::{Chunk, FileRange};
use model::TopicId;

use super::{TestMessage, decoded, encoded};
use crate::apis::ApiKey;
use crate::messages::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse};
use crate::messages::delete_topics::DeleteTopicsRequest;
use crate::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResult,
};
use crate::messages::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use crate::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic, ListOffsetsTopicResponse,
};
use crate::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use crate::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use crate::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use crate::{
    Chunks, DecodeError, Decoder, Encoder, Message, RequestHeader, Text, decode_response,
    encode_request, encode_response,
};

fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect::<Vec<u8>>()
        .into()
}

fn check<M: TestMessage>(message: &M, version: i16, bytes: &str) {
    let written = encoded(message, version);
    assert_eq!(written, hex(bytes), "version {version}");
    assert_eq!(
        decoded::<M>(written, version).as_ref(),
        Ok(message),
        "version {version}"
    );
}

#[test]
fn metadata_request_in_its_forms() {
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let one = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("ab".into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    check(&all, 1, "ffffffff");
    check(&one, 0, "00000001 0002 6162");
    check(&one, 4, "00000001 0002 6162 01");
    check(&all, 9, "00 01 00 00 00");
    check(&one, 9, "02 03 6162 00 01 00 00 00");
    check(
        &one,
        12,
        "02 00000000000000000000000000000000 03 6162 00 01 00 00",
    );
}

#[test]
fn null_becomes_empty_where_it_cannot_be_written() {
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let mut encoder = Encoder::new();
    all.encode(&mut encoder, 0);
    assert_eq!(encoder.finish().into_bytes(), hex("00000000"));
}

#[test]
fn a_count_that_promises_gigabytes_is_refused() {
    let mut decoder = Decoder::new(hex("feffffff0f 01 00"));
    assert_eq!(
        MetadataRequest::decode(&mut decoder, 12),
        Err(DecodeError::Count)
    );
    let mut decoder = Decoder::new(hex("7fffffff 01 00"));
    assert_eq!(
        MetadataRequest::decode(&mut decoder, 4),
        Err(DecodeError::Count)
    );
}

#[test]
fn versions_outside_the_range_are_refused() {
    for version in [-1, 14] {
        let mut decoder = Decoder::new(hex("00000000"));
        assert_eq!(
            MetadataRequest::decode(&mut decoder, version),
            Err(DecodeError::Version)
        );
    }
}

#[test]
fn unknown_tags_are_skipped() {
    // Tag 0 is not one that version 9 knows, tag 300 is none at all.
    let mut decoder = Decoder::new(hex("01 01 00 00 02 00 01 ff ac02 02 abcd"));
    let request = MetadataRequest::decode(&mut decoder, 9).unwrap();
    assert_eq!(request, MetadataRequest::default());
    decoder.finish().unwrap();
}

#[test]
fn request_headers_in_their_forms() {
    let request = ApiVersionsRequest {
        client_software_name: "ab".into(),
        client_software_version: "1".into(),
    };
    let client_id = Text::from_static("me");
    let frame = encode_request(&request, 3, 7, Some(&client_id)).into_bytes();
    assert_eq!(
        frame,
        hex("00000013 0012 0003 00000007 0002 6d65 00 03 6162 02 31 00")
    );
    let mut decoder = Decoder::new(frame.slice(4..));
    let header = RequestHeader::decode(&mut decoder).unwrap();
    assert_eq!(
        header,
        RequestHeader {
            api_key: 18,
            api_version: 3,
            correlation_id: 7,
            client_id: Some(client_id)
        }
    );
    assert_eq!(
        ApiVersionsRequest::decode(&mut decoder, 3).as_ref(),
        Ok(&request)
    );
    let frame = encode_request(&request, 2, 7, None).into_bytes();
    assert_eq!(frame, hex("0000000a 0012 0002 00000007 ffff"));
}

#[test]
fn an_unknown_api_still_yields_its_header() {
    let mut decoder = Decoder::new(hex("03e8 0001 00000009 ffff 01 02 03"));
    let header = RequestHeader::decode(&mut decoder).unwrap();
    assert_eq!((header.api_key, header.correlation_id), (1000, 9));
    assert_eq!(ApiKey::from_key(1000), None);
}

#[test]
fn the_header_of_api_versions_answers_is_never_flexible() {
    let response = ApiVersionsResponse {
        api_keys: vec![ApiVersion {
            api_key: 18,
            min_version: 0,
            max_version: 4,
        }],
        ..ApiVersionsResponse::default()
    };
    let frame = encode_response(&response, 3, 1).into_bytes();
    assert_eq!(
        frame,
        hex("00000013 00000001 0000 02 0012 0000 0004 00 00000000 00")
    );
    assert_eq!(decode_response(frame.slice(4..), 3), Ok((1, response)));
}

#[test]
fn records_in_files_are_told_like_records_in_memory() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &[5; 10_000]).unwrap();
    let file = Arc::new(file);
    // However short: it is not known what is in the file.
    for bytes in [1, 9_000] {
        let range = Chunk::File(FileRange {
            file: Arc::clone(&file),
            position: 1_000,
            bytes,
        });
        let encoded = |records: Chunks| {
            let partition = PartitionData {
                records: Some(records),
                ..PartitionData::default()
            };
            let topic = FetchableTopicResponse {
                partitions: vec![partition.clone(), partition],
                ..FetchableTopicResponse::default()
            };
            let response = FetchResponse {
                responses: vec![topic],
                ..FetchResponse::default()
            };
            encode_response(&response, 12, 5)
        };
        let in_files = encoded(vec![range].into());
        let is_in_file = |chunk: &&Chunk| matches!(chunk, Chunk::File(_));
        assert_eq!(in_files.as_slice().iter().filter(is_in_file).count(), 2);
        assert_eq!(in_files, encoded(vec![5; bytes].into()));
    }
}

#[test]
fn records_are_handed_on_without_a_copy() {
    let records = Bytes::from(vec![7; 100_000]);
    let partition = PartitionData {
        records: Some(Chunks::from(records.clone())),
        ..PartitionData::default()
    };
    let topic = FetchableTopicResponse {
        partitions: vec![partition.clone(), partition],
        ..FetchableTopicResponse::default()
    };
    let response = FetchResponse {
        responses: vec![topic],
        ..FetchResponse::default()
    };
    for version in FetchResponse::VERSIONS {
        let frame = encode_response(&response, version, 5);
        let pointers: Vec<_> = frame
            .as_slice()
            .iter()
            .filter_map(|chunk| match chunk {
                Chunk::Memory(bytes) => Some(bytes.as_ptr()),
                Chunk::File(_) => None,
            })
            .collect();
        assert_eq!(
            pointers.iter().filter(|p| **p == records.as_ptr()).count(),
            2,
            "{version}"
        );
        let length = frame.len();
        let frame = frame.into_bytes();
        assert_eq!(frame[..4], (length as u32 - 4).to_be_bytes());
        let (correlation_id, read) =
            decode_response::<FetchResponse>(frame.slice(4..), version).unwrap();
        assert_eq!((correlation_id, &read), (5, &response), "{version}");
    }
}

#[test]
fn a_text_too_long_for_the_protocol_is_cut_at_a_character() {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("ü".repeat(20_000).into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    let mut encoder = Encoder::new();
    request.encode(&mut encoder, 1);
    let mut decoder = Decoder::new(encoder.finish().into_bytes());
    let read = MetadataRequest::decode(&mut decoder, 1).unwrap();
    assert_eq!(
        read.topics.unwrap()[0].name.as_ref().map(Text::len),
        Some(32_766)
    );
}

#[test]
fn list_offsets_version_11_is_laid_out_as_version_10() {
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: 1,
        topics: vec![ListOffsetsTopic {
            name: "ab".into(),
            partitions: vec![ListOffsetsPartition {
                partition_index: 3,
                current_leader_epoch: 7,
                timestamp: -6,
            }],
        }],
        timeout_ms: 1000,
    };
    let partition = "00000003 00000007 fffffffffffffffa 00";
    let bytes = format!("ffffffff 01 02 03 6162 02 {partition} 00 000003e8 00");
    check(&request, 10, &bytes);
    check(&request, 11, &bytes);

    let response = ListOffsetsResponse {
        throttle_time_ms: 0,
        topics: vec![ListOffsetsTopicResponse {
            name: "ab".into(),
            partitions: vec![ListOffsetsPartitionResponse {
                partition_index: 3,
                error_code: 0,
                timestamp: -1,
                offset: 42,
                leader_epoch: 7,
            }],
        }],
    };
    let partition = "00000003 0000 ffffffffffffffff 000000000000002a 00000007 00";
    let bytes = format!("00000000 02 03 6162 02 {partition} 00 00");
    check(&response, 10, &bytes);
    check(&response, 11, &bytes);
}

#[test]
fn describe_log_dirs_version_5_ends_directories_with_a_flag() {
    let request = DescribeLogDirsRequest {
        topics: Some(vec![DescribableLogDirTopic {
            topic: "ab".into(),
            partitions: vec![3],
        }]),
    };
    for version in [4, 5] {
        check(&request, version, "02 03 6162 02 00000003 00 00");
    }

    let response = |is_cordoned| DescribeLogDirsResponse {
        throttle_time_ms: 0,
        error_code: 0,
        results: vec![DescribeLogDirsResult {
            error_code: 56,
            log_dir: "/d".into(),
            topics: Vec::new(),
            total_bytes: 16,
            usable_bytes: 9,
            is_cordoned,
        }],
    };
    let before = "00000000 0000 02 0038 03 2f64 01 0000000000000010 0000000000000009";
    check(&response(false), 4, &format!("{before} 00 00"));
    check(&response(true), 5, &format!("{before} 01 00 00"));
}

#[test]
fn offset_commit_version_10_names_topics_by_id() {
    let request = |name: &str, topic_id| OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: 5,
        member_id: "m".into(),
        topics: vec![OffsetCommitRequestTopic {
            name: name.into(),
            topic_id,
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 1,
                committed_offset: 9,
                committed_leader_epoch: -1,
                committed_metadata: None,
            }],
        }],
        ..OffsetCommitRequest::default()
    };
    let start = "02 67 00000005 02 6d 00 02";
    let partitions = "02 00000001 0000000000000009 ffffffff 00 00 00 00";
    check(
        &request("t", TopicId::ZERO),
        9,
        &format!("{start} 02 74 {partitions}"),
    );
    let id = "0102030405060708090a0b0c0d0e0f10";
    let topic_id = TopicId(*hex(id).first_chunk().unwrap());
    check(
        &request("", topic_id),
        10,
        &format!("{start} {id} {partitions}"),
    );
}

#[test]
fn offset_fetch_version_10_names_topics_by_id() {
    let request = |name: &str, topic_id| OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: "g".into(),
            member_id: None,
            member_epoch: -1,
            topics: Some(vec![OffsetFetchRequestTopics {
                name: name.into(),
                topic_id,
                partition_indexes: vec![1],
            }]),
        }],
        require_stable: true,
        ..OffsetFetchRequest::default()
    };
    let start = "02 02 67 00 ffffffff 02";
    let end = "02 00000001 00 00 01 00";
    check(
        &request("t", TopicId::ZERO),
        9,
        &format!("{start} 02 74 {end}"),
    );
    let id = "0102030405060708090a0b0c0d0e0f10";
    let topic_id = TopicId(*hex(id).first_chunk().unwrap());
    check(&request("", topic_id), 10, &format!("{start} {id} {end}"));
}

#[test]
fn each_fault_has_its_error() {
    for (bytes, version, error) in [
        ("00000001 0001", 0, DecodeError::Truncated),
        ("00000001 0001 ff", 0, DecodeError::Utf8),
        ("00000001 ffff", 0, DecodeError::Length),
        ("fffffffe 01", 4, DecodeError::Length),
        ("00000000 00", 0, DecodeError::TrailingBytes),
        // A topic's name where it must not be null.
        ("02 00 00 01 00 00 00", 9, DecodeError::Length),
        // Six bytes, and five with more than 32 bits.
        ("808080808080", 9, DecodeError::Varint),
        ("ffffffff1f", 9, DecodeError::Varint),
        // A tag that promises more than there is.
        ("01 01 00 00 01 05 7f", 9, DecodeError::Truncated),
    ] {
        let read = decoded::<MetadataRequest>(hex(bytes), version);
        assert_eq!(read, Err(error), "{bytes}");
    }
}

#[test]
fn a_tagged_field_fills_its_size() {
    // ApiVersions: finalized_features_epoch (tag 1) with eight bytes, with nine, with seven.
    let response = |tag: &str| {
        decoded::<ApiVersionsResponse>(hex(&format!("0000 01 00000000 01 {tag}")), 3)
            .map(|response| response.finalized_features_epoch)
    };
    assert_eq!(response("01 08 0000000000000005"), Ok(5));
    assert_eq!(
        response("01 09 0000000000000005 00"),
        Err(DecodeError::TagSize)
    );
    assert_eq!(
        response("01 07 00000000000005"),
        Err(DecodeError::Truncated)
    );
}

#[test]
fn arrays_of_nothing_do_not_fill_the_memory() {
    // Two bytes for each empty name, and sixteen times as many in memory.
    let mut frame = 1_000_000u32.to_be_bytes().to_vec();
    frame.extend_from_slice(&[0; 2_000_004]);
    let read = DeleteTopicsRequest::decode(&mut Decoder::new(frame.into()), 1);
    assert_eq!(read, Err(DecodeError::Memory));
    // As many names as anyone would ask for are no trouble, however short.
    let mut frame = 10_000u32.to_be_bytes().to_vec();
    frame.extend_from_slice(&b"\0\x03abc".repeat(10_000));
    frame.extend_from_slice(&[0; 4]);
    let read = DeleteTopicsRequest::decode(&mut Decoder::new(frame.into()), 1);
    assert_eq!(read.map(|request| request.topic_names.len()), Ok(10_000));
}
