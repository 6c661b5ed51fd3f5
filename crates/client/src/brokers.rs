//! Where to find a cluster: the bootstrap list.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The port of the Kafka protocol, taken where an address names none.
pub const PORT_DEFAULT: u16 = 9092;

/// A host name or IP address, and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Host name, IPv4 or IPv6 address; the latter without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// `host:port`, an IPv6 address in brackets.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The text is no list of `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAddress(String);

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "'{}' is no broker address; write HOST:PORT, an IPv6 address as [::1]:{PORT_DEFAULT}",
            self.0
        )
    }
}

impl std::error::Error for InvalidAddress {}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAddress(text.to_owned());
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']').ok_or_else(invalid)?;
                host.parse::<Ipv6Addr>().map_err(|_| invalid())?;
                let port = match port {
                    "" => None,
                    port => Some(port.strip_prefix(':').ok_or_else(invalid)?),
                };
                (host, port)
            }
            None if text.parse::<Ipv6Addr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| invalid())?,
            None => PORT_DEFAULT,
        };
        let illegal = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ',');
        if host.is_empty() || port == 0 || host.contains(illegal) {
            return Err(invalid());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// Brokers to ask first; any one of them knows the rest of its cluster. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brokers(Vec<Address>);

impl Brokers {
    /// The addresses, in the order in which they are tried.
    pub fn addresses(&self) -> &[Address] {
        &self.0
    }
}

impl fmt::Display for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

/// Addresses separated by commas, the port optional: `a.example:9092,b.example`.
impl FromStr for Brokers {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let addresses = text.split(',').map(|address| address.trim().parse());
        Ok(Self(addresses.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_port() {
        for (text, canonical) in [
            ("localhost", "localhost:9092"),
            ("127.0.0.1:19092", "127.0.0.1:19092"),
            ("[::1]:19092", "[::1]:19092"),
            ("[::1]", "[::1]:9092"),
            ("::1", "[::1]:9092"),
            ("a:1, b.example:2,c", "a:1,b.example:2,c:9092"),
        ] {
            let brokers = text.parse::<Brokers>().map(|brokers| brokers.to_string());
            assert_eq!(brokers.as_deref(), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ",",
            "a,",
            ":9092",
            "a:",
            "a:0",
            "a:65536",
            "a:b",
            "a b:1",
            "[a]:1",
            "[::1]x",
            "http://a:9092",
        ] {
            assert!(text.parse::<Brokers>().is_err(), "{text}");
        }
    }
}
