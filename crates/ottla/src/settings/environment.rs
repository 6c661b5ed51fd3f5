//! Variables: `OTTLA_` and the name of a flag or a setting, in capitals with `_` for `.` and `-`.

use std::ffi::OsString;
use std::path::PathBuf;

use config::{Scope, definitions, nearest_of};

use super::SettingsError;
use super::layer::{FLAGS, Layer};

/// Variables that are no settings: of the other commands, and for the levels of the log.
const NO_SETTINGS: [&str; 2] = ["OTTLA_BROKERS", "OTTLA_LOG"];

/// What the environment says.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) layer: Layer,
    /// OTTLA_CONFIG.
    pub(crate) config: Option<PathBuf>,
    /// A sentence for each variable that looks like ours and is not.
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Environment, SettingsError> {
    let mut ours: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with("OTTLA_").then_some((name, value))
        })
        .collect();
    // The order of an environment means nothing; that of warnings and errors should be stable.
    ours.sort();
    let mut environment = Environment::default();
    for (variable, value) in ours {
        environment.take(variable, value)?;
    }
    Ok(environment)
}

impl Environment {
    fn take(&mut self, variable: String, value: OsString) -> Result<(), SettingsError> {
        if variable == "OTTLA_CONFIG" {
            self.config = Some(value.into());
            return Ok(());
        }
        if NO_SETTINGS.contains(&variable.as_str()) {
            return Ok(());
        }
        let flag = FLAGS.into_iter().find(|flag| variable_of(flag) == variable);
        let setting = definitions(Scope::Broker).find(|known| variable_of(known.name) == variable);
        if flag.is_none() && setting.is_none() {
            self.warnings.push(format!(
                "the variable {variable} means nothing; is {} meant?",
                nearest_variable(&variable)
            ));
            return Ok(());
        }
        let Ok(value) = value.into_string() else {
            return Err(SettingsError(format!("{variable}: the value is not UTF-8")));
        };
        if let Some(flag) = flag {
            self.layer.set_flag(flag, value, variable);
        } else if let Some(setting) = setting {
            self.layer.set_broker(setting.name, value, variable)?;
        }
        Ok(())
    }
}

fn variable_of(name: &str) -> String {
    format!("OTTLA_{}", name.replace(['.', '-'], "_").to_uppercase())
}

fn nearest_variable(variable: &str) -> String {
    let known: Vec<_> = FLAGS
        .into_iter()
        .chain(["config"])
        .chain(definitions(Scope::Broker).map(|known| known.name))
        .map(variable_of)
        .collect();
    let nearest = nearest_of(variable, known.iter().map(String::as_str));
    nearest.unwrap_or_default().to_owned()
}
