//! `docs/CONFIGURATION.md`, made from the tables.

use std::fmt::Write;

use crate::definition::{Definition, Scope};
use crate::defs::definitions;

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from the tables in crates/config; `UPDATE_DOCS=1 cargo test -p config` writes it anew. -->

`ottla serve` needs no configuration. What it is told comes from flags, environment variables and a
file; a flag is stronger than a variable, a variable is stronger than the file. All of it is read once,
at the start. Requests can change some settings while the broker runs (`ottla cluster config set`,
`kafka-configs.sh`, any admin client); such a change is kept in the data directory and stronger than
what the broker is given at its next start, until it is taken back.

| flag | variable | in the file | default | meaning |
|---|---|---|---|---|
| `--data-dir DIR` | `OTTLA_DATA_DIR` | `data-dir` | `./ottla-data` | where the data is kept; made when it does not exist |
| `--listen HOST:PORT` | `OTTLA_LISTEN` | `listen` | `127.0.0.1:9092` | where Kafka clients connect; port 0 picks a free one; an IPv6 address goes in brackets |
| `--advertise HOST:PORT` | `OTTLA_ADVERTISE` | `advertise` | as `--listen` | what clients are told to connect to; needed when `--listen` is a wildcard |
| `--http HOST:PORT` | `OTTLA_HTTP` | `http` | `127.0.0.1:8080` | where health and metrics are served; `none` for nowhere |
| `--log-format FORMAT` | `OTTLA_LOG_FORMAT` | `log-format` | `text` | `text`, or `json` for one object per line |
| `--config FILE` | `OTTLA_CONFIG` | | | the file, in TOML |
| `--set KEY=VALUE` | `OTTLA_` and the key in capitals with `_` for dots | the key | see below | a broker setting; the flag may be repeated |

An unknown variable that begins with `OTTLA_` is a warning, an unknown key is an error that names the
nearest known one. The file, for example:

```toml
data-dir = '/var/lib/ottla'
listen = '0.0.0.0:9092'
advertise = 'broker.example:9092'
num.partitions = 3
group.initial.rebalance.delay.ms = 0
log.retention.hours = 24
# Where one key goes on where another ends, TOML wants quotes.
'max.connections' = 10000
'max.connections.per.ip' = 100
```

Settings have Kafka's names. Those of a topic are given when it is created or changed later, and act at
once; the broker's give their defaults. A setting that is known in Kafka but whose behaviour does not
exist here is shown with its default and refused with any other value, by its name.
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
        let changes = match acts && scope == Scope::Broker && row.is_dynamic() {
            true => " Can change while the broker runs.",
            false => "",
        };
        let _ = writeln!(text, "{}{}{changes} |", row.doc, broker_names(row));
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
