//! Frames that nobody should send.

use bytes::Bytes;
use network::{Outcome, Reply};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use wire::messages::list_offsets::ListOffsetsRequest;
use wire::messages::metadata::MetadataRequest;

use crate::support::{Fixture, batch, fetch_request, produce_request, settle};

fn closed(reply: &Reply) -> Option<&'static str> {
    match reply {
        Reply::Close(reason) => Some(reason),
        _ => None,
    }
}

#[tokio::test]
async fn frames_without_an_answer_close_the_connection_for_a_reason() {
    let mut fixture = Fixture::open().await;
    let header = |key: i16, version: i16| {
        let mut frame = Vec::new();
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 7, 0xff, 0xff]);
        Bytes::from(frame)
    };
    for (what, frame, reason) in [
        ("nothing", Bytes::new(), "bad_header"),
        ("half a header", header(3, 1).slice(..7), "bad_header"),
        ("an API that nobody has", header(9999, 0), "unknown_api"),
        ("a negative API", header(-1, 0), "unknown_api"),
        ("an API that is not served", header(71, 0), "unknown_api"),
        ("a version above", header(3, 14), "unsupported_version"),
        ("a version below", header(1, 3), "unsupported_version"),
        ("a negative version", header(3, -1), "unsupported_version"),
        // They are advertised, for librdkafka, and not served.
        ("Produce 2", header(0, 2), "unsupported_version"),
        ("no body", header(3, 1), "bad_request"),
    ] {
        assert_eq!(closed(&fixture.dispatch(frame)), Some(reason), "{what}");
    }
}

#[tokio::test]
async fn only_produce_requests_may_be_large() {
    let mut fixture = Fixture::open().await;
    let large = |key: i16, version: i16| {
        let mut frame = vec![0; 4 * 1024 * 1024 + 1];
        frame[..2].copy_from_slice(&key.to_be_bytes());
        frame[2..4].copy_from_slice(&version.to_be_bytes());
        Bytes::from(frame)
    };
    let reply = fixture.dispatch(large(3, 1));
    assert_eq!(closed(&reply), Some("request_too_large"));
    let just_fits = large(3, 1).slice(..4 * 1024 * 1024);
    assert_ne!(
        closed(&fixture.dispatch(just_fits)),
        Some("request_too_large")
    );
    // This one is refused for what is in it.
    assert_ne!(
        closed(&fixture.dispatch(large(0, 3))),
        Some("request_too_large")
    );
}

#[tokio::test]
async fn a_count_that_promises_gigabytes_is_refused_before_memory_is_taken() {
    let mut fixture = Fixture::open().await;
    // Metadata 1 with 2,147,483,647 topics, of which none is there.
    let frame = [0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff];
    let reply = fixture.dispatch(Bytes::copy_from_slice(&frame));
    assert_eq!(closed(&reply), Some("bad_request"));
    // Fetch 12, flexible, with 4 billion topics.
    let mut frame = vec![0, 1, 0, 12, 0, 0, 0, 7, 0xff, 0xff, 0];
    frame.extend([0; 21]);
    frame.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    let reply = fixture.dispatch(frame.into());
    assert_eq!(closed(&reply), Some("bad_request"));
}

#[tokio::test]
async fn damaged_frames_are_answered_or_refused() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["a"])).await;
    let frames = [
        fixture.frame(&produce_request("t", batch(&["a", "b"])), 9),
        fixture.frame(&produce_request("t", batch(&["a", "b"])), 3),
        fixture.frame(&fetch_request("t", 0), 12),
        fixture.frame(&fetch_request("t", 0), 4),
        fixture.frame(&MetadataRequest::default(), 12),
        fixture.frame(&ListOffsetsRequest::default(), 7),
    ];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let damage = (
        0..frames.len(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        any::<bool>(),
    );
    for _ in 0..500 {
        let tree = damage.new_tree(&mut runner).unwrap();
        let (frame, at, byte, cut) = tree.current();
        let mut frame = frames[frame].to_vec();
        let at = at.index(frame.len());
        if cut {
            frame.truncate(at);
        } else {
            frame[at] = byte;
        }
        let mut reply = fixture.dispatch(frame.into());
        if let Reply::Parked(waiting) = &mut reply {
            // A fetch may have been made to wait; it is given up like one of a client that has gone.
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = waiting.as_mut().poll(&mut context);
            continue;
        }
        let _: Outcome = settle(reply).await;
    }
    // The broker is none the worse.
    assert_eq!(fixture.fetch("t", 0).await.error_code, 0);
}
