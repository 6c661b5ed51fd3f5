//! Responses, which the command line's client reads: header and body of every API in every version.
//!
//! The input is the number of the API and the version, two bytes each as in a request, and then the
//! frame without its length.

use bytes::Bytes;
use wire::{DecodeError, Decoder, Request, ResponseHeader, encode_response};

use super::requests::read_and_write;
use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    // Arrays may take more than the frame: elements are larger in memory than on the wire.
    memory_limits: |received_bytes| times_received(received_bytes + (8 << 10), 8),
    ..Target::new("responses", "response headers and bodies", run)
};

macro_rules! with_each {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        /// Reads a response, and sees that it is written again as it was read.
        pub(super) fn read_body(
            api_key: i16,
            version: i16,
            body: Decoder,
        ) -> Result<(), DecodeError> {
            match api_key {
                $($key => read_and_write::<wire::messages::$module::$response>(body, version),)*
                _ => Ok(()),
            }
        }

        /// The response of every API in every version with nothing in it.
        fn seeds() -> Vec<Vec<u8>> {
            let mut seeds = Vec::new();
            $(add_seeds::<wire::messages::$module::$request>(&mut seeds);)*
            seeds
        }
    };
}

wire::for_each_api!(with_each);

fn add_seeds<R: Request<Response: Default>>(seeds: &mut Vec<Vec<u8>>) {
    for version in R::VERSIONS {
        let frame = encode_response(&R::Response::default(), version, 7).into_bytes();
        let seed = [
            &R::API_KEY.to_be_bytes(),
            &version.to_be_bytes(),
            &frame[4..],
        ]
        .concat();
        seeds.push(seed);
    }
}

fn run(input: &[u8]) {
    let Some((&[k0, k1, v0, v1], frame)) = input.split_first_chunk() else {
        return;
    };
    let (api_key, version) = (i16::from_be_bytes([k0, k1]), i16::from_be_bytes([v0, v1]));
    let mut decoder = Decoder::of_answer(Bytes::copy_from_slice(frame));
    if ResponseHeader::decode(&mut decoder, api_key, version).is_ok() {
        let _ = read_body(api_key, version, decoder);
    }
}
