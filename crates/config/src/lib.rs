//! Settings of the broker, of topics and of groups: one definition each, from which reading,
//! checking, DescribeConfigs and `docs/CONFIGURATION.md` derive.
//!
//! Nothing here reads a file or the environment; the caller brings names and values as text.
//! Settings are passed on as values ([`BrokerSettings`], [`TopicConfig`]), never kept globally.

mod broker_settings;
mod definition;
mod defs;
mod describe;
mod documentation;
mod group_config;
mod layers;
mod topic_config;
mod value;

pub use broker_settings::BrokerSettings;
pub use definition::{Definition, Kind, Scope, Synonym, Valid};
pub use defs::{
    MESSAGE_BYTES_MAX, TOPIC_PARTITIONS_MAX, definition, definitions, nearest, nearest_of,
};
pub use describe::{Described, DescribedSynonym, Source};
pub use documentation::documentation;
pub use group_config::GroupConfig;
pub use topic_config::{CompressionType, TimestampType, TopicConfig};
pub use value::{ConfigError, lookup, split_list};
