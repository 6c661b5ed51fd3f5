//! Settings of topics and brokers.

use wire::Text;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::{ANY_VERSION, Admin, Outcome};
use crate::error::{ClientError, Refusal};

/// The kinds of resources, as requests number them.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// The source of a value that nobody has set.
const DEFAULT: &str = "DEFAULT_CONFIG";

/// What settings belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    /// The topic with this name.
    Topic(String),
    /// The broker with this node id.
    Broker(i32),
    /// All brokers: what was set for them while they run.
    AllBrokers,
}

impl ConfigResource {
    fn kind_and_name(&self) -> (i8, Text) {
        match self {
            Self::Topic(name) => (TOPIC, Text::from(name)),
            Self::Broker(node_id) => (BROKER, Text::from(node_id.to_string())),
            Self::AllBrokers => (BROKER, Text::EMPTY),
        }
    }
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` when it has none or is sensitive.
    pub value: Option<String>,
    /// Where the value comes from, by Kafka's name, such as `DEFAULT_CONFIG`.
    pub source: String,
    /// Whether the value is kept back.
    pub is_sensitive: bool,
    /// Whether no request can change it.
    pub is_read_only: bool,
}

/// What to do with a setting (KIP-339).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOperation {
    /// Give it this value.
    Set,
    /// Fall back to the broker's value.
    Delete,
    /// Add to a list.
    Append,
    /// Remove from a list.
    Subtract,
}

/// A change of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// Name of the setting.
    pub name: String,
    /// What to do with it.
    pub operation: ConfigOperation,
    /// The value; `None` for [`ConfigOperation::Delete`].
    pub value: Option<String>,
}

impl Admin {
    /// Every setting of a resource, by name.
    pub async fn configs(
        &mut self,
        resource: &ConfigResource,
    ) -> Result<Vec<ConfigEntry>, ClientError> {
        let (resource_type, resource_name) = resource.kind_and_name();
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type,
                resource_name,
                configuration_keys: None,
            }],
            include_synonyms: false,
            include_documentation: false,
        };
        let response = match resource {
            // Only that broker knows them.
            ConfigResource::Broker(node_id) => self.call_node(*node_id, &request, ANY_VERSION),
            _ => self.call_node(-1, &request, ANY_VERSION),
        };
        let response = response.await?;
        let mut entries = Vec::new();
        for result in &response.results {
            Refusal::check(result.error_code, result.error_message.as_deref())?;
            entries.extend(result.configs.iter().map(entry));
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Changes settings of topics, or with `validate_only` just checks whether that would succeed.
    /// The outcomes are in the order of `topics`.
    pub async fn alter_topic_configs(
        &mut self,
        topics: &[String],
        changes: &[ConfigChange],
        validate_only: bool,
    ) -> Result<Vec<(String, Outcome)>, ClientError> {
        let resources = topics.iter().cloned().map(ConfigResource::Topic);
        let request = alter_request(resources, changes, validate_only);
        let response = self.call_controller(&request, ANY_VERSION).await?;
        let outcome = |topic: &String| {
            let mut results = response.responses.iter();
            match results.find(|result| result.resource_name == topic.as_str()) {
                Some(result) => Refusal::check(result.error_code, result.error_message.as_deref()),
                None => Refusal::check(-1, None),
            }
        };
        Ok(topics
            .iter()
            .map(|topic| (topic.clone(), outcome(topic)))
            .collect())
    }

    /// Changes settings of one resource, all or none; with `validate_only` just checks whether that
    /// would succeed.
    pub async fn alter_configs(
        &mut self,
        resource: &ConfigResource,
        changes: &[ConfigChange],
        validate_only: bool,
    ) -> Result<(), ClientError> {
        let resources = std::iter::once(resource.clone());
        let request = alter_request(resources, changes, validate_only);
        let response = match resource {
            ConfigResource::Broker(node_id) => {
                self.call_node(*node_id, &request, ANY_VERSION).await?
            }
            _ => self.call_controller(&request, ANY_VERSION).await?,
        };
        match response.responses.first() {
            Some(result) => {
                Refusal::check(result.error_code, result.error_message.as_deref())?;
                Ok(())
            }
            None => Ok(Refusal::check(-1, None)?),
        }
    }
}

fn alter_request(
    resources: impl Iterator<Item = ConfigResource>,
    changes: &[ConfigChange],
    validate_only: bool,
) -> IncrementalAlterConfigsRequest {
    let resources = resources.map(|resource| {
        let (resource_type, resource_name) = resource.kind_and_name();
        AlterConfigsResource {
            resource_type,
            resource_name,
            configs: changes.iter().map(alterable).collect(),
        }
    });
    IncrementalAlterConfigsRequest {
        resources: resources.collect(),
        validate_only,
    }
}

impl ConfigEntry {
    /// Whether nobody has set it.
    pub fn is_default(&self) -> bool {
        self.source == DEFAULT
    }
}

fn entry(found: &DescribeConfigsResourceResult) -> ConfigEntry {
    ConfigEntry {
        name: found.name.to_string(),
        value: found.value.as_ref().map(ToString::to_string),
        source: source(found.config_source),
        is_sensitive: found.is_sensitive,
        is_read_only: found.read_only,
    }
}

fn source(number: i8) -> String {
    let name = match number {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        5 => DEFAULT,
        6 => "DYNAMIC_BROKER_LOGGER_CONFIG",
        7 => "DYNAMIC_CLIENT_METRICS_CONFIG",
        8 => "DYNAMIC_GROUP_CONFIG",
        _ => return format!("SOURCE_{number}"),
    };
    name.to_owned()
}

fn alterable(change: &ConfigChange) -> AlterableConfig {
    AlterableConfig {
        name: Text::from(&change.name),
        config_operation: match change.operation {
            ConfigOperation::Set => 0,
            ConfigOperation::Delete => 1,
            ConfigOperation::Append => 2,
            ConfigOperation::Subtract => 3,
        },
        value: change.value.as_ref().map(Text::from),
    }
}
