//! Connections whose clients have gone.

use env::{Clock, Monotonic};

use super::link::Link;
use super::machine::Machine;
use super::world::Tag;

/// A client that has gone.
pub(crate) struct Departed {
    pub ghost: Box<dyn Ghost>,
    /// What it has asked for an epoch: the index of its transactional id, and the number of the request.
    pub asked: Option<(usize, u64)>,
}

/// A connection without a client; what was asked for on it is done all the same.
pub(crate) trait Ghost {
    /// Whether something moved.
    fn pump(&mut self, machine: &Machine) -> bool;
    fn is_done(&self) -> bool;
}

impl<P> Ghost for Link<Tag<P>> {
    fn pump(&mut self, _: &Machine) -> bool {
        self.hear().is_some()
    }

    fn is_done(&self) -> bool {
        self.outstanding().next().is_none()
    }
}

/// One whose requests are still on their way, and come when nobody expects them any more.
pub(crate) struct Late<P> {
    pub link: Link<Tag<P>>,
    /// When they come.
    pub at: Monotonic,
}

impl<P> Ghost for Late<P> {
    fn pump(&mut self, machine: &Machine) -> bool {
        if machine.handles.clock.now() < self.at {
            return false;
        }
        let dispatched = self.link.dispatch(machine.service()).is_some();
        dispatched | self.link.hear().is_some()
    }

    fn is_done(&self) -> bool {
        self.link.outstanding().next().is_none()
    }
}
