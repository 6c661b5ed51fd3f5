//! The command line. Every command but `serve`, `profile`, `debug`, `completions`, `man` and
//! `version` is an ordinary client and works against any Kafka cluster.
//!
//! Data goes to standard output, errors to standard error; the exit code is 0, 1 for an error, 2
//! for wrong usage. A reader that goes away (`ottla … | head`) is no error.

mod bench;
mod cluster;
mod connection;
mod debug;
mod group;
mod interrupt;
mod manual;
mod output;
mod profile;
pub(crate) mod record_format;
mod start_at;
mod table;
mod topic;
mod version;

use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use self::connection::Connection;
use crate::serve;
use crate::settings::ServeArguments;

/// Exit code for wrong usage; clap's too.
const EXIT_USAGE: u8 = 2;

/// Ottla: a Kafka-compatible event broker, and a command line for any Kafka cluster
#[derive(Debug, Parser)]
#[command(name = "ottla", version = version::LONG)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the broker until SIGTERM or SIGINT
    Serve(ServeArguments),
    /// Create, change, delete and look at topics; write and read their records
    #[command(subcommand)]
    Topic(topic::Command),
    /// Look at consumer groups, move and delete them
    #[command(subcommand)]
    Group(group::Command),
    /// Look at the cluster and at all groups at once
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Measure how much a cluster takes and gives, and how soon
    #[command(subcommand)]
    Bench(bench::Command),
    /// Name clusters, and choose the one that commands are for
    #[command(subcommand)]
    Profile(profile::Command),
    /// Look into the files of a data directory
    #[command(subcommand)]
    Debug(debug::Command),
    /// Print a script that completes commands in a shell
    Completions(manual::Completions),
    /// Print the manual page of a command
    Man(manual::Man),
    /// Print the version and the commit it was built from
    Version(version::Command),
}

/// What was asked for cannot be meant; ends with exit code 2.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Some of several things failed, and standard error has said which; ends with exit code 1.
#[derive(Debug)]
pub(crate) struct AlreadyTold;

impl fmt::Display for AlreadyTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not everything succeeded")
    }
}

impl std::error::Error for AlreadyTold {}

/// Runs what the arguments of the process ask for.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(execute(&arguments))
}

fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let connection = &arguments.connection;
    match &arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Topic(command) => block_on(topic::run(command, connection)),
        Command::Group(command) => block_on(group::run(command, connection)),
        Command::Cluster(command) => block_on(cluster::run(command, connection)),
        Command::Bench(command) => block_on(bench::run(command, connection)),
        Command::Profile(command) => profile::run(command, connection),
        Command::Debug(command) => debug::run(command),
        Command::Completions(command) => manual::completions(command),
        Command::Man(command) => manual::man(command),
        Command::Version(command) => version::run(command),
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let outcome = runtime.block_on(command);
    // A thread may still wait in a read of standard input that nothing will end.
    runtime.shutdown_background();
    outcome
}

fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    if !error.is::<AlreadyTold>() {
        complain(&format!("{error:#}"));
    }
    match error.is::<UsageError>() {
        true => ExitCode::from(EXIT_USAGE),
        false => ExitCode::FAILURE,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Says what went wrong on standard error.
pub(crate) fn complain(text: &str) {
    use std::io::Write as _;
    // When even that cannot be written there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: {text}");
}

/// Says something worth knowing on standard error.
pub(crate) fn note(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests;
