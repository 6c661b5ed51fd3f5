//! What a client cannot do to the server.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::toy::{Seen, Toy, World, frame};
use crate::NetworkSettings;
use crate::connection::Connection;
use crate::limits::{FRAME_FIRST_BYTES, FRAME_PROGRESS_BYTES};

#[tokio::test]
async fn frames_of_impossible_length_close_the_connection() {
    let settings = NetworkSettings {
        frame_bytes_max: 1000,
        ..NetworkSettings::default()
    };
    let mut world = World::new(settings);
    for (bytes, reason) in [
        (&b"\xff\xff\xff\xff"[..], "frame_negative"),
        (b"\x80\0\0\0", "frame_negative"),
        (b"\0\0\x03\xe9rest", "frame_too_large"),
        (b"\x7f\xff\xff\xff", "frame_too_large"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "tls_hello"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", "http_request"),
        (b"POST / HTTP/1.1\r\n\r\n", "http_request"),
        (b"PRI * HTTP/2.0\r\n\r\n", "http_request"),
    ] {
        let before = world.closed(reason);
        let mut client = world.client().await;
        client.send_raw(bytes).await;
        client.expect_end().await;
        world.expect(&[Seen::Connected, Seen::Closed(reason)]).await;
        assert_eq!(world.closed(reason), before + 1, "{reason}");
    }
}

#[tokio::test]
async fn a_bad_length_does_not_undo_the_frame_before_it() {
    let mut world = World::new(NetworkSettings::default());
    // The second is read into a buffer of its own.
    for filling_bytes in [0, 100_000] {
        let content = [&b"na"[..], &vec![0; filling_bytes]].concat();
        let mut client = world.client().await;
        client
            .send_raw(&[frame(&content), b"\xff\xff\xff\xff".to_vec()].concat())
            .await;
        client.expect_end().await;
        let closed = Seen::Closed("frame_negative");
        world
            .expect(&[Seen::Connected, Seen::Called('a'), closed])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let mut world = World::new(NetworkSettings::default());
    let start = tokio::time::Instant::now();
    let mut client = world.client().await;
    client.send(b"ra").await;
    client.receive().await;
    client.expect_end().await;
    assert_eq!(start.elapsed().as_secs(), 600);
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Closed("idle")])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_its_answer_is_not_idle() {
    let mut world = World::new(NetworkSettings::default());
    let mut client = world.client().await;
    client.send(b"sa").await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.toy.let_go('a');
    assert_eq!(client.receive().await, b"sa");
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Finished('a')])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_stops_in_the_middle_is_given_up() {
    for part in [
        &b"\0\0"[..],
        b"\0\0\0\x09",
        b"\0\0\0\x09ra",
        b"\0\x09\0\0ra",
    ] {
        let mut world = World::new(NetworkSettings::default());
        let start = tokio::time::Instant::now();
        let mut client = world.client().await;
        client.send_raw(part).await;
        client.expect_end().await;
        assert_eq!(start.elapsed().as_secs(), 30);
        world
            .expect(&[Seen::Connected, Seen::Closed("frame_stalled")])
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_frame_that_goes_on_is_not_given_up() {
    let mut world = World::new(NetworkSettings::default());
    let mut client = world.client().await;
    for byte in frame(b"ra") {
        client.send_raw(&[byte]).await;
        tokio::time::sleep(Duration::from_secs(29)).await;
    }
    assert_eq!(client.receive().await, b"ra");
    world.expect(&[Seen::Connected, Seen::Called('a')]).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_answers_is_closed() {
    let mut world = World::new(NetworkSettings::default());
    let start = tokio::time::Instant::now();
    let mut client = world.client().await;
    client
        .send_raw(&[frame(b"ba"), frame(b"rb")].concat())
        .await;
    // The second frame is not taken up: the first answer is still in the way.
    world
        .expect(&[
            Seen::Connected,
            Seen::Called('a'),
            Seen::Closed("write_stalled"),
        ])
        .await;
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn connections_are_limited() {
    let settings = NetworkSettings {
        connections_max: 2,
        ..NetworkSettings::default()
    };
    let mut world = World::new(settings);
    let first = world.client().await;
    let mut second = world.client().await;
    let mut third = world.client().await;
    third.expect_end().await;
    assert_eq!(world.closed("connection_limit"), 1);
    second.send(b"ra").await;
    assert_eq!(second.receive().await, b"ra");
    drop(first);
    world
        .expect(&[
            Seen::Connected,
            Seen::Connected,
            Seen::Refused("connection_limit"),
            Seen::Called('a'),
        ])
        .await;
    world.expect(&[Seen::Closed("client")]).await;
    let mut fourth = world.client().await;
    fourth.send(b"rb").await;
    assert_eq!(fourth.receive().await, b"rb");
    let snapshot = world.server.metrics().snapshot();
    assert_eq!(
        (snapshot.connections_accepted, snapshot.connections_open),
        (4, 2)
    );
}

/// What a connection holds that is in use is its task; everything behind pointers is given back.
#[tokio::test]
async fn a_connection_is_small() {
    let size = size_of::<Connection<Toy>>();
    assert!(size <= 512, "{size} bytes");
    let (stream, open) = super::toy::unserved_connection().await;
    let (_drain, draining) = tokio::sync::watch::channel(None);
    let task = Connection::new(stream, open).run(draining);
    assert!(size_of_val(&task) <= 896, "{} bytes", size_of_val(&task));
}

#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let settings = NetworkSettings {
        connections_per_ip_max: 1,
        ..NetworkSettings::default()
    };
    let world = World::new(settings);
    let _first = world.client().await;
    world.client().await.expect_end().await;
    assert_eq!(world.closed("connection_limit_per_ip"), 1);
}

/// The beginning of a frame of 1 MiB, larger than what is held without a share of the budget.
fn half_frame() -> Vec<u8> {
    let mut bytes = frame(&vec![b'r'; 1 << 20]);
    bytes.truncate(32 * 1024);
    bytes
}

fn tight() -> NetworkSettings {
    NetworkSettings {
        frames_in_progress_bytes_max: 2 * FRAME_FIRST_BYTES,
        ..NetworkSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn half_frames_share_a_budget_and_give_it_back() {
    let mut world = World::new(tight());
    let start = tokio::time::Instant::now();
    let mut halves = Vec::new();
    for _ in 0..5 {
        let mut client = world.client().await;
        client.send_raw(&half_frame()).await;
        halves.push(client);
    }
    // Two hold the budget, one may go beyond it: those stall. The others wait for room, and their
    // time begins when they get it.
    for half in &mut halves {
        half.expect_end().await;
    }
    assert_eq!(world.closed("frame_stalled"), 5);
    assert_eq!(start.elapsed().as_secs(), 60);
    let mut client = world.client().await;
    let whole = vec![b'r'; 1 << 20];
    client.send(&whole).await;
    assert_eq!(client.receive().await, whole);
    world.expect(&[Seen::Connected]).await;
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_keeps_no_share_of_the_budget() {
    let world = World::new(tight());
    let mut halves = Vec::new();
    for _ in 0..3 {
        let mut client = world.client().await;
        client.send_raw(&half_frame()).await;
        // Each one has got its share when the server waits for more.
        tokio::time::sleep(Duration::from_millis(1)).await;
        halves.push(client);
    }
    // Two within the budget and one beyond it.
    for _ in 0..4 {
        assert_eq!(world.closed("frame_stalled"), 0);
        tokio::time::sleep(Duration::from_secs(9)).await;
        for half in &mut halves {
            let _ = half.stream.write_all(b"r").await;
        }
    }
    assert_eq!(world.closed("frame_stalled"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_that_goes_on_keeps_its_share() {
    let world = World::new(NetworkSettings::default());
    let content = vec![b'r'; 1 << 20];
    let mut client = world.client().await;
    for part in frame(&content).chunks(FRAME_PROGRESS_BYTES) {
        client.send_raw(part).await;
        tokio::time::sleep(Duration::from_secs(29)).await;
    }
    assert_eq!(client.receive().await, content);
    assert_eq!(world.closed("frame_stalled"), 0);
}

#[tokio::test(start_paused = true)]
async fn who_goes_beyond_the_budget_has_a_deadline_in_all() {
    let world = World::new(tight());
    let start = tokio::time::Instant::now();
    let mut client = world.client().await;
    for part in frame(&vec![b'r'; 1 << 20]).chunks(2 * FRAME_PROGRESS_BYTES) {
        let _ = client.stream.write_all(part).await;
        tokio::time::sleep(Duration::from_secs(9)).await;
    }
    // The first part is within the budget, the second is what goes beyond it.
    assert_eq!(world.closed("frame_stalled"), 1);
    assert!(start.elapsed().as_secs() > 9 + 30);
}

#[tokio::test(start_paused = true)]
async fn a_frame_behind_a_long_answer_keeps_its_share() {
    let world = World::new(NetworkSettings::default());
    let mut client = world.client().await;
    let content = vec![b'r'; 1 << 20];
    let whole = frame(&content);
    let (half, rest) = whole.split_at(32 * 1024);
    client.send(b"sa").await;
    client.send_raw(half).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.toy.let_go('a');
    assert_eq!(client.receive().await, b"sa");
    client.send_raw(rest).await;
    assert_eq!(client.receive().await, content);
}

#[tokio::test]
async fn large_frames_get_through_a_budget_that_is_smaller() {
    let world = World::new(tight());
    let clients: Vec<_> = (0..4_u8)
        .map(|number| {
            let address = world.server.local_address();
            tokio::spawn(async move {
                let stream = tokio::net::TcpStream::connect(address).await.unwrap();
                let mut client = super::toy::Client { stream };
                let content = vec![b'r' + number * 8; 2 << 20];
                client.send(&content).await;
                client.receive().await == content
            })
        })
        .collect();
    for client in clients {
        assert!(client.await.unwrap());
    }
}

#[tokio::test]
async fn limits_change_for_connections_to_come() {
    let settings = NetworkSettings {
        connections_max: 1,
        ..NetworkSettings::default()
    };
    let world = World::new(settings);
    let mut first = world.client().await;
    world.client().await.expect_end().await;
    let limits = world.server.connection_limits();
    limits.set(2, 2);
    let mut second = world.client().await;
    second.send(b"ra").await;
    assert_eq!(second.receive().await, b"ra");
    limits.set(2, 1);
    world.client().await.expect_end().await;
    assert_eq!(world.closed("connection_limit"), 2);
    limits.set(3, 1);
    world.client().await.expect_end().await;
    assert_eq!(world.closed("connection_limit_per_ip"), 1);
    // Who is there stays.
    first.send(b"rb").await;
    assert_eq!(first.receive().await, b"rb");
}
