//! `ottla serve`: the broker from its first line to its last.
//!
//! The sockets are bound before the data is read, so that a port in use is told at once and the
//! port that 0 picked is known; connections wait in the backlog until recovery is done.

pub(crate) mod http;
mod logging;
mod stop;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use broker::{Broker, KafkaService};
use network::{ConnectionLimits, Listener, NetworkSettings, Server};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::settings::{Advertise, ServeArguments, Settings};
use stop::Stop;

/// How long clients get to take the answers that are under way after a signal to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// Runs the broker until a signal ends it.
pub(crate) fn run(arguments: &ServeArguments) -> anyhow::Result<()> {
    let (settings, warnings) = Settings::load(arguments)?;
    logging::start(settings.log_format);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = runtime_builder().enable_all().build()?;
    let outcome = runtime.block_on(serve(settings));
    // Disk reads for clients that are gone need not be waited for.
    runtime.shutdown_background();
    outcome
}

/// On one processor there is nothing to share among threads, and a runtime that knows it does less for each task.
fn runtime_builder() -> tokio::runtime::Builder {
    match std::thread::available_parallelism() {
        Ok(processors) if processors.get() == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut stop = Stop::on_signals()?;
    let listener = Listener::bind(settings.listen)
        .with_context(|| format!("cannot listen on {} for Kafka clients", settings.listen))?;
    let when_ready = Arc::new(OnceLock::new());
    let stop_http = watch::Sender::new(false);
    let http = match settings.http {
        Some(address) => {
            Some(start_http(address, Arc::clone(&when_ready), stop_http.subscribe()).await?)
        }
        None => None,
    };
    // What clients are told of it means something to them only in whole.
    let data_dir = std::path::absolute(&settings.data_dir).unwrap_or(settings.data_dir);
    let kafka_address = listener.local_address();
    let advertised = settings.advertise.resolve(kafka_address);
    let broker = open(broker::Settings {
        data_dir: data_dir.clone(),
        broker: settings.broker.clone(),
        advertised_host: advertised.host.clone(),
        advertised_port: advertised.port,
    })
    .await?;
    let server = listener.serve(
        Arc::new(KafkaService::new(Arc::clone(&broker))),
        network_settings(&settings.broker),
    )?;
    let limits = server.connection_limits();
    tokio::spawn(follow_settings(broker.settings_changes(), limits));
    // Set only here; nobody else could have.
    let _ = when_ready.set(Arc::clone(&broker));
    announce(
        kafka_address,
        &advertised,
        http.as_ref().map(|http| http.0),
        &data_dir,
    );

    stop.signalled().await;
    tracing::info!("stopping; a second signal ends at once");
    end(broker, server, stop_http, http.map(|http| http.1)).await;
    Ok(())
}

/// Opens the broker where blocking is allowed, as it reads what may be much: health is told meanwhile.
async fn open(settings: broker::Settings) -> anyhow::Result<Arc<Broker>> {
    let runtime = tokio::runtime::Handle::current();
    let opening = tokio::task::spawn_blocking(move || {
        runtime.block_on(Broker::open(env::real::env(), settings))
    });
    Ok(opening.await??)
}

async fn start_http(
    address: SocketAddr,
    broker: http::WhenReady,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for HTTP"))?;
    let address = listener.local_addr()?;
    Ok((address, tokio::spawn(http::serve(listener, broker, stop))))
}

/// Says where everything is; tests and people read the ports from these lines.
fn announce(kafka: SocketAddr, advertised: &Advertise, http: Option<SocketAddr>, data_dir: &Path) {
    tracing::info!(path = %data_dir.display(), "data directory");
    tracing::info!("acks=all is forced to disk (fdatasync) before it is answered");
    if let Some(address) = http {
        tracing::info!(%address, protocol = "http", "listening");
        warn_beyond_loopback(address, "http");
    }
    tracing::info!(address = %kafka, advertised = %advertised, protocol = "kafka", "listening");
    warn_beyond_loopback(kafka, "kafka");
}

fn warn_beyond_loopback(address: SocketAddr, protocol: &str) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            protocol,
            "reachable from other machines, and there is no authentication yet: whoever can connect \
             can read, write and delete everything"
        );
    }
}

/// Hands on what requests change of the listener's settings, also what they did in the last run, until
/// the broker is gone.
async fn follow_settings(
    mut changes: watch::Receiver<Arc<config::BrokerSettings>>,
    limits: ConnectionLimits,
) {
    loop {
        let network = network_settings(&changes.borrow_and_update());
        limits.set(network.connections_max, network.connections_per_ip_max);
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn network_settings(settings: &config::BrokerSettings) -> NetworkSettings {
    let count = |setting: i32| usize::try_from(setting).unwrap_or(0);
    let defaults = NetworkSettings::default();
    NetworkSettings {
        connections_max: count(settings.max_connections),
        connections_per_ip_max: count(settings.max_connections_per_ip),
        frame_bytes_max: count(settings.socket_request_max_bytes),
        send_buffer_bytes: usize::try_from(settings.socket_send_buffer_bytes).ok(),
        idle: u64::try_from(settings.connections_max_idle_ms)
            .map_or(defaults.idle, Duration::from_millis),
        ..defaults
    }
}

/// Answers what is under way, then brings the log to its end.
async fn end(
    broker: Arc<Broker>,
    server: Server,
    stop_http: watch::Sender<bool>,
    http: Option<JoinHandle<()>>,
) {
    stop_http.send_replace(true);
    server.drain(DRAIN).await;
    let stopped = tokio::task::spawn_blocking(move || broker.shut_down()).await;
    if let Err(error) = stopped {
        tracing::error!(%error, "the log did not end cleanly; the next start recovers it");
    }
    if let Some(http) = http {
        // A client that keeps its connection open is not waited for.
        http.abort();
    }
    tracing::info!("stopped");
}
