//! What stands before a message in its frame.

use bytes::Bytes;

use crate::apis::ApiKey;
use crate::decoder::Source;
use crate::encoder::Tags;
use crate::{Chunks, DecodeError, Decoder, Encoder, Message, Request, Text};

/// The header of a request, versions 1 and 2.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestHeader {
    /// The API; any number, known or not.
    pub api_key: i16,
    /// Its version; any number.
    pub api_version: i16,
    /// What the answer has to carry.
    pub correlation_id: i32,
    /// How the client calls itself.
    pub client_id: Option<Text>,
}

impl RequestHeader {
    /// Reads the header; the decoder then stands at the message. The form follows from the API and
    /// its version; for an API that is not known it is version 1.
    pub fn decode(decoder: &mut Decoder) -> Result<Self, DecodeError> {
        decoder.set_format(0, false);
        let api_key = decoder.read()?;
        let api_version = decoder.read()?;
        let correlation_id = decoder.read()?;
        // Never compact: the form had to stay readable before the version is understood.
        let client_id = decoder.read()?;
        let api = ApiKey::from_key(api_key);
        decoder.set_format(0, api.is_some_and(|api| api.is_flexible(api_version)));
        decoder.read_tags(|_, _| Ok(false))?;
        Ok(Self {
            api_key,
            api_version,
            correlation_id,
            client_id,
        })
    }

    /// Writes the header.
    pub fn encode(&self, encoder: &mut Encoder) {
        encoder.set_format(0, false);
        encoder.write(&self.api_key);
        encoder.write(&self.api_version);
        encoder.write(&self.correlation_id);
        encoder.write(&self.client_id);
        let api = ApiKey::from_key(self.api_key);
        encoder.set_format(0, api.is_some_and(|api| api.is_flexible(self.api_version)));
        Tags::default().write(encoder);
    }
}

/// The header of a response, versions 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The number that the request carried.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header of an answer to a request of this API and version.
    pub fn decode(
        decoder: &mut Decoder,
        api_key: i16,
        api_version: i16,
    ) -> Result<Self, DecodeError> {
        decoder.set_format(0, has_flexible_header(api_key, api_version));
        let correlation_id = decoder.read()?;
        decoder.read_tags(|_, _| Ok(false))?;
        Ok(Self { correlation_id })
    }

    /// Writes the header of an answer to a request of this API and version.
    pub fn encode(self, encoder: &mut Encoder, api_key: i16, api_version: i16) {
        encoder.set_format(0, has_flexible_header(api_key, api_version));
        encoder.write(&self.correlation_id);
        Tags::default().write(encoder);
    }
}

fn has_flexible_header(api_key: i16, api_version: i16) -> bool {
    ApiKey::from_key(api_key).is_some_and(|api| api.has_flexible_response_header(api_version))
}

/// A request as it is sent: length, header, message.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<&Text>,
) -> Chunks {
    let mut encoder = Encoder::for_frame();
    let header = RequestHeader {
        api_key: R::API_KEY,
        api_version: version,
        correlation_id,
        client_id: client_id.cloned(),
    };
    header.encode(&mut encoder);
    request.encode(&mut encoder, version);
    encoder.finish_frame()
}

/// A response as it is sent: length, header, message.
pub fn encode_response<M: Message>(response: &M, version: i16, correlation_id: i32) -> Chunks {
    let mut encoder = Encoder::for_frame();
    ResponseHeader { correlation_id }.encode(&mut encoder, M::API_KEY, version);
    response.encode(&mut encoder, version);
    encoder.finish_frame()
}

/// Reads a response from its frame, which is taken without its length prefix: the correlation id
/// and the message.
pub fn decode_response<M: Message>(frame: Bytes, version: i16) -> Result<(i32, M), DecodeError> {
    let mut decoder = Decoder::of_answer(frame);
    let header = ResponseHeader::decode(&mut decoder, M::API_KEY, version)?;
    let message = M::decode(&mut decoder, version)?;
    decoder.finish()?;
    Ok((header.correlation_id, message))
}
