//! Which frames are dispatched when, and in which order the answers leave.

use super::toy::{Seen, World, frame};
use crate::NetworkSettings;
use crate::limits::{IN_FLIGHT_REQUESTS_MAX, OUTPUT_BYTES_MAX};

fn world() -> World {
    World::new(NetworkSettings::default())
}

#[tokio::test]
async fn a_frame_is_answered() {
    let mut world = world();
    let mut client = world.client().await;
    client.send(b"ra hello").await;
    assert_eq!(client.receive().await, b"ra hello");
    client.send(b"").await;
    assert_eq!(client.receive().await, b"");
    let large = [b"rb".to_vec(), vec![7; 3 << 20]].concat();
    client.send(&large).await;
    assert_eq!(client.receive().await, large);
    drop(client);
    world
        .expect(&[
            Seen::Connected,
            Seen::Called('a'),
            Seen::Called('?'),
            Seen::Called('b'),
            Seen::Closed("client"),
        ])
        .await;
    let snapshot = world.server.metrics().snapshot();
    assert_eq!(snapshot.connections_open, 0);
    assert_eq!(snapshot.bytes_in, 12 + 4 + 4 + large.len() as u64);
    assert_eq!(snapshot.bytes_out, snapshot.bytes_in);
}

#[tokio::test]
async fn answers_leave_in_request_order() {
    let mut world = world();
    let mut client = world.client().await;
    for content in [b"pa", b"pb", b"nc", b"rd", b"pe"] {
        client.send(content).await;
    }
    world.expect(&[Seen::Connected]).await;
    // All of them are taken up before any is answered.
    for name in ['a', 'b', 'c', 'd', 'e'] {
        world.expect(&[Seen::Called(name)]).await;
    }
    for name in ['e', 'b', 'a'] {
        world.toy.let_go(name);
    }
    for content in [b"pa", b"pb", b"rd", b"pe"] {
        assert_eq!(client.receive().await, content);
    }
}

#[tokio::test]
async fn nothing_overtakes_a_serial_or_parked_request() {
    for kind in [b's', b'k'] {
        let mut world = world();
        let mut client = world.client().await;
        client
            .send_raw(&[frame(b"pa"), frame(&[kind, b'b']), frame(b"rc")].concat())
            .await;
        world
            .expect(&[Seen::Connected, Seen::Called('a'), Seen::Called('b')])
            .await;
        world.toy.let_go('b');
        world.toy.let_go('a');
        world
            .expect(&[Seen::Finished('a'), Seen::Finished('b'), Seen::Called('c')])
            .await;
        for content in [[b'p', b'a'], [kind, b'b'], [b'r', b'c']] {
            assert_eq!(client.receive().await, content);
        }
    }
}

#[tokio::test]
async fn a_frame_that_waited_for_a_large_answer_is_taken_up_when_that_is_written() {
    let mut world = world();
    let mut client = world.client().await;
    let large = [b"pa".to_vec(), vec![0; OUTPUT_BYTES_MAX]].concat();
    client
        .send_raw(&[frame(&large), frame(b"sb"), frame(b"rc")].concat())
        .await;
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Called('b')])
        .await;
    // Both answers are there at once, so that the third frame finds the first one in the way.
    world.toy.let_go('b');
    world.toy.let_go('a');
    for content in [&large[..], b"sb", b"rc"] {
        assert_eq!(client.receive().await, content);
    }
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    let mut world = world();
    let mut client = world.client().await;
    for _ in 0..IN_FLIGHT_REQUESTS_MAX {
        client.send(b"pa").await;
    }
    client.send(b"rb").await;
    world.expect(&[Seen::Connected]).await;
    for _ in 0..IN_FLIGHT_REQUESTS_MAX {
        world.expect(&[Seen::Called('a')]).await;
    }
    world.toy.let_go('a');
    // The last one is taken up only after the first one has made room for it.
    world
        .expect(&[Seen::Finished('a'), Seen::Called('b')])
        .await;
}

#[tokio::test]
async fn closing_waits_for_the_answers_before_it() {
    let mut world = world();
    let mut client = world.client().await;
    client
        .send_raw(&[frame(b"pa"), frame(b"cb"), frame(b"rc")].concat())
        .await;
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Called('b')])
        .await;
    world.toy.let_go('a');
    assert_eq!(client.receive().await, b"pa");
    client.expect_end().await;
    world
        .expect(&[Seen::Finished('a'), Seen::Closed("toy")])
        .await;
    assert_eq!(world.closed("toy"), 1);
}

#[tokio::test]
async fn a_client_that_goes_drops_its_long_poll() {
    let mut world = world();
    let mut client = world.client().await;
    client.send(b"ka").await;
    world.expect(&[Seen::Connected, Seen::Called('a')]).await;
    drop(client);
    world
        .expect(&[Seen::Dropped('a'), Seen::Closed("client")])
        .await;
}

#[tokio::test]
async fn what_a_client_sent_before_it_went_is_done() {
    let mut world = world();
    let mut client = world.client().await;
    client
        .send_raw(&[frame(b"sa"), frame(b"nb"), frame(b"kc"), frame(b"nd")].concat())
        .await;
    world.expect(&[Seen::Connected, Seen::Called('a')]).await;
    drop(client);
    world.toy.let_go('a');
    world
        .expect(&[Seen::Finished('a'), Seen::Called('b')])
        .await;
}
