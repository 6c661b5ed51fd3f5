//! The Kafka protocol in bytes: messages, their headers, record batches and their compression.
//!
//! Each message is declared once, in `messages/*.msg`; the code in `src/generated/` is made from
//! there by `cargo xtask codegen` and committed (docs/adr/0001-message-codec.md). Nothing here does
//! I/O or knows what a broker does with a message.
//!
//! Three rules hold for everything that reads:
//!
//! - Input is never trusted: whatever the bytes are, the outcome is a value or an error, and memory
//!   is only taken for what has arrived, not for what a count promises.
//! - Reading shares the frame: texts, bytes and records are slices of it. What is kept for longer
//!   than the request should be copied, or it pins the frame.
//! - Writing yields [`Chunks`]: record bytes are handed on, never copied.

pub mod apis;
pub mod batch;
pub mod compression;
mod decoder;
mod encoder;
mod field;
mod header;
mod message;
#[path = "generated/mod.rs"]
pub mod messages;
mod text;

pub use ::chunks::Chunks;
pub use decoder::{DecodeError, Decoder};
pub use encoder::Encoder;
pub use header::{RequestHeader, ResponseHeader, decode_response, encode_request, encode_response};
pub use message::{Message, Request};
pub use text::Text;

#[cfg(test)]
mod filler;
#[cfg(test)]
mod tests;
