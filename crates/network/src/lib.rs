//! Listeners, framing, answers in request order, limits and drain. Knows frames, not messages.
//!
//! A [`Listener`] accepts connections and runs one task for each. The task reads frames, hands them to
//! the [`Service`] one after the other, and writes the answers in the order of the requests. It ends when
//! nothing is under way: a connection that rests is its socket and two or three hundred bytes, until the
//! client sends something.
//!
//! What the other side can make this process hold is bounded everywhere: the bytes of frames that are
//! still arriving by one budget for all connections, requests and answers in flight per connection, the
//! time without progress in both directions, the number of connections.
//!
//! The path of a frame in file names: `listener.rs` accepts, `connection.rs` reads, `frame.rs` puts the
//! frame together within `frame_budget.rs`, `service.rs` says what may come back,
//! `answer_queue.rs` keeps the order, `output.rs` writes. `resting.rs` keeps the connections without a task.

mod answer_queue;
mod connection;
mod frame;
mod frame_budget;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod listener;
mod metrics;
mod output;
mod resting;
mod service;
mod settings;

pub use listener::{ConnectionLimits, Listener, Server};
pub use metrics::{NetworkMetrics, NetworkMetricsSnapshot};
pub use service::{BoxFuture, Outcome, Reply, Service, close_reason};
pub use settings::NetworkSettings;

#[cfg(test)]
mod tests;
