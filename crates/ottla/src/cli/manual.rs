//! `ottla man` and `ottla completions`: the command line told to other programs.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::output::print;
use super::{Arguments, UsageError};

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    directory: Option<PathBuf>,
    /// The command, such as: topic create
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

/// The declaration of the command line with everything in it that clap adds by itself.
fn declaration() -> clap::Command {
    let mut declaration = Arguments::command();
    declaration.build();
    declaration
}

/// Prints a script for a shell.
pub(crate) fn completions(command: &Completions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut declaration(), "ottla", &mut script);
    print(&script)
}

/// Prints a page, or writes all of them.
pub(crate) fn man(command: &Man) -> anyhow::Result<()> {
    if let Some(directory) = &command.directory {
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(Arguments::command(), directory));
        return written.with_context(|| directory.display().to_string());
    }
    let declaration = declaration();
    let mut found = &declaration;
    for word in &command.command {
        found = found.find_subcommand(word).ok_or_else(|| {
            UsageError(format!("there is no command {}", command.command.join(" ")))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(found.clone()).render(&mut page)?;
    print(&page)
}
