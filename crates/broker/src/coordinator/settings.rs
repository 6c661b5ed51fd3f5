//! From the broker's settings to those of the state machines.

use config::BrokerSettings;
use groups::{Assignor, GroupSettings, MigrationPolicy};

pub(super) fn group_settings(settings: &BrokerSettings) -> GroupSettings {
    let size = |setting: i32| usize::try_from(setting).unwrap_or(0);
    let assignors = settings.group_consumer_assignors.iter();
    let assignors = assignors.filter_map(|name| Assignor::from_name(name));
    GroupSettings {
        session_timeout_ms_min: settings.group_min_session_timeout_ms,
        session_timeout_ms_max: settings.group_max_session_timeout_ms,
        initial_rebalance_delay_ms: settings.group_initial_rebalance_delay_ms,
        group_size_max: size(settings.group_max_size),
        consumer_session_timeout_ms: settings.group_consumer_session_timeout_ms,
        consumer_group_size_max: size(settings.group_consumer_max_size),
        consumer_assignors: assignors.collect(),
        consumer_migration: MigrationPolicy::from_name(&settings.group_consumer_migration_policy)
            .unwrap_or(MigrationPolicy::BIDIRECTIONAL),
        pattern_refresh_interval_ms: settings.group_consumer_regex_refresh_interval_ms,
        offset_metadata_units_max: size(settings.offset_metadata_max_bytes),
        offsets_retention_ms: i64::from(settings.offsets_retention_minutes) * 60_000,
        offsets_retention_check_interval_ms: settings.offsets_retention_check_interval_ms,
    }
}
