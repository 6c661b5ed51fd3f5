//! The end of a server.

use std::time::Duration;

use tokio::net::TcpStream;

use super::toy::{Seen, World};
use crate::NetworkSettings;

fn world() -> World {
    World::new(NetworkSettings::default())
}

#[tokio::test]
async fn a_drain_answers_what_was_taken_up_and_closes_the_rest() {
    let mut world = world();
    let mut idle = world.client().await;
    idle.send(b"ra").await;
    idle.receive().await;
    let mut polling = world.client().await;
    polling.send(b"kb").await;
    let mut working = world.client().await;
    working.send(b"sc").await;
    working.send(b"rd").await;
    let mut called = Vec::new();
    while called.len() < 3 {
        if let Seen::Called(name) = world.next().await {
            called.push(name);
        }
    }
    let address = world.server.local_address();
    let World { server, toy, .. } = world;
    let metrics = std::sync::Arc::clone(server.metrics());
    let drain = tokio::spawn(server.drain(Duration::from_secs(60)));
    idle.expect_end().await;
    polling.expect_end().await;
    assert!(TcpStream::connect(address).await.is_err());
    toy.let_go('c');
    assert_eq!(working.receive().await, b"sc");
    // The frame behind it was not taken up.
    working.expect_end().await;
    drain.await.unwrap();
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.connections_closed.get("shutdown"), Some(&3));
    assert_eq!(snapshot.connections_open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_at_its_deadline() {
    let mut world = world();
    let mut client = world.client().await;
    client.send(b"sa").await;
    world.expect(&[Seen::Connected, Seen::Called('a')]).await;
    let start = tokio::time::Instant::now();
    let World { server, .. } = world;
    let metrics = std::sync::Arc::clone(server.metrics());
    server.drain(Duration::from_secs(3)).await;
    assert_eq!(start.elapsed().as_secs(), 3);
    client.expect_end().await;
    assert_eq!(
        metrics.snapshot().connections_closed.get("aborted"),
        Some(&1)
    );
}

#[tokio::test]
async fn a_server_that_is_dropped_closes_its_connections() {
    let mut world = world();
    let mut client = world.client().await;
    client.send(b"sa").await;
    world.expect(&[Seen::Connected, Seen::Called('a')]).await;
    let World { server, .. } = world;
    drop(server);
    client.expect_end().await;
}

#[tokio::test]
async fn the_address_can_be_taken_again_at_once() {
    let world = world();
    let mut client = world.client().await;
    client.send(b"ra").await;
    client.receive().await;
    let address = world.server.local_address();
    let World { server, .. } = world;
    server.drain(Duration::from_secs(1)).await;
    assert!(crate::Listener::bind(address).is_ok());
}
