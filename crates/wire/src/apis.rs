//! Which APIs this codec knows.

use std::fmt;
use std::ops::RangeInclusive;

use crate::messages::for_each_api;

macro_rules! api_keys {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        /// An API of the protocol; one that this codec knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                $name = $key,
            )*
        }

        impl ApiKey {
            /// Every API, in ascending order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The API with this number; `None` for one that this codec does not know.
            pub const fn from_key(key: i16) -> Option<Self> {
                match key {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Kafka's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The versions that this codec knows; a broker may serve fewer.
            pub const fn versions(self) -> RangeInclusive<i16> {
                match self {
                    $(Self::$name => $versions,)*
                }
            }

            /// The first flexible version (KIP-482); `i16::MAX` if there is none.
            pub const fn flexible_from(self) -> i16 {
                match self {
                    $(Self::$name => $flexible_from,)*
                }
            }
        }
    };
}

for_each_api!(api_keys);

impl ApiKey {
    /// The number on the wire.
    pub const fn key(self) -> i16 {
        self as i16
    }

    /// Whether requests of this version end their header with tagged fields.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.flexible_from()
    }

    /// Whether answers of this version do. Those of ApiVersions never do: the client does not know
    /// yet what the broker speaks (KIP-511).
    pub const fn has_flexible_response_header(self, version: i16) -> bool {
        !matches!(self, Self::ApiVersions) && self.is_flexible(version)
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
