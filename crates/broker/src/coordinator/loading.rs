//! Folding the logs of `__consumer_offsets` at the start.

use std::collections::BTreeSet;
use std::sync::Arc;

use config::BrokerSettings;
use groups::{Coordinator, GroupSettings, RecordError};
use model::TopicName;
use storage::Log;
use transactions::Outcome;

use super::OFFSETS_TOPIC;
use super::partition::Partition;
use super::settings::group_settings;
use crate::broker::Broker;
use crate::coordinator_partitions::Coordinated;
use crate::deadline_timer::Timer;
use crate::log_fold::{self, FoldError};
use crate::record_batches::{self, Role};

impl Coordinated for Partition {
    const TOPIC: &'static str = OFFSETS_TOPIC;
    const TIMER: &'static str = "group-timer";

    fn partition_count(settings: &BrokerSettings) -> i32 {
        settings.offsets_topic_num_partitions
    }

    fn load(broker: &Arc<Broker>, log: &Arc<Log>, index: i32, timer: &Arc<Timer>) -> Arc<Self> {
        let settings = group_settings(&broker.settings.broker);
        let coordinator = match fold(broker, log, settings) {
            Ok(coordinator) => Some(coordinator),
            Err(error) => {
                tracing::error!(partition = index, log = %log.id(), %error, "groups are not known");
                None
            }
        };
        let gone = coordinator.as_ref().map(|c| topics_gone(broker, c));
        let partition = Self::new(Arc::clone(log), broker, Arc::clone(timer), coordinator);
        for name in gone.into_iter().flatten() {
            partition.delete_topic(&name);
        }
        Arc::new(partition)
    }
}

fn fold(
    broker: &Arc<Broker>,
    log: &Arc<Log>,
    settings: GroupSettings,
) -> Result<Coordinator, FoldError<RecordError>> {
    let mut coordinator = Coordinator::new(settings);
    log_fold::each_batch(log, |batch| {
        let role = record_batches::role(batch).map_err(FoldError::Batch)?;
        let producer_id = match role {
            Role::Plain => None,
            Role::Part(producer_id) => Some(producer_id),
            Role::Marker(producer_id, outcome) => {
                coordinator.replay_marker(producer_id, outcome == Outcome::Commit);
                return Ok(());
            }
            Role::Control => return Ok(()),
        };
        for (key, value) in record_batches::records(batch).map_err(FoldError::Batch)? {
            let key = key.unwrap_or_default();
            match producer_id {
                None => coordinator.replay(&key, value),
                Some(producer_id) => coordinator.replay_in_transaction(producer_id, &key, value),
            }
            .map_err(FoldError::Record)?;
        }
        Ok(())
    })?;
    coordinator
        .finish_replay(broker.env.clock.now().0)
        .map_err(FoldError::Record)?;
    Ok(coordinator)
}

/// Topics that have offsets and are not there any more: the broker stopped between a deletion and
/// what follows from it.
fn topics_gone(broker: &Arc<Broker>, coordinator: &Coordinator) -> BTreeSet<TopicName> {
    let published = broker.metadata.published();
    if published.topics.may_lack() {
        return BTreeSet::new();
    }
    coordinator
        .topics()
        .filter(|topic| published.topics.by_name(topic).is_err())
        .cloned()
        .collect()
}
