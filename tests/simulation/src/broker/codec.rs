//! Requests and answers through a codec that the broker does not share.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

use super::world::Checked;

/// The frame of a request, without its length.
pub(crate) fn frame<R: Request>(request: &R, version: i16, correlation_id: i32) -> Bytes {
    let mut bytes = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(text("simulated")));
    let written = header
        .encode(&mut bytes, R::header_version(version))
        .and_then(|()| request.encode(&mut bytes, version));
    written.unwrap_or_else(|error| panic!("a request of version {version}: {error}"));
    bytes.freeze()
}

/// Reads an answer; the broker's answers leave nothing behind.
pub(crate) fn answer<R: Request>(
    mut bytes: Bytes,
    version: i16,
    correlation_id: i32,
) -> Checked<R::Response> {
    let key = ApiKey::try_from(R::KEY);
    let wrong = |error: &dyn std::fmt::Display| {
        format!("answer to {key:?} version {version} does not parse: {error}")
    };
    let form = R::Response::header_version(version);
    let header = ResponseHeader::decode(&mut bytes, form).map_err(|error| wrong(&error))?;
    if header.correlation_id != correlation_id {
        return Err(wrong(&"it belongs to another request"));
    }
    let response = R::Response::decode(&mut bytes, version).map_err(|error| wrong(&error))?;
    match bytes.is_empty() {
        true => Ok(response),
        false => Err(wrong(&"there are bytes behind it")),
    }
}

/// The only one of its kind in an answer.
pub(crate) fn only<T>(list: Vec<T>) -> Checked<T> {
    let wrong = |list: Vec<T>| {
        let kind = std::any::type_name::<T>();
        format!("an answer with {} of {kind}, not one", list.len())
    };
    <[T; 1]>::try_from(list).map(|[one]| one).map_err(wrong)
}

/// A string of the protocol.
pub(crate) fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

/// A topic's name of the protocol.
pub(crate) fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

/// The error codes that the clients tell apart.
pub(crate) mod code {
    pub(crate) const NONE: i16 = 0;
    pub(crate) const OFFSET_OUT_OF_RANGE: i16 = 1;
    pub(crate) const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    pub(crate) const NOT_LEADER_OR_FOLLOWER: i16 = 6;
    pub(crate) const REQUEST_TIMED_OUT: i16 = 7;
    pub(crate) const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
    pub(crate) const COORDINATOR_NOT_AVAILABLE: i16 = 15;
    pub(crate) const NOT_COORDINATOR: i16 = 16;
    pub(crate) const NOT_ENOUGH_REPLICAS: i16 = 19;
    pub(crate) const ILLEGAL_GENERATION: i16 = 22;
    pub(crate) const UNKNOWN_MEMBER_ID: i16 = 25;
    pub(crate) const REBALANCE_IN_PROGRESS: i16 = 27;
    pub(crate) const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
    pub(crate) const INVALID_PRODUCER_EPOCH: i16 = 47;
    pub(crate) const CONCURRENT_TRANSACTIONS: i16 = 51;
    pub(crate) const OPERATION_NOT_ATTEMPTED: i16 = 55;
    pub(crate) const KAFKA_STORAGE_ERROR: i16 = 56;
    pub(crate) const MEMBER_ID_REQUIRED: i16 = 79;
    pub(crate) const UNSTABLE_OFFSET_COMMIT: i16 = 88;
    pub(crate) const PRODUCER_FENCED: i16 = 90;
    pub(crate) const UNKNOWN_TOPIC_ID: i16 = 100;
}
