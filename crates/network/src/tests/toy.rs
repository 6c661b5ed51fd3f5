//! A service that does what the first byte of a frame says, and a client for it.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chunks::{Chunk, Chunks, FileRange};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::listener::{Open, Shared};
use crate::{BoxFuture, Listener, NetworkSettings, Outcome, Reply, Server, Service};

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Connected,
    /// A frame was handed over; its name is its second byte.
    Called(char),
    /// The future of a frame has completed.
    Finished(char),
    /// The future of a frame was dropped before that.
    Dropped(char),
    Closed(&'static str),
    Refused(&'static str),
}

/// The first byte of a frame is what to do (`r`eady, `n`one, `c`lose, `s`erial, `p`ipelined, par`k`ed,
/// `h`old back), the second one a name. The answer is the whole frame.
pub(super) struct Toy {
    gates: Mutex<HashMap<char, Arc<Notify>>>,
    seen: mpsc::UnboundedSender<Seen>,
}

/// How long a connection is held back.
pub(super) const HOLD: Duration = Duration::from_secs(3600);

struct Watched {
    name: char,
    finished: bool,
    seen: mpsc::UnboundedSender<Seen>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.finished {
            let _ = self.seen.send(Seen::Dropped(self.name));
        }
    }
}

impl Toy {
    fn gate(&self, name: char) -> Arc<Notify> {
        Arc::clone(self.gates.lock().entry(name).or_default())
    }

    fn later(&self, name: char, frame: Bytes) -> BoxFuture<Outcome> {
        let gate = self.gate(name);
        let mut watched = Watched {
            name,
            finished: false,
            seen: self.seen.clone(),
        };
        Box::pin(async move {
            gate.notified().await;
            watched.finished = true;
            let _ = watched.seen.send(Seen::Finished(name));
            Outcome::Answer(frame.into())
        })
    }

    /// Lets the answer with this name go.
    pub(super) fn let_go(&self, name: char) {
        self.gate(name).notify_one();
    }
}

/// What the file of an answer holds.
pub(super) const FILE_BYTES: usize = 8 << 20;

/// An answer of a frame, so many bytes of a file that holds numbers, and the frame again.
fn in_file(frame: &Bytes, bytes: usize) -> Chunks {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&file_content()).unwrap();
    let range = FileRange {
        file: Arc::new(file),
        position: 0,
        bytes,
    };
    vec![
        frame.clone().into(),
        Chunk::File(range),
        frame.clone().into(),
    ]
    .into()
}

pub(super) fn file_content() -> Vec<u8> {
    let numbers = 0..(FILE_BYTES / 4) as u32;
    numbers.flat_map(u32::to_be_bytes).collect()
}

impl Service for Toy {
    /// Until when it is held back.
    type Connection = Option<Instant>;

    fn connect(&self, _peer: SocketAddr, _local: SocketAddr) -> Option<Instant> {
        let _ = self.seen.send(Seen::Connected);
        None
    }

    fn held_back(&self, until: &Option<Instant>) -> Duration {
        until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    fn call(&self, held_until: &mut Option<Instant>, frame: Bytes) -> Reply {
        let name = char::from(frame.get(1).copied().unwrap_or(b'?'));
        let _ = self.seen.send(Seen::Called(name));
        match frame.first() {
            Some(b's') => Reply::Serial(self.later(name, frame)),
            Some(b'p') => Reply::Pipelined(self.later(name, frame)),
            Some(b'k') => Reply::Parked(self.later(name, frame)),
            Some(b'n') => Reply::None,
            Some(b'c') => Reply::Close("toy"),
            Some(b'h') => {
                *held_until = Some(Instant::now() + HOLD);
                Reply::Ready(frame.into())
            }
            Some(b'b') => Reply::Ready(vec![0; 32 << 20].into()),
            Some(b'f') => Reply::Ready(in_file(&frame, FILE_BYTES)),
            // The file is shorter than is said.
            Some(b'g') => Reply::Ready(in_file(&frame, FILE_BYTES + 1)),
            _ => {
                let middle = frame.len() / 2;
                let pieces = [
                    frame.slice(..0),
                    frame.slice(..middle),
                    frame.slice(middle..),
                ];
                Reply::Ready(Vec::from(pieces.map(Chunk::from)).into())
            }
        }
    }

    fn refused(&self, _peer: SocketAddr, reason: &'static str) {
        let _ = self.seen.send(Seen::Refused(reason));
    }

    fn closed(&self, _held_until: Option<Instant>, reason: &'static str) {
        let _ = self.seen.send(Seen::Closed(reason));
    }
}

/// A server with a toy behind it.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) toy: Arc<Toy>,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl World {
    pub(super) fn new(settings: NetworkSettings) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self::on(listener, settings)
    }

    pub(super) fn on(listener: Listener, settings: NetworkSettings) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let toy = Arc::new(Toy {
            gates: Mutex::default(),
            seen: sender,
        });
        let server = listener.serve(Arc::clone(&toy), settings).unwrap();
        Self { server, toy, seen }
    }

    pub(super) async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.server.local_address())
            .await
            .unwrap();
        // What is sent leaves at once, and not when the server's system has said that it has what came before, for which
        // no time passes here.
        stream.set_nodelay(true).unwrap();
        Client { stream }
    }

    /// The next thing that happened.
    pub(super) async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// The next things that happened are these.
    pub(super) async fn expect(&mut self, expected: &[Seen]) {
        for expected in expected {
            assert_eq!(&self.next().await, expected);
        }
    }

    pub(super) fn closed(&self, reason: &'static str) -> u64 {
        let snapshot = self.server.metrics().snapshot();
        snapshot
            .connections_closed
            .get(reason)
            .copied()
            .unwrap_or(0)
    }
}

pub(super) struct Client {
    pub(super) stream: TcpStream,
}

pub(super) fn frame(content: &[u8]) -> Vec<u8> {
    let mut frame = (content.len() as u32).to_be_bytes().to_vec();
    frame.extend(content);
    frame
}

/// The next answer.
pub(super) async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut content = vec![0; length as usize];
    stream.read_exact(&mut content).await.unwrap();
    content
}

impl Client {
    pub(super) async fn send(&mut self, content: &[u8]) {
        self.send_raw(&frame(content)).await;
    }

    pub(super) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(super) async fn receive(&mut self) -> Vec<u8> {
        receive(&mut self.stream).await
    }

    /// The server closes the connection without another answer.
    pub(super) async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest).await {
            Ok(_) => assert_eq!(rest, b""),
            // The server had not read everything.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

/// The parts of a connection that no task serves.
pub(super) async fn unserved_connection() -> (TcpStream, Open<Toy>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let toy = Arc::new(Toy {
        gates: Mutex::default(),
        seen: mpsc::unbounded_channel().0,
    });
    let shared = Shared::new(toy, NetworkSettings::default());
    let open = Open::try_new(&shared, address, address).unwrap();
    (stream, open)
}
