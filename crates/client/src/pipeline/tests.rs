use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use wire::{RequestHeader, encode_response};

use super::*;

const VERSION: i16 = 0;

async fn request(stream: &mut TcpStream) -> (RequestHeader, usize) {
    let length = stream.read_i32().await.unwrap();
    let mut frame = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut frame).await.unwrap();
    let length = frame.len();
    let header = RequestHeader::decode(&mut wire::Decoder::new(frame.into())).unwrap();
    (header, length)
}

/// A pipeline and the stream of its peer, which serves Heartbeat.
async fn pair() -> (Pipeline, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let peer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (header, _) = request(&mut stream).await;
        let response = ApiVersionsResponse {
            api_keys: vec![ApiVersion {
                api_key: 12,
                min_version: 0,
                max_version: VERSION,
            }],
            ..ApiVersionsResponse::default()
        };
        let answer = encode_response(&response, header.api_version, header.correlation_id);
        stream.write_all(&answer.into_bytes()).await.unwrap();
        stream
    };
    let (pipeline, stream) = tokio::join!(Pipeline::open(&address), peer);
    (pipeline.unwrap(), stream)
}

fn heartbeat(group: &str, correlation_id: i32) -> Frame {
    let request = HeartbeatRequest {
        group_id: Text::from(group),
        ..HeartbeatRequest::default()
    };
    Frame::new(&request, VERSION, correlation_id)
}

fn answer(error_code: i16, correlation_id: i32) -> Bytes {
    let response = HeartbeatResponse {
        error_code,
        ..HeartbeatResponse::default()
    };
    encode_response(&response, VERSION, correlation_id).into_bytes()
}

async fn next(pipeline: &mut Pipeline) -> Result<i16, ClientError> {
    loop {
        if let Some(frame) = pipeline.answer()? {
            let response: HeartbeatResponse = pipeline.decode(frame, VERSION)?;
            return Ok(response.error_code);
        }
        pipeline.advance().await?;
    }
}

#[tokio::test]
async fn a_frame_is_sent_again_and_answers_are_taken_in_order_however_they_are_cut() {
    let (mut pipeline, mut peer) = pair().await;
    let usable = 0..=i16::MAX;
    assert_eq!(
        pipeline.version_of::<HeartbeatRequest>(usable).unwrap(),
        VERSION
    );
    let (small, large) = (heartbeat("a", 7), heartbeat(&"b".repeat(30_000), 8));
    // More than the sockets hold, so that frames are written in parts.
    let count = 400;
    for _ in 0..count {
        pipeline.send(&small, true);
        pipeline.send(&large, true);
    }
    assert_eq!(pipeline.under_way(), 2 * count);
    let serve = async {
        for index in 0..2 * count {
            let (header, length) = request(&mut peer).await;
            let frame = [&small, &large][index % 2];
            assert_eq!(length + PREFIX_BYTES, frame.bytes.len());
            assert_eq!(header.correlation_id, frame.correlation_id);
            // In two parts, cut at another place each time.
            let code = i16::try_from(index).unwrap();
            let bytes = answer(code, header.correlation_id);
            let (first, second) = bytes.split_at(index % bytes.len());
            peer.write_all(first).await.unwrap();
            tokio::task::yield_now().await;
            peer.write_all(second).await.unwrap();
        }
    };
    let read = async {
        for index in 0..2 * count {
            let code = i16::try_from(index).unwrap();
            assert_eq!(next(&mut pipeline).await.unwrap(), code);
        }
    };
    tokio::join!(serve, read);
    assert_eq!(pipeline.under_way(), 0);
}

#[tokio::test]
async fn what_is_not_answered_is_under_way_until_it_is_written() {
    let (mut pipeline, mut peer) = pair().await;
    pipeline.send(&heartbeat("a", 1), false);
    assert_eq!(pipeline.under_way(), 1);
    pipeline.advance().await.unwrap();
    assert_eq!(pipeline.under_way(), 0);
    assert_eq!(request(&mut peer).await.0.correlation_id, 1);
}

#[tokio::test]
async fn answers_that_nobody_asked_for_and_nonsense_end_the_connection() {
    for (bytes, words) in [
        (answer(0, 9), "belongs to another request"),
        (
            Bytes::from_static(b"\0\0\0\0"),
            "belongs to another request",
        ),
        (Bytes::from_static(b"HTTP/1.1"), "is not the Kafka protocol"),
        (Bytes::from_static(b"\0\0\0\x09\0"), "closed the connection"),
    ] {
        let (mut pipeline, mut peer) = pair().await;
        pipeline.send(&heartbeat("a", 1), true);
        let serve = async {
            request(&mut peer).await;
            peer.write_all(&bytes).await.unwrap();
            peer.shutdown().await.unwrap();
        };
        let ((), outcome) = tokio::join!(serve, next(&mut pipeline));
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let (mut pipeline, mut peer) = pair().await;
    peer.write_all(&answer(0, 1)).await.unwrap();
    assert!(next(&mut pipeline).await.is_err(), "nothing was asked");
}
