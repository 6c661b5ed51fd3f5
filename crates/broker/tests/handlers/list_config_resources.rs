//! ListConfigResources.

use model::ErrorCode;
use wire::messages::list_config_resources::ListConfigResourcesRequest;

use crate::configs::{GROUP, alter, change, changes};
use crate::support::{Fixture, assert_code};

async fn listed(fixture: &mut Fixture, kinds: &[i8], version: i16) -> Vec<(i8, String)> {
    let request = ListConfigResourcesRequest {
        resource_types: kinds.to_vec(),
    };
    let response = fixture.call(&request, version).await;
    assert_code(response.error_code, ErrorCode::None);
    let resources = response.config_resources.into_iter();
    resources
        .map(|one| (one.resource_type, one.resource_name.to_string()))
        .collect()
}

#[tokio::test]
async fn what_has_settings_is_listed_by_kind() {
    let mut fixture = Fixture::with_settings(&[("node.id", "3")]).await;
    for name in ["u", "t"] {
        fixture.topic(name).await;
    }
    let broker = || (4, "3".to_owned());
    let topics = || [(2, "t".to_owned()), (2, "u".to_owned())];
    let everything = [&[broker()][..], &topics()].concat();
    for (kinds, expected) in [
        (&[][..], everything.clone()),
        (&[2, 4, 2, 8], everything),
        (&[2], topics().to_vec()),
        (&[4], vec![broker()]),
        (&[8, 16, 32], vec![]),
    ] {
        assert_eq!(listed(&mut fixture, kinds, 1).await, expected, "{kinds:?}");
    }
    let own = changes(
        GROUP,
        "g",
        vec![change("consumer.session.timeout.ms", 0, Some("45000"))],
    );
    assert_code(
        alter(&mut fixture, vec![own]).await[0].error_code,
        ErrorCode::None,
    );
    assert_eq!(listed(&mut fixture, &[32], 1).await, [(32, "g".to_owned())]);
    // Version 0 is about client metrics.
    assert_eq!(listed(&mut fixture, &[], 0).await, []);
}

#[tokio::test]
async fn a_kind_that_nobody_knows_is_refused() {
    let mut fixture = Fixture::open().await;
    for kind in [0, 99, -1] {
        let request = ListConfigResourcesRequest {
            resource_types: vec![2, kind],
        };
        let response = fixture.call(&request, 1).await;
        assert_code(response.error_code, ErrorCode::UnsupportedVersion);
        assert!(response.config_resources.is_empty());
    }
}
