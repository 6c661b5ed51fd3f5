//! What is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// The counters of a listener, shared by its connections.
#[derive(Debug, Default)]
pub struct NetworkMetrics {
    accepted: AtomicU64,
    accept_errors: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    resting: AtomicUsize,
    closed: Mutex<BTreeMap<&'static str, u64>>,
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkMetricsSnapshot {
    /// Connections that are open.
    pub connections_open: u64,
    /// Those of them that have no task, as nothing is under way.
    pub connections_resting: usize,
    /// Connections accepted since the start, those over a limit included.
    pub connections_accepted: u64,
    /// Connections closed since the start, by reason.
    pub connections_closed: BTreeMap<&'static str, u64>,
    /// Failed attempts to accept a connection.
    pub accept_errors: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

impl NetworkMetrics {
    /// The counters now.
    pub fn snapshot(&self) -> NetworkMetricsSnapshot {
        // Closed before accepted: a connection may be opened in between, never closed uncounted.
        let connections_closed = self.closed.lock().clone();
        let connections_accepted = self.accepted.load(Ordering::Acquire);
        let closed: u64 = connections_closed.values().sum();
        NetworkMetricsSnapshot {
            connections_open: connections_accepted.saturating_sub(closed),
            connections_resting: self.resting.load(Ordering::Relaxed),
            connections_accepted,
            connections_closed,
            accept_errors: self.accept_errors.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn resting(&self, connections: usize) {
        self.resting.store(connections, Ordering::Relaxed);
    }

    pub(crate) fn accept_failed(&self) {
        self.accept_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self, reason: &'static str) {
        *self.closed.lock().entry(reason).or_insert(0) += 1;
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
