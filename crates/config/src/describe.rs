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
    /// Set on the group.
    Group,
    /// Set by a request, for this broker.
    DynamicBroker,
    /// Set by a request, for all brokers.
    DynamicDefaultBroker,
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
            Self::DynamicBroker => 2,
            Self::DynamicDefaultBroker => 3,
            Self::StaticBroker => 4,
            Self::Default => 5,
            Self::Group => 8,
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
    /// Whether no request can change it.
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

    /// The settings that requests have set for all brokers, in the order of their names.
    pub fn describe_all_brokers(&self) -> Vec<Described> {
        let set = self.layers().all_brokers();
        let set = set.iter().filter_map(|(name, value)| {
            let synonym = DescribedSynonym {
                name,
                value: Some(value.clone()),
                source: Source::DynamicDefaultBroker,
            };
            let definition = definition(Scope::Broker, name)?;
            let value = synonym.value.clone();
            Some(described(definition, value, synonym.source, vec![synonym]))
        });
        set.collect()
    }

    /// Every setting of a group with these settings of its own, in the order of their names.
    pub fn describe_group(&self, overrides: &BTreeMap<String, String>) -> Vec<Described> {
        let overrides = self.legal_of_group(overrides);
        listing(Scope::Group, |definition| {
            self.describe_group_setting(definition, overrides)
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

    fn describe_group_setting(
        &self,
        definition: &'static Definition,
        overrides: &BTreeMap<String, String>,
    ) -> Described {
        let mut synonyms = Vec::new();
        synonyms.extend(own_synonym(definition, overrides, Source::Group));
        match group_default(definition) {
            Some(broker) => synonyms.extend(self.broker_synonyms(std::iter::once(broker.name))),
            None => synonyms.extend(definition.default.map(|default| DescribedSynonym {
                name: definition.name,
                value: Some(default.to_owned()),
                source: Source::Default,
            })),
        }
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
        let mut synonyms = Vec::new();
        synonyms.extend(own_synonym(definition, overrides, Source::Topic));
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

    /// What the broker has under these names, by strength, then their defaults, each in the order
    /// given.
    fn broker_synonyms<'a>(
        &self,
        names: impl Iterator<Item = &'static str> + Clone + 'a,
    ) -> Vec<DescribedSynonym> {
        let mut synonyms = Vec::new();
        for (source, values) in self.layers().by_strength() {
            let set = names.clone().filter_map(|name| {
                values.get(name).map(|value| DescribedSynonym {
                    name,
                    value: Some(value.clone()),
                    source,
                })
            });
            synonyms.extend(set);
        }
        let defaults = names.filter_map(|name| {
            definition(Scope::Broker, name)?
                .default
                .map(|default| DescribedSynonym {
                    name,
                    value: Some(default.to_owned()),
                    source: Source::Default,
                })
        });
        synonyms.extend(defaults);
        synonyms
    }
}

/// What a topic or a group has set for itself; what is no longer legal counts as not set.
fn own_synonym(
    definition: &'static Definition,
    overrides: &BTreeMap<String, String>,
    source: Source,
) -> Option<DescribedSynonym> {
    let own = overrides.get(definition.name)?;
    Some(DescribedSynonym {
        name: definition.name,
        value: Some(definition.check(own).ok()?),
        source,
    })
}

/// The broker setting that gives the default of a group setting: its name has `group.` in front.
fn group_default(group: &Definition) -> Option<&'static Definition> {
    definition(Scope::Broker, &format!("group.{}", group.name))
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
        read_only: !definition.is_dynamic(),
        kind: definition.kind,
        synonyms,
        documentation: definition.doc,
    }
}
