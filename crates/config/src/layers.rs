//! The broker's own settings, by who set them.

use std::collections::BTreeMap;

use crate::definition::Scope;
use crate::defs::definition;
use crate::describe::Source;

/// Values that were set, checked, in the form in which they are shown.
pub(crate) type Values = BTreeMap<&'static str, String>;

/// What was set in each place that can set something; a stronger place hides a weaker one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layers {
    /// By requests, for this broker alone.
    this_broker: Values,
    /// By requests, for all brokers.
    all_brokers: Values,
    /// When the broker was started.
    start: Values,
}

impl Layers {
    /// What the broker was given when it was started.
    pub(crate) fn at_start(start: Values) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// The same start with what was set by requests. What can no longer be set so, or to that, counts
    /// as not set: a broker must open whatever an older version let in.
    pub(crate) fn with_changes(
        &self,
        all_brokers: &BTreeMap<String, String>,
        this_broker: &BTreeMap<String, String>,
    ) -> Self {
        Self {
            this_broker: still_legal(this_broker),
            all_brokers: still_legal(all_brokers),
            start: self.start.clone(),
        }
    }

    /// The value that holds; `None` if nobody set one.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut places = self.by_strength();
        let value = places.find_map(|(_, values)| values.get(name));
        value.map(String::as_str)
    }

    /// All places, the strongest first.
    pub(crate) fn by_strength(&self) -> impl Iterator<Item = (Source, &Values)> + Clone {
        [
            (Source::DynamicBroker, &self.this_broker),
            (Source::DynamicDefaultBroker, &self.all_brokers),
            (Source::StaticBroker, &self.start),
        ]
        .into_iter()
    }

    /// What requests have set for all brokers.
    pub(crate) fn all_brokers(&self) -> &Values {
        &self.all_brokers
    }
}

fn still_legal(values: &BTreeMap<String, String>) -> Values {
    let legal = values.iter().filter_map(|(name, value)| {
        let definition = definition(Scope::Broker, name)?;
        let value = definition.check(value).ok()?;
        definition.is_dynamic().then_some((definition.name, value))
    });
    legal.collect()
}
