//! What the broker counts, in the names of `docs/METRICS.md`.
//!
//! What happens per request is counted in atomics that the request finds by the position of its API
//! in the table; no map is searched and no label is built on the way. What other parts know anyway
//! (rounds, logs, groups) is asked for when somebody looks.

mod collectors;
mod groups;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metadata::QuotaKey;
use model::ErrorCode;
use parking_lot::RwLock;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::collectors::BrokerCollector;
use crate::apis;
use crate::broker::Broker;

/// The prefix of every name.
const PREFIX: &str = "ottla";

/// Upper bounds of the latency buckets, in seconds.
const LATENCY_BOUNDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

type Labels<const N: usize> = [(&'static str, &'static str); N];

fn latency_histogram() -> Histogram {
    Histogram::new(LATENCY_BOUNDS)
}

/// The counters of one API.
struct ApiMetrics {
    name: &'static str,
    requests: Counter,
    request_bytes: Counter,
    response_bytes: Counter,
    latency: Histogram,
}

/// All counters of a broker.
pub(crate) struct Metrics {
    registry: RwLock<Registry>,
    apis: Vec<ApiMetrics>,
    errors: Family<Labels<2>, Counter>,
    connections_opened: Counter,
    connections_closed: Family<Labels<1>, Counter>,
    connections: Gauge,
    throttled: Family<Labels<1>, Counter>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Counters at zero, one set per row of the API table.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let requests = Family::<Labels<1>, Counter>::default();
        registry.register("requests", "Requests received", requests.clone());
        let request_bytes = Family::<Labels<1>, Counter>::default();
        registry.register(
            "request_bytes",
            "Bytes of requests received",
            request_bytes.clone(),
        );
        let response_bytes = Family::<Labels<1>, Counter>::default();
        registry.register(
            "response_bytes",
            "Bytes of responses",
            response_bytes.clone(),
        );
        let latency = Family::<Labels<1>, Histogram>::new_with_constructor(latency_histogram);
        registry.register(
            "request_seconds",
            "Time from a request's arrival to its answer, waits included",
            latency.clone(),
        );
        let errors = Family::<Labels<2>, Counter>::default();
        registry.register(
            "errors",
            "Error codes answered, at whatever level of a response they stand",
            errors.clone(),
        );
        let connections_opened = Counter::default();
        registry.register(
            "connections_opened",
            "Connections accepted",
            connections_opened.clone(),
        );
        let connections_closed = Family::<Labels<1>, Counter>::default();
        registry.register(
            "connections_closed",
            "Connections closed, by reason",
            connections_closed.clone(),
        );
        let connections = Gauge::default();
        registry.register("connections", "Connections open", connections.clone());

        let throttled = Family::<Labels<1>, Counter>::default();
        registry.register(
            "throttled",
            "Times that a client was held back, by the quota that was used up",
            throttled.clone(),
        );
        for quota in QuotaKey::ALL {
            drop(throttled.get_or_create(&[("quota", quota.name())]));
        }

        let apis = apis::APIS
            .iter()
            .map(|api| {
                let name = api.key.name();
                let labels = [("api", name)];
                ApiMetrics {
                    name,
                    requests: requests.get_or_create_owned(&labels),
                    request_bytes: request_bytes.get_or_create_owned(&labels),
                    response_bytes: response_bytes.get_or_create_owned(&labels),
                    latency: latency.get_or_create_owned(&labels),
                }
            })
            .collect();
        Self {
            registry: RwLock::new(registry),
            apis,
            errors,
            connections_opened,
            connections_closed,
            connections,
            throttled,
        }
    }

    /// Adds the numbers that the broker's parts keep anyway.
    pub(crate) fn collect_from(&self, broker: &Arc<Broker>) {
        let collector = BrokerCollector::new(broker);
        self.registry
            .write()
            .register_collector(Box::new(collector));
    }

    /// A request of the API at this position of the table has come in.
    pub(crate) fn request_received(&self, position: usize, bytes: usize) {
        if let Some(api) = self.apis.get(position) {
            api.requests.inc();
            api.request_bytes.inc_by(bytes as u64);
        }
    }

    /// A request has been answered, or has ended without an answer.
    pub(crate) fn request_answered(&self, position: usize, bytes: usize, elapsed: Duration) {
        if let Some(api) = self.apis.get(position) {
            api.response_bytes.inc_by(bytes as u64);
            api.latency.observe(elapsed.as_secs_f64());
        }
    }

    /// A response holds these error codes.
    pub(crate) fn errors_answered(&self, position: usize, codes: &[i16]) {
        let Some(api) = self.apis.get(position) else {
            return;
        };
        for code in codes {
            let name = ErrorCode::from_code(*code).map_or("UNKNOWN_CODE", ErrorCode::name);
            self.errors
                .get_or_create(&[("api", api.name), ("error", name)])
                .inc();
        }
    }

    /// A connection has been accepted.
    pub(crate) fn connection_opened(&self) {
        self.connections_opened.inc();
        self.connections.inc();
    }

    /// A connection has ended.
    pub(crate) fn connection_closed(&self, reason: &'static str) {
        self.connections.dec();
        self.connections_closed
            .get_or_create(&[("reason", reason)])
            .inc();
    }

    /// A client is held back because of this quota.
    pub(crate) fn throttled(&self, quota: QuotaKey) {
        self.throttled
            .get_or_create(&[("quota", quota.name())])
            .inc();
    }

    /// Everything in the text format that Prometheus reads.
    pub(crate) fn render(&self) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail, and no collector of ours makes an error of its own.
        let _ = text::encode(&mut page, &self.registry.read());
        page
    }
}
