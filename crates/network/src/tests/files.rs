//! Answers whose bytes lie in a file.

use socket2::SockRef;
use tokio::io::AsyncReadExt;

use super::toy::{FILE_BYTES, Seen, World, file_content, frame};
use crate::{Listener, NetworkSettings};

#[tokio::test]
async fn an_answer_is_sent_from_a_file_with_what_stands_around_it() {
    let mut world = World::new(NetworkSettings::default());
    let mut client = world.client().await;
    // More than the socket takes at once, with other answers before and behind.
    for content in [b"ra", b"fb", b"fc", b"rd"] {
        client.send(content).await;
    }
    assert_eq!(client.receive().await, b"ra");
    for content in [b"fb", b"fc"] {
        let expected = [&content[..], &file_content(), content].concat();
        assert!(client.receive().await == expected);
    }
    assert_eq!(client.receive().await, b"rd");
    drop(client);
    for name in ['a', 'b', 'c', 'd'].map(Seen::Called) {
        match name {
            Seen::Called('a') => world.expect(&[Seen::Connected, name]).await,
            name => world.expect(&[name]).await,
        }
    }
    world.expect(&[Seen::Closed("client")]).await;
}

#[tokio::test]
async fn a_file_that_ends_too_early_ends_the_connection() {
    let mut world = World::new(NetworkSettings::default());
    let mut client = world.client().await;
    client.send(b"ga").await;
    let mut received = Vec::new();
    client.stream.read_to_end(&mut received).await.unwrap();
    // Nothing stands in for what is missing.
    let announced = frame(&vec![0; FILE_BYTES + 5])[..4].to_vec();
    assert!(received == [announced, b"ga".to_vec(), file_content()].concat());
    world
        .expect(&[Seen::Connected, Seen::Called('a'), Seen::Closed("io_error")])
        .await;
}

/// The system gives it to the sockets that are accepted.
#[tokio::test]
async fn the_socket_that_listens_has_the_send_buffer_that_is_set() {
    let served_with = |send_buffer_bytes| {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let socket = listener.listener.try_clone().unwrap();
        let settings = NetworkSettings {
            send_buffer_bytes,
            ..NetworkSettings::default()
        };
        let _world = World::on(listener, settings);
        SockRef::from(&socket).send_buffer_size().unwrap()
    };
    assert_eq!(served_with(Some(50_000)), 100_000);
    assert_ne!(served_with(None), 100_000);
}
