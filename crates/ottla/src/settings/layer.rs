//! What one source says, and one source over another.

use std::collections::BTreeMap;

use config::{BrokerSettings, Scope, definition, definitions, lookup, nearest_of};

use super::SettingsError;

/// Settings that are Ottla's own and have a flag; the others have Kafka's names.
pub(crate) const FLAGS: [&str; 5] = ["data-dir", "listen", "advertise", "http", "log-format"];

/// Values by name, each with where it came from.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    values: BTreeMap<String, Sourced>,
}

#[derive(Debug)]
struct Sourced {
    value: String,
    /// The flag, variable, or place in the file, as an error begins.
    origin: String,
}

impl Layer {
    /// Sets a value that has a flag.
    pub(crate) fn set_flag(&mut self, name: &'static str, value: String, origin: String) {
        self.values
            .insert(name.to_owned(), Sourced { value, origin });
    }

    /// Sets a value with one of Kafka's names, if the broker knows it and takes the value.
    pub(crate) fn set_broker(
        &mut self,
        name: &str,
        value: String,
        origin: String,
    ) -> Result<(), SettingsError> {
        let checked = lookup(Scope::Broker, name).and_then(|known| known.check(&value));
        checked.map_err(|error| SettingsError(format!("{origin}: {error}")))?;
        self.values
            .insert(name.to_owned(), Sourced { value, origin });
        Ok(())
    }

    /// Puts a stronger layer over this one.
    pub(crate) fn put_over(&mut self, stronger: Self) {
        self.values.extend(stronger.values);
    }

    /// Takes a value that has a flag out; its reader errs with what is wrong.
    pub(crate) fn take<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        match self.values.remove(name) {
            None => Ok(None),
            Some(Sourced { value, origin }) => read(&value)
                .map(Some)
                .map_err(|error| SettingsError(format!("{origin}: {error}"))),
        }
    }

    /// What is left: the broker's settings.
    pub(crate) fn broker_settings(self) -> Result<BrokerSettings, SettingsError> {
        let pairs = self
            .values
            .into_iter()
            .map(|(name, sourced)| (name, sourced.value))
            .collect();
        BrokerSettings::parse(&pairs).map_err(|error| SettingsError(error.to_string()))
    }
}

/// The flag with this name.
pub(crate) fn flag(name: &str) -> Option<&'static str> {
    FLAGS.into_iter().find(|flag| *flag == name)
}

/// The name that was probably meant, flags included.
pub(crate) fn nearest(name: &str) -> &'static str {
    // A topic's name leads to the broker's synonym, which spelling alone would not find.
    if definition(Scope::Topic, name).is_some() {
        return config::nearest(Scope::Broker, name).unwrap_or_default();
    }
    let known = definitions(Scope::Broker).map(|definition| definition.name);
    nearest_of(name, FLAGS.into_iter().chain(known)).unwrap_or_default()
}
