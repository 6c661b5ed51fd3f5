//! Changing settings: of topics, of the broker, of groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use config::{BrokerSettings, ConfigError, Kind, Scope, split_list};

use super::is_internal;
use crate::image::Image;
use crate::record::MetadataRecord;

/// What settings belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The topic with this name.
    Topic(&'a str),
    /// All brokers.
    AllBrokers,
    /// The broker with this node id.
    Broker(i32),
    /// The group with this id, whether or not there is one.
    Group(&'a str),
}

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

/// Why settings are left as they are. The text is meant for the client.
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
    /// A setting of a topic or a group is refused.
    InvalidConfig(ConfigError),
    /// A setting of the broker is refused.
    InvalidBrokerConfig(ConfigError),
    /// The setting is read when the broker starts.
    NotDynamic(&'static str),
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
            Self::InvalidConfig(error) | Self::InvalidBrokerConfig(error) => error.fmt(f),
            Self::NotDynamic(name) => write!(
                f,
                "config {name} is read when the broker starts and cannot be changed while it runs"
            ),
        }
    }
}

/// Changes some settings of a resource (IncrementalAlterConfigs); all or none. `None` if everything is
/// already as asked for.
pub fn plan_alter_configs(
    image: &Image,
    settings: &BrokerSettings,
    resource: Resource<'_>,
    changes: &[AlterConfig],
) -> Result<Option<MetadataRecord>, AlterConfigsError> {
    let before = current(image, resource)?;
    check_unique(changes.iter().map(|change| change.name.as_str()))?;
    let mut configs = before.clone();
    let list = |name: &str| current_list(settings, resource, before, name);
    for AlterConfig { name, operation } in changes {
        match operation {
            AlterOperation::Set(value) => set(&mut configs, resource, name, value)?,
            // A setting that is not known cannot be set, so it is gone already.
            AlterOperation::Delete => {
                configs.remove(name);
            }
            AlterOperation::Append(items) => {
                let mut list = list(name)?;
                for item in split_list(items) {
                    if !list.contains(&item) {
                        list.push(item);
                    }
                }
                set(&mut configs, resource, name, &list.join(","))?;
            }
            AlterOperation::Subtract(items) => {
                let gone = split_list(items);
                let mut list = list(name)?;
                list.retain(|item| !gone.contains(item));
                set(&mut configs, resource, name, &list.join(","))?;
            }
        }
    }
    check_whole(image, settings, resource, &configs)?;
    Ok(changed(image, resource, before, configs))
}

/// Replaces all settings of a resource (AlterConfigs): those that are not named go back to their
/// defaults. `None` if everything is already as asked for.
pub fn plan_replace_configs(
    image: &Image,
    settings: &BrokerSettings,
    resource: Resource<'_>,
    wanted: &[(String, String)],
) -> Result<Option<MetadataRecord>, AlterConfigsError> {
    let before = current(image, resource)?;
    check_unique(wanted.iter().map(|(name, _)| name.as_str()))?;
    let mut configs = BTreeMap::new();
    for (name, value) in wanted {
        set(&mut configs, resource, name, value)?;
    }
    check_whole(image, settings, resource, &configs)?;
    Ok(changed(image, resource, before, configs))
}

/// What is set of the resource now, if it may be changed.
fn current<'a>(
    image: &'a Image,
    resource: Resource<'_>,
) -> Result<&'a BTreeMap<String, String>, AlterConfigsError> {
    match resource {
        Resource::Topic(name) => {
            let topic = image.topic(name).ok_or(AlterConfigsError::UnknownTopic)?;
            if is_internal(&topic.name) {
                return Err(AlterConfigsError::Internal);
            }
            Ok(&topic.configs)
        }
        Resource::AllBrokers => Ok(image.broker_configs(None)),
        Resource::Broker(node_id) => Ok(image.broker_configs(Some(node_id))),
        Resource::Group(group_id) => Ok(image.group_configs(group_id)),
    }
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

impl Resource<'_> {
    fn scope(self) -> Scope {
        match self {
            Self::Topic(_) => Scope::Topic,
            Self::AllBrokers | Self::Broker(_) => Scope::Broker,
            Self::Group(_) => Scope::Group,
        }
    }

    fn refusal(self, error: ConfigError) -> AlterConfigsError {
        match self.scope() {
            Scope::Broker => AlterConfigsError::InvalidBrokerConfig(error),
            Scope::Topic | Scope::Group => AlterConfigsError::InvalidConfig(error),
        }
    }
}

fn set(
    configs: &mut BTreeMap<String, String>,
    resource: Resource<'_>,
    name: &str,
    value: &str,
) -> Result<(), AlterConfigsError> {
    let refused = |error| resource.refusal(error);
    let definition = config::lookup(resource.scope(), name).map_err(refused)?;
    if !definition.is_dynamic() {
        return Err(AlterConfigsError::NotDynamic(definition.name));
    }
    let value = definition.check(value).map_err(refused)?;
    configs.insert(definition.name.to_owned(), value);
    Ok(())
}

/// Checks what cannot be told from one setting alone.
fn check_whole(
    image: &Image,
    settings: &BrokerSettings,
    resource: Resource<'_>,
    configs: &BTreeMap<String, String>,
) -> Result<(), AlterConfigsError> {
    let checked = match resource {
        Resource::Topic(_) => settings.check_topic(configs),
        Resource::Group(_) => settings.check_group(configs),
        Resource::AllBrokers => {
            let of_this = image.broker_configs(Some(settings.node_id));
            settings.with_changes(configs, of_this).check_together()
        }
        Resource::Broker(_) => {
            let of_all = image.broker_configs(None);
            settings.with_changes(of_all, configs).check_together()
        }
    };
    checked.map_err(|error| resource.refusal(error))
}

fn current_list(
    settings: &BrokerSettings,
    resource: Resource<'_>,
    configs: &BTreeMap<String, String>,
    name: &str,
) -> Result<Vec<String>, AlterConfigsError> {
    let definition =
        config::lookup(resource.scope(), name).map_err(|error| resource.refusal(error))?;
    if definition.kind != Kind::List {
        return Err(AlterConfigsError::NotAList(definition.name));
    }
    let current = match resource {
        Resource::Topic(_) => settings.topic_value_shown(configs, definition.name),
        Resource::AllBrokers | Resource::Broker(_) => settings.broker_value_shown(definition.name),
        Resource::Group(_) => settings.group_value_shown(configs, definition.name),
    };
    Ok(split_list(&current.unwrap_or_default()))
}

fn changed(
    image: &Image,
    resource: Resource<'_>,
    before: &BTreeMap<String, String>,
    configs: BTreeMap<String, String>,
) -> Option<MetadataRecord> {
    if configs == *before {
        return None;
    }
    Some(match resource {
        Resource::Topic(name) => MetadataRecord::TopicConfigs {
            id: image.topic(name)?.id,
            configs,
        },
        Resource::AllBrokers => MetadataRecord::BrokerConfigs {
            node_id: None,
            configs,
        },
        Resource::Broker(node_id) => MetadataRecord::BrokerConfigs {
            node_id: Some(node_id),
            configs,
        },
        Resource::Group(group_id) => MetadataRecord::GroupConfigs {
            group_id: group_id.to_owned(),
            configs,
        },
    })
}
