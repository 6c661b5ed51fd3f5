//! What all messages have in common.

use std::ops::RangeInclusive;

use crate::{DecodeError, Decoder, Encoder};

/// A request or a response.
pub trait Message: Sized {
    /// The number of the API, as in [`crate::apis::ApiKey`].
    const API_KEY: i16;
    /// The versions that this codec knows; a broker may serve fewer.
    const VERSIONS: RangeInclusive<i16>;
    /// The first flexible version (KIP-482); `i16::MAX` if there is none.
    const FLEXIBLE_FROM: i16;

    /// Reads the message that follows the header. Fields that the version lacks have their
    /// defaults. Bytes after the message stay in the decoder.
    fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes the message. Fields that the version lacks are left out, and where null cannot be
    /// written an empty value is. `version` is one of [`Message::VERSIONS`].
    fn encode(&self, encoder: &mut Encoder, version: i16);

    /// Where a response says for how many ms the client is throttled, if it can say that.
    fn throttle_time_ms_mut(&mut self) -> Option<&mut i32> {
        None
    }
}

/// A message that is answered.
pub trait Request: Message {
    /// Its answer.
    type Response: Message;
}

/// Makes a message of a structure.
macro_rules! message {
    ($name:ident, $versions:expr, $flexible_from:expr, $key:ident $(with $throttle_time:ident)?) => {
        impl crate::Message for $name {
            const API_KEY: i16 = crate::apis::ApiKey::$key as i16;
            const VERSIONS: std::ops::RangeInclusive<i16> = $versions;
            const FLEXIBLE_FROM: i16 = $flexible_from;

            fn decode(
                decoder: &mut crate::Decoder,
                version: i16,
            ) -> Result<Self, crate::DecodeError> {
                if !Self::VERSIONS.contains(&version) {
                    return Err(crate::DecodeError::Version);
                }
                decoder.set_format(version, version >= Self::FLEXIBLE_FROM);
                crate::field::Field::read(decoder)
            }

            fn encode(&self, encoder: &mut crate::Encoder, version: i16) {
                debug_assert!(
                    Self::VERSIONS.contains(&version),
                    "no such version: {version}"
                );
                encoder.set_format(version, version >= Self::FLEXIBLE_FROM);
                crate::field::Field::write(self, encoder);
            }

            $(
                fn throttle_time_ms_mut(&mut self) -> Option<&mut i32> {
                    Some(&mut self.$throttle_time)
                }
            )?
        }
    };
    ($name:ident, $versions:expr, $flexible_from:expr, $key:ident => $response:ident) => {
        crate::message::message!($name, $versions, $flexible_from, $key);

        impl crate::Request for $name {
            type Response = $response;
        }
    };
}

pub(crate) use message;
