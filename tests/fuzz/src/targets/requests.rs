//! Requests: the header, then the body of every API in every version.
//!
//! The input is a frame without its length, as the broker gets it from the network.

use bytes::Bytes;
use wire::{DecodeError, Decoder, Encoder, Message, Request, RequestHeader, encode_request};

use crate::{MemoryLimits, Target};

pub(super) const TARGET: Target = Target {
    seeds,
    memory_limits: message_limits,
    ..Target::new("requests", "request headers and bodies", run)
};

/// Arrays may take more than the frame: elements are larger in memory than on the wire. Small frames
/// have eight times their bytes and 64 KiB for it, up to 16 MiB, all arrays together.
fn message_limits(received_bytes: usize) -> MemoryLimits {
    let for_arrays = received_bytes.saturating_mul(8).saturating_add(64 << 10);
    MemoryLimits {
        at_once_bytes: for_arrays.min(16 << 20).max(received_bytes * 2),
        // It is read twice, and written twice.
        held_bytes: for_arrays * 4,
    }
}

/// What is read is written in a form that reads as the same.
pub(super) fn read_and_write<M: Message>(
    mut body: Decoder,
    version: i16,
) -> Result<(), DecodeError> {
    let message = M::decode(&mut body, version)?;
    let written = encoded(&message, version);
    let mut again = Decoder::new(written.clone());
    let read = M::decode(&mut again, version).expect("what was written can be read");
    assert_eq!(again.remaining(), 0, "what was written is read to its end");
    assert_eq!(encoded(&read, version), written, "and is the same");
    Ok(())
}

fn encoded<M: Message>(message: &M, version: i16) -> Bytes {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version);
    encoder.finish().into_bytes()
}

macro_rules! with_each {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        fn read_body(api_key: i16, version: i16, body: Decoder) -> Result<(), DecodeError> {
            match api_key {
                $($key => read_and_write::<wire::messages::$module::$request>(body, version),)*
                _ => Ok(()),
            }
        }

        /// The request of every API in every version with nothing in it.
        fn seeds() -> Vec<Vec<u8>> {
            let mut seeds = Vec::new();
            $(add_seeds::<wire::messages::$module::$request>(&mut seeds);)*
            seeds
        }
    };
}

wire::for_each_api!(with_each);

fn add_seeds<R: Request + Default>(seeds: &mut Vec<Vec<u8>>) {
    for version in R::VERSIONS {
        let client_id = wire::Text::from_static("client");
        let frame = encode_request(&R::default(), version, 7, Some(&client_id)).into_bytes();
        seeds.push(frame.slice(4..).to_vec());
    }
}

fn run(input: &[u8]) {
    let mut decoder = Decoder::new(Bytes::copy_from_slice(input));
    let Ok(header) = RequestHeader::decode(&mut decoder) else {
        return;
    };
    // Whether it can be read is not what is asked here.
    let _ = read_body(header.api_key, header.api_version, decoder);
}
