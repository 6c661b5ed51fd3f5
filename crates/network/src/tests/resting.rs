//! Connections on which nothing is under way.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Instant, sleep};

use super::toy::{Client, Seen, Toy, World, frame};
use crate::resting::Resting;
use crate::{NetworkMetrics, NetworkSettings};

/// Long enough for any connection to rest.
const LONG: Duration = Duration::from_secs(11);

fn world() -> World {
    World::new(NetworkSettings::default())
}

fn resting(world: &World) -> usize {
    world.server.metrics().snapshot().connections_resting
}

async fn ask(client: &mut Client, content: &[u8]) {
    client.send(content).await;
    assert_eq!(client.receive().await, content);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_rests_until_its_client_sends_something() {
    let mut world = world();
    let mut client = world.client().await;
    ask(&mut client, b"ra").await;
    assert_eq!(resting(&world), 0);
    for round in 0..3 {
        sleep(LONG).await;
        assert_eq!(resting(&world), 1, "{round}");
        client
            .send_raw(&[frame(b"rb"), frame(b"sc"), frame(b"rd")].concat())
            .await;
        assert_eq!(client.receive().await, b"rb");
        assert_eq!(resting(&world), 0, "{round}");
        // What waits for its answer does not rest.
        sleep(LONG).await;
        assert_eq!(resting(&world), 0, "{round}");
        world.toy.let_go('c');
        assert_eq!(client.receive().await, b"sc");
        assert_eq!(client.receive().await, b"rd");
    }
    sleep(LONG).await;
    drop(client);
    let mut seen = vec![world.next().await];
    while !matches!(seen.last(), Some(Seen::Closed(_))) {
        seen.push(world.next().await);
    }
    assert_eq!(seen.last(), Some(&Seen::Closed("client")));
    assert_eq!(resting(&world), 0);
}

/// After how many hundred milliseconds the only connection rests.
async fn rests_after(world: &World) -> usize {
    for hundreds in 1..200 {
        sleep(Duration::from_millis(100)).await;
        if resting(world) == 1 {
            return hundreds;
        }
    }
    panic!("it does not rest");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_used_does_not_rest() {
    let world = world();
    let mut client = world.client().await;
    for _ in 0..200 {
        ask(&mut client, b"ra").await;
        sleep(Duration::from_millis(90)).await;
        assert_eq!(resting(&world), 0);
    }
    // Each time that it could have rested it was in use.
    assert!((100..=102).contains(&rests_after(&world).await));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_woken_rests_later_each_time() {
    let world = world();
    let mut client = world.client().await;
    for expected in [1, 2, 4, 8, 16, 32, 64, 100, 100] {
        ask(&mut client, b"ra").await;
        assert_eq!(resting(&world), 0);
        let hundreds = rests_after(&world).await;
        assert!(
            (expected..=expected + 2).contains(&hundreds),
            "{hundreds} instead of {expected}"
        );
    }
    // Another one does not wait for longer because of it.
    drop(client);
    sleep(LONG).await;
    ask(&mut world.client().await, b"ra").await;
    sleep(LONG).await;
    let _other = world.client().await;
    assert!(rests_after(&world).await <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_used_every_second_rests_four_times() {
    let world = world();
    let mut client = world.client().await;
    let mut rests = 0;
    for _ in 0..60 {
        ask(&mut client, b"ra").await;
        sleep(Duration::from_secs(1)).await;
        rests += resting(&world);
    }
    assert_eq!(rests, 4);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_has_begun_does_not_rest() {
    let world = world();
    let mut client = world.client().await;
    let bytes = frame(b"ra");
    for parts in 1..bytes.len() {
        let (before, behind) = bytes.split_at(parts);
        client.send_raw(before).await;
        sleep(LONG).await;
        assert_eq!(resting(&world), 0);
        client.send_raw(behind).await;
        assert_eq!(client.receive().await, b"ra");
        sleep(LONG).await;
        assert_eq!(resting(&world), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_from_when_it_was_last_used() {
    let mut world = world();
    let start = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(world.client().await);
        sleep(Duration::from_secs(100)).await;
    }
    assert_eq!(resting(&world), 3);
    ask(&mut clients[1], b"ra").await;
    for (client, seconds) in [(0, 600), (2, 800), (1, 900)] {
        clients[client].expect_end().await;
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
    assert_eq!(resting(&world), 0);
    assert_eq!(world.closed("idle"), 3);
    world.expect(&vec![Seen::Connected; 3]).await;
    world.expect(&[Seen::Called('a')]).await;
    world.expect(&vec![Seen::Closed("idle"); 3]).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_idle_for_less_than_it_takes_to_rest() {
    let world = World::new(NetworkSettings {
        idle: Duration::from_secs(2),
        ..NetworkSettings::default()
    });
    // The last one stops in the middle of a frame.
    for behind in [&b""[..], b"\0\0"] {
        let mut client = world.client().await;
        for _ in 0..100 {
            ask(&mut client, b"ra").await;
            sleep(Duration::from_millis(90)).await;
        }
        let silent = Instant::now();
        client.send_raw(behind).await;
        client.expect_end().await;
        let time = silent.elapsed().as_millis();
        assert!((1_900..2_102).contains(&time), "{time} ms");
    }
    assert_eq!(world.closed("idle"), 2);
}

/// Only what comes first tells another protocol.
#[tokio::test(start_paused = true)]
async fn what_comes_first_is_known_after_a_rest() {
    let world = world();
    let mut silent = world.client().await;
    let mut used = world.client().await;
    ask(&mut used, b"ra").await;
    sleep(LONG).await;
    assert_eq!(resting(&world), 2);
    for client in [&mut silent, &mut used] {
        client.send_raw(b"GET / HTTP/1.1\r\n\r\n").await;
        client.expect_end().await;
    }
    assert_eq!(world.closed("http_request"), 1);
    assert_eq!(world.closed("frame_too_large"), 1);
}

#[tokio::test(start_paused = true)]
async fn resting_connections_count_against_the_limit() {
    let world = World::new(NetworkSettings {
        connections_max: 2,
        ..NetworkSettings::default()
    });
    let first = world.client().await;
    let mut second = world.client().await;
    sleep(LONG).await;
    assert_eq!(resting(&world), 2);
    world.client().await.expect_end().await;
    assert_eq!(world.closed("connection_limit"), 1);
    drop(first);
    sleep(LONG).await;
    ask(&mut world.client().await, b"ra").await;
    ask(&mut second, b"rb").await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_closes_what_rests() {
    let world = world();
    let mut clients = [world.client().await, world.client().await];
    sleep(LONG).await;
    assert_eq!(resting(&world), 2);
    let World { server, .. } = world;
    let metrics = Arc::clone(server.metrics());
    server.drain(Duration::from_secs(60)).await;
    for client in &mut clients {
        client.expect_end().await;
    }
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.connections_closed.get("shutdown"), Some(&2));
    assert_eq!(snapshot.connections_resting, 0);
}

/// What shuts the server down has its turn before the connection that comes to rest at that moment, or behind it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_coming_to_rest_is_closed_by_a_drain() {
    // It comes at the beginning of a tick of 100 ms, so it rests at the end of the next.
    let rests_after = Duration::from_millis(200);
    for connects_first in [true, false] {
        let world = world();
        let address = world.server.local_address();
        let World { server, .. } = world;
        let metrics = Arc::clone(server.metrics());
        let connect = || std::net::TcpStream::connect(address).unwrap();
        let early = connects_first.then(connect);
        if connects_first {
            yield_until_open(&metrics).await;
        }
        let draining = tokio::spawn(async move {
            sleep(rests_after).await;
            server.drain(Duration::from_secs(60)).await;
        });
        yield_now().await;
        let _client = early.unwrap_or_else(connect);
        draining.await.unwrap();
        let closed = metrics.snapshot().connections_closed;
        assert_eq!(closed.get("shutdown"), Some(&1), "{closed:?}");
    }
}

/// Lets the server take the connection in, without time passing.
async fn yield_until_open(metrics: &NetworkMetrics) {
    for _ in 0..1_000 {
        yield_now().await;
        if metrics.snapshot().connections_open == 1 {
            break;
        }
    }
    yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_closes_what_rests() {
    let world = world();
    let mut client = world.client().await;
    sleep(LONG).await;
    assert_eq!(resting(&world), 1);
    let World { server, .. } = world;
    let metrics = Arc::clone(server.metrics());
    drop(server);
    client.expect_end().await;
    let closed = metrics.snapshot().connections_closed;
    assert_eq!(closed.get("shutdown"), Some(&1), "{closed:?}");
}

/// More than are woken together.
#[tokio::test(start_paused = true)]
async fn many_are_woken_at_once() {
    let world = world();
    let mut clients = Vec::new();
    for _ in 0..600 {
        clients.push(world.client().await);
    }
    for round in 0..3_u8 {
        sleep(LONG).await;
        assert_eq!(resting(&world), clients.len());
        // Without a turn for the server before all is sent.
        let send_all = async {
            for (number, client) in clients.iter_mut().enumerate() {
                client.send(format!("ra {number} {round}").as_bytes()).await;
            }
        };
        unconstrained(send_all).await;
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = client.receive().await;
            assert_eq!(answer, format!("ra {number} {round}").as_bytes());
            if number == 0 {
                // The first is answered before the last is woken.
                assert_ne!(resting(&world), 0);
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Connect,
    Ask(usize),
    Leave(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Connect),
        4 => (0_usize..8).prop_map(Step::Ask),
        1 => (0_usize..8).prop_map(Step::Leave),
        3 => prop_oneof![0_u64..400, 0_u64..15_000].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

/// Whoever comes, asks and goes in whatever order, each gets its own answers, and what was silent for long rests.
async fn walk(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = world();
    let mut clients: Vec<(Client, Instant)> = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Connect => clients.push((world.client().await, Instant::now())),
            Step::Ask(at) if at < clients.len() => {
                let (client, last_used) = &mut clients[at];
                let content = format!("ra {number}");
                client.send(content.as_bytes()).await;
                prop_assert_eq!(client.receive().await, content.as_bytes());
                *last_used = Instant::now();
            }
            Step::Leave(at) if at < clients.len() => drop(clients.swap_remove(at)),
            Step::Ask(_) | Step::Leave(_) => {}
            Step::Wait(ms) => sleep(Duration::from_millis(ms)).await,
        }
        // The server has done what there was to do.
        sleep(Duration::from_millis(1)).await;
        let silent_for = |ms| {
            let silent = clients.iter().map(|(_, last_used)| last_used.elapsed());
            let long = |silent: &Duration| *silent > Duration::from_millis(ms);
            silent.filter(long).count()
        };
        let snapshot = world.server.metrics().snapshot();
        prop_assert_eq!(snapshot.connections_open, clients.len() as u64);
        let expected = silent_for(10_105)..=silent_for(99);
        prop_assert!(expected.contains(&snapshot.connections_resting));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn connections_rest_and_wake_in_any_order(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(walk(steps))?;
    }
}

#[test]
fn a_resting_connection_is_small() {
    let size = size_of::<Resting<Toy>>();
    assert!(size <= 104, "{size} bytes");
}
