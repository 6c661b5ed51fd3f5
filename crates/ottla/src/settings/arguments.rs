//! The flags of `ottla serve`.

use std::path::PathBuf;

use clap::Args;

use super::layer::Layer;
use super::{LogFormat, SettingsError};

/// The flags of `ottla serve`. Each has a variable of its name: OTTLA_DATA_DIR for --data-dir.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServeArguments {
    /// Where the data is kept; made when it does not exist [default: ./ottla-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where Kafka clients connect; port 0 picks a free one [default: 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// What clients are told to connect to, when that differs from --listen
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) advertise: Option<String>,
    /// Where health and metrics are served, or `none` [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
    /// A TOML file with these settings; flags and variables are stronger
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A broker setting under its Kafka name, such as num.partitions=3; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// How log lines look [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

impl ServeArguments {
    /// What the flags say.
    pub(super) fn layer(&self) -> Result<Layer, SettingsError> {
        let mut layer = Layer::default();
        let data_dir = match self.data_dir.as_ref().map(|path| path.to_str()) {
            None => None,
            Some(Some(path)) => Some(path.to_owned()),
            Some(None) => {
                return Err(SettingsError(
                    "--data-dir: the name is not UTF-8".to_owned(),
                ));
            }
        };
        let log_format = self.log_format.map(|format| match format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        });
        for (name, value) in [
            ("data-dir", data_dir),
            ("listen", self.listen.clone()),
            ("advertise", self.advertise.clone()),
            ("http", self.http.clone()),
            ("log-format", log_format),
        ] {
            if let Some(value) = value {
                layer.set_flag(name, value, format!("--{name}"));
            }
        }
        for pair in &self.set {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(SettingsError(format!(
                    "--set {pair}: KEY=VALUE is expected"
                )));
            };
            layer.set_broker(name.trim(), value.to_owned(), "--set".to_owned())?;
        }
        Ok(layer)
    }
}
