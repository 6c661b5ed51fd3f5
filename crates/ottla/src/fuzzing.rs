//! What reads texts and requests from outside, reachable by the fuzzer: arguments, settings, HTTP.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::pin;

use axum::serve::Listener;
use clap::Parser as _;
use client::Record;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;

use crate::cli::Arguments;
use crate::cli::record_format::RecordFormat;
use crate::serve::http;
use crate::settings::{ServeArguments, Sources, load};

/// Reads a command line, without the name of the program. Errs with what a user would be told.
pub fn parse_command_line(arguments: &[&str]) -> Result<(), String> {
    let words = std::iter::once("ottla").chain(arguments.iter().copied());
    match Arguments::try_parse_from(words) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Prints a record in a format of `topic consume`. Errs with what a user would be told.
pub fn print_record(format: &str, record: &Record) -> Result<Vec<u8>, String> {
    let format: RecordFormat = format.parse().map_err(|error| format!("{error}"))?;
    let mut text = Vec::new();
    format.write(record, &mut text);
    Ok(text)
}

#[derive(clap::Parser)]
struct Serve {
    #[command(flatten)]
    arguments: ServeArguments,
}

/// Puts settings together from the arguments of `serve`, an environment and the text of the
/// configuration file; host names are not looked up. Errs with what a user would be told.
pub fn load_settings(
    arguments: &[&str],
    environment: &[(&str, &str)],
    file: &str,
) -> Result<String, String> {
    let words = ["serve", "--config", "ottla.toml"];
    let words = words.into_iter().chain(arguments.iter().copied());
    let serve = Serve::try_parse_from(words).map_err(|error| error.to_string())?;
    let environment = environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let sources = Sources {
        environment: environment.collect(),
        read_file: |_: &Path| Ok(file.to_owned()),
        look_up: |_: &str| -> io::Result<IpAddr> { Err(io::ErrorKind::NotFound.into()) },
    };
    let (settings, warnings) =
        load(&serve.arguments, sources).map_err(|error| error.to_string())?;
    Ok(format!("{settings:?} {warnings:?}"))
}

/// A listener to which one connection comes, and then none.
struct OneConnection(Option<DuplexStream>);

impl Listener for OneConnection {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.take() {
            Some(connection) => (connection, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that a connection in memory holds in each direction.
const CONNECTION_BYTES: usize = 4096;

/// Sends bytes to the HTTP interface of a broker that is not ready, and nothing after them. What comes
/// back, when the server has closed the connection.
pub fn serve_http(sent: &[u8]) -> io::Result<Vec<u8>> {
    let (client, server) = tokio::io::duplex(CONNECTION_BYTES);
    let (_stop, stopped) = watch::channel(false);
    let serving = http::serve(OneConnection(Some(server)), Default::default(), stopped);
    let talking = async move {
        let (mut from_server, mut to_server) = tokio::io::split(client);
        let sending = async move {
            // The server may have closed before it has read everything.
            let _ = to_server.write_all(sent).await;
            let _ = to_server.shutdown().await;
        };
        let mut received = Vec::new();
        let (_, read) = tokio::join!(sending, from_server.read_to_end(&mut received));
        read.map(|_| received)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let (mut serving, talking) = (pin!(serving), pin!(talking));
        tokio::select! {
            biased;
            answer = talking => answer,
            () = &mut serving => Err(io::Error::other("the server has ended")),
        }
    })
}
