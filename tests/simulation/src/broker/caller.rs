//! A client's side of a connection.

use kafka_protocol::protocol::Request;

use super::codec::{answer, frame};
use super::link::{Heard, Link};
use super::machine::Machine;
use super::world::{Checked, Shared, ensure};

/// A request under way: how its answer is to be read and what it was for.
#[derive(Clone, Debug)]
pub(crate) struct Tag<P> {
    pub version: i16,
    pub correlation_id: i32,
    pub purpose: P,
}

/// A client's connection and the requests that it numbers.
pub(crate) struct Caller<P> {
    pub link: Link<Tag<P>>,
    next_correlation_id: i32,
}

impl<P> Caller<P> {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            link: Link::new(machine.service()),
            next_correlation_id: 0,
        }
    }

    /// A new connection; nobody hears what the old one would have been answered.
    pub(crate) fn reconnect(&mut self, machine: &Machine) -> Link<Tag<P>> {
        std::mem::replace(&mut self.link, Link::new(machine.service()))
    }

    pub(crate) fn send<R: Request>(&mut self, request: &R, version: i16, purpose: P) {
        self.next_correlation_id += 1;
        let correlation_id = self.next_correlation_id;
        let tag = Tag {
            version,
            correlation_id,
            purpose,
        };
        self.link.send(frame(request, version, correlation_id), tag);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.link.outstanding().next().is_some()
    }
}

impl<P> Tag<P> {
    /// Reads the answer to this request.
    pub(crate) fn read<R: Request>(&self, bytes: bytes::Bytes) -> Checked<R::Response> {
        answer::<R>(bytes, self.version, self.correlation_id)
    }
}

/// Takes up the next request of a client.
pub(crate) fn dispatch<P>(caller: &mut Caller<P>, shared: &Shared) -> bool {
    caller.link.dispatch(shared.machine.service()).is_some()
}

/// The next answer of a client, with what it was for.
pub(crate) fn hear<P: std::fmt::Debug>(
    caller: &mut Caller<P>,
    shared: &Shared,
) -> Checked<Option<(Tag<P>, bytes::Bytes)>> {
    match caller.link.hear() {
        None => Ok(None),
        Some(Heard::Answer(tag, bytes)) => Ok(Some((tag, bytes))),
        Some(Heard::Silence) => Err("a request is not answered".to_owned()),
        Some(Heard::Closed(reason)) => {
            ensure!(shared.is_stopping, "a connection is closed: {reason}");
            Ok(None)
        }
    }
}
