//! What a broker is told before it opens.

use std::path::PathBuf;

use config::BrokerSettings;

/// The settings of one broker. Clock, files and tasks come beside them ([`env::Env`]).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory that holds everything; made when it does not exist.
    pub data_dir: PathBuf,
    /// Kafka's own settings, as given at the start; requests can change some of them.
    pub broker: BrokerSettings,
    /// The host that clients are told to connect to.
    pub advertised_host: String,
    /// The port that clients are told to connect to.
    pub advertised_port: u16,
}

/// The name of the one listener, which is also that of its protocol.
pub(crate) const LISTENER: &str = "PLAINTEXT";

impl Settings {
    /// The data directory as clients name it.
    pub(crate) fn log_dir(&self) -> String {
        self.data_dir.display().to_string()
    }

    /// The listener as clients are told of it: a URL.
    pub(crate) fn advertised_listener(&self) -> String {
        let (host, port) = (&self.advertised_host, self.advertised_port);
        match host.contains(':') {
            // An IPv6 address, whose colons are not those of the port.
            true => format!("{LISTENER}://[{host}]:{port}"),
            false => format!("{LISTENER}://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_ipv6_address_is_told_from_its_port() {
        for (host, listener) in [
            ("broker.example", "PLAINTEXT://broker.example:9092"),
            ("10.0.0.1", "PLAINTEXT://10.0.0.1:9092"),
            ("::1", "PLAINTEXT://[::1]:9092"),
        ] {
            let settings = Settings {
                data_dir: PathBuf::new(),
                broker: BrokerSettings::parse(&BTreeMap::new()).unwrap(),
                advertised_host: host.to_owned(),
                advertised_port: 9092,
            };
            assert_eq!(settings.advertised_listener(), listener);
        }
    }
}
