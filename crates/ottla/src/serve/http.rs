//! The HTTP side: health for a supervisor, metrics for Prometheus.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use broker::Broker;
use serde::Serialize;
use tokio::sync::watch;

/// The media type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The broker, once it has recovered; until then the process is alive and not ready.
pub(crate) type WhenReady = Arc<OnceLock<Arc<Broker>>>;

/// The answer of `/health/ready`.
#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    reasons: Vec<Reason>,
}

/// One thing that is wrong, and where on disk if it is somewhere.
#[derive(Debug, Serialize)]
struct Reason {
    code: String,
    path: Option<String>,
    position: Option<u64>,
}

/// Serves until `stop` becomes true.
pub(crate) async fn serve<L: Listener<Addr: Debug>>(
    listener: L,
    broker: WhenReady,
    stop: watch::Receiver<bool>,
) {
    let router = Router::new()
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(broker);
    let stopped = async move {
        let mut stop = stop;
        // An error means that the sender is gone, which is the end as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
    {
        tracing::error!(%error, "the HTTP listener has ended");
    }
}

async fn ready(State(broker): State<WhenReady>) -> Response {
    let reasons: Vec<Reason> = match broker.get() {
        None => vec![Reason {
            code: "recovering".to_owned(),
            path: None,
            position: None,
        }],
        Some(broker) => broker
            .health()
            .into_iter()
            .map(|reason| Reason {
                code: reason.code.to_owned(),
                path: reason.path.map(|path| path.display().to_string()),
                position: reason.position,
            })
            .collect(),
    };
    let (code, status) = if reasons.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    match serde_json::to_string(&Readiness { status, reasons }) {
        Ok(body) => (code, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn metrics(State(broker): State<WhenReady>) -> Response {
    match broker.get() {
        Some(broker) => (
            [(header::CONTENT_TYPE, OPEN_METRICS)],
            broker.render_metrics(),
        )
            .into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
