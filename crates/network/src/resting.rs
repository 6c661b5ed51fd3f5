//! Connections on which nothing is under way. They have no task and no place in the runtime's driver: each is a
//! socket and what the service remembers of it, until the client sends something.

use std::collections::BTreeSet;
use std::future::pending;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use slab::Slab;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use crate::close_reason;
use crate::limits::WOKEN_CONNECTIONS_MAX;
use crate::listener::Open;
use crate::metrics::NetworkMetrics;
use crate::service::Service;

/// What is left of a connection while nothing is under way.
#[derive(Debug)]
pub(crate) struct Resting<S: Service> {
    pub(crate) stream: TcpStream,
    pub(crate) open: Open<S>,
    /// Whether the client has not sent a frame yet.
    pub(crate) first: bool,
    /// After how long it came to rest.
    pub(crate) rest_after: Duration,
    /// When it has been idle for too long.
    pub(crate) idle_at: Instant,
}

/// The resting connections of a listener.
#[derive(Debug)]
pub(crate) struct RestingConnections<S: Service> {
    /// Is readable when one of them is.
    epoll: AsyncFd<OwnedFd>,
    connections: Slab<Resting<S>>,
    /// By [`Resting::idle_at`], with their keys.
    deadlines: BTreeSet<(Instant, usize)>,
    metrics: Arc<NetworkMetrics>,
}

impl<S: Service> RestingConnections<S> {
    /// No connections yet. Fails if the system or the runtime has no room for another descriptor.
    pub(crate) fn new(metrics: Arc<NetworkMetrics>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "what stands in its place is `unsafe`, for what may change its descriptor; an `OwnedFd` does not"
        )]
        let epoll = AsyncFd::with_interest(epoll, Interest::READABLE)?;
        Ok(Self {
            epoll,
            connections: Slab::new(),
            deadlines: BTreeSet::new(),
            metrics,
        })
    }

    /// Takes a connection in; it is closed if the system has no room to watch it.
    pub(crate) fn add(&mut self, connection: Resting<S>) {
        let place = self.connections.vacant_entry();
        let key = place.key();
        let data = epoll::EventData::new_u64(key as u64);
        // What has come meanwhile is reported at once.
        match epoll::add(&self.epoll, &connection.stream, data, epoll::EventFlags::IN) {
            Ok(()) => {
                self.deadlines.insert((connection.idle_at, key));
                place.insert(connection);
                self.metrics.resting(self.connections.len());
            }
            Err(error) => {
                tracing::warn!(%error, "a connection is closed that cannot be watched at rest");
                connection.open.close(close_reason::IO_ERROR);
            }
        }
    }

    /// Waits for clients that send something, or go, and takes their connections out. Meanwhile those are closed that
    /// have been idle for too long. Nothing is lost if this is dropped before it is ready.
    pub(crate) async fn woken(&mut self) -> Vec<Resting<S>> {
        loop {
            let idle_at = self.deadlines.first().map(|(at, _)| *at);
            let idle = async {
                match idle_at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                ready = self.epoll.readable_mut() => match ready {
                    Ok(mut ready) => {
                        let keys = readable_keys(ready.get_inner());
                        if keys.len() < WOKEN_CONNECTIONS_MAX {
                            ready.clear_ready();
                        }
                        let woken: Vec<_> = keys.into_iter().filter_map(|key| self.take(key)).collect();
                        if !woken.is_empty() {
                            return woken;
                        }
                    }
                    // The runtime ends, and this with it.
                    Err(_) => pending().await,
                },
                () = idle => self.close_idle(),
            }
        }
    }

    fn take(&mut self, key: usize) -> Option<Resting<S>> {
        let connection = self.connections.try_remove(key)?;
        self.deadlines.remove(&(connection.idle_at, key));
        self.metrics.resting(self.connections.len());
        if self.connections.is_empty() {
            self.connections.shrink_to_fit();
        }
        // Fails only if it is not watched.
        let _ = epoll::delete(&self.epoll, &connection.stream);
        Some(connection)
    }

    fn close_idle(&mut self) {
        let now = Instant::now();
        while let Some((at, key)) = self.deadlines.first().copied()
            && at <= now
            && let Some(connection) = self.take(key)
        {
            connection.open.close(close_reason::IDLE);
        }
    }

    /// Closes all of them: the server is shut down.
    pub(crate) fn shut_down(mut self) {
        for connection in self.connections.drain() {
            connection.open.close(close_reason::SHUTDOWN);
        }
        self.metrics.resting(0);
    }
}

/// The keys of sockets that have something to read now, or are closed; none if that cannot be told.
fn readable_keys(epoll: &OwnedFd) -> Vec<usize> {
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut events = Vec::with_capacity(WOKEN_CONNECTIONS_MAX);
    let _ = epoll::wait(epoll, spare_capacity(&mut events), Some(&at_once));
    events
        .iter()
        .map(|event: &epoll::Event| event.data.u64() as usize)
        .collect()
}
