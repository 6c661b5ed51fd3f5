//! The broker as a whole: what it is made of, how it opens, how it stops, and how it is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use config::BrokerSettings;
use env::{Env, Monotonic};
use metadata::plan_cluster;
use model::{ErrorCode, LogId};
use storage::{Durability, Opened, Recovery, Sequence, Storage, StorageSettings};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::coordinator::GroupCoordinators;
use crate::deadlines::{self, Deadlines};
use crate::egress::EgressBudget;
use crate::errors;
use crate::limits::{DISK_READS_MAX, EGRESS_MEMORY_DIVISOR};
use crate::log_configs;
use crate::metadata_store::{
    self, MetadataFoldError, MetadataStore, MetadataWriteError, Plan, UpdateError,
};
use crate::metrics::Metrics;
use crate::producer_ids::ProducerIds;
use crate::quotas::QuotaMeters;
use crate::settings::Settings;
use crate::timers;
use crate::transactions::TransactionCoordinators;

/// One broker with everything it owns.
pub struct Broker {
    pub(crate) env: Env,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) settings: Settings,
    pub(crate) storage: Arc<Storage>,
    pub(crate) metadata: Arc<MetadataStore>,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) groups: Arc<GroupCoordinators>,
    pub(crate) transactions: TransactionCoordinators,
    pub(crate) metrics: Metrics,
    pub(crate) egress: EgressBudget,
    pub(crate) quota_meters: QuotaMeters,
    cluster_id: Option<String>,
    disk_reads: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broker")
    }
}

/// The broker cannot start.
#[derive(Debug)]
pub enum OpenError {
    /// The data directory cannot be opened.
    Storage(storage::OpenError),
    /// The metadata log cannot be read, so that nobody knows which topics there are.
    Metadata {
        /// The data directory.
        data_dir: PathBuf,
        /// What is wrong.
        error: MetadataFoldError,
    },
    /// A new data directory cannot be written to.
    FirstWrite {
        /// The data directory.
        data_dir: PathBuf,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Metadata { data_dir, error } => {
                write!(f, "the metadata log in {}: {error}", data_dir.display())
            }
            Self::FirstWrite { data_dir } => {
                write!(f, "{} cannot be written to", data_dir.display())
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// One reason why the broker is not, or not wholly, ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// A short name of what is wrong.
    pub code: &'static str,
    /// The file concerned, if it is one.
    pub path: Option<PathBuf>,
    /// The position in the file, in bytes.
    pub position: Option<u64>,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl Broker {
    /// Recovers a data directory and starts to work on it. Blocks while it reads; returns when the
    /// broker can answer requests.
    pub async fn open(env: Env, settings: Settings) -> Result<Arc<Self>, OpenError> {
        let (opened, image) = recover(&env, &settings)?;
        log_report(&opened.report);
        let storage = opened.storage;
        storage.start();
        let Some(metadata_log) = storage.log(LogId::METADATA) else {
            panic!("the engine opened without its metadata log");
        };
        let metadata = Arc::new(MetadataStore::new(
            env.clone(),
            Arc::clone(&storage),
            settings.broker.clone(),
            metadata_log,
            image,
        ));
        let cluster_id = match cluster_id(&env, &metadata).await {
            Ok(cluster_id) => Some(cluster_id),
            // It is among what is damaged, and what is damaged has been told.
            Err(_) if storage.is_read_only() => None,
            Err(error) => {
                tracing::error!(?error, "the cluster id cannot be written");
                let data_dir = settings.data_dir.clone();
                return Err(OpenError::FirstWrite { data_dir });
            }
        };
        let egress_bytes = settings.broker.memory_max_bytes / EGRESS_MEMORY_DIVISOR;
        let broker = Arc::new(Self {
            deadlines: Arc::new(Deadlines::new(Arc::clone(&env.clock))),
            env,
            settings,
            storage,
            metadata,
            producer_ids: ProducerIds::default(),
            groups: Arc::default(),
            transactions: TransactionCoordinators::default(),
            metrics: Metrics::new(),
            egress: EgressBudget::new(usize::try_from(egress_bytes).unwrap_or(0)),
            quota_meters: QuotaMeters::default(),
            cluster_id,
            disk_reads: Arc::new(Semaphore::new(DISK_READS_MAX)),
            stopping: watch::Sender::new(false),
        });
        broker.metrics.collect_from(&broker);
        deadlines::start(&broker);
        timers::start(&broker);
        GroupCoordinators::follow_deletions(&broker);
        broker.groups.open(&broker).await;
        broker.transactions.open(&broker).await;
        Ok(broker)
    }

    /// Ends all waits and stops taking records; the loops of the storage engine end when what was
    /// taken is on disk.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
        self.storage.stop();
    }

    /// Ends all waits, stops taking records, and returns when what was taken is on disk.
    pub fn shut_down(&self) {
        self.stop();
        self.storage.shut_down();
    }

    /// The identity of the cluster, 22 characters of URL-safe base64; `None` if it is lost by damage.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// Tells of changes of the broker's settings, which requests can make while it runs.
    pub fn settings_changes(&self) -> watch::Receiver<Arc<BrokerSettings>> {
        self.metadata.settings_changes()
    }

    /// What is wrong with the broker; nothing, if it is ready.
    pub fn health(&self) -> Vec<Reason> {
        let damages = self.storage.damages().into_iter();
        let damages = damages
            .filter(|damage| !damage.code.is_repaired())
            .map(|damage| Reason {
                code: damage.code.as_str(),
                path: Some(damage.path),
                position: Some(damage.position),
                message: damage.message,
            });
        let disk_full = self.storage.is_disk_full().then(|| Reason {
            code: "disk-full",
            path: Some(self.settings.data_dir.clone()),
            position: None,
            message: "records are refused until there is space".to_owned(),
        });
        let read_only = self.storage.is_read_only().then(|| Reason {
            code: "read-only",
            path: Some(self.settings.data_dir.clone()),
            position: None,
            message: "nothing is written until the damage is repaired".to_owned(),
        });
        damages.chain(read_only).chain(disk_full).collect()
    }

    /// All metrics in the text format of Prometheus.
    pub fn render_metrics(&self) -> String {
        self.metrics.render()
    }

    /// Becomes true when the broker stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Waits until an answer that depends on this round may leave. Errs with the code to answer
    /// instead, REQUEST_TIMED_OUT after the deadline.
    pub(crate) async fn proven(
        &self,
        sequence: Sequence,
        durability: Durability,
        deadline: Monotonic,
    ) -> Result<(), ErrorCode> {
        let committed = self.storage.wait(sequence, durability);
        tokio::select! {
            biased;
            committed = committed => committed.map_err(errors::of_commit),
            () = self.deadlines.at(deadline) => Err(ErrorCode::RequestTimedOut),
        }
    }

    /// Runs a read that blocks, among a bounded number of them.
    pub(crate) async fn read_disk<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ErrorCode> {
        let Ok(permit) = Arc::clone(&self.disk_reads).acquire_owned().await else {
            return Err(ErrorCode::UnknownServerError);
        };
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            // Nobody may wait any more; then the result is of no use.
            let _ = sender.send(read());
            drop(permit);
        };
        self.env.spawn.blocking(Box::new(work)).await;
        receiver.await.map_err(|_| ErrorCode::UnknownServerError)
    }
}

fn recover(env: &Env, settings: &Settings) -> Result<(Opened, metadata::Image), OpenError> {
    let recovery = Recovery::open(env, storage_settings(settings)).map_err(OpenError::Storage)?;
    let image =
        metadata_store::fold(recovery.metadata_batches()).map_err(|error| OpenError::Metadata {
            data_dir: settings.data_dir.clone(),
            error,
        })?;
    let live: BTreeMap<_, _> = log_configs::live_logs(&image, &settings.broker).collect();
    let opened = recovery
        .finish(live, image.next_log_id())
        .map_err(OpenError::Storage)?;
    Ok((opened, image))
}

/// The sizes follow from the two that users set, so that a small write-ahead log has small slots.
fn storage_settings(settings: &Settings) -> StorageSettings {
    let bytes = |setting: i64| u64::try_from(setting).unwrap_or(0);
    let defaults = StorageSettings::new(&settings.data_dir);
    let wal_bytes_max = bytes(settings.broker.wal_max_bytes);
    let memory_bytes_max = bytes(settings.broker.memory_max_bytes);
    let sector_bytes = env::SECTOR_BYTES as u32;
    let whole_sectors = |bytes: u32| bytes / sector_bytes * sector_bytes;
    let slot_bytes = u32::try_from(wal_bytes_max / 16).unwrap_or(u32::MAX);
    let wal_slot_bytes = whole_sectors(slot_bytes.min(defaults.wal_slot_bytes));
    StorageSettings {
        wal_bytes_max,
        wal_slot_bytes,
        wal_first_slot_bytes: whole_sectors(wal_slot_bytes / 2).min(defaults.wal_first_slot_bytes),
        memory_bytes_max,
        flush_bytes: (memory_bytes_max / 8).min(defaults.flush_bytes),
        producer_id_expiration_ms: i64::from(settings.broker.producer_id_expiration_ms),
        ..defaults
    }
}

fn log_report(report: &storage::RecoveryReport) {
    tracing::info!(
        replayed_rounds = report.replayed_rounds,
        replayed_bytes = report.replayed_bytes,
        "recovered"
    );
    if report.cut_bytes > 0 || report.cut_rounds > 0 {
        tracing::warn!(
            cut_rounds = report.cut_rounds,
            cut_bytes = report.cut_bytes,
            "cut what the last run wrote and never acknowledged"
        );
    }
    for damage in &report.damages {
        if damage.code.is_repaired() {
            tracing::warn!(%damage, "repaired");
        } else {
            tracing::error!(%damage, "damaged");
        }
    }
}

/// The cluster's id; a new one, made durable, on the first start.
async fn cluster_id(
    env: &Env,
    metadata: &Arc<MetadataStore>,
) -> Result<String, MetadataWriteError> {
    let random = env.rng.random_16();
    let written = metadata.update(|image| {
        Ok::<_, std::convert::Infallible>(Plan {
            records: plan_cluster(image, random).into_iter().collect(),
            value: (),
        })
    });
    match written.await {
        Ok(()) => {}
        Err(UpdateError::Refused(never)) => match never {},
        Err(UpdateError::Write(error)) => return Err(error),
    }
    let published = metadata.published();
    Ok(published
        .image
        .cluster_id()
        .map_or_else(String::new, |id| id.to_string()))
}
