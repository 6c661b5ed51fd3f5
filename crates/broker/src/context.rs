//! What a handler knows about the request it answers besides the request itself.

use std::net::SocketAddr;
use std::sync::Arc;

use env::Monotonic;
use wire::Text;

use crate::broker::Broker;
use crate::throttling::Hold;

/// One client connection, from accept to close.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The address of the client.
    pub peer: SocketAddr,
    /// The address that the client connected to.
    pub local: SocketAddr,
    pub(crate) hold: Hold,
}

/// One request: the broker that serves it, its header, and where it came from.
#[derive(Clone)]
pub(crate) struct RequestContext {
    /// The broker.
    pub(crate) broker: Arc<Broker>,
    /// The version of the request and of its answer.
    pub(crate) version: i16,
    /// When the request was taken up.
    pub(crate) received: Monotonic,
    /// How large the request is, with its header.
    pub(crate) request_bytes: usize,
    /// What the client calls itself; anything it likes.
    pub(crate) client_id: Option<Text>,
    /// The address of the client.
    pub(crate) peer: SocketAddr,
    /// Holds the connection back.
    pub(crate) hold: Hold,
}

impl RequestContext {
    /// The client's name for logs and for the groups it joins; empty if it has none.
    pub(crate) fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or_default()
    }

    /// Where the client is, as Java prints an address without a name and as groups show it.
    pub(crate) fn client_host(&self) -> String {
        format!("/{}", self.peer.ip().to_canonical())
    }
}
