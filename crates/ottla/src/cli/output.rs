//! Where the commands print, and in which form.

use std::io::{self, Write};

use anyhow::Context as _;
use serde::Serialize;

use super::table::{Fields, Table};

/// The form of a command's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables with upper-case headers.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// The option of every command that prints tables.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct OutputArguments {
    /// How to print: tables, or one JSON document
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
}

impl OutputArguments {
    /// Prints a table, as JSON an array of objects.
    pub(crate) fn table(self, table: &Table) -> anyhow::Result<()> {
        match self.format {
            Format::Text => print(table.text().as_bytes()),
            Format::Json => print_json(table),
        }
    }

    /// Prints a line, as JSON one object of the values in it.
    pub(crate) fn one_line(self, line: &str, fields: &Fields) -> anyhow::Result<()> {
        match self.format {
            Format::Text => print(line.as_bytes()),
            Format::Json => print_json(fields),
        }
    }

    /// Prints several blocks about one thing, as JSON the one object given.
    pub(crate) fn sections(
        self,
        sections: &[(&str, String)],
        document: &impl Serialize,
    ) -> anyhow::Result<()> {
        match self.format {
            Format::Text => print_sections(sections),
            Format::Json => print_json(document),
        }
    }
}

/// Prints text blocks, each under its title if it has one, with an empty line between two.
fn print_sections(sections: &[(&str, String)]) -> anyhow::Result<()> {
    let mut text = String::new();
    for (index, (title, body)) in sections.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        if !title.is_empty() {
            text.push_str(&format!("{title}\n{}\n", "=".repeat(title.len())));
        }
        text.push_str(body);
    }
    print(text.as_bytes())
}

/// Prints one JSON document for people and programs alike.
fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    print(&text)
}

/// Writes to standard output and sees it out.
pub(crate) fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.context("cannot write to standard output")
}
