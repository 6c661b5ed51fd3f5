//! `ottla debug …`: looking into files of a data directory. No broker is asked, nothing is changed.

mod records;
mod segment;
mod slot;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::output::OutputArguments;
use super::table::Cell;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what a segment (*.log) or a slot of the write-ahead log (slot-*) holds
    Segment(File),
    /// Look after the logs of a data directory
    #[command(subcommand)]
    Log(Log),
}

#[derive(Debug, Args)]
pub(crate) struct File {
    /// The file
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Print the records inside the batches too
    #[arg(long)]
    records: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Check every checksum, offset and index, and name the places of damage
    Verify(verify::Command),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Segment(file) if is_slot(&file.path) => slot::print(file),
        Command::Segment(file) => segment::print(file),
        Command::Log(Log::Verify(command)) => verify::run(command),
    }
}

/// Whether the file is named like a slot. Contents do not tell: either kind may be damaged.
fn is_slot(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("slot-"))
}

/// A length, a position or a sequence number as a cell.
fn number(number: u64) -> Cell {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

#[cfg(test)]
mod tests;
