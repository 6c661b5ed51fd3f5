use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wire::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use wire::{Decoder, RequestHeader, encode_response};

use super::*;

const IN_FLIGHT: usize = 3;
const REQUESTS: usize = 8;
const DELAY: Duration = Duration::from_micros(1500);

/// What happened to the work.
#[derive(Default)]
struct Seen {
    /// For each request the time at which it was given out, and since when there was room for it.
    sent: Vec<(Instant, Instant)>,
    /// Tokens in the order of their answers.
    answered: Vec<usize>,
    /// When the last request is due.
    due: Option<Instant>,
}

/// Sends so many requests, the last one not before a time.
struct Counting(Arc<Mutex<Seen>>);

impl Work for Counting {
    type Token = usize;

    fn next(&mut self, now: Instant, room_since: Instant) -> anyhow::Result<Next<usize>> {
        let mut seen = self.0.lock().unwrap();
        let number = seen.sent.len();
        if number == REQUESTS {
            return Ok(Next::Done);
        }
        if number == REQUESTS - 1 {
            let due = *seen.due.get_or_insert(now + DELAY);
            if now < due {
                return Ok(Next::At(due));
            }
        }
        seen.sent.push((now, room_since));
        let frame = Frame::new(&HeartbeatRequest::default(), 0, 7);
        Ok(Next::Send(frame, number))
    }

    fn answered(
        &mut self,
        pipeline: &Pipeline,
        token: usize,
        answer: Bytes,
        _: Instant,
    ) -> anyhow::Result<()> {
        let response: HeartbeatResponse = pipeline.decode(answer, 0)?;
        assert_eq!(response.error_code, i16::try_from(token)?);
        self.0.lock().unwrap().answered.push(token);
        Ok(())
    }
}

async fn read_request(stream: &mut TcpStream) -> RequestHeader {
    let length = stream.read_i32().await.unwrap();
    let mut frame = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut frame).await.unwrap();
    RequestHeader::decode(&mut Decoder::new(frame.into())).unwrap()
}

async fn answer(stream: &mut TcpStream, number: usize) {
    let response = HeartbeatResponse {
        error_code: i16::try_from(number).unwrap(),
        ..HeartbeatResponse::default()
    };
    let bytes = encode_response(&response, 0, 7).into_bytes();
    stream.write_all(&bytes).await.unwrap();
}

#[tokio::test]
async fn no_more_is_under_way_than_may_be_and_nothing_is_sent_before_it_is_due() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let work = Counting(Arc::clone(&seen));
    let load = async { drive(Pipeline::open(&address).await?, work, IN_FLIGHT).await };
    let sent = || seen.lock().unwrap().sent.len();
    let peer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let header = read_request(&mut stream).await;
        let versions = ApiVersionsResponse {
            api_keys: vec![ApiVersion {
                api_key: 12,
                min_version: 0,
                max_version: 0,
            }],
            ..ApiVersionsResponse::default()
        };
        let bytes = encode_response(&versions, header.api_version, header.correlation_id);
        stream.write_all(&bytes.into_bytes()).await.unwrap();
        for _ in 0..IN_FLIGHT {
            read_request(&mut stream).await;
        }
        for number in 0..REQUESTS {
            let wanted = (IN_FLIGHT + number).min(REQUESTS);
            assert_eq!(sent(), wanted, "before answer {number}");
            let answered_at = Instant::now();
            answer(&mut stream, number).await;
            if wanted < REQUESTS {
                read_request(&mut stream).await;
                let (_, room_since) = seen.lock().unwrap().sent[wanted];
                assert!(room_since >= answered_at, "there was no room before that");
            }
        }
        stream
    };
    let (outcome, _stream) = tokio::join!(load, peer);
    outcome.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.answered, (0..REQUESTS).collect::<Vec<_>>());
    assert!(seen.sent[REQUESTS - 1].0 >= seen.due.unwrap());
}
