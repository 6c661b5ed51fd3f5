//! ApiVersions.

use model::ErrorCode;
use network::Outcome;
use wire::Text;
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};

use crate::support::{Answered, Fixture, assert_code, decode, settle};

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: Text::from_static("test"),
        client_software_version: Text::from_static("1.0"),
    }
}

fn range(response: &ApiVersionsResponse, key: i16) -> Option<(i16, i16)> {
    let api = response.api_keys.iter().find(|api| api.api_key == key)?;
    Some((api.min_version, api.max_version))
}

#[tokio::test]
async fn every_version_lists_what_is_served() {
    let mut fixture = Fixture::open().await;
    for version in 0..=4 {
        let response = fixture.call(&request(), version).await;
        assert_code(response.error_code, ErrorCode::None);
        assert_eq!(range(&response, 18), Some((0, 4)));
        // Old librdkafka takes a missing Produce v2 for a broker without message format 1.
        assert_eq!(range(&response, 0), Some((0, 13)));
        assert_eq!(range(&response, 1), Some((4, 18)));
        assert_eq!(range(&response, 71), None, "telemetry is not served");
    }
}

#[tokio::test]
async fn consumer_groups_and_transactions_are_features_in_force() {
    let mut fixture = Fixture::open().await;
    for version in 3..=4 {
        let response = fixture.call(&request(), version).await;
        assert_eq!(response.finalized_features_epoch, 0);
        let features = response.finalized_features.iter();
        let features: Vec<_> = features
            .map(|feature| (feature.name.as_str(), feature.max_version_level))
            .collect();
        assert_eq!(features, [("group.version", 1), ("transaction.version", 2)]);
        // A feature that begins at 0 makes clients of version 3 fail.
        let supported = if version >= 4 { 2 } else { 0 };
        assert_eq!(response.supported_features.len(), supported);
    }
}

#[tokio::test]
async fn a_version_above_ours_is_answered_in_version_0_whatever_its_body_is() {
    let mut fixture = Fixture::open().await;
    // Key 18, version 5, correlation id 7, null client id, and bytes that are no body of any
    // version.
    let frame = [0, 18, 0, 5, 0, 0, 0, 7, 0xff, 0xff, 0, 0xee, 0xee, 0xee];
    let reply = fixture.dispatch(frame.to_vec().into());
    let outcome = settle(reply).await;
    assert!(matches!(outcome, Outcome::Answer(_)));
    let Answered::Response(response) = decode::<ApiVersionsRequest>(outcome, 0) else {
        panic!("no response");
    };
    assert_code(response.error_code, ErrorCode::UnsupportedVersion);
    assert_eq!(range(&response, 18), Some((0, 4)));
}

#[tokio::test]
async fn software_names_are_checked_since_version_3() {
    let mut fixture = Fixture::open().await;
    let bad = ApiVersionsRequest {
        client_software_name: Text::from_static("bad name!"),
        ..request()
    };
    let response = fixture.call(&bad, 3).await;
    assert_code(response.error_code, ErrorCode::InvalidRequest);
    let response = fixture.call(&bad, 2).await;
    assert_code(response.error_code, ErrorCode::None);
}
