//! One connection to one broker: a request at a time, each in the newest version both sides know.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use model::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wire::apis::ApiKey;
use wire::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use wire::{Decoder, Message, Request, ResponseHeader, Text};

use crate::brokers::Address;
use crate::error::{ClientError, Refusal};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for an answer, beyond what the request itself asks the broker to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer taken, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Memory taken for an answer before any of its bytes have come.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// The form of ApiVersions that every broker answers.
const API_VERSIONS_OLDEST: i16 = 0;

/// A broker and the APIs it serves, each with its lowest and highest version.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: Address,
    served: BTreeMap<i16, (i16, i16)>,
}

impl Peer {
    /// The newest version of a request that both sides know and the caller can use.
    pub(crate) fn version_of<R: Request>(
        &self,
        usable: &RangeInclusive<i16>,
    ) -> Result<i16, ClientError> {
        let unsupported = || ClientError::Unsupported {
            address: self.address.clone(),
            api: api_name(R::API_KEY),
        };
        let (lowest, highest) = self.served.get(&R::API_KEY).ok_or_else(unsupported)?;
        let newest = (*highest).min(*R::VERSIONS.end()).min(*usable.end());
        let oldest = (*lowest).max(*R::VERSIONS.start()).max(*usable.start());
        (oldest <= newest).then_some(newest).ok_or_else(unsupported)
    }

    /// Reads an answer: the number of the request that it belongs to, and the message. What follows
    /// the message is not looked at, as other clients do: some brokers send more.
    pub(crate) fn decode<M: Message>(
        &self,
        frame: Bytes,
        version: i16,
    ) -> Result<(i32, M), ClientError> {
        let api = api_name(M::API_KEY);
        let mut decoder = Decoder::of_answer(frame);
        let decoded = ResponseHeader::decode(&mut decoder, M::API_KEY, version)
            .and_then(|header| Ok((header.correlation_id, M::decode(&mut decoder, version)?)));
        decoded.map_err(|error| self.broken(format!("its {api} answer makes no sense: {error}")))
    }

    /// What a connection that cannot be used any more ends with.
    pub(crate) fn broken(&self, reason: String) -> ClientError {
        ClientError::Connection {
            address: self.address.clone(),
            reason,
        }
    }
}

/// A connection whose peer has said what it serves.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: Peer,
    stream: TcpStream,
    correlation_id: i32,
}

impl Connection {
    /// Connects and asks what is served.
    pub(crate) async fn open(address: &Address) -> Result<Self, ClientError> {
        let unreachable =
            |reason: String| ClientError::Unreachable(vec![(address.clone(), reason)]);
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let stream = match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(unreachable(reason(&error))),
            Err(_) => {
                let waited = CONNECT_TIMEOUT.as_secs();
                return Err(unreachable(format!("no answer within {waited} s")));
            }
        };
        // Each request is written at once and then waited for.
        let _ = stream.set_nodelay(true);
        let mut connection = Self {
            peer: Peer {
                address: address.clone(),
                served: BTreeMap::new(),
            },
            stream,
            correlation_id: 0,
        };
        connection.negotiate().await?;
        Ok(connection)
    }

    /// The peer and the stream, for whoever wants to send several requests before the first answer.
    pub(crate) fn into_parts(self) -> (Peer, TcpStream) {
        (self.peer, self.stream)
    }

    /// Learns what the broker serves. A broker that does not know our newest version answers in
    /// the oldest one, code UNSUPPORTED_VERSION in front, and is asked again in that (KIP-511).
    async fn negotiate(&mut self) -> Result<(), ClientError> {
        let newest = *ApiVersionsRequest::VERSIONS.end();
        let request = ApiVersionsRequest {
            client_software_name: Text::from_static("ottla"),
            client_software_version: Text::from_static(env!("CARGO_PKG_VERSION")),
        };
        let mut version = newest;
        let mut frame = self.exchange(&request, version).await?;
        if has_error(&frame, ErrorCode::UnsupportedVersion) {
            version = API_VERSIONS_OLDEST;
            frame = self.exchange(&request, version).await?;
        }
        let response: ApiVersionsResponse = self.decode(frame, version)?;
        Refusal::check(response.error_code, None)?;
        let apis = response.api_keys.iter();
        self.peer.served = apis
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        Ok(())
    }

    /// Sends a request in the newest version that both sides know and the caller can use, and waits
    /// for its answer.
    pub(crate) async fn call<R: Request>(
        &mut self,
        request: &R,
        usable: RangeInclusive<i16>,
    ) -> Result<R::Response, ClientError> {
        let version = self.peer.version_of::<R>(&usable)?;
        let frame = self.exchange(request, version).await?;
        self.decode(frame, version)
    }

    async fn exchange<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<Bytes, ClientError> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let client_id = Text::from_static(crate::CLIENT_ID);
        let frame = wire::encode_request(request, version, self.correlation_id, Some(&client_id));
        let exchange = async {
            self.stream.write_all(&frame.into_bytes()).await?;
            read_frame(&mut self.stream).await
        };
        match timeout(ANSWER_TIMEOUT, exchange).await {
            Ok(Ok(frame)) => Ok(frame),
            Ok(Err(error)) => Err(self.peer.broken(reason(&error))),
            Err(_) => Err(ClientError::Timeout {
                address: self.peer.address.clone(),
                api: api_name(R::API_KEY),
                waited: ANSWER_TIMEOUT,
            }),
        }
    }

    fn decode<M: Message>(&self, frame: Bytes, version: i16) -> Result<M, ClientError> {
        let (correlation_id, message) = self.peer.decode(frame, version)?;
        if correlation_id != self.correlation_id {
            let api = api_name(M::API_KEY);
            let reason = format!("its {api} answer belongs to another request");
            return Err(self.peer.broken(reason));
        }
        Ok(message)
    }
}

/// Whether an ApiVersions answer begins with this code, whatever its version: it follows the
/// correlation id in all of them.
fn has_error(frame: &[u8], code: ErrorCode) -> bool {
    frame.get(4..6) == Some(&code.code().to_be_bytes()[..])
}

fn api_name(key: i16) -> &'static str {
    ApiKey::from_key(key).map_or("the request", ApiKey::name)
}

/// The length of an answer, as its prefix says it.
pub(crate) fn answer_bytes(prefix: i32) -> io::Result<usize> {
    match usize::try_from(prefix) {
        Ok(length) if length <= ANSWER_BYTES_MAX => Ok(length),
        _ => {
            let text = "what it answers is not the Kafka protocol";
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
    }
}

/// Reads an answer without its length prefix; memory grows with what comes, not with what the
/// prefix promises.
async fn read_frame(stream: &mut TcpStream) -> io::Result<Bytes> {
    let length = stream.read_i32().await?;
    let length = answer_bytes(length)?;
    let mut frame = BytesMut::with_capacity(length.min(READ_BYTES));
    let mut body = stream.take(length as u64);
    while frame.len() < length {
        if body.read_buf(&mut frame).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(frame.freeze())
}

/// An I/O error in the words of a message, without the number of the operating system's error.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::UnexpectedEof => {
            "it closed the connection without an answer; is it a Kafka broker?".to_owned()
        }
        io::ErrorKind::ConnectionReset => "it reset the connection".to_owned(),
        _ => {
            let text = error.to_string();
            match text.split_once(" (os error ") {
                Some((text, _)) => text.to_lowercase(),
                None => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What a client reads when a peer answers these bytes and closes.
    async fn answer(bytes: &'static [u8]) -> ClientError {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let peer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.shutdown().await.unwrap();
            // Not dropped before the client is through: unread bytes would reset the connection.
            stream
        };
        let address = address.parse().unwrap();
        let (_stream, outcome) = tokio::join!(peer, Connection::open(&address));
        outcome.map(drop).unwrap_err()
    }

    #[tokio::test]
    async fn a_peer_that_is_no_broker_is_told_from_one_that_is_away() {
        for (bytes, words) in [
            (&b""[..], "is it a Kafka broker?"),
            (b"HTTP/1.1 400 Bad Request\r\n", "is not the Kafka protocol"),
            (b"\x80\0\0\0", "is not the Kafka protocol"),
            (b"\0\0\0\x09\0\0\0\x01", "is it a Kafka broker?"),
            (b"\0\0\0\x06\0\0\0\x01\0\0", "makes no sense"),
        ] {
            let error = answer(bytes).await;
            assert!(error.to_string().contains(words), "{error}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: Address = closed.local_addr().unwrap().to_string().parse().unwrap();
        drop(closed);
        let error = Connection::open(&address).await.map(drop).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot reach a broker at {address}: connection refused; is it running? \
                 (start one with `ottla serve`, or name another with -b HOST:PORT)"
            )
        );
    }
}
