//! Accepting connections, within limits, until the server is drained.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet, yield_now};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::close_reason;
use crate::connection::Connection;
use crate::frame_budget::FrameBudget;
use crate::limits::ACCEPT_BACKLOG;
use crate::metrics::NetworkMetrics;
use crate::resting::{Resting, RestingConnections};
use crate::service::{Reply, Service};
use crate::settings::NetworkSettings;

/// How long to wait after a failed accept; doubled up to the second one while it goes on failing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A socket that listens; connections wait until [`Listener::serve`].
#[derive(Debug)]
pub struct Listener {
    pub(crate) listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens on an address; port 0 picks a free port. The address may be taken again at once after
    /// the process has ended.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(ACCEPT_BACKLOG)?;
        let listener = std::net::TcpListener::from(socket);
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens, with the real port.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections and serves them in tasks of the runtime that this is called in. Fails if
    /// the runtime cannot take the socket, or there is no descriptor for watching those that rest.
    pub fn serve<S: Service>(
        self,
        service: Arc<S>,
        settings: NetworkSettings,
    ) -> io::Result<Server> {
        if let Some(bytes) = settings.send_buffer_bytes {
            // Accepted sockets take it over from the one that listens.
            SockRef::from(&self.listener).set_send_buffer_size(bytes)?;
        }
        let listener = TcpListener::from_std(self.listener)?;
        let shared = Shared::new(service, settings);
        let metrics = Arc::clone(&shared.metrics);
        let slots = Arc::clone(&shared.slots);
        let drain = watch::Sender::new(None);
        let resting = RestingConnections::new(Arc::clone(&metrics))?;
        let task = tokio::spawn(accept_until_drained(
            listener,
            shared,
            resting,
            drain.subscribe(),
        ));
        Ok(Server {
            address: self.address,
            metrics,
            slots,
            drain,
            task,
        })
    }
}

/// A listener at work. Dropping it closes everything at once; [`Server::drain`] does it gently.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    metrics: Arc<NetworkMetrics>,
    slots: Arc<Mutex<Slots>>,
    drain: watch::Sender<Option<Instant>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it takes.
    pub fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits(Arc::clone(&self.slots))
    }

    /// Its counters.
    pub fn metrics(&self) -> &Arc<NetworkMetrics> {
        &self.metrics
    }

    /// Stops accepting, closes connections that are idle or wait for what may never come, lets the
    /// others finish the requests they have taken up, and cuts off what is left after `time`.
    pub async fn drain(self, time: Duration) {
        self.drain.send_replace(Some(Instant::now() + time));
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener has ended by itself");
        }
    }
}

/// The limits of a listener, to be changed while it works.
#[derive(Clone, Debug)]
pub struct ConnectionLimits(Arc<Mutex<Slots>>);

impl ConnectionLimits {
    /// Changes the limits for connections to come; those that are open stay.
    pub fn set(&self, connections_max: usize, connections_per_ip_max: usize) {
        let mut slots = self.0.lock();
        slots.connections_max = connections_max;
        slots.connections_per_ip_max = connections_per_ip_max;
    }
}

/// What the connections of a listener have in common.
pub(crate) struct Shared<S: Service> {
    pub(crate) service: Arc<S>,
    pub(crate) settings: NetworkSettings,
    pub(crate) metrics: Arc<NetworkMetrics>,
    pub(crate) budget: FrameBudget,
    /// What connections come to rest by.
    pub(crate) started: Instant,
    slots: Arc<Mutex<Slots>>,
}

impl<S: Service> Shared<S> {
    pub(crate) fn new(service: Arc<S>, settings: NetworkSettings) -> Arc<Self> {
        let slots = Slots {
            open: 0,
            per_ip: HashMap::new(),
            connections_max: settings.connections_max,
            connections_per_ip_max: settings.connections_per_ip_max,
        };
        Arc::new(Self {
            service,
            metrics: Arc::default(),
            budget: FrameBudget::new(settings.frames_in_progress_bytes_max),
            started: Instant::now(),
            slots: Arc::new(Mutex::new(slots)),
            settings,
        })
    }
}

/// The connections that are open, and how many may be.
#[derive(Debug)]
struct Slots {
    open: usize,
    per_ip: HashMap<IpAddr, usize>,
    connections_max: usize,
    connections_per_ip_max: usize,
}

/// A connection that counts as open; tells the service and the counters when it ends, however it
/// ends.
pub(crate) struct Open<S: Service> {
    shared: Arc<Shared<S>>,
    connection: Option<S::Connection>,
    ip: IpAddr,
    reason: &'static str,
}

impl<S: Service> fmt::Debug for Open<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}

impl<S: Service> Open<S> {
    /// Counts a new connection; errs with the limit that it is over.
    pub(crate) fn try_new(
        shared: &Arc<Shared<S>>,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Result<Self, &'static str> {
        let ip = peer.ip().to_canonical();
        {
            let mut slots = shared.slots.lock();
            if slots.open >= slots.connections_max {
                return Err(close_reason::CONNECTION_LIMIT);
            }
            let of_ip = slots.per_ip.get(&ip).copied().unwrap_or(0);
            if of_ip >= slots.connections_per_ip_max {
                return Err(close_reason::CONNECTION_LIMIT_PER_IP);
            }
            slots.open += 1;
            slots.per_ip.insert(ip, of_ip + 1);
        }
        Ok(Self {
            connection: Some(shared.service.connect(peer, local)),
            shared: Arc::clone(shared),
            ip,
            reason: close_reason::ABORTED,
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<S>> {
        &self.shared
    }

    pub(crate) fn call(&mut self, frame: Bytes) -> Reply {
        match &mut self.connection {
            Some(connection) => self.shared.service.call(connection, frame),
            None => Reply::Close(close_reason::ABORTED),
        }
    }

    /// For how long no more frames are to be handed over.
    pub(crate) fn held_back(&self) -> Duration {
        self.connection
            .as_ref()
            .map_or(Duration::ZERO, |connection| {
                self.shared.service.held_back(connection)
            })
    }

    pub(crate) fn close(mut self, reason: &'static str) {
        self.reason = reason;
    }
}

impl<S: Service> Drop for Open<S> {
    fn drop(&mut self) {
        {
            let mut slots = self.shared.slots.lock();
            slots.open -= 1;
            if let Some(of_ip) = slots.per_ip.get_mut(&self.ip) {
                *of_ip -= 1;
                if *of_ip == 0 {
                    slots.per_ip.remove(&self.ip);
                }
            }
        }
        self.shared.metrics.closed(self.reason);
        if let Some(connection) = self.connection.take() {
            self.shared.service.closed(connection, self.reason);
        }
    }
}

async fn accept_until_drained<S: Service>(
    listener: TcpListener,
    shared: Arc<Shared<S>>,
    mut resting: RestingConnections<S>,
    mut drain: watch::Receiver<Option<Instant>>,
) {
    let connection_drain = drain.clone();
    let mut connections = JoinSet::new();
    let mut pause = ACCEPT_PAUSE;
    let mut accept_at = None;
    loop {
        tokio::select! {
            biased;
            _ = drain.changed() => break,
            Some(ended) = connections.join_next() => {
                if let Some(connection) = resting_or_ended(ended) {
                    resting.add(connection);
                }
            }
            woken = resting.woken() => {
                for connection in woken.into_iter().filter_map(Connection::woken) {
                    connections.spawn(connection.run(connection_drain.clone()));
                }
                // When a crowd is woken, those first have their turn before the last.
                yield_now().await;
            }
            accepted = accept(&listener, accept_at) => match accepted {
                Ok((stream, peer)) => {
                    pause = ACCEPT_PAUSE;
                    accept_at = None;
                    if let Some(connection) = open(&shared, stream, peer) {
                        connections.spawn(connection.run(connection_drain.clone()));
                    }
                }
                Err(error) => {
                    shared.metrics.accept_failed();
                    if is_one_connections_fault(&error) {
                        continue;
                    }
                    // Mostly a lack of file descriptors, which only time cures.
                    if pause == ACCEPT_PAUSE {
                        tracing::warn!(%error, "connections cannot be accepted; trying again");
                    }
                    accept_at = Some(Instant::now() + pause);
                    pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
                }
            },
        }
    }
    drop(listener);
    resting.shut_down();
    // No deadline: the server was dropped.
    let deadline = drain.borrow().unwrap_or_else(Instant::now);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            if let Some(connection) = resting_or_ended(ended) {
                connection.open.close(close_reason::SHUTDOWN);
            }
        }
    };
    if timeout_at(deadline, all_ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// The next connection, once this time has come.
async fn accept(
    listener: &TcpListener,
    at: Option<Instant>,
) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(at) = at {
        sleep_until(at).await;
    }
    listener.accept().await
}

fn open<S: Service>(
    shared: &Arc<Shared<S>>,
    stream: TcpStream,
    peer: SocketAddr,
) -> Option<Connection<S>> {
    shared.metrics.accepted();
    // Answers are written whole; waiting for more to send would only delay them. Both calls fail
    // when the client has gone already.
    let local = match stream.set_nodelay(true).and_then(|()| stream.local_addr()) {
        Ok(local) => local,
        Err(_) => {
            refuse(shared, peer, close_reason::IO_ERROR);
            return None;
        }
    };
    match Open::try_new(shared, peer, local) {
        Ok(open) => Some(Connection::new(stream, open)),
        Err(reason) => {
            refuse(shared, peer, reason);
            None
        }
    }
}

fn refuse<S: Service>(shared: &Shared<S>, peer: SocketAddr, reason: &'static str) {
    shared.metrics.closed(reason);
    shared.service.refused(peer, reason);
}

fn is_one_connections_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// What the task of a connection has ended with: the connection, if nothing is under way.
fn resting_or_ended<S: Service>(
    ended: Result<Option<Resting<S>>, JoinError>,
) -> Option<Resting<S>> {
    ended.unwrap_or_else(|error| {
        if error.is_panic() {
            tracing::error!(%error, "the task of a connection has panicked");
        }
        None
    })
}
