//! Tests of the codec as a whole.

mod error_codes;
mod golden;
mod hostile;
mod oracle;

use std::fmt::Debug;

use bytes::Bytes;

use crate::field::Field;
use crate::{DecodeError, Decoder, Encoder, Message};

/// What tests ask of a message.
trait TestMessage: Message + Field + PartialEq + Debug {}

impl<M: Message + Field + PartialEq + Debug> TestMessage for M {}

/// Fails unless this message was read. They are compared as they print: a number in them may be none
/// (NaN), which is not equal to itself.
#[track_caller]
fn assert_read<M: TestMessage>(read: &Result<M, DecodeError>, message: &M, version: i16) {
    let (read, message) = (format!("{read:?}"), format!("Ok({message:?})"));
    assert_eq!(read, message, "version {version}");
}

fn encoded<M: Message>(message: &M, version: i16) -> Bytes {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version);
    let length = encoder.len();
    let bytes = encoder.finish().into_bytes();
    assert_eq!(bytes.len(), length);
    bytes
}

/// Reads a message that has to fill the bytes.
fn decoded<M: Message>(bytes: Bytes, version: i16) -> Result<M, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let message = M::decode(&mut decoder, version)?;
    decoder.finish()?;
    Ok(message)
}
