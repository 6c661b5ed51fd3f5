//! The settings of the broker, ready for use.

use std::collections::BTreeMap;

use crate::definition::{Definition, Scope};
use crate::defs::definition;
use crate::layers::Layers;
use crate::value::{ConfigError, Value, lookup};

/// The broker's settings that act, and what was set, for the listing of DescribeConfigs. Times in
/// milliseconds and sizes in bytes as the names say; the ranges are those of the definitions.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerSettings {
    /// `node.id`.
    pub node_id: i32,
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `auto.create.topics.enable`.
    pub auto_create_topics_enable: bool,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub group_initial_rebalance_delay_ms: i32,
    /// `group.max.size`.
    pub group_max_size: i32,
    /// `group.consumer.assignors`.
    pub group_consumer_assignors: Vec<String>,
    /// `group.consumer.heartbeat.interval.ms`.
    pub group_consumer_heartbeat_interval_ms: i32,
    /// `group.consumer.max.heartbeat.interval.ms`.
    pub group_consumer_max_heartbeat_interval_ms: i32,
    /// `group.consumer.max.session.timeout.ms`.
    pub group_consumer_max_session_timeout_ms: i32,
    /// `group.consumer.max.size`.
    pub group_consumer_max_size: i32,
    /// `group.consumer.migration.policy`.
    pub group_consumer_migration_policy: String,
    /// `group.consumer.min.heartbeat.interval.ms`.
    pub group_consumer_min_heartbeat_interval_ms: i32,
    /// `group.consumer.min.session.timeout.ms`.
    pub group_consumer_min_session_timeout_ms: i32,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub group_consumer_regex_refresh_interval_ms: i32,
    /// `group.consumer.session.timeout.ms`.
    pub group_consumer_session_timeout_ms: i32,
    /// `offsets.retention.minutes`.
    pub offsets_retention_minutes: i32,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: i64,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: i32,
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_num_partitions: i32,
    /// `offsets.topic.segment.bytes`.
    pub offsets_topic_segment_bytes: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub transaction_timeout_check_interval_ms: i32,
    /// `transaction.max.timeout.ms`.
    pub transaction_max_timeout_ms: i32,
    /// `transaction.partition.verification.enable`.
    pub transaction_partition_verification_enable: bool,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub transaction_expiration_check_interval_ms: i32,
    /// `transaction.state.log.num.partitions`.
    pub transaction_state_log_num_partitions: i32,
    /// `transactional.id.expiration.ms`.
    pub transactional_id_expiration_ms: i32,
    /// `fetch.max.bytes`.
    pub fetch_max_bytes: i32,
    /// `socket.request.max.bytes`.
    pub socket_request_max_bytes: i32,
    /// `socket.send.buffer.bytes`.
    pub socket_send_buffer_bytes: i32,
    /// `connections.max.idle.ms`.
    pub connections_max_idle_ms: i64,
    /// `max.connections`.
    pub max_connections: i32,
    /// `max.connections.per.ip`.
    pub max_connections_per_ip: i32,
    /// `log.retention.check.interval.ms`.
    pub log_retention_check_interval_ms: i64,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i32,
    /// `log.cleaner.backoff.ms`.
    pub log_cleaner_backoff_ms: i64,
    /// `log.cleaner.dedupe.buffer.size`.
    pub log_cleaner_dedupe_buffer_size: i64,
    /// `log.cleaner.io.buffer.load.factor`.
    pub log_cleaner_io_buffer_load_factor: f64,
    /// `log.cleaner.io.buffer.size`.
    pub log_cleaner_io_buffer_size: i32,
    /// `log.cleaner.io.max.bytes.per.second`.
    pub log_cleaner_io_max_bytes_per_second: f64,
    /// `wal.max.bytes`.
    pub wal_max_bytes: i64,
    /// `memory.max.bytes`.
    pub memory_max_bytes: i64,
    /// What was set, and by whom.
    layers: Layers,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self::typed(Layers::default())
    }
}

impl BrokerSettings {
    /// Checks settings under their Kafka names; what is not named has its default.
    pub fn parse(pairs: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut set = BTreeMap::new();
        for (name, value) in pairs {
            let definition = lookup(Scope::Broker, name)?;
            set.insert(definition.name, definition.check(value)?);
        }
        let settings = Self::typed(Layers::at_start(set));
        settings.check_together()?;
        Ok(settings)
    }

    /// What the broker was given at its start, with what requests have set since: for all brokers, and
    /// for this one alone, which is stronger. Only what can change while the broker runs does.
    pub fn with_changes(
        &self,
        all_brokers: &BTreeMap<String, String>,
        this_broker: &BTreeMap<String, String>,
    ) -> Self {
        Self::typed(self.layers.with_changes(all_brokers, this_broker))
    }

    fn typed(layers: Layers) -> Self {
        let read = Reader { layers: &layers };
        Self {
            node_id: read.int("node.id"),
            num_partitions: read.int("num.partitions"),
            auto_create_topics_enable: read.boolean("auto.create.topics.enable"),
            delete_topic_enable: read.boolean("delete.topic.enable"),
            group_min_session_timeout_ms: read.int("group.min.session.timeout.ms"),
            group_max_session_timeout_ms: read.int("group.max.session.timeout.ms"),
            group_initial_rebalance_delay_ms: read.int("group.initial.rebalance.delay.ms"),
            group_max_size: read.int("group.max.size"),
            group_consumer_assignors: read.list("group.consumer.assignors"),
            group_consumer_heartbeat_interval_ms: read.int("group.consumer.heartbeat.interval.ms"),
            group_consumer_max_heartbeat_interval_ms: read
                .int("group.consumer.max.heartbeat.interval.ms"),
            group_consumer_max_session_timeout_ms: read
                .int("group.consumer.max.session.timeout.ms"),
            group_consumer_max_size: read.int("group.consumer.max.size"),
            group_consumer_migration_policy: read.text("group.consumer.migration.policy"),
            group_consumer_min_heartbeat_interval_ms: read
                .int("group.consumer.min.heartbeat.interval.ms"),
            group_consumer_min_session_timeout_ms: read
                .int("group.consumer.min.session.timeout.ms"),
            group_consumer_regex_refresh_interval_ms: read
                .int("group.consumer.regex.refresh.interval.ms"),
            group_consumer_session_timeout_ms: read.int("group.consumer.session.timeout.ms"),
            offsets_retention_minutes: read.int("offsets.retention.minutes"),
            offsets_retention_check_interval_ms: read.long("offsets.retention.check.interval.ms"),
            offset_metadata_max_bytes: read.int("offset.metadata.max.bytes"),
            offsets_topic_num_partitions: read.int("offsets.topic.num.partitions"),
            offsets_topic_segment_bytes: read.int("offsets.topic.segment.bytes"),
            transaction_timeout_check_interval_ms: read
                .int("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
            transaction_max_timeout_ms: read.int("transaction.max.timeout.ms"),
            transaction_partition_verification_enable: read
                .boolean("transaction.partition.verification.enable"),
            transaction_expiration_check_interval_ms: read
                .int("transaction.remove.expired.transaction.cleanup.interval.ms"),
            transaction_state_log_num_partitions: read.int("transaction.state.log.num.partitions"),
            transactional_id_expiration_ms: read.int("transactional.id.expiration.ms"),
            fetch_max_bytes: read.int("fetch.max.bytes"),
            socket_request_max_bytes: read.int("socket.request.max.bytes"),
            socket_send_buffer_bytes: read.int("socket.send.buffer.bytes"),
            connections_max_idle_ms: read.long("connections.max.idle.ms"),
            max_connections: read.int("max.connections"),
            max_connections_per_ip: read.int("max.connections.per.ip"),
            log_retention_check_interval_ms: read.long("log.retention.check.interval.ms"),
            producer_id_expiration_ms: read.int("producer.id.expiration.ms"),
            log_cleaner_backoff_ms: read.long("log.cleaner.backoff.ms"),
            log_cleaner_dedupe_buffer_size: read.long("log.cleaner.dedupe.buffer.size"),
            log_cleaner_io_buffer_load_factor: read.double("log.cleaner.io.buffer.load.factor"),
            log_cleaner_io_buffer_size: read.int("log.cleaner.io.buffer.size"),
            log_cleaner_io_max_bytes_per_second: read.double("log.cleaner.io.max.bytes.per.second"),
            wal_max_bytes: read.long("wal.max.bytes"),
            memory_max_bytes: read.long("memory.max.bytes"),
            layers,
        }
    }

    /// Checks what cannot be told from one setting alone.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Contradiction`] for the first settings that do not go together.
    pub fn check_together(&self) -> Result<(), ConfigError> {
        let read = Reader {
            layers: &self.layers,
        };
        for (lower, upper) in NOT_ABOVE {
            let (low, high) = (read.int(lower), read.int(upper));
            if low > high {
                return Err(ConfigError::Contradiction {
                    message: format!("{lower} ({low}) is above {upper} ({high})"),
                });
            }
        }
        self.check_topic(&BTreeMap::new())
    }

    /// The value of one setting that holds for a topic, in the form in which it is shown; `None`
    /// for an unknown setting.
    pub fn topic_value_shown(
        &self,
        overrides: &BTreeMap<String, String>,
        name: &str,
    ) -> Option<String> {
        self.topic_value(overrides, name)
            .map(|value| value.to_string())
    }

    /// The value of one setting that holds for the broker, in the form in which it is shown; `None`
    /// for an unknown setting, and for one that is not set and has no default.
    pub fn broker_value_shown(&self, name: &str) -> Option<String> {
        let definition = definition(Scope::Broker, name)?;
        let value = self.layers.value(name).or(definition.default);
        value.map(str::to_owned)
    }

    /// The value of one setting that holds for a group with these settings of its own, in the form in
    /// which it is shown; `None` for an unknown setting.
    pub fn group_value_shown(
        &self,
        overrides: &BTreeMap<String, String>,
        name: &str,
    ) -> Option<String> {
        let listed = self.describe_group(overrides).into_iter();
        listed
            .filter(|one| one.name == name)
            .find_map(|one| one.value)
    }

    /// Who set what.
    pub(crate) fn layers(&self) -> &Layers {
        &self.layers
    }

    /// The value that holds for a topic: its own, else what the broker was given, else the default.
    pub(crate) fn topic_value(
        &self,
        overrides: &BTreeMap<String, String>,
        name: &str,
    ) -> Option<Value> {
        let definition = definition(Scope::Topic, name)?;
        if let Some(own) = overrides.get(name)
            && definition.check(own).is_ok()
        {
            return definition.parse(own).ok();
        }
        self.broker_default(definition).or_else(|| {
            definition
                .default
                .and_then(|default| definition.parse(default).ok())
        })
    }

    /// The value that the broker's own settings give to a topic setting.
    pub(crate) fn broker_default(&self, topic: &Definition) -> Option<Value> {
        topic.synonyms.iter().find_map(|synonym| {
            let broker = definition(Scope::Broker, synonym.name)?;
            match broker.parse(self.layers.value(synonym.name)?).ok()? {
                // A negative number of hours means the same as a negative number of milliseconds.
                Value::Number(number) if number < 0 => Some(Value::Number(number)),
                Value::Number(number) => Some(Value::Number(number.saturating_mul(synonym.factor))),
                other => Some(other),
            }
        })
    }
}

/// Pairs of settings the first of which must not be above the second.
const NOT_ABOVE: &[(&str, &str)] = &[
    (
        "group.min.session.timeout.ms",
        "group.max.session.timeout.ms",
    ),
    (
        "group.consumer.min.session.timeout.ms",
        "group.consumer.session.timeout.ms",
    ),
    (
        "group.consumer.session.timeout.ms",
        "group.consumer.max.session.timeout.ms",
    ),
    (
        "group.consumer.min.heartbeat.interval.ms",
        "group.consumer.heartbeat.interval.ms",
    ),
    (
        "group.consumer.heartbeat.interval.ms",
        "group.consumer.max.heartbeat.interval.ms",
    ),
    (
        "group.consumer.heartbeat.interval.ms",
        "group.consumer.session.timeout.ms",
    ),
];

/// Reads typed values out of what was set, else out of the definitions. What was set is checked
/// before, and the defaults are constants, so a panic here is a wrong row in the tables: making the
/// default settings finds it.
struct Reader<'a> {
    layers: &'a Layers,
}

impl Reader<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let definition = definition(Scope::Broker, name)?;
        let text = self.layers.value(name).or(definition.default)?;
        definition.parse(text).ok()
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Number(number)) => number,
            _ => panic!("{name} is not a number with a default in the tables"),
        }
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).unwrap_or_else(|_| panic!("{name} is not an int"))
    }

    fn double(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Double(value)) => value,
            _ => panic!("{name} is not a double with a default in the tables"),
        }
    }

    fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(Value::Text(text)) => text,
            _ => panic!("{name} is not a text with a default in the tables"),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(Value::List(items)) => items,
            _ => panic!("{name} is not a list with a default in the tables"),
        }
    }

    fn boolean(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Boolean(value)) => value,
            _ => panic!("{name} is not a boolean with a default in the tables"),
        }
    }
}
