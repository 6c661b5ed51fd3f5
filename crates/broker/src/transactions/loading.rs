//! Folding the logs of `__transaction_state` at the start.

use std::sync::Arc;

use coordination::Now;
use model::ErrorCode;
use storage::Log;
use transactions::{Coordinator, RecordError, TransactionSettings};

use super::ending::Markers;
use super::partition::Partition;
use crate::broker::Broker;
use crate::deadline_timer::{Timed, Timer};
use crate::log_fold::{self, FoldError};
use crate::record_batches::{self, Role};
use crate::topics::Topic;

/// Loads all partitions, and goes on with the transactions that were being ended. Blocks while it reads. A
/// partition that cannot be read answers for none of its ids; the others do.
pub(super) fn load(
    broker: &Arc<Broker>,
    topic: &Topic,
    settings: TransactionSettings,
    timer: &Arc<Timer>,
) -> Result<Vec<Arc<Partition>>, ErrorCode> {
    let markers = Markers::new(broker);
    let mut partitions = Vec::with_capacity(topic.partition_count());
    for index in (0..).take(topic.partition_count()) {
        let log = topic.log(index)?;
        let coordinator = match fold(broker, log, settings) {
            Ok(coordinator) => Some(coordinator),
            Err(error) => {
                let log = log.id();
                tracing::error!(partition = index, %log, %error, "transactions are not known");
                None
            }
        };
        let (log, timer) = (Arc::clone(log), Arc::clone(timer));
        let partition = Partition::new(log, broker, markers.clone(), timer, coordinator);
        let partition = Arc::new(partition);
        partition.tick();
        partitions.push(partition);
    }
    Ok(partitions)
}

fn fold(
    broker: &Broker,
    log: &Arc<Log>,
    settings: TransactionSettings,
) -> Result<Coordinator, FoldError<RecordError>> {
    let mut coordinator = Coordinator::new(settings);
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
