//! ApiVersions (key 18), versions 0 to 4: what is served, from the API table.
//!
//! - A version above 4 is answered in the layout of version 0 with UNSUPPORTED_VERSION and the whole
//!   list, without a look at the body (KIP-511): librdkafka and Java step down on that answer.
//! - v3+ names the client's software; a name or version outside `[a-zA-Z0-9.-]`, or one that does not
//!   begin and end with a letter or digit, gets INVALID_REQUEST.
//! - v3+ tells features: `group.version` is 1, which is to say that consumer groups work (KIP-848), and
//!   `transaction.version` 2: each transaction has an epoch of its own (KIP-890).
//! - v4 (KIP-1022): before, a supported feature whose levels begin at 0 must not be told: it makes older
//!   clients fail.

use std::ops::RangeInclusive;

use model::ErrorCode;
use wire::Text;
use wire::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};

use crate::apis::APIS;
use crate::context::RequestContext;

/// What stands for the rules of consumer groups and for those of transactions, and the levels here. The highest
/// one holds.
const FEATURES: [(Text, RangeInclusive<i16>); 2] = [
    (Text::from_static("group.version"), 0..=1),
    (Text::from_static("transaction.version"), 0..=2),
];

/// Answers with the table.
pub(crate) fn handle(ctx: &RequestContext, request: ApiVersionsRequest) -> ApiVersionsResponse {
    let names_software = ctx.version >= 3;
    if names_software
        && !(is_software_name(&request.client_software_name)
            && is_software_name(&request.client_software_version))
    {
        return with_error(ErrorCode::InvalidRequest);
    }
    let mut response = with_error(ErrorCode::None);
    response.finalized_features_epoch = 0;
    for (name, levels) in FEATURES {
        if ctx.version >= 4 {
            response.supported_features.push(SupportedFeatureKey {
                name: name.clone(),
                min_version: *levels.start(),
                max_version: *levels.end(),
            });
        }
        response.finalized_features.push(FinalizedFeatureKey {
            name,
            max_version_level: *levels.end(),
            min_version_level: *levels.end(),
        });
    }
    response
}

/// The answer to a version that is not served; encode it as version 0.
pub(crate) fn unsupported_version() -> ApiVersionsResponse {
    with_error(ErrorCode::UnsupportedVersion)
}

fn with_error(error: ErrorCode) -> ApiVersionsResponse {
    let api_keys = APIS.iter().map(|api| ApiVersion {
        api_key: api.key.key(),
        min_version: api.advertised_from,
        max_version: *api.versions.end(),
    });
    ApiVersionsResponse {
        error_code: error.code(),
        api_keys: api_keys.collect(),
        ..ApiVersionsResponse::default()
    }
}

/// The rule of KIP-511 for `client_software_name` and `client_software_version`.
fn is_software_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(name.chars().next())
        && edge(name.chars().next_back())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["a", "librdkafka", "apache-kafka-java", "4.0.0", "7-a.b"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", ".", "a b", "a_b", "é", "a\n"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
