//! A client connection, one frame at a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use wire::{Request, Text, decode_response, encode_request};

/// How long an answer may take before a test fails.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// A frame larger than any answer that a test asks for.
const FRAME_BYTES_MAX: i32 = 128 << 20;

/// `payload` with its length before it, as it is sent.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let length = i32::try_from(payload.len()).expect("a test frame is below 2 GiB");
    [&length.to_be_bytes(), payload].concat()
}

/// A TCP connection to a broker that sends what a test likes.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    correlation_id: i32,
    client_id: Option<Text>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)
            .with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self {
            stream,
            correlation_id: 0,
            client_id: Some(Text::from("testkit")),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(bytes).context("send")
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn finish_sending(&self) -> anyhow::Result<()> {
        self.stream.shutdown(Shutdown::Write).context("shut down")
    }

    /// The next answer without its length; none when the broker has closed the connection, whether
    /// it did so in order or with a reset.
    ///
    /// # Errors
    ///
    /// When neither comes in time: a hang.
    pub fn receive(&mut self) -> anyhow::Result<Option<Bytes>> {
        let mut length = [0; 4];
        if !self.fill(&mut length)? {
            return Ok(None);
        }
        let length = i32::from_be_bytes(length);
        ensure!(
            (0..=FRAME_BYTES_MAX).contains(&length),
            "the broker announces an answer of {length} bytes"
        );
        let mut payload = vec![0; usize::try_from(length)?];
        Ok(self.fill(&mut payload)?.then(|| Bytes::from(payload)))
    }

    /// Whether the buffer could be filled before the connection ended.
    fn fill(&mut self, buffer: &mut [u8]) -> anyhow::Result<bool> {
        match self.stream.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe => Ok(false),
                _ => Err(error).context("no answer and no end"),
            },
        }
    }

    /// Sends a request without waiting for its answer, and returns its correlation id.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn start<R: Request>(&mut self, request: &R, version: i16) -> anyhow::Result<i32> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let chunks = encode_request(
            request,
            version,
            self.correlation_id,
            self.client_id.as_ref(),
        );
        self.send(&chunks.into_bytes())?;
        Ok(self.correlation_id)
    }

    /// The answer to a request of this kind and version.
    ///
    /// # Errors
    ///
    /// When the connection ends or the answer cannot be read.
    pub fn answer<R: Request>(&mut self, version: i16) -> anyhow::Result<(i32, R::Response)> {
        let frame = self.receive()?.context("the connection was closed")?;
        decode_response(frame, version).map_err(|error| anyhow::anyhow!("bad answer: {error:?}"))
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    ///
    /// When the connection ends, the answer cannot be read, or it is not the one to this request.
    pub fn call<R: Request>(&mut self, request: &R, version: i16) -> anyhow::Result<R::Response> {
        let sent = self.start(request, version)?;
        let (answered, response) = self.answer::<R>(version)?;
        ensure!(
            sent == answered,
            "asked with correlation id {sent}, answered with {answered}"
        );
        Ok(response)
    }
}
