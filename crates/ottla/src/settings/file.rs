//! The TOML file: flags by their names, broker settings by Kafka's, dotted or quoted.
//!
//! `num.partitions = 3`, `"num.partitions" = 3` and `[num]` with `partitions = 3` all say the same.
//! Only where one name goes on where another ends (`max.connections` and `max.connections.per.ip`)
//! does TOML want the quotes.

use toml::{Table, Value};

use super::SettingsError;
use super::layer::{Layer, flag, nearest};

/// Reads the text of a file; `path` is for errors.
pub(crate) fn read(path: &str, text: &str) -> Result<Layer, SettingsError> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        SettingsError(format!(
            "{path}, line {line}: {}",
            error.message().replace('\n', "; ")
        ))
    })?;
    let mut layer = Layer::default();
    put_table(&mut layer, path, "", &table)?;
    Ok(layer)
}

fn put_table(
    layer: &mut Layer,
    path: &str,
    prefix: &str,
    table: &Table,
) -> Result<(), SettingsError> {
    for (key, value) in table {
        let name = match prefix {
            "" => key.clone(),
            prefix => format!("{prefix}.{key}"),
        };
        match value {
            Value::Table(table) => put_table(layer, path, &name, table)?,
            value => {
                let text = text_of(value).ok_or_else(|| {
                    SettingsError(format!(
                        "{path}: {name}: a text, a number, true, false or a list of them is expected"
                    ))
                })?;
                put(layer, path, &name, text)?;
            }
        }
    }
    Ok(())
}

fn put(layer: &mut Layer, path: &str, name: &str, value: String) -> Result<(), SettingsError> {
    if let Some(flag) = flag(name) {
        layer.set_flag(flag, value, format!("{path}: {flag}"));
        return Ok(());
    }
    if config::definition(config::Scope::Broker, name).is_none() {
        return Err(SettingsError(format!(
            "{path}: unknown key '{name}'; did you mean '{}'?",
            nearest(name)
        )));
    }
    layer.set_broker(name, value, path.to_owned())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(text_of).collect();
            items.map(|items| items.join(","))
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}
