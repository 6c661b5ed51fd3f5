//! Settings of topics.

use wire::Text;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::{ANY_VERSION, Admin, Outcome};
use crate::error::{ClientError, Refusal};

/// The kind of resource that topics are.
const TOPIC: i8 = 2;

/// A setting of a topic.
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
    /// Every setting of a topic, by name.
    pub async fn topic_configs(&mut self, topic: &str) -> Result<Vec<ConfigEntry>, ClientError> {
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: TOPIC,
                resource_name: Text::from(topic),
                configuration_keys: None,
            }],
            include_synonyms: false,
            include_documentation: false,
        };
        let response = self.call_node(-1, &request, ANY_VERSION).await?;
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
        let resource = |topic: &String| AlterConfigsResource {
            resource_type: TOPIC,
            resource_name: Text::from(topic),
            configs: changes.iter().map(alterable).collect(),
        };
        let request = IncrementalAlterConfigsRequest {
            resources: topics.iter().map(resource).collect(),
            validate_only,
        };
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
}

fn entry(found: &DescribeConfigsResourceResult) -> ConfigEntry {
    ConfigEntry {
        name: found.name.to_string(),
        value: found.value.as_ref().map(ToString::to_string),
        source: source(found.config_source),
        is_sensitive: found.is_sensitive,
    }
}

fn source(number: i8) -> String {
    let name = match number {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        5 => "DEFAULT_CONFIG",
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
