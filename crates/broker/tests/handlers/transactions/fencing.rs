//! Late and doubled requests, instances that fight, and transactions that nobody ends.

use model::ErrorCode;
use wire::Text;

use super::client::*;
use super::ending::state;
use crate::support::{Fixture, assert_code};

const NONE: ErrorCode = ErrorCode::None;

#[tokio::test]
async fn a_new_instance_fences_the_old_one() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let old = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, old, 0, 12).await, NONE);
    let taken = try_init(&mut fixture, 4).await;
    assert_eq!(taken, Err(ErrorCode::ConcurrentTransactions));
    let new = init(&mut fixture).await;
    assert_eq!((new.id, new.epoch), (old.id, old.epoch + 2));
    assert_eq!(state(&mut fixture).await, "Empty");
    assert_eq!(committed(&mut fixture, "t").await, (Vec::new(), 2));

    // In Produce the code is the same in all versions; elsewhere older clients know another one.
    for version in [3, 9, 11, 12] {
        let code = produce_code(&mut fixture, old, 1, version).await;
        assert_eq!(code, ErrorCode::InvalidProducerEpoch, "{version}");
    }
    for (version, code) in [
        (0, ErrorCode::InvalidProducerEpoch),
        (1, ErrorCode::InvalidProducerEpoch),
        (2, ErrorCode::ProducerFenced),
        (3, ErrorCode::ProducerFenced),
    ] {
        let added = add(&mut fixture, old, &[("t", &[0])], version).await;
        assert_eq!(added, [code]);
        let ended = try_end(&mut fixture, old, true, version).await;
        assert_code(ended.error_code, code);
    }
    for version in [4, 5] {
        let ended = try_end(&mut fixture, old, true, version).await;
        assert_code(ended.error_code, ErrorCode::ProducerFenced);
        assert_eq!((ended.producer_id, ended.producer_epoch), (-1, -1));
    }
    for (version, code) in [
        (3, ErrorCode::InvalidProducerEpoch),
        (4, ErrorCode::ProducerFenced),
    ] {
        let response = fixture.call(&init_request(Some(old)), version).await;
        assert_code(response.error_code, code);
    }
}

#[tokio::test]
async fn the_end_of_one_transaction_does_not_end_the_next() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let first = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, first, 0, 12).await, NONE);
    let second = end(&mut fixture, first, true, BUMPS).await;
    assert_eq!(second.epoch, first.epoch + 1);
    // It comes again, because the answer was lost.
    assert_eq!(end(&mut fixture, first, true, BUMPS).await, second);
    let mut fixture = fixture.restart().await;
    assert_eq!(end(&mut fixture, first, true, BUMPS).await, second);

    assert_eq!(produce_code(&mut fixture, second, 0, 12).await, NONE);
    for commits in [true, false] {
        let late = try_end(&mut fixture, first, commits, BUMPS).await;
        assert_code(late.error_code, ErrorCode::ProducerFenced);
    }
    assert_eq!(state(&mut fixture).await, "Ongoing");
    end(&mut fixture, second, false, BUMPS).await;
    assert_eq!(committed(&mut fixture, "t").await.0, ["v"]);
}

#[tokio::test]
async fn a_producer_goes_on_with_its_id() {
    let mut fixture = Fixture::open().await;
    let me = init(&mut fixture).await;
    for _ in 0..2 {
        let response = fixture.call(&init_request(Some(me)), 4).await;
        assert_code(response.error_code, NONE);
        assert_eq!(response.producer_epoch, me.epoch + 1);
        fixture = fixture.restart().await;
    }
    for (id, epoch) in [(me.id, -1), (-1, 0)] {
        let request = init_request(Some(Producer { id, epoch }));
        let response = fixture.call(&request, 4).await;
        assert_code(response.error_code, ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn bad_requests_get_the_codes_that_clients_know() {
    let mut fixture = Fixture::open().await;
    for (id, timeout_ms, code) in [
        ("", 1, ErrorCode::InvalidRequest),
        ("tx", 0, ErrorCode::InvalidTransactionTimeout),
        ("tx", 900_001, ErrorCode::InvalidTransactionTimeout),
    ] {
        let mut request = init_request(None);
        request.transactional_id = Some(Text::from_static(id));
        request.transaction_timeout_ms = timeout_ms;
        let response = fixture.call(&request, 4).await;
        assert_code(response.error_code, code);
    }
    let nobody = Producer { id: 1, epoch: 0 };
    let code = ErrorCode::InvalidProducerIdMapping;
    let ended = try_end(&mut fixture, nobody, true, BUMPS).await;
    assert_code(ended.error_code, code);
    fixture.topic("t").await;
    assert_eq!(produce_code(&mut fixture, nobody, 0, 12).await, code);
    assert_eq!(add(&mut fixture, nobody, &[("t", &[0])], 3).await, [code]);
}

#[tokio::test]
async fn a_transaction_that_nobody_ends_is_aborted() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let me = init(&mut fixture).await;
    assert_eq!(produce_code(&mut fixture, me, 0, 12).await, NONE);
    fixture.clock.advance(std::time::Duration::from_secs(59));
    assert_eq!(produce_code(&mut fixture, me, 1, 12).await, NONE);
    fixture.clock.advance(std::time::Duration::from_secs(11));
    while state(&mut fixture).await != "CompleteAbort" {
        tokio::task::yield_now().await;
    }
    assert_eq!(committed(&mut fixture, "t").await, (Vec::new(), 3));
    let code = produce_code(&mut fixture, me, 2, 12).await;
    assert_eq!(code, ErrorCode::InvalidProducerEpoch);
    let ended = try_end(&mut fixture, me, true, BUMPS).await;
    assert_code(ended.error_code, ErrorCode::ProducerFenced);
}
