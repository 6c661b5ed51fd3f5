//! A member of a group.

use std::time::Duration;

use bytes::Bytes;

use crate::api::{JoinRequest, Protocol, Token};
use crate::millis;

/// What a member's client is kept waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Nothing: the client has had its answer and must show signs of life.
    No,
    /// For the answer to a JoinGroup, while the group prepares a rebalance.
    Join(Token),
    /// For the answer to a SyncGroup, while the leader assigns.
    Sync(Token),
}

/// A member of a group. Which group it is in, and under which id, the group knows.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) group_instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    /// What it supports, best first.
    pub(crate) protocols: Vec<Protocol>,
    /// What the leader gave it last; what it is given now in a stable group only.
    pub(crate) assignment: Bytes,
    pub(crate) waiting: Waiting,
    /// Whether it has not been part of a generation yet.
    pub(crate) is_new: bool,
    /// Whether it was let into the generation and has not asked for its assignment yet.
    pub(crate) must_sync: bool,
    /// When it is taken for gone. `None` while it is kept waiting, unless it is new.
    pub(crate) expires_at: Option<Duration>,
}

impl Member {
    /// A member as its first JoinGroup describes it.
    pub(crate) fn new(request: JoinRequest) -> Self {
        let mut member = Self {
            group_instance_id: request.group_instance_id.clone(),
            client_id: String::new(),
            client_host: String::new(),
            session_timeout_ms: 0,
            rebalance_timeout_ms: 0,
            protocols: Vec::new(),
            assignment: Bytes::new(),
            waiting: Waiting::No,
            is_new: true,
            must_sync: false,
            expires_at: None,
        };
        member.update(request);
        member
    }

    /// Takes over what a later JoinGroup says.
    pub(crate) fn update(&mut self, request: JoinRequest) {
        self.client_id = request.client_id;
        self.client_host = request.client_host;
        self.session_timeout_ms = request.session_timeout_ms;
        self.rebalance_timeout_ms = request.rebalance_timeout_ms.max(0);
        self.protocols = request.protocols.iter().map(Protocol::detached).collect();
    }

    pub(crate) fn session_timeout(&self) -> Duration {
        millis(self.session_timeout_ms)
    }

    pub(crate) fn is_static(&self) -> bool {
        self.group_instance_id.is_some()
    }

    pub(crate) fn supports(&self, protocol_name: &str) -> bool {
        self.protocols
            .iter()
            .any(|protocol| protocol.name == protocol_name)
    }

    /// The member's metadata under a protocol; empty if it does not know it.
    pub(crate) fn metadata(&self, protocol_name: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|protocol| protocol.name == protocol_name)
            .map(|protocol| protocol.metadata.clone())
            .unwrap_or_default()
    }
}
