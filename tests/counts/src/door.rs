//! How requests get to a broker, whichever it is.

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use testkit::Connection;
use wire::{Chunks, Request, Text, decode_response, encode_request};

/// Bytes before a frame that say how long it is.
const LENGTH_BYTES: usize = 4;

/// A broker behind one connection.
pub(crate) trait Door {
    /// Hands over a frame, without its length, and lets happen what must until it is answered.
    fn exchange(&mut self, frame: Bytes) -> Result<Chunks>;

    /// Lets everything happen that waits for nothing.
    fn rest(&self) -> Result<()>;
}

impl Door for Connection {
    fn exchange(&mut self, frame: Bytes) -> Result<Chunks> {
        self.send(&testkit::frame(&frame))?;
        let answer = self.receive()?.context("the connection was closed")?;
        Ok(answer.into())
    }

    fn rest(&self) -> Result<()> {
        // Another process sees to that by itself.
        Ok(())
    }
}

/// Sends a request and reads its answer.
pub(crate) fn call<R: Request>(
    door: &mut dyn Door,
    request: &R,
    version: i16,
) -> Result<R::Response> {
    let chunks = door.exchange(frame(request, version))?;
    read::<R>(chunks, version)
}

/// The frame of a request, without its length.
pub(crate) fn frame<R: Request>(request: &R, version: i16) -> Bytes {
    let client = Text::from_static("counts");
    let mut bytes = encode_request(request, version, 1, Some(&client)).into_bytes();
    bytes.split_off(LENGTH_BYTES)
}

/// Reads an answer.
pub(crate) fn read<R: Request>(chunks: Chunks, version: i16) -> Result<R::Response> {
    let bytes = chunks.into_bytes();
    let (_, response) = decode_response(bytes, version)
        .map_err(|error| anyhow!("an answer does not parse: {error:?}"))?;
    Ok(response)
}
