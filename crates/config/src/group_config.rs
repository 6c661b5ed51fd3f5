//! The settings of groups, which lie over the broker's.

use std::collections::BTreeMap;

use crate::broker_settings::BrokerSettings;
use crate::value::ConfigError;

/// The settings of a group that act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat_interval_ms: i32,
    /// `consumer.session.timeout.ms`.
    pub consumer_session_timeout_ms: i32,
}

const HEARTBEAT_INTERVAL: &str = "consumer.heartbeat.interval.ms";
const SESSION_TIMEOUT: &str = "consumer.session.timeout.ms";

impl BrokerSettings {
    /// The settings of a group with these settings of its own. If these cannot be a group's with the
    /// broker's settings of today, they count as not set.
    pub fn group_config(&self, overrides: &BTreeMap<String, String>) -> GroupConfig {
        self.over_broker(self.legal_of_group(overrides))
    }

    /// Whether a group may have these settings of its own: within the broker's bounds, and so that they
    /// do not contradict each other.
    pub fn check_group(&self, overrides: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        let mut acts = false;
        for (name, lowest, highest) in [
            (
                HEARTBEAT_INTERVAL,
                self.group_consumer_min_heartbeat_interval_ms,
                self.group_consumer_max_heartbeat_interval_ms,
            ),
            (
                SESSION_TIMEOUT,
                self.group_consumer_min_session_timeout_ms,
                self.group_consumer_max_session_timeout_ms,
            ),
        ] {
            let Some(value) = overrides.get(name) else {
                continue;
            };
            acts = true;
            if !number(value).is_some_and(|ms| (lowest..=highest).contains(&ms)) {
                return Err(ConfigError::Invalid {
                    name,
                    value: value.clone(),
                    expected: format!(
                        "a whole number from {lowest} to {highest}, which are the broker's bounds"
                    ),
                });
            }
        }
        let GroupConfig {
            consumer_heartbeat_interval_ms: heartbeat,
            consumer_session_timeout_ms: session,
        } = self.over_broker(overrides);
        if acts && heartbeat >= session {
            return Err(ConfigError::Contradiction {
                message: format!(
                    "{HEARTBEAT_INTERVAL} ({heartbeat}) is not below {SESSION_TIMEOUT} ({session})"
                ),
            });
        }
        Ok(())
    }

    /// A group's own settings, or none if they cannot be its own.
    pub(crate) fn legal_of_group<'a>(
        &self,
        overrides: &'a BTreeMap<String, String>,
    ) -> &'a BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self.check_group(overrides) {
            Ok(()) => overrides,
            Err(_) => &NONE,
        }
    }

    fn over_broker(&self, overrides: &BTreeMap<String, String>) -> GroupConfig {
        let own = |name: &str| overrides.get(name).and_then(|value| number(value));
        GroupConfig {
            consumer_heartbeat_interval_ms: own(HEARTBEAT_INTERVAL)
                .unwrap_or(self.group_consumer_heartbeat_interval_ms),
            consumer_session_timeout_ms: own(SESSION_TIMEOUT)
                .unwrap_or(self.group_consumer_session_timeout_ms),
        }
    }
}

fn number(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}
