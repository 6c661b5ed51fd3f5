//! A host and a port.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A host name or an address, and a port. Names are not looked up here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    /// The name or address; an IPv6 address without brackets.
    pub(crate) host: String,
    /// The port; 0 stands for "any".
    pub(crate) port: u16,
}

impl HostPort {
    /// Takes the two as they are.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
        }
    }

    /// An address as a host and a port.
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self::new(&address.ip().to_string(), address.port())
    }

    /// The same with the port of a listener in place of port 0.
    pub(crate) fn resolve(&self, bound: SocketAddr) -> Self {
        let port = match self.port {
            0 => bound.port(),
            port => port,
        };
        Self::new(&self.host, port)
    }

    /// The address behind it; `look_up` finds that of a name.
    pub(crate) fn look_up(
        &self,
        look_up: impl Fn(&str) -> io::Result<IpAddr>,
    ) -> Result<SocketAddr, String> {
        let ip = match self.host.parse() {
            Ok(ip) => ip,
            Err(_) => look_up(&self.host)
                .map_err(|error| format!("cannot find the address of '{}': {error}", self.host))?,
        };
        Ok(SocketAddr::new(ip, self.port))
    }

    /// Reads `HOST:PORT`; an IPv6 address is written in brackets. Errs with what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("'{text}' is not HOST:PORT (an IPv6 address goes in brackets)");
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(expected)?;
        let port = port.parse().map_err(|_| expected())?;
        let host = match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(address) => {
                address.parse::<Ipv6Addr>().map_err(|_| expected())?;
                address
            }
            None => host,
        };
        let is_name =
            !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "[]/".contains(c));
        // Without brackets nobody can tell where the port begins.
        let is_bare_ipv6 = host.contains(':') && !text.trim_start().starts_with('[');
        if !is_name || is_bare_ipv6 {
            return Err(expected());
        }
        Ok(Self::new(host, port))
    }

    /// Whether this is every address of the machine.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_unspecified())
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}
