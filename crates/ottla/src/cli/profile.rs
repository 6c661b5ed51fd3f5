//! `ottla profile …`

mod file;

use clap::{Args, Subcommand};

use super::output::OutputArguments;
use super::table::Table;
use super::{Connection, UsageError};

pub(crate) use file::Profiles;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Give the brokers of -b a name, and use them from now on
    Create(Create),
    /// List the profiles
    List(List),
    /// Use the brokers of a profile from now on
    Use(Use),
    /// Forget profiles
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What to call it
    #[arg(value_name = "NAME", value_parser = profile_name)]
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Use {
    /// The profile
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The profiles
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

pub(crate) fn run(command: &Command, connection: &Connection) -> anyhow::Result<()> {
    match command {
        Command::Create(command) => create(command, connection),
        Command::List(command) => list(command),
        Command::Use(command) => change(|profiles| profiles.select(&command.name)),
        Command::Delete(command) => change(|profiles| {
            let mut names = command.names.iter();
            names.try_for_each(|name| profiles.remove(name))
        }),
    }
}

/// A name that needs no quotes, neither in a shell nor in the file.
fn profile_name(text: &str) -> Result<String, String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !text.is_empty() && text.chars().all(is_legal) {
        true => Ok(text.to_owned()),
        false => Err("a name is made of letters, digits, - and _".to_owned()),
    }
}

fn change(change: impl FnOnce(&mut Profiles) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut profiles = Profiles::load()?;
    change(&mut profiles)?;
    profiles.save()
}

fn create(command: &Create, connection: &Connection) -> anyhow::Result<()> {
    let Some(brokers) = &connection.brokers else {
        let text = "whose name? give the brokers by -b HOST:PORT";
        return Err(UsageError(text.to_owned()).into());
    };
    change(|profiles| {
        profiles.add(&command.name, brokers)?;
        profiles.select(&command.name)
    })
}

fn list(command: &List) -> anyhow::Result<()> {
    let profiles = Profiles::load()?;
    let mut table = Table::new(&["NAME", "BROKERS", "CURRENT"]);
    for (name, brokers) in profiles.all() {
        let is_current = profiles.current() == Some(name);
        table.row([name.into(), brokers.into(), is_current.into()]);
    }
    command.output.table(&table)
}
