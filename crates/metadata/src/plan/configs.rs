//! Changing the settings of topics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use config::{BrokerSettings, ConfigError, Kind, Scope, split_list};

use super::checked_config;
use crate::image::{Image, Topic};
use crate::record::MetadataRecord;

/// One change of a setting (KIP-339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfig {
    /// The setting.
    pub name: String,
    /// What happens to it.
    pub operation: AlterOperation,
}

/// What happens to a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterOperation {
    /// It gets this value.
    Set(String),
    /// It goes back to the default.
    Delete,
    /// Items that it does not have are added to the list.
    Append(String),
    /// Items are taken out of the list.
    Subtract(String),
}

/// Why the settings of a topic are left as they are. The text is meant for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterConfigsError {
    /// No topic has this name.
    UnknownTopic,
    /// The topic is the broker's own.
    Internal,
    /// A setting is named twice.
    Duplicate(String),
    /// The setting is no list, so nothing can be added or taken out.
    NotAList(&'static str),
    /// A setting is refused.
    InvalidConfig(ConfigError),
}

impl fmt::Display for AlterConfigsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopic => f.write_str("there is no such topic"),
            Self::Internal => f.write_str("the topic is the broker's own; its settings are fixed"),
            Self::Duplicate(name) => write!(f, "config {name} is named twice"),
            Self::NotAList(name) => {
                write!(
                    f,
                    "config {name} is not a list: nothing can be appended or subtracted"
                )
            }
            Self::InvalidConfig(error) => error.fmt(f),
        }
    }
}

/// Changes some settings of a topic (IncrementalAlterConfigs); all or none. `None` if everything is
/// already as asked for.
pub fn plan_alter_topic_configs(
    image: &Image,
    settings: &BrokerSettings,
    topic: &str,
    changes: &[AlterConfig],
) -> Result<Option<MetadataRecord>, AlterConfigsError> {
    let topic = alterable(image, topic)?;
    check_unique(changes.iter().map(|change| change.name.as_str()))?;
    let mut configs = topic.configs.clone();
    for AlterConfig { name, operation } in changes {
        match operation {
            AlterOperation::Set(value) => set(&mut configs, name, value)?,
            // A setting that is not known cannot be set, so it is gone already.
            AlterOperation::Delete => {
                configs.remove(name);
            }
            AlterOperation::Append(items) => {
                let mut list = current_list(settings, topic, name)?;
                for item in split_list(items) {
                    if !list.contains(&item) {
                        list.push(item);
                    }
                }
                set(&mut configs, name, &list.join(","))?;
            }
            AlterOperation::Subtract(items) => {
                let gone = split_list(items);
                let mut list = current_list(settings, topic, name)?;
                list.retain(|item| !gone.contains(item));
                set(&mut configs, name, &list.join(","))?;
            }
        }
    }
    Ok(changed(topic, configs))
}

/// Replaces all settings of a topic (AlterConfigs): those that are not named go back to their
/// defaults. `None` if everything is already as asked for.
pub fn plan_replace_topic_configs(
    image: &Image,
    topic: &str,
    wanted: &[(String, String)],
) -> Result<Option<MetadataRecord>, AlterConfigsError> {
    let topic = alterable(image, topic)?;
    check_unique(wanted.iter().map(|(name, _)| name.as_str()))?;
    let mut configs = BTreeMap::new();
    for (name, value) in wanted {
        set(&mut configs, name, value)?;
    }
    Ok(changed(topic, configs))
}

fn alterable<'a>(image: &'a Image, topic: &str) -> Result<&'a Topic, AlterConfigsError> {
    let topic = image.topic(topic).ok_or(AlterConfigsError::UnknownTopic)?;
    if topic.is_internal() {
        return Err(AlterConfigsError::Internal);
    }
    Ok(topic)
}

fn check_unique<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), AlterConfigsError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(AlterConfigsError::Duplicate(name.to_owned()));
        }
    }
    Ok(())
}

fn set(
    configs: &mut BTreeMap<String, String>,
    name: &str,
    value: &str,
) -> Result<(), AlterConfigsError> {
    let (name, value) = checked_config(name, value).map_err(AlterConfigsError::InvalidConfig)?;
    configs.insert(name, value);
    Ok(())
}

fn current_list(
    settings: &BrokerSettings,
    topic: &Topic,
    name: &str,
) -> Result<Vec<String>, AlterConfigsError> {
    let definition =
        config::lookup(Scope::Topic, name).map_err(AlterConfigsError::InvalidConfig)?;
    if definition.kind != Kind::List {
        return Err(AlterConfigsError::NotAList(definition.name));
    }
    let current = settings.topic_value_shown(&topic.configs, definition.name);
    Ok(split_list(&current.unwrap_or_default()))
}

fn changed(topic: &Topic, configs: BTreeMap<String, String>) -> Option<MetadataRecord> {
    if configs == topic.configs {
        return None;
    }
    Some(MetadataRecord::TopicConfigs {
        id: topic.id,
        configs,
    })
}
