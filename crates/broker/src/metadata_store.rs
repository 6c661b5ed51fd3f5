//! The one owner of the metadata: topics, their settings, the cluster id, the ids given out.
//!
//! A change is planned against the newest image, appended to the metadata log (log 0) and applied,
//! all under one lock and without waiting, so the order of changes is the order of the log. What
//! requests are answered from is published only when the round of the change is durable: no answer
//! tells what a power cut can take back.
//!
//! The log is kept short by appending the whole live state as one batch and moving the start of the
//! log to it. That batch is known by the Cluster record it begins with; a crash before the start was
//! moved leaves older records in front of it, which count for nothing.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use bytes::Bytes;
use config::BrokerSettings;
use env::{Defect, Env, has_defect};
use metadata::{ApplyError, Image, MetadataRecord};
use model::{LogId, TopicId, TopicName};
use parking_lot::Mutex;
use storage::{Append, AppendError, CommitError, Durability, Log, LogView, Sequence, Storage};
use tokio::sync::watch;

use crate::limits::{METADATA_GROWTH_FACTOR, METADATA_REWRITE_BYTES_MIN};
use crate::log_configs;
use crate::quotas::QuotaLimits;
use crate::record_batches;
use crate::topics::Topics;

/// Why a change could not be made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataWriteError {
    /// The metadata log takes no records; nothing has changed.
    Append(AppendError),
    /// The records were appended and their round failed. The next start decides whether they stay.
    Commit(CommitError),
}

/// Why a change was not made: its plan refused it, or it could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UpdateError<E> {
    /// The plan's own reason; nothing was written.
    Refused(E),
    /// It could not be written.
    Write(MetadataWriteError),
}

/// The records that carry out a change, and what its planner wants back when they are durable.
#[derive(Debug)]
pub(crate) struct Plan<T> {
    /// What to append; nothing is written if there are none.
    pub(crate) records: Vec<MetadataRecord>,
    /// What the caller gets.
    pub(crate) value: T,
}

/// The metadata at one moment; durable.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// The broker's settings: what it was given at its start and what requests have set since.
    pub(crate) settings: Arc<BrokerSettings>,
    /// What the metadata log says.
    pub(crate) image: Image,
    /// Its topics with their logs.
    pub(crate) topics: Topics,
    /// Its quotas, to look them up.
    pub(crate) quotas: Arc<QuotaLimits>,
}

/// The state behind the lock: the newest image, durable or not.
#[derive(Debug)]
struct Newest {
    image: Image,
    sequence: Sequence,
    /// Bytes appended since the last snapshot, and the bytes of that snapshot.
    grown_bytes: u64,
    snapshot_bytes: u64,
}

/// Is told of topics as soon as their deletion has been appended, before any later change can be.
type DeletionListener = Box<dyn Fn(&[(TopicName, TopicId)]) + Send + Sync>;

/// The metadata and its log.
pub(crate) struct MetadataStore {
    env: Env,
    storage: Arc<Storage>,
    /// What the broker was given at its start.
    settings: BrokerSettings,
    log: Arc<Log>,
    /// How much the log grows before it is rewritten, at least.
    rewrite_bytes_min: u64,
    newest: Mutex<Newest>,
    published: ArcSwap<Published>,
    /// The published settings, for those who want to hear of changes.
    settings_changes: watch::Sender<Arc<BrokerSettings>>,
    /// Who is told of deleted topics.
    deletions: OnceLock<DeletionListener>,
    /// The round of the last change that was published; held while publishing, so that an older
    /// image never replaces a newer one.
    published_sequence: watch::Sender<Sequence>,
}

impl std::fmt::Debug for MetadataStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetadataStore")
    }
}

/// Why the metadata log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataFoldError {
    /// A batch or a record in it is malformed, or newer than this broker.
    Malformed(String),
    /// A record contradicts those before it.
    Contradiction(ApplyError),
}

impl std::fmt::Display for MetadataFoldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(message) => f.write_str(message),
            Self::Contradiction(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MetadataFoldError {}

/// Folds the batches of the metadata log.
pub(crate) fn fold(batches: &[Bytes]) -> Result<Image, MetadataFoldError> {
    let mut image = Image::new();
    for batch in batches {
        let values = record_batches::records(batch).map_err(MetadataFoldError::Malformed)?;
        let mut records = Vec::with_capacity(values.len());
        for (_, value) in values {
            let record = MetadataRecord::decode(&value.unwrap_or_default())
                .map_err(|error| MetadataFoldError::Malformed(error.to_string()))?;
            records.push(record);
        }
        if matches!(records.first(), Some(MetadataRecord::Cluster { .. })) {
            image = Image::new();
        }
        for record in &records {
            image
                .apply(record)
                .map_err(MetadataFoldError::Contradiction)?;
        }
    }
    Ok(image)
}

impl MetadataStore {
    /// Takes over the image that the metadata log was folded to. `log` is log 0.
    pub(crate) fn new(
        env: Env,
        storage: Arc<Storage>,
        settings: BrokerSettings,
        log: Arc<Log>,
        image: Image,
    ) -> Self {
        let current = Arc::new(log_configs::settings_of(&image, &settings));
        let published = Published {
            topics: Topics::of(&image, &Topics::default(), &current, &storage),
            settings: Arc::clone(&current),
            quotas: Arc::new(QuotaLimits::new(image.client_quotas())),
            image: image.clone(),
        };
        apply_to_storage(&current, &storage);
        let newest = Newest {
            image,
            sequence: Sequence::default(),
            grown_bytes: log.view().bytes,
            snapshot_bytes: 0,
        };
        Self {
            env,
            storage,
            settings,
            log,
            rewrite_bytes_min: METADATA_REWRITE_BYTES_MIN,
            newest: Mutex::new(newest),
            published: ArcSwap::from_pointee(published),
            settings_changes: watch::Sender::new(current),
            deletions: OnceLock::new(),
            published_sequence: watch::Sender::new(Sequence::default()),
        }
    }

    /// Names the one who is told of deleted topics, under the lock of the metadata; later ones are not
    /// heard.
    pub(crate) fn on_deletion(&self, listener: DeletionListener) {
        let _ = self.deletions.set(listener);
    }

    /// Tells of changes of the broker's settings.
    pub(crate) fn settings_changes(&self) -> watch::Receiver<Arc<BrokerSettings>> {
        self.settings_changes.subscribe()
    }

    /// The metadata as requests may know it. Cheap; take it once per request, so that the request
    /// sees one moment.
    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Where the metadata log begins and ends.
    pub(crate) fn log_view(&self) -> LogView {
        self.log.view()
    }

    /// Makes a change: plans it against the newest image, writes it, and returns when it is durable
    /// and published. The change goes on even if nobody waits for it. A refusal, too, is told only
    /// when what it rests on is durable.
    pub(crate) async fn update<T, E>(
        self: &Arc<Self>,
        plan: impl FnOnce(&Image) -> Result<Plan<T>, E>,
    ) -> Result<T, UpdateError<E>> {
        let (outcome, sequence) = self.append(plan).map_err(UpdateError::Write)?;
        self.wait_published(sequence)
            .await
            .map_err(|error| UpdateError::Write(MetadataWriteError::Commit(error)))?;
        outcome.map_err(UpdateError::Refused)
    }

    /// Plans and appends. Gives the outcome of the plan and the round that it rests on.
    fn append<T, E>(
        self: &Arc<Self>,
        plan: impl FnOnce(&Image) -> Result<Plan<T>, E>,
    ) -> Result<(Result<T, E>, Sequence), MetadataWriteError> {
        let mut newest = self.newest.lock();
        let Plan { records, value } = match plan(&newest.image) {
            Ok(plan) if plan.records.is_empty() => return Ok((Ok(plan.value), newest.sequence)),
            Ok(plan) => plan,
            Err(refusal) => return Ok((Err(refusal), newest.sequence)),
        };
        let batch = self.batch(&records);
        let batch_bytes = batch.len() as u64;
        let appended = self
            .log
            .append(batch, Append::Internal)
            .map_err(MetadataWriteError::Append)?;
        let deleted = deleted_topics(&newest.image, &records);
        let gone = logs_of_deleted_topics(&newest.image, &records);
        for record in &records {
            if let Err(error) = newest.image.apply(record) {
                panic!("a planned change contradicts the metadata: {error}");
            }
        }
        newest.sequence = appended.sequence;
        newest.grown_bytes += batch_bytes;
        self.create_logs(&newest.image, &records);
        if let Some(listener) = self.deletions.get()
            && !deleted.is_empty()
        {
            listener(&deleted);
        }
        self.publish_when_durable(&newest, gone);
        self.rewrite_if_grown(&mut newest);
        Ok((Ok(value), newest.sequence))
    }

    fn batch(&self, records: &[MetadataRecord]) -> Bytes {
        let values = records.iter().map(|record| (None, Some(record.encode())));
        record_batches::build(values, self.env.clock.wall_ms())
    }

    /// Makes the logs that these records name, with the settings of their topics in this image; a
    /// topic that a later record has deleted again needs none.
    fn create_logs(&self, image: &Image, records: &[MetadataRecord]) {
        let settings = log_configs::settings_of(image, &self.settings);
        for record in records {
            let (MetadataRecord::TopicCreated { id, partitions, .. }
            | MetadataRecord::PartitionsAdded { id, partitions }) = record
            else {
                continue;
            };
            let Some(topic) = image.topic_by_id(*id) else {
                continue;
            };
            let config = log_configs::of(&topic.name, &topic.configs, &settings);
            let logs: Vec<_> = partitions
                .iter()
                .map(|log| (*log, config.clone()))
                .collect();
            self.storage.create_logs(&logs);
        }
    }

    /// Publishes the newest image when its round is durable, and gives up the logs of topics that
    /// are gone then.
    fn publish_when_durable(self: &Arc<Self>, newest: &Newest, gone: Vec<LogId>) {
        let store = Arc::clone(self);
        let image = newest.image.clone();
        let sequence = newest.sequence;
        let publish = async move {
            // On an error the engine takes no more changes; those who wait get the same error.
            if durable_at_last(&store.storage, sequence).await.is_ok() {
                store.publish(image, sequence);
                for log in gone {
                    store.storage.delete_log(log);
                }
            }
        };
        self.env.spawn.task("publish-metadata", Box::pin(publish));
    }

    fn publish(&self, image: Image, sequence: Sequence) {
        self.published_sequence.send_if_modified(|published| {
            if *published >= sequence {
                return false;
            }
            let before = self.published.load();
            let settings = log_configs::settings_of(&image, &self.settings);
            let settings = match settings == *before.settings {
                true => Arc::clone(&before.settings),
                false => self.change_settings(settings),
            };
            let topics = Topics::of(&image, &before.topics, &settings, &self.storage);
            topics.apply_changed_configs(&before.topics);
            let quotas = match Arc::ptr_eq(image.client_quotas(), before.image.client_quotas()) {
                true => Arc::clone(&before.quotas),
                false => Arc::new(QuotaLimits::new(image.client_quotas())),
            };
            self.published.store(Arc::new(Published {
                settings,
                image,
                topics,
                quotas,
            }));
            *published = sequence;
            true
        });
    }

    /// Hands changed settings of the broker to those who go by them, but for the topics.
    fn change_settings(&self, settings: BrokerSettings) -> Arc<BrokerSettings> {
        let settings = Arc::new(settings);
        apply_to_storage(&settings, &self.storage);
        self.settings_changes.send_replace(Arc::clone(&settings));
        settings
    }

    async fn wait_published(&self, sequence: Sequence) -> Result<(), CommitError> {
        let mut published = self.published_sequence.subscribe();
        if *published.borrow() >= sequence || has_defect(Defect::AnswerTopicsEarly) {
            return Ok(());
        }
        self.storage.wait(sequence, Durability::Durable).await?;
        // The sender lives as long as the store, so this ends with the publication.
        let _ = published.wait_for(|published| *published >= sequence).await;
        Ok(())
    }

    /// Appends the live state and moves the start of the log to it, when the log has become much
    /// longer than that.
    fn rewrite_if_grown(&self, newest: &mut Newest) {
        let live_bytes = newest.snapshot_bytes.saturating_mul(METADATA_GROWTH_FACTOR);
        if newest.grown_bytes <= live_bytes.max(self.rewrite_bytes_min) {
            return;
        }
        let batch = self.batch(&newest.image.snapshot());
        newest.snapshot_bytes = batch.len() as u64;
        newest.grown_bytes = 0;
        // A log that takes no more records stays as long as it is.
        let Ok(snapshot) = self.log.append(batch, Append::Internal) else {
            return;
        };
        let storage = Arc::clone(&self.storage);
        let log = Arc::clone(&self.log);
        let cut = async move {
            if durable_at_last(&storage, snapshot.sequence).await.is_ok()
                && let Err(error) = log.set_log_start(snapshot.base_offset)
            {
                tracing::warn!(%error, "the metadata log could not be shortened");
            }
        };
        self.env.spawn.task("shorten-metadata-log", Box::pin(cut));
    }
}

fn apply_to_storage(settings: &BrokerSettings, storage: &Storage) {
    let expiration_ms = i64::from(settings.producer_id_expiration_ms);
    storage.set_producer_id_expiration_ms(expiration_ms);
    storage.set_compaction_settings(log_configs::compaction(settings));
}

/// Waits until a record is durable, also through a full disk: those who asked for the change have
/// been told of that, but the record is still on its way.
async fn durable_at_last(storage: &Storage, sequence: Sequence) -> Result<(), CommitError> {
    loop {
        match storage.wait(sequence, Durability::Durable).await {
            Err(CommitError::DiskFull) => {}
            outcome => return outcome,
        }
    }
}

fn deleted_topics(image: &Image, records: &[MetadataRecord]) -> Vec<(TopicName, TopicId)> {
    let ids = records.iter().filter_map(|record| match record {
        MetadataRecord::TopicDeleted { id } => Some(*id),
        _ => None,
    });
    ids.filter_map(|id| Some((image.topic_by_id(id)?.name.clone(), id)))
        .collect()
}

fn logs_of_deleted_topics(image: &Image, records: &[MetadataRecord]) -> Vec<LogId> {
    let mut logs = Vec::new();
    for record in records {
        if let MetadataRecord::TopicDeleted { id } = record
            && let Some(topic) = image.topic_by_id(*id)
        {
            logs.extend(&topic.partitions);
        }
    }
    logs
}

#[cfg(test)]
mod tests;
