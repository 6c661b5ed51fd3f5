//! What the broker does from time to time without being asked.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::Broker;

/// Starts all of it; it ends when the broker stops.
pub(crate) fn start(broker: &Arc<Broker>) {
    let retention_interval_ms = broker.settings.broker.log_retention_check_interval_ms;
    every(broker, "retention", retention_interval_ms, |broker| {
        // May write the metadata of segments; never on a thread of the tasks.
        let storage = Arc::clone(&broker.storage);
        let now_ms = broker.env.clock.wall_ms();
        let work = move || storage.run_retention(now_ms);
        broker.env.spawn.blocking(Box::new(work))
    });
}

/// Runs `action` each time that `interval_ms` has passed since the last run ended.
fn every<F>(
    broker: &Arc<Broker>,
    name: &'static str,
    interval_ms: i64,
    action: impl Fn(&Arc<Broker>) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let interval = Duration::from_millis(u64::try_from(interval_ms).unwrap_or(u64::MAX));
    let mut stopping = broker.stopping();
    let env = broker.env.clone();
    let spawn = Arc::clone(&env.spawn);
    // Not kept alive by its own timer.
    let broker = Arc::downgrade(broker);
    let timer = async move {
        loop {
            let next = env.clock.now() + interval;
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = env.clock.sleep_until(next) => {}
            }
            let Some(broker) = broker.upgrade() else {
                return;
            };
            action(&broker).await;
        }
    };
    spawn.task(name, Box::pin(timer));
}
