//! `ottla version`.

use super::output::OutputArguments;
use super::table::Fields;

/// The version and the commit the binary was built from.
pub(crate) const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("OTTLA_COMMIT"),
    ")"
);

#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let fields = Fields::default()
        .field("VERSION", env!("CARGO_PKG_VERSION"))
        .field("COMMIT", env!("OTTLA_COMMIT"));
    command
        .output
        .one_line(&format!("ottla {LONG}\n"), &fields)?;
    Ok(())
}
