//! Random requests of all kinds, sent in random pieces and let go in random order: the answers are
//! complete and in order, and nothing overtakes what may not be overtaken.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::toy::{Seen, World, frame};
use crate::NetworkSettings;

#[derive(Clone, Debug)]
struct Script {
    /// What each request is, by the letters of the toy.
    kinds: Vec<u8>,
    /// The bytes behind the name of each request.
    lengths: Vec<usize>,
    /// How many bytes are sent at a time.
    pieces: Vec<usize>,
    /// In which order the answers are let go.
    let_go: Vec<usize>,
}

const REQUESTS: usize = 24;

fn script() -> impl Strategy<Value = Script> {
    let kind = prop_oneof![
        3 => Just(b'p'), 2 => Just(b'r'), 1 => Just(b'n'), 1 => Just(b's'), 1 => Just(b'k'),
    ];
    (
        proptest::collection::vec(kind, REQUESTS),
        proptest::collection::vec(prop_oneof![0..40usize, 0..40_000usize], REQUESTS),
        proptest::collection::vec(prop_oneof![1..99usize, 1..20_000usize], 1..6),
        Just((0..REQUESTS).collect::<Vec<_>>()).prop_shuffle(),
    )
        .prop_map(|(kinds, lengths, pieces, let_go)| Script {
            kinds,
            lengths,
            pieces,
            let_go,
        })
}

fn name(request: usize) -> char {
    char::from(b'A' + request as u8)
}

async fn run(script: Script) {
    let mut world = World::new(NetworkSettings {
        // Tight enough to matter to the larger requests.
        frames_in_progress_bytes_max: 16 * 1024,
        ..NetworkSettings::default()
    });
    let requests: Vec<Vec<u8>> = (0..REQUESTS)
        .map(|request| {
            let mut content = vec![script.kinds[request], name(request) as u8];
            content.resize(2 + script.lengths[request], request as u8);
            content
        })
        .collect();
    let client = world.client().await;
    let (mut input, mut output) = client.stream.into_split();
    let bytes: Vec<u8> = requests.iter().flat_map(|content| frame(content)).collect();
    let writing = tokio::spawn(async move {
        let mut rest = &bytes[..];
        for size in script.pieces.iter().cycle() {
            let (now, later) = rest.split_at((*size).min(rest.len()));
            output.write_all(now).await.unwrap();
            tokio::task::yield_now().await;
            rest = later;
            if rest.is_empty() {
                return output;
            }
        }
        output
    });
    for request in script.let_go {
        world.toy.let_go(name(request));
        tokio::task::yield_now().await;
    }
    for content in requests.iter().filter(|content| content[0] != b'n') {
        assert_eq!(&super::toy::receive(&mut input).await, content);
    }
    drop(writing.await.unwrap());
    drop(input);
    check(&mut world, &script.kinds).await;
}

/// Requests are taken up in order, and none while a serial or parked one is under way.
async fn check(world: &mut World, kinds: &[u8]) {
    let mut next = 0;
    let mut alone = None;
    loop {
        match world.next().await {
            Seen::Connected => {}
            Seen::Called(called) => {
                assert_eq!((called, alone), (name(next), None));
                alone = matches!(kinds[next], b's' | b'k').then_some(called);
                next += 1;
            }
            Seen::Finished(finished) => {
                if alone == Some(finished) {
                    alone = None;
                }
            }
            Seen::Dropped(dropped) => panic!("{dropped} was dropped"),
            Seen::Refused(reason) => panic!("refused: {reason}"),
            Seen::Closed(reason) => {
                assert_eq!((next, reason), (REQUESTS, "client"));
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answers_are_whole_and_in_order(script in script()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(script));
    }
}
