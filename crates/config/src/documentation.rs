//! `docs/CONFIGURATION.md`, made from the tables.

use std::fmt::Write;

use crate::definition::{Definition, Scope};
use crate::defs::definitions;

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from the tables in crates/config; `UPDATE_DOCS=1 cargo test -p config` writes it anew. -->

Settings have Kafka's names. The broker's are given by `--set key=value`, by an environment variable
(`OTTLA_` and the key in capitals with `_` for dots: `OTTLA_NUM_PARTITIONS`) or in the file named by
`--config`; the flag is stronger than the environment, the environment stronger than the file. They
are read once, at the start. A topic's are given when it is created or changed later, and act at once.

A setting that is known in Kafka but whose behaviour does not exist here is shown with its default
and refused with any other value, by its name.
";

/// The text of `docs/CONFIGURATION.md`.
pub fn documentation() -> String {
    let mut text = INTRODUCTION.to_owned();
    section(&mut text, "Broker settings", Scope::Broker, true);
    section(&mut text, "Topic settings", Scope::Topic, true);
    section(
        &mut text,
        "Broker settings that accept only their default",
        Scope::Broker,
        false,
    );
    section(
        &mut text,
        "Topic settings that accept only their default",
        Scope::Topic,
        false,
    );
    section(
        &mut text,
        "Group settings, which accept only their default",
        Scope::Group,
        false,
    );
    text
}

fn section(text: &mut String, title: &str, scope: Scope, acts: bool) {
    let mut rows: Vec<_> = definitions(scope).filter(|d| d.acts == acts).collect();
    rows.sort_by_key(|definition| definition.name);
    // Writing to a string cannot fail.
    let _ = write!(text, "\n## {title}\n\n");
    if acts {
        text.push_str("| setting | type | default | values | meaning |\n|---|---|---|---|---|\n");
    } else {
        text.push_str("| setting | type | default | meaning |\n|---|---|---|---|\n");
    }
    for row in rows {
        let default = match row.default {
            None => "not set".to_owned(),
            Some("") => "empty".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let _ = write!(
            text,
            "| `{}` | {} | {default} | ",
            row.name,
            row.kind.name()
        );
        if acts {
            let _ = write!(text, "{} | ", row.expected());
        }
        let _ = writeln!(text, "{}{} |", row.doc, broker_names(row));
    }
}

fn broker_names(definition: &Definition) -> String {
    if definition.synonyms.is_empty() {
        return String::new();
    }
    let names: Vec<_> = definition
        .synonyms
        .iter()
        .map(|synonym| format!("`{}`", synonym.name))
        .collect();
    format!(" The broker's default: {}.", names.join(", else "))
}
