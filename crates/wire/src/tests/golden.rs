//! Bytes written down by hand.

use bytes::Bytes;

use crate::apis::ApiKey;
use crate::messages::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse};
use crate::messages::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use crate::messages::metadata::{MetadataRequest, MetadataRequestTopic};
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

fn check<M: Message + PartialEq + std::fmt::Debug>(message: &M, version: i16, bytes: &str) {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version);
    let written = encoder.finish().into_bytes();
    assert_eq!(written, hex(bytes), "version {version}");
    let mut decoder = Decoder::new(written);
    assert_eq!(
        M::decode(&mut decoder, version).as_ref(),
        Ok(message),
        "version {version}"
    );
    decoder.finish().unwrap();
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
            .map(|chunk| chunk.as_ptr())
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
