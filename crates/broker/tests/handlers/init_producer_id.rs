//! InitProducerId.

use std::collections::HashSet;

use model::ErrorCode;
use wire::messages::init_producer_id::InitProducerIdRequest;

use crate::support::{Fixture, assert_code};

/// A request of a producer that is idempotent and not transactional.
fn idempotent() -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: None,
        ..InitProducerIdRequest::default()
    }
}

#[tokio::test]
async fn ids_are_new_each_time_and_over_restarts() {
    let mut fixture = Fixture::open().await;
    let mut seen = HashSet::new();
    for _ in 0..3 {
        for version in 0..=5 {
            let response = fixture.call(&idempotent(), version).await;
            assert_code(response.error_code, ErrorCode::None);
            assert_eq!(response.producer_epoch, 0);
            assert!(response.producer_id >= 0);
            assert!(
                seen.insert(response.producer_id),
                "{}",
                response.producer_id
            );
        }
        fixture = fixture.restart().await;
    }
}

#[tokio::test]
async fn more_ids_than_one_block_holds() {
    let mut fixture = Fixture::open().await;
    let mut seen = HashSet::new();
    for _ in 0..2100 {
        let response = fixture.call(&idempotent(), 4).await;
        assert!(seen.insert(response.producer_id));
    }
}
