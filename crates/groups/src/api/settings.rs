//! What a coordinator goes by.

use crate::assignors::Assignor;

/// The settings a coordinator goes by; the names are Kafka's, with the unit last.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`: a member that asks for less is refused.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`: a member that asks for more is refused.
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits for
    /// more members; 0 does not wait.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`: most members of a group.
    pub group_size_max: usize,
    /// `group.consumer.session.timeout.ms`: how long members of a consumer group have after a restart
    /// of the broker to show a sign of life.
    pub consumer_session_timeout_ms: i32,
    /// `group.consumer.max.size`: most members of a consumer group.
    pub consumer_group_size_max: usize,
    /// `group.consumer.assignors`: what consumer groups can choose from; the first is the default.
    pub consumer_assignors: Vec<Assignor>,
    /// `group.consumer.migration.policy`.
    pub consumer_migration: MigrationPolicy,
    /// `group.consumer.regex.refresh.interval.ms`: how often patterns are looked up at least.
    pub pattern_refresh_interval_ms: i32,
    /// `offset.metadata.max.bytes`: longest metadata of a commit, which Kafka counts in UTF-16 code
    /// units in spite of the name.
    pub offset_metadata_units_max: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`: how often a group's offsets are looked through.
    pub offsets_retention_check_interval_ms: i64,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            group_size_max: i32::MAX as usize,
            consumer_session_timeout_ms: 45_000,
            consumer_group_size_max: i32::MAX as usize,
            consumer_assignors: Assignor::ALL.to_vec(),
            consumer_migration: MigrationPolicy::BIDIRECTIONAL,
            pattern_refresh_interval_ms: 600_000,
            offset_metadata_units_max: 4_096,
            offsets_retention_ms: 10_080 * 60_000,
            offsets_retention_check_interval_ms: 600_000,
        }
    }
}

/// Which way a group with members may change its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationPolicy {
    /// From a classic group to a consumer group, when the first member on the consumer protocol comes.
    pub may_upgrade: bool,
    /// And back, when the last one goes.
    pub may_downgrade: bool,
}

impl MigrationPolicy {
    /// Both ways.
    pub const BIDIRECTIONAL: Self = Self {
        may_upgrade: true,
        may_downgrade: true,
    };

    /// The policy with this name, whatever the case of its letters.
    pub fn from_name(name: &str) -> Option<Self> {
        let (may_upgrade, may_downgrade) = match name.to_ascii_lowercase().as_str() {
            "disabled" => (false, false),
            "upgrade" => (true, false),
            "downgrade" => (false, true),
            "bidirectional" => (true, true),
            _ => return None,
        };
        Some(Self {
            may_upgrade,
            may_downgrade,
        })
    }
}
