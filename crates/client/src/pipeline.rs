//! One connection to one broker with many requests under way, for whoever wants to send as much as
//! a broker can take.
//!
//! A request is encoded once ([`Frame`]) and may be sent as often as it is wanted: sending is the
//! clone of a pointer, what is queued goes out with one vectored write, and answers are slices of
//! the buffer that they were read into.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::ops::RangeInclusive;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::{Message, Request, Text};

use crate::brokers::Address;
use crate::connection::{Connection, Peer, READ_BYTES, answer_bytes, reason};
use crate::error::ClientError;

/// Most frames that are handed over in one write.
const WRITE_FRAMES_MAX: usize = 64;

/// Most bytes for which memory is taken before they have come.
const READ_AHEAD_BYTES_MAX: usize = 1 << 20;

/// A request as it is sent: length, header, message.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    correlation_id: i32,
}

impl Frame {
    /// A request in a version that [`Pipeline::version_of`] has answered. The correlation id may be
    /// the same each time a frame is sent, for answers come in the order of the requests.
    pub fn new<R: Request>(request: &R, version: i16, correlation_id: i32) -> Self {
        let client_id = Text::from_static(crate::CLIENT_ID);
        let frame = wire::encode_request(request, version, correlation_id, Some(&client_id));
        Self {
            bytes: frame.into_bytes(),
            correlation_id,
        }
    }
}

/// A connection on which requests do not wait for the answers to those before.
#[derive(Debug)]
pub struct Pipeline {
    peer: Peer,
    stream: TcpStream,
    /// What is still to be written; of the first frame perhaps only the rest.
    outbox: VecDeque<Bytes>,
    inbox: BytesMut,
    /// The correlation ids of the answers to come.
    expected: VecDeque<i32>,
}

impl Pipeline {
    /// Connects and asks what is served.
    pub async fn open(address: &Address) -> Result<Self, ClientError> {
        let (peer, stream) = Connection::open(address).await?.into_parts();
        Ok(Self {
            peer,
            stream,
            outbox: VecDeque::new(),
            inbox: BytesMut::with_capacity(READ_BYTES),
            expected: VecDeque::new(),
        })
    }

    /// The newest version of a request that both sides know and the caller can use.
    pub fn version_of<R: Request>(&self, usable: RangeInclusive<i16>) -> Result<i16, ClientError> {
        self.peer.version_of::<R>(&usable)
    }

    /// Queues a request. `is_answered` is false for the one that brokers do not answer: Produce with
    /// acks 0.
    pub fn send(&mut self, frame: &Frame, is_answered: bool) {
        self.outbox.push_back(frame.bytes.clone());
        if is_answered {
            self.expected.push_back(frame.correlation_id);
        }
    }

    /// How many requests wait for their answer, or to be written.
    pub fn under_way(&self) -> usize {
        self.expected.len().max(self.outbox.len())
    }

    /// Writes what is queued, or waits until more of the answers has come. Nothing is lost when the
    /// wait is given up.
    pub async fn advance(&mut self) -> Result<(), ClientError> {
        let wanted = self.missing_bytes().clamp(1, READ_AHEAD_BYTES_MAX);
        if self.inbox.capacity() - self.inbox.len() < wanted {
            self.inbox.reserve(wanted.max(READ_BYTES));
        }
        let (mut reader, mut writer) = self.stream.split();
        let mut slices = [IoSlice::new(&[]); WRITE_FRAMES_MAX];
        let queued = self.outbox.iter().zip(&mut slices);
        let count = queued
            .map(|(bytes, slice)| *slice = IoSlice::new(bytes))
            .count();
        let moved = tokio::select! {
            biased;
            written = writer.write_vectored(&slices[..count]), if count > 0 => {
                written.map(Moved::Written)
            }
            read = reader.read_buf(&mut self.inbox) => read.map(Moved::Read),
        };
        match moved {
            Ok(Moved::Written(0)) => Err(self.broken(&io::ErrorKind::WriteZero.into())),
            Ok(Moved::Written(bytes)) => {
                self.take_written(bytes);
                Ok(())
            }
            Ok(Moved::Read(0)) => {
                let reason = "it closed the connection; has it stopped?".to_owned();
                Err(self.peer.broken(reason))
            }
            Ok(Moved::Read(_)) => Ok(()),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// The next answer, if all of it is there: to the oldest request that is under way.
    pub fn answer(&mut self) -> Result<Option<Bytes>, ClientError> {
        let Some(prefix) = self.inbox.first_chunk() else {
            return Ok(None);
        };
        let length = answer_bytes(i32::from_be_bytes(*prefix));
        let length = length.map_err(|error| self.broken(&error))?;
        if self.inbox.len() < PREFIX_BYTES + length {
            return Ok(None);
        }
        self.inbox.advance(PREFIX_BYTES);
        let frame = self.inbox.split_to(length).freeze();
        let correlation_id = frame.first_chunk().map(|id| i32::from_be_bytes(*id));
        match self.expected.pop_front() {
            Some(expected) if correlation_id == Some(expected) => Ok(Some(frame)),
            _ => {
                let reason = "an answer of it belongs to another request".to_owned();
                Err(self.peer.broken(reason))
            }
        }
    }

    /// Reads the message in an answer to a request of this version.
    pub fn decode<M: Message>(&self, answer: Bytes, version: i16) -> Result<M, ClientError> {
        Ok(self.peer.decode(answer, version)?.1)
    }

    fn broken(&self, error: &io::Error) -> ClientError {
        self.peer.broken(reason(error))
    }

    /// What of the answer that has begun to come is not there yet, at least its length.
    fn missing_bytes(&self) -> usize {
        let prefix = self
            .inbox
            .first_chunk()
            .map(|prefix| i32::from_be_bytes(*prefix));
        let length = prefix.and_then(|prefix| usize::try_from(prefix).ok());
        let whole = length.unwrap_or_default().saturating_add(PREFIX_BYTES);
        whole.saturating_sub(self.inbox.len())
    }

    fn take_written(&mut self, mut bytes: usize) {
        while let Some(first) = self.outbox.front_mut() {
            if first.len() > bytes {
                first.advance(bytes);
                return;
            }
            bytes -= first.len();
            self.outbox.pop_front();
        }
    }
}

/// Bytes of the length in front of an answer.
const PREFIX_BYTES: usize = 4;

enum Moved {
    Written(usize),
    Read(usize),
}

#[cfg(test)]
mod tests;
