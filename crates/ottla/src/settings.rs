//! What the broker is told when it starts: flags over environment over file over defaults.
//!
//! Everything here is a pure function of texts; the caller brings the arguments, the environment and
//! a way to read the file. Each value keeps where it came from, so that an error can say so.

mod address;
mod arguments;
mod environment;
mod file;
mod layer;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use config::BrokerSettings;

pub(crate) use address::HostPort;
pub(crate) use arguments::ServeArguments;
use layer::Layer;

const DATA_DIR: &str = "./ottla-data";
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 9092);
const HTTP: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// Everything that `ottla serve` needs to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Where the data is kept.
    pub(crate) data_dir: PathBuf,
    /// Where Kafka clients connect; port 0 picks a free one.
    pub(crate) listen: SocketAddr,
    /// What clients are told to connect to; [`HostPort::resolve`] fills in a port 0.
    pub(crate) advertise: Advertise,
    /// Where the HTTP interface listens; `None` for nowhere.
    pub(crate) http: Option<SocketAddr>,
    /// How log lines look.
    pub(crate) log_format: LogFormat,
    /// The settings with Kafka's names.
    pub(crate) broker: BrokerSettings,
}

/// What clients are told to connect to.
pub(crate) type Advertise = HostPort;

impl Settings {
    /// Puts the settings together from the arguments, the environment of the process and the file
    /// that they name. The texts are to be logged as warnings.
    pub(crate) fn load(arguments: &ServeArguments) -> Result<(Self, Vec<String>), SettingsError> {
        let sources = Sources {
            environment: std::env::vars_os().collect(),
            read_file: |path: &Path| std::fs::read_to_string(path),
            look_up: |host: &str| {
                let mut addresses = (host, 0).to_socket_addrs()?;
                let address = addresses.next().map(|address| address.ip());
                address.ok_or_else(|| io::Error::other("the name has no address"))
            },
        };
        load(arguments, sources)
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Where settings come from besides the arguments.
pub(crate) struct Sources<R, L> {
    /// The variables and their values.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Reads the text of a file.
    pub(crate) read_file: R,
    /// Finds the address of a host name.
    pub(crate) look_up: L,
}

/// The broker cannot start with these settings; one line that says what is wrong and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingsError(String);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// Puts the settings together from the arguments and these sources.
pub(crate) fn load(
    arguments: &ServeArguments,
    sources: Sources<impl FnOnce(&Path) -> io::Result<String>, impl Fn(&str) -> io::Result<IpAddr>>,
) -> Result<(Settings, Vec<String>), SettingsError> {
    let environment = environment::read(sources.environment)?;
    let config = match (&arguments.config, &environment.config) {
        (Some(path), _) => Some((path, "--config")),
        (None, Some(path)) => Some((path, "OTTLA_CONFIG")),
        (None, None) => None,
    };
    let mut layer = Layer::default();
    if let Some((path, origin)) = config {
        let text = (sources.read_file)(path).map_err(|error| {
            SettingsError(format!("{origin}: cannot read {}: {error}", path.display()))
        })?;
        layer.put_over(file::read(&path.display().to_string(), &text)?);
    }
    layer.put_over(environment.layer);
    layer.put_over(arguments.layer()?);
    Ok((settings(layer, sources.look_up)?, environment.warnings))
}

fn settings(
    mut layer: Layer,
    look_up: impl Fn(&str) -> io::Result<IpAddr>,
) -> Result<Settings, SettingsError> {
    let data_dir = layer.take("data-dir", |text| match text {
        "" => Err("a directory is expected".to_owned()),
        path => Ok(PathBuf::from(path)),
    })?;
    let listen = layer.take("listen", |text| {
        let address = HostPort::parse(text)?;
        Ok((address.look_up(&look_up)?, address))
    })?;
    let (listen, listen_as_given) = listen.unwrap_or_else(|| {
        (
            SocketAddr::from(LISTEN),
            HostPort::of(SocketAddr::from(LISTEN)),
        )
    });
    let advertise = layer.take("advertise", HostPort::parse)?;
    check_advertise(&listen_as_given, advertise.as_ref())?;
    let http = layer.take("http", |text| match text {
        "none" => Ok(None),
        address => HostPort::parse(address)?.look_up(&look_up).map(Some),
    })?;
    let log_format = layer.take("log-format", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("'text' or 'json' is expected".to_owned()),
    })?;
    Ok(Settings {
        data_dir: data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR)),
        listen,
        advertise: advertise.unwrap_or(listen_as_given),
        http: http.unwrap_or_else(|| Some(SocketAddr::from(HTTP))),
        log_format: log_format.unwrap_or_default(),
        broker: layer.broker_settings()?,
    })
}

/// Clients cannot connect to "every address of this machine".
fn check_advertise(listen: &HostPort, advertise: Option<&HostPort>) -> Result<(), SettingsError> {
    match advertise {
        None if listen.is_wildcard() => Err(SettingsError(format!(
            "--listen {listen} is every address of this machine, which clients cannot connect to: \
             say with --advertise HOST:PORT what they shall use"
        ))),
        Some(address) if address.is_wildcard() => Err(SettingsError(format!(
            "--advertise {address}: clients cannot connect to a wildcard address"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
