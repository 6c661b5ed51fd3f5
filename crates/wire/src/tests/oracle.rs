//! Every API in every version against an independent codec: the same bytes, and our own value back.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{self as foreign, RequestKind, ResponseKind};
use proptest::prelude::*;

use super::{TestMessage, assert_read, decoded, encoded};
use crate::apis::ApiKey;
use crate::filler::Filler;
use crate::messages::{self, for_each_api};

/// What the independent codec does not know: API, version, whether of the request. These have bytes
/// written by hand in `golden.rs`.
const NOT_COVERED: [(ApiKey, i16, bool); 6] = [
    (ApiKey::ListOffsets, 11, true),
    (ApiKey::ListOffsets, 11, false),
    (ApiKey::OffsetCommit, 10, true),
    (ApiKey::OffsetFetch, 10, true),
    (ApiKey::DescribeLogDirs, 5, true),
    (ApiKey::DescribeLogDirs, 5, false),
];

/// Has a message read and written again by the independent codec: the bytes, and the message as it
/// prints itself.
fn foreign_round_trip(
    api: ApiKey,
    version: i16,
    is_request: bool,
    mut from: Bytes,
) -> (BytesMut, String) {
    let key = foreign::ApiKey::try_from(api.key()).expect("the API is known");
    let mut to = BytesMut::new();
    let printed = if is_request {
        let message = RequestKind::decode(key, &mut from, version).expect("it reads our bytes");
        message
            .encode(&mut to, version)
            .expect("it writes what it has read");
        format!("{message:?}")
    } else {
        let message = ResponseKind::decode(key, &mut from, version).expect("it reads our bytes");
        let is_flexible = message.header_version(version) > 0;
        assert_eq!(
            api.has_flexible_response_header(version),
            is_flexible,
            "{api} {version}"
        );
        message
            .encode(&mut to, version)
            .expect("it writes what it has read");
        format!("{message:?}")
    };
    assert!(
        from.is_empty(),
        "{api} {version}: {} bytes are left",
        from.len()
    );
    (to, printed)
}

/// Replaces whatever stands between `start` and the next of the ends, both included.
fn replace_each(text: &str, start: &str, ends: &[char], with: impl Fn(&str) -> String) -> String {
    let (mut replaced, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(start) {
        let end = after.find(ends).expect("what begins also ends");
        replaced.push_str(before);
        replaced.push_str(&with(&after[..end]));
        rest = &after[end + 1..];
    }
    replaced.push_str(rest);
    replaced
}

/// Takes away what differs in how the two codecs print the same message; what is left says which
/// value each field has.
fn plain(printed: &str) -> String {
    // Fields of versions that only one of the two knows, and our default for what is absent.
    let mut printed = printed.to_owned();
    for (theirs, ours) in [
        (", unknown_tagged_fields: {}", ""),
        (", enable_2_pc: false, keep_prepared_txn: false", ""),
        (
            ", ongoing_txn_producer_id: -1, ongoing_txn_producer_epoch: -1",
            "",
        ),
        ("error_message: Some(\"\")", "error_message: None"),
        (", is_cordoned: false", ""),
        ("v3_and_below_", ""),
        ("_v3_and_below", ""),
        // Names that are words of the language here, or taken in the same module.
        (" _match: ", " match_name: "),
        (" EntryData { error_code", " AnswerData { error_code"),
        ("[EntryData { error_code", "[AnswerData { error_code"),
        ("QuorumTopicData {", "TopicData {"),
        ("QuorumPartitionData {", "PartitionData {"),
    ] {
        printed = printed.replace(theirs, ours);
    }
    // Of bytes only their place is left; a quote inside would end them too early.
    printed = printed.replace("\\\\", "#").replace("\\\"", "#");
    printed = replace_each(&printed, "b\"", &['"'], |_| "bytes".to_owned());
    printed = replace_each(&printed, "Chunks(", &[')'], |_| "bytes".to_owned());
    for newtype in [
        "BrokerId(",
        "ProducerId(",
        "GroupId(",
        "TransactionalId(",
        "TopicName(",
    ] {
        printed = replace_each(&printed, newtype, &[')'], str::to_owned);
    }
    for id in ["topic_id: ", "replica_directory_id: "] {
        printed = replace_each(&printed, id, &[',', ' '], |value| {
            let digits = value.replace('-', "");
            let number = u128::from_str_radix(&digits, 16)
                .ok()
                .filter(|_| digits.len() == 32);
            let ours = number.map(|number| model::TopicId(number.to_be_bytes()).to_string());
            format!("{id}{} ", ours.as_deref().unwrap_or(value))
        });
    }
    printed
}

fn check<M: TestMessage>(api: ApiKey, is_request: bool, seed: u64, size_max: u64) {
    assert_eq!((M::API_KEY, M::VERSIONS), (api.key(), api.versions()));
    for version in M::VERSIONS {
        let message: M = Filler::new(seed, size_max).message(version);
        let bytes = encoded(&message, version);
        let read = decoded::<M>(bytes.clone(), version);
        assert_read(&read, &message, version);
        if !NOT_COVERED.contains(&(api, version, is_request)) {
            let (again, printed) = foreign_round_trip(api, version, is_request, bytes.clone());
            assert_eq!(again, bytes, "{api} version {version} of {message:#?}");
            let ours = plain(&format!("{api}({message:?})"));
            assert_eq!(ours, plain(&printed), "{api} version {version}");
        }
    }
}

macro_rules! check_all {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        fn check_all(seed: u64, size_max: u64) {
            $(
                check::<messages::$module::$request>(ApiKey::$name, true, seed, size_max);
                check::<messages::$module::$response>(ApiKey::$name, false, seed, size_max);
            )*
        }

        #[test]
        fn defaults_are_those_of_an_independent_codec() {
            use kafka_protocol::protocol::Encodable;
            $(
                for version in $versions {
                    let api = ApiKey::$name;
                    if !NOT_COVERED.contains(&(api, version, true)) {
                        let mut theirs = BytesMut::new();
                        foreign::$request::default().encode(&mut theirs, version).unwrap();
                        let ours = encoded(&messages::$module::$request::default(), version);
                        assert_eq!(ours, theirs, "{api} request {version}");
                    }
                    // We let a missing error message be null, which brokers answer on success.
                    let is_null = api == ApiKey::FindCoordinator && (1..=3).contains(&version);
                    if !is_null && !NOT_COVERED.contains(&(api, version, false)) {
                        let mut theirs = BytesMut::new();
                        foreign::$response::default().encode(&mut theirs, version).unwrap();
                        let ours = encoded(&messages::$module::$response::default(), version);
                        assert_eq!(ours, theirs, "{api} response {version}");
                    }
                }
            )*
        }
    };
}

for_each_api!(check_all);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_message_agrees_with_an_independent_codec(seed: u64, size_max in 0..7u64) {
        check_all(seed, size_max);
    }
}

#[test]
fn request_headers_agree_with_an_independent_codec() {
    use kafka_protocol::protocol::Decodable;
    for api in ApiKey::ALL {
        for version in api.versions() {
            let header = crate::RequestHeader {
                api_key: api.key(),
                api_version: version,
                correlation_id: 77,
                client_id: Some("ü".into()),
            };
            let mut encoder = crate::Encoder::new();
            header.encode(&mut encoder);
            let mut bytes = encoder.finish().into_bytes();
            let mut decoder = crate::Decoder::new(bytes.clone());
            assert_eq!(crate::RequestHeader::decode(&mut decoder), Ok(header));
            decoder.finish().unwrap();

            let key = foreign::ApiKey::try_from(api.key()).unwrap();
            let form = key.request_header_version(version);
            let header = foreign::RequestHeader::decode(&mut bytes, form).unwrap();
            assert_eq!(
                (header.request_api_version, header.correlation_id),
                (version, 77)
            );
            assert_eq!(header.client_id.as_deref(), Some("ü"));
            assert!(bytes.is_empty(), "{api} {version}");
        }
    }
}
