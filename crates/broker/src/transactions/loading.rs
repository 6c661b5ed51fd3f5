//! Folding the logs of `__transaction_state` at the start.

use std::sync::Arc;

use config::BrokerSettings;
use coordination::Now;
use storage::Log;
use transactions::{Coordinator, RecordError, TransactionSettings};

use super::TRANSACTIONS_TOPIC;
use super::partition::Partition;
use crate::broker::Broker;
use crate::coordinator_partitions::Coordinated;
use crate::deadline_timer::{Timed, Timer};
use crate::log_fold::{self, FoldError};
use crate::record_batches::{self, Role};

impl Coordinated for Partition {
    const TOPIC: &'static str = TRANSACTIONS_TOPIC;
    const TIMER: &'static str = "transaction-timer";

    fn partition_count(settings: &BrokerSettings) -> i32 {
        settings.transaction_state_log_num_partitions
    }

    /// Goes on with the transactions that were being ended.
    fn load(broker: &Arc<Broker>, log: &Arc<Log>, index: i32, timer: &Arc<Timer>) -> Arc<Self> {
        let coordinator = match fold(broker, log) {
            Ok(coordinator) => Some(coordinator),
            Err(error) => {
                let log = log.id();
                tracing::error!(partition = index, %log, %error, "transactions are not known");
                None
            }
        };
        let (log, timer) = (Arc::clone(log), Arc::clone(timer));
        let partition = Arc::new(Self::new(log, broker, timer, coordinator));
        partition.tick();
        partition
    }
}

fn fold(broker: &Broker, log: &Arc<Log>) -> Result<Coordinator, FoldError<RecordError>> {
    let mut coordinator = Coordinator::new(transaction_settings(&broker.settings.broker));
    log_fold::each_batch(log, |batch| {
        // No record of a transactional id stands in one.
        let role = record_batches::role(batch).map_err(FoldError::Batch)?;
        if matches!(role, Role::Marker(..) | Role::Control) {
            return Ok(());
        }
        for (key, value) in record_batches::records(batch).map_err(FoldError::Batch)? {
            coordinator
                .replay(&key.unwrap_or_default(), value)
                .map_err(FoldError::Record)?;
        }
        Ok(())
    })?;
    let clock = &broker.env.clock;
    coordinator.finish_replay(Now {
        monotonic: clock.now().0,
        wall_ms: clock.wall_ms(),
    });
    Ok(coordinator)
}

fn transaction_settings(settings: &BrokerSettings) -> TransactionSettings {
    TransactionSettings {
        timeout_ms_max: settings.transaction_max_timeout_ms,
        expiration_ms: i64::from(settings.transactional_id_expiration_ms),
        timeout_check_interval_ms: settings.transaction_timeout_check_interval_ms,
        expiration_check_interval_ms: settings.transaction_expiration_check_interval_ms,
    }
}
