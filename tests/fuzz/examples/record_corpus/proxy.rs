//! A proxy that writes down the frames which pass.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A request and its answer, as frames without their lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// Number of the API.
    pub(crate) api_key: i16,
    /// Version of the request.
    pub(crate) version: i16,
    pub(crate) request: Vec<u8>,
    /// None when there was none until the end.
    pub(crate) response: Option<Vec<u8>>,
}

type Exchanges = Arc<Mutex<Vec<Exchange>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A proxy that has an address and does not know its broker yet.
#[derive(Debug)]
pub(crate) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
}

/// A proxy at work.
#[derive(Debug)]
pub(crate) struct Recording {
    address: SocketAddr,
    exchanges: Exchanges,
}

impl Proxy {
    pub(crate) fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes everything on to a broker; the threads end with their connections.
    pub(crate) fn start(self, broker: SocketAddr) -> Recording {
        let exchanges = Exchanges::default();
        let recorded = Arc::clone(&exchanges);
        thread::spawn(move || {
            for client in self.listener.incoming().map_while(Result::ok) {
                // A broker that is gone closes its clients' connections.
                if let Ok(broker) = TcpStream::connect(broker) {
                    let _ = pass(client, broker, &recorded);
                }
            }
        });
        Recording {
            address: self.address,
            exchanges,
        }
    }
}

impl Recording {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that was said.
    pub(crate) fn end(self) -> Vec<Exchange> {
        std::mem::take(&mut lock(&self.exchanges))
    }
}

/// Where the exchange of each correlation id stands in the list.
type Unanswered = Arc<Mutex<HashMap<[u8; 4], usize>>>;

fn pass(client: TcpStream, broker: TcpStream, exchanges: &Exchanges) -> io::Result<()> {
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let unanswered = Unanswered::default();
    let (from_client, to_broker) = (client.try_clone()?, broker.try_clone()?);
    let (requests, asked) = (Arc::clone(exchanges), Arc::clone(&unanswered));
    thread::spawn(move || {
        copy(from_client, to_broker, |frame| {
            let Some(&[k0, k1, v0, v1, c0, c1, c2, c3]) = frame.first_chunk() else {
                return;
            };
            let mut requests = lock(&requests);
            lock(&asked).insert([c0, c1, c2, c3], requests.len());
            requests.push(Exchange {
                api_key: i16::from_be_bytes([k0, k1]),
                version: i16::from_be_bytes([v0, v1]),
                request: frame.to_vec(),
                response: None,
            });
        })
    });
    let responses = Arc::clone(exchanges);
    thread::spawn(move || {
        copy(broker, client, |frame| {
            let correlation_id = frame.first_chunk::<4>();
            let asked = correlation_id.and_then(|id| lock(&unanswered).remove(id));
            let mut exchanges = lock(&responses);
            if let Some(exchange) = asked.and_then(|at| exchanges.get_mut(at)) {
                exchange.response = Some(frame.to_vec());
            }
        })
    });
    Ok(())
}

/// Copies to the end, and shows each frame before it is passed on.
fn copy(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) -> io::Result<()> {
    let mut header = [0; 4];
    while from.read_exact(&mut header).is_ok() {
        let length = u64::from(u32::from_be_bytes(header));
        let mut frame = Vec::new();
        (&mut from).take(length).read_to_end(&mut frame)?;
        if frame.len() as u64 == length {
            seen(&frame);
        }
        to.write_all(&header)?;
        to.write_all(&frame)?;
    }
    to.shutdown(Shutdown::Write)
}
