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
