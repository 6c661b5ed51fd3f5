//! One connection, as the network layer would serve it: frames are dispatched in order, and answers
//! leave in order.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use broker::{Connection, KafkaService};
use bytes::Bytes;
use network::{BoxFuture, Outcome, Reply, Service};

/// A connection whose requests carry a tag that comes back with the answer.
pub(crate) struct Link<T> {
    connection: Connection,
    /// Sent and not dispatched.
    frames: VecDeque<(Bytes, T)>,
    /// Dispatched and not answered.
    pending: VecDeque<(Pending, T)>,
}

enum Pending {
    There(Outcome),
    /// Frames behind it wait.
    Serial(BoxFuture<Outcome>),
    /// The same, and it is given up when the client goes.
    Parked(BoxFuture<Outcome>),
    /// Frames behind it do not wait.
    Pipelined(BoxFuture<Outcome>),
}

/// What became of a request.
pub(crate) enum Heard<T> {
    Answer(T, Bytes),
    Silence,
    Closed(&'static str),
}

impl<T> Link<T> {
    pub(crate) fn new(service: &KafkaService) -> Self {
        let peer = "127.0.0.1:50000".parse().expect("an address");
        let local = "127.0.0.1:9092".parse().expect("an address");
        Self {
            connection: service.connect(peer, local),
            frames: VecDeque::new(),
            pending: VecDeque::new(),
        }
    }

    pub(crate) fn send(&mut self, frame: Bytes, tag: T) {
        self.frames.push_back((frame, tag));
    }

    /// Requests that have no answer yet.
    pub(crate) fn outstanding(&self) -> impl Iterator<Item = &T> {
        let waiting = self.frames.iter().map(|(_, tag)| tag);
        self.pending.iter().map(|(_, tag)| tag).chain(waiting)
    }

    /// The client goes: what was dispatched and does work is still done, the rest is dropped.
    pub(crate) fn abandon(&mut self) {
        self.frames.clear();
        self.pending
            .retain(|(pending, _)| !matches!(pending, Pending::Parked(_)));
    }

    /// Dispatches the next frame, if its turn has come. Its tag, for what must be known then.
    pub(crate) fn dispatch(&mut self, service: &KafkaService) -> Option<&T> {
        if let Some((Pending::Serial(_) | Pending::Parked(_), _)) = self.pending.back() {
            return None;
        }
        let (frame, tag) = self.frames.pop_front()?;
        let pending = match service.call(&mut self.connection, frame) {
            Reply::Close(reason) => Pending::There(Outcome::Close(reason)),
            Reply::None => Pending::There(Outcome::None),
            Reply::Ready(chunks) => Pending::There(Outcome::Answer(chunks)),
            Reply::Serial(future) => Pending::Serial(future),
            Reply::Parked(future) => Pending::Parked(future),
            Reply::Pipelined(future) => Pending::Pipelined(future),
        };
        self.pending.push_back((pending, tag));
        self.pending.back().map(|(_, tag)| tag)
    }

    /// Takes the answer of the oldest request, if it is there.
    pub(crate) fn hear(&mut self) -> Option<Heard<T>> {
        let (pending, _) = self.pending.front_mut()?;
        if let Pending::Serial(future) | Pending::Parked(future) | Pending::Pipelined(future) =
            pending
        {
            let mut ctx = Context::from_waker(Waker::noop());
            match future.as_mut().poll(&mut ctx) {
                Poll::Pending => return None,
                Poll::Ready(outcome) => *pending = Pending::There(outcome),
            }
        }
        match self.pending.pop_front()? {
            (Pending::There(Outcome::Answer(chunks)), tag) => {
                Some(Heard::Answer(tag, chunks.into_bytes()))
            }
            (Pending::There(Outcome::None), _) => Some(Heard::Silence),
            (Pending::There(Outcome::Close(reason)), _) => Some(Heard::Closed(reason)),
            (Pending::Serial(_) | Pending::Parked(_) | Pending::Pipelined(_), _) => None,
        }
    }
}
