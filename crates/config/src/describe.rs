//! Listings for DescribeConfigs: value, source, synonyms.

use std::collections::BTreeMap;

use crate::broker_settings::BrokerSettings;
use crate::definition::{Definition, Kind, Scope};
use crate::defs::{definition, definitions};

/// Where a value comes from, the strongest first (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Set on the topic.
    Topic,
    /// Given to the broker when it was started.
    StaticBroker,
    /// Nobody set it.
    Default,
}

impl Source {
    /// The number in a DescribeConfigs response.
    pub const fn code(self) -> i8 {
        match self {
            Self::Topic => 1,
            Self::StaticBroker => 4,
            Self::Default => 5,
        }
    }
}

/// A value that holds, or would hold if the stronger ones were not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedSynonym {
    /// The setting's name; a broker's name for the default of a topic setting.
    pub name: &'static str,
    /// Its value; `None` is "not set".
    pub value: Option<String>,
    /// Who set it.
    pub source: Source,
}

/// One setting as DescribeConfigs shows it. None is sensitive: there are no passwords yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The setting's name.
    pub name: &'static str,
    /// The value that holds; `None` is "not set".
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// Whether no request can change it: so for all of the broker's, which are read at the start.
    pub read_only: bool,
    /// The type of the value.
    pub kind: Kind,
    /// All values that were set or are defaults, the strongest first.
    pub synonyms: Vec<DescribedSynonym>,
    /// What the setting does.
    pub documentation: &'static str,
}

impl BrokerSettings {
    /// Every setting of the broker, in the order of their names.
    pub fn describe_broker(&self) -> Vec<Described> {
        listing(Scope::Broker, |definition| {
            self.describe_broker_setting(definition)
        })
    }

    /// Every setting of a topic with these settings of its own, in the order of their names.
    pub fn describe_topic(&self, overrides: &BTreeMap<String, String>) -> Vec<Described> {
        listing(Scope::Topic, |definition| {
            self.describe_topic_setting(definition, overrides)
        })
    }

    fn describe_broker_setting(&self, definition: &'static Definition) -> Described {
        let synonyms = self.broker_synonyms(std::iter::once(definition.name));
        let (value, source) = match synonyms.first() {
            Some(synonym) => (synonym.value.clone(), synonym.source),
            None => (None, Source::Default),
        };
        described(definition, value, source, synonyms)
    }

    fn describe_topic_setting(
        &self,
        definition: &'static Definition,
        overrides: &BTreeMap<String, String>,
    ) -> Described {
        let own = overrides
            .get(definition.name)
            .and_then(|own| definition.check(own).ok());
        let mut synonyms = Vec::new();
        if let Some(own) = &own {
            synonyms.push(DescribedSynonym {
                name: definition.name,
                value: Some(own.clone()),
                source: Source::Topic,
            });
        }
        synonyms.extend(self.broker_synonyms(definition.synonyms.iter().map(|s| s.name)));
        let source = match synonyms.first() {
            Some(synonym) => synonym.source,
            None => Source::Default,
        };
        let value = self
            .topic_value(overrides, definition.name)
            .map(|value| value.to_string());
        described(definition, value, source, synonyms)
    }

    /// What the broker was given under these names, then their defaults, each in the order given.
    fn broker_synonyms<'a>(
        &self,
        names: impl Iterator<Item = &'static str> + Clone + 'a,
    ) -> Vec<DescribedSynonym> {
        let set = names.clone().filter_map(|name| {
            self.value_set(name).map(|value| DescribedSynonym {
                name,
                value: Some(value.to_owned()),
                source: Source::StaticBroker,
            })
        });
        let defaults = names.filter_map(|name| {
            definition(Scope::Broker, name)?
                .default
                .map(|default| DescribedSynonym {
                    name,
                    value: Some(default.to_owned()),
                    source: Source::Default,
                })
        });
        set.chain(defaults).collect()
    }
}

fn listing(scope: Scope, describe: impl Fn(&'static Definition) -> Described) -> Vec<Described> {
    let mut all: Vec<_> = definitions(scope).map(describe).collect();
    all.sort_by_key(|described| described.name);
    all
}

fn described(
    definition: &'static Definition,
    value: Option<String>,
    source: Source,
    synonyms: Vec<DescribedSynonym>,
) -> Described {
    Described {
        name: definition.name,
        value,
        source,
        read_only: definition.scope == Scope::Broker,
        kind: definition.kind,
        synonyms,
        documentation: definition.doc,
    }
}
