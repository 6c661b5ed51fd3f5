//! From a frame to a handler, and from its answer to bytes.
//!
//! Frames that the protocol has no answer for (an unknown API, a version that is not served, a body
//! that does not parse) close the connection with a reason that is counted. The one exception is an
//! ApiVersions request of an unknown version, whose answer clients rely on (KIP-511).

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chunks::Chunks;
use env::BoxFuture;
use tracing::Instrument;
use wire::apis::ApiKey;
use wire::{Decoder, Encoder, Message, Request, RequestHeader, ResponseHeader};

use crate::apis::{self, Api, Ordering};
use crate::broker::Broker;
use crate::context::{Connection, RequestContext};
use crate::handlers;
use crate::limits::REQUEST_BYTES_MAX;
use crate::throttling::Hold;

pub(crate) use network::{Outcome, Reply};
pub(crate) use wire::DecodeError;

/// Why a connection is closed for what it sent. The names are label values of a metric.
pub(crate) mod close_reason {
    /// The request header does not parse.
    pub(crate) const BAD_HEADER: &str = "bad_header";
    /// No API that is served has this key.
    pub(crate) const UNKNOWN_API: &str = "unknown_api";
    /// The API does not serve this version.
    pub(crate) const UNSUPPORTED_VERSION: &str = "unsupported_version";
    /// The request is larger than one that carries no records can reasonably be.
    pub(crate) const REQUEST_TOO_LARGE: &str = "request_too_large";
    /// The body does not parse.
    pub(crate) const BAD_REQUEST: &str = "bad_request";
    /// A produce request with acks=0 failed; closing is the only way to say so.
    pub(crate) const UNACKNOWLEDGED_PRODUCE_FAILED: &str = "unacknowledged_produce_failed";
}

/// Room for what most responses copy.
const RESPONSE_BYTES: usize = 256;

/// The broker as the network sees it.
#[derive(Clone, Debug)]
pub struct KafkaService {
    broker: Arc<Broker>,
}

impl KafkaService {
    /// Serves a broker.
    pub fn new(broker: Arc<Broker>) -> Self {
        Self { broker }
    }
}

impl network::Service for KafkaService {
    type Connection = Connection;

    fn connect(&self, peer: SocketAddr, local: SocketAddr) -> Connection {
        self.broker.metrics.connection_opened();
        Connection {
            peer,
            local,
            hold: Hold::default(),
        }
    }

    fn call(&self, connection: &mut Connection, frame: Bytes) -> Reply {
        route(&self.broker, connection, frame).unwrap_or_else(Reply::Close)
    }

    fn held_back(&self, connection: &Connection) -> Duration {
        connection.hold.rest(|| self.broker.env.clock.now())
    }

    fn refused(&self, peer: SocketAddr, reason: &'static str) {
        tracing::debug!(%peer, reason, "connection refused");
        self.broker.metrics.connection_opened();
        self.broker.metrics.connection_closed(reason);
    }

    fn closed(&self, connection: Connection, reason: &'static str) {
        tracing::debug!(peer = %connection.peer, reason, "connection closed");
        self.broker.metrics.connection_closed(reason);
    }
}

/// Finds the row of a frame and runs it; errs with the reason to close the connection.
fn route(
    broker: &Arc<Broker>,
    connection: &Connection,
    frame: Bytes,
) -> Result<Reply, &'static str> {
    let request_bytes = frame.len();
    let (api_key, api_version) = peek_api(&frame).ok_or(close_reason::BAD_HEADER)?;
    let position = apis::position(api_key).ok_or(close_reason::UNKNOWN_API)?;
    let api = apis::APIS.get(position).ok_or(close_reason::UNKNOWN_API)?;
    let known = api.versions.contains(&api_version);
    if !known && api.key != ApiKey::ApiVersions {
        return Err(close_reason::UNSUPPORTED_VERSION);
    }
    if request_bytes > REQUEST_BYTES_MAX && api.key != ApiKey::Produce {
        return Err(close_reason::REQUEST_TOO_LARGE);
    }
    let mut body = Decoder::new(frame);
    let header = RequestHeader::decode(&mut body).map_err(|_| close_reason::BAD_HEADER)?;
    let call = Call {
        api,
        position,
        correlation_id: header.correlation_id,
        context: RequestContext {
            broker: Arc::clone(broker),
            version: if known { api_version } else { 0 },
            received: broker.env.clock.now(),
            request_bytes,
            client_id: header.client_id,
            peer: connection.peer,
            hold: connection.hold.clone(),
        },
    };
    broker.metrics.request_received(position, request_bytes);
    if !known {
        let answer = handlers::api_versions::unsupported_version();
        return Ok(Reply::Ready(call.encode(&answer)));
    }
    (api.begin)(call, body).map_err(|error| {
        tracing::debug!(peer = %connection.peer, api = ?api.key, api_version, %error, "bad request");
        close_reason::BAD_REQUEST
    })
}

/// The key and the version that a frame begins with.
fn peek_api(frame: &[u8]) -> Option<(i16, i16)> {
    let &[k0, k1, v0, v1] = frame.first_chunk::<4>()?;
    Some((i16::from_be_bytes([k0, k1]), i16::from_be_bytes([v0, v1])))
}

/// A request between its header and its answer.
pub(crate) struct Call {
    api: &'static Api,
    position: usize,
    correlation_id: i32,
    context: RequestContext,
}

/// How a request ends.
pub(crate) enum Answer<R> {
    /// With a response.
    Response(R),
    /// With nothing, as the protocol wants it (acks=0).
    Silence,
    /// With the end of the connection, for a counted reason.
    Close(&'static str),
}

impl<R: Message> From<R> for Answer<R> {
    fn from(response: R) -> Self {
        Self::Response(response)
    }
}

/// What the ordered part of a two-stage handler leaves to do.
pub(crate) enum Stage<R> {
    /// Nothing: there is nothing to wait for.
    Answered(Answer<R>),
    /// The ordered part is done: the next request may be taken up.
    Done(BoxFuture<Answer<R>>),
    /// The ordered part itself has to wait (for space): the next request must wait for it too.
    Blocked(BoxFuture<Answer<R>>),
}

/// Runs a handler that answers without waiting.
pub(crate) fn at_once<R: Request>(
    call: Call,
    mut body: Decoder,
    handle: impl FnOnce(&RequestContext, R) -> R::Response,
) -> Result<Reply, DecodeError> {
    let request = R::decode(&mut body, call.context.version)?;
    let mut response = handle(&call.context, request);
    call.charge_work(Some(&mut response), Call::elapsed);
    Ok(Reply::Ready(call.encode(&response)))
}

/// Runs a handler that may wait.
pub(crate) fn serial<R, F>(
    call: Call,
    mut body: Decoder,
    handle: impl FnOnce(RequestContext, R) -> F,
) -> Result<Reply, DecodeError>
where
    R: Request<Response: Send + 'static>,
    F: Future<Output = R::Response> + Send + 'static,
{
    let request = R::decode(&mut body, call.context.version)?;
    // On its own: what waits for it would hold it several times over.
    let response = Box::pin(handle(call.context.clone(), request));
    let may_wait_for_ever = call.api.ordering == Ordering::Parked;
    let outcome = call.outcome::<R::Response, _>(response);
    Ok(if may_wait_for_ever {
        Reply::Parked(outcome)
    } else {
        Reply::Serial(outcome)
    })
}

/// Runs a handler of two stages.
pub(crate) fn staged<R: Request<Response: Send + 'static>>(
    call: Call,
    mut body: Decoder,
    handle: impl FnOnce(&RequestContext, R) -> Stage<R::Response>,
) -> Result<Reply, DecodeError> {
    let request = R::decode(&mut body, call.context.version)?;
    let stage = handle(&call.context, request);
    Ok(match stage {
        Stage::Answered(answer) => match call.finish(answer, Call::elapsed) {
            Outcome::Answer(answer) => Reply::Ready(answer),
            Outcome::None => Reply::None,
            Outcome::Close(reason) => Reply::Close(reason),
        },
        Stage::Done(answer) => Reply::Pipelined(call.outcome::<R::Response, _>(answer)),
        Stage::Blocked(answer) => Reply::Serial(call.outcome::<R::Response, _>(answer)),
    })
}

impl Call {
    /// The answer as the network wants it, once there is one.
    fn outcome<R: Message + Send + 'static, A: Into<Answer<R>>>(
        self,
        mut answer: impl Future<Output = A> + Unpin + Send + 'static,
    ) -> BoxFuture<Outcome> {
        let span = tracing::debug_span!(
            "request",
            api = ?self.api.key,
            version = self.context.version,
            correlation_id = self.correlation_id,
            client = self.context.client_id(),
        );
        let mut worked = self.elapsed();
        let clock = Arc::clone(&self.context.broker.env.clock);
        let counts = self.context.work_counts();
        let outcome = async move {
            let answer = poll_fn(|ctx| {
                if !counts {
                    return Pin::new(&mut answer).poll(ctx);
                }
                let start = clock.now();
                let polled = Pin::new(&mut answer).poll(ctx);
                worked += clock.now().since(start);
                polled
            });
            let answer = answer.await.into();
            self.finish(answer, |_| worked)
        };
        Box::pin(outcome.instrument(span))
    }

    fn finish<R: Message>(
        self,
        answer: Answer<R>,
        worked: impl FnOnce(&Self) -> Duration,
    ) -> Outcome {
        match answer {
            Answer::Response(mut response) => {
                self.charge_work(Some(&mut response), worked);
                Outcome::Answer(self.encode(&response))
            }
            Answer::Silence => {
                self.charge_work::<R>(None, worked);
                self.count(0);
                Outcome::None
            }
            Answer::Close(reason) => {
                self.count(0);
                Outcome::Close(reason)
            }
        }
    }

    /// The response with its header, and the end of the request's books.
    fn encode<R: Message>(&self, response: &R) -> Chunks {
        let version = self.context.version;
        let mut encoder = Encoder::with_capacity(RESPONSE_BYTES);
        ResponseHeader {
            correlation_id: self.correlation_id,
        }
        .encode(&mut encoder, R::API_KEY, version);
        response.encode(&mut encoder, version);
        self.context
            .broker
            .metrics
            .errors_answered(self.position, encoder.error_codes());
        self.count(encoder.len());
        encoder.finish()
    }

    /// Counts the time that was worked on the request, if anybody asks for it, and has the response tell
    /// the longer of the times for which the client is throttled.
    fn charge_work<R: Message>(
        &self,
        response: Option<&mut R>,
        worked: impl FnOnce(&Self) -> Duration,
    ) {
        let ms = self.context.charge_work(|| worked(self));
        if let Some(throttle_time_ms) = response.and_then(R::throttle_time_ms_mut) {
            *throttle_time_ms = ms.max(*throttle_time_ms);
        }
    }

    fn elapsed(&self) -> Duration {
        self.context
            .broker
            .env
            .clock
            .now()
            .since(self.context.received)
    }

    fn count(&self, response_bytes: usize) {
        self.context
            .broker
            .metrics
            .request_answered(self.position, response_bytes, self.elapsed());
    }
}
