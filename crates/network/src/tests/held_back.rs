//! Connections whose frames the service does not want for a while.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::toy::{HOLD, Seen, World, frame, receive};
use crate::NetworkSettings;
use crate::limits::IN_FLIGHT_BYTES_MAX;

fn world() -> World {
    World::new(NetworkSettings::default())
}

#[tokio::test(start_paused = true)]
async fn frames_behind_wait_and_answers_do_not() {
    let mut world = world();
    let mut client = world.client().await;
    let start = Instant::now();
    for content in [b"pa", b"hb", b"rc"] {
        client.send(content).await;
    }
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Called('b')])
        .await;
    world.toy.let_go('a');
    assert_eq!(client.receive().await, b"pa");
    assert_eq!(client.receive().await, b"hb");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(client.receive().await, b"rc");
    assert_eq!(start.elapsed().as_secs(), HOLD.as_secs());
    world
        .expect(&[Seen::Finished('a'), Seen::Called('c')])
        .await;
}

#[tokio::test(start_paused = true)]
async fn others_are_not_held_back() {
    let world = world();
    let mut held = world.client().await;
    held.send(b"ha").await;
    held.receive().await;
    let start = Instant::now();
    let mut other = world.client().await;
    other.send(b"rb").await;
    assert_eq!(other.receive().await, b"rb");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_is_taken_in_afterwards() {
    let mut world = world();
    let client = world.client().await;
    let (mut input, mut output) = client.stream.into_split();
    let large = [b"rb".to_vec(), vec![7; 2 * IN_FLIGHT_BYTES_MAX]].concat();
    let bytes = [frame(b"ha"), frame(&large)].concat();
    let start = Instant::now();
    let writing = tokio::spawn(async move {
        output.write_all(&bytes).await.unwrap();
        output
    });
    assert_eq!(receive(&mut input).await, b"ha");
    assert_eq!(receive(&mut input).await, large);
    assert_eq!(start.elapsed().as_secs(), HOLD.as_secs());
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Called('b')])
        .await;
    drop(writing.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_not_idle_before_it_may_go_on() {
    let mut world = world();
    let mut client = world.client().await;
    let start = Instant::now();
    client.send(b"ha").await;
    client.receive().await;
    client.expect_end().await;
    assert_eq!(start.elapsed().as_secs(), HOLD.as_secs() + 600);
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Closed("idle")])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_is_noticed() {
    let mut world = world();
    let mut client = world.client().await;
    client.send(b"ha").await;
    client.receive().await;
    let start = Instant::now();
    drop(client);
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Closed("client")])
        .await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_it() {
    let world = world();
    let mut client = world.client().await;
    client.send(b"ha").await;
    client.receive().await;
    client.send(b"rb").await;
    let start = Instant::now();
    let World { server, .. } = world;
    let metrics = std::sync::Arc::clone(server.metrics());
    server.drain(Duration::from_secs(30)).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    client.expect_end().await;
    assert_eq!(
        metrics.snapshot().connections_closed.get("shutdown"),
        Some(&1)
    );
}
