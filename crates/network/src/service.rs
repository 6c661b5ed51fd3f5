//! What stands between frames and their meaning.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use chunks::Chunks;

/// A future that owns what it needs and may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// What becomes of a frame. Answers leave in the order of the frames, whatever their kind.
pub enum Reply {
    /// The connection is closed for this reason, after the answers to earlier frames.
    Close(&'static str),
    /// There is no answer.
    None,
    /// The answer is there, without the length that goes before it. Large pieces are not copied.
    Ready(Chunks),
    /// The answer comes later. The future does the work: it is polled when all earlier answers are
    /// done, and no frame behind it is dispatched before its own answer is.
    Serial(BoxFuture<Outcome>),
    /// Like `Serial`, but what it waits for may never come (a long poll, the other members of a
    /// group): it is dropped when the client has gone and when the server is drained.
    Parked(BoxFuture<Outcome>),
    /// The answer comes later, and what had to happen in order has happened: the frames behind it may
    /// be dispatched at once. The future only waits; it is polled when all earlier answers are done.
    Pipelined(BoxFuture<Outcome>),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(reason) => write!(f, "Close({reason})"),
            Self::None => f.write_str("None"),
            Self::Ready(chunks) => write!(f, "Ready({} bytes)", chunks.len()),
            Self::Serial(_) => f.write_str("Serial"),
            Self::Parked(_) => f.write_str("Parked"),
            Self::Pipelined(_) => f.write_str("Pipelined"),
        }
    }
}

/// How a request that took its time ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With this answer.
    Answer(Chunks),
    /// With none.
    None,
    /// With the end of the connection, for this reason.
    Close(&'static str),
}

/// Gives frames their meaning.
pub trait Service: Send + Sync + 'static {
    /// What is remembered about a connection.
    type Connection: Send + 'static;

    /// A connection was accepted.
    fn connect(&self, peer: SocketAddr, local: SocketAddr) -> Self::Connection;

    /// A frame has arrived (without its length). Called in the order of arrival, one at a time per
    /// connection; must not block.
    fn call(&self, connection: &mut Self::Connection, frame: Bytes) -> Reply;

    /// For how long no more frames of this connection are to be handed over; asked each time that one
    /// could be. Its answers leave all the same.
    fn held_back(&self, connection: &Self::Connection) -> Duration {
        let _ = connection;
        Duration::ZERO
    }

    /// A connection was closed as soon as it was accepted, for this reason; `connect` was not called.
    fn refused(&self, peer: SocketAddr, reason: &'static str) {
        let _ = (peer, reason);
    }

    /// The connection is gone, for this reason: one of [`close_reason`] or one that the service gave.
    fn closed(&self, connection: Self::Connection, reason: &'static str);
}

/// Why connections are closed. The names are label values of a metric.
pub mod close_reason {
    /// The client closed it.
    pub const CLIENT: &str = "client";
    /// The operating system reported an error, mostly a reset by the client.
    pub const IO_ERROR: &str = "io_error";
    /// Nothing came for `connections.max.idle.ms`.
    pub const IDLE: &str = "idle";
    /// A frame announced a negative length.
    pub const FRAME_NEGATIVE: &str = "frame_negative";
    /// A frame announced more than `socket.request.max.bytes`.
    pub const FRAME_TOO_LARGE: &str = "frame_too_large";
    /// A frame stopped in the middle.
    pub const FRAME_STALLED: &str = "frame_stalled";
    /// The client did not take its answers.
    pub const WRITE_STALLED: &str = "write_stalled";
    /// The client wants TLS, which this port does not speak.
    pub const TLS: &str = "tls_hello";
    /// The client speaks HTTP.
    pub const HTTP: &str = "http_request";
    /// There are `max.connections` already.
    pub const CONNECTION_LIMIT: &str = "connection_limit";
    /// There are `max.connections.per.ip` already from this address.
    pub const CONNECTION_LIMIT_PER_IP: &str = "connection_limit_per_ip";
    /// The server is being shut down.
    pub const SHUTDOWN: &str = "shutdown";
    /// The task of the connection was dropped: the deadline of a drain, or a bug.
    pub const ABORTED: &str = "aborted";
}
