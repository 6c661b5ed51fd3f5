//! How the end of a transaction is written.
//!
//! All of it at once where that can be: what was decided, the markers of all partitions, and that all are there go
//! into one round of the write-ahead log. Where a partition takes nothing (its log is damaged, say), what was
//! decided is written, and the rest step by step, again and again, until it is complete.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coordination::Now;
use env::{Defect, Env, has_defect};
use model::TransactionalId;
use storage::{Append, AppendError, Appended, GroupEntry, Log, Storage};
use transactions::{ClientVersion, Coordinator, Ending, Marker};

use crate::broker::Broker;
use crate::coordinator::{GroupCoordinators, MarkerLock, OFFSETS_TOPIC};
use crate::journal::{Journal, Unavailable};
use crate::limits::COORDINATOR_WRITE_RETRY;
use crate::metadata_store::MetadataStore;
use crate::record_batches::{self, KeyAndValue};

/// Where markers go.
#[derive(Clone)]
pub(super) struct Markers {
    storage: Arc<Storage>,
    metadata: Arc<MetadataStore>,
    groups: Arc<GroupCoordinators>,
    env: Env,
}

/// The log that a marker goes to.
enum Place<'a> {
    /// None: the topic is gone, and what its transaction has written.
    Gone,
    /// That of a partition.
    Log(Arc<Log>),
    /// That of a partition of groups, whose pending offsets it settles.
    Groups(MarkerLock<'a>),
}

/// A place cannot be told at the moment.
struct Unknown;

impl Markers {
    pub(super) fn new(broker: &Broker) -> Self {
        Self {
            storage: Arc::clone(&broker.storage),
            metadata: Arc::clone(&broker.metadata),
            groups: Arc::clone(&broker.groups),
            env: broker.env.clone(),
        }
    }

    fn place(&self, marker: &Marker) -> Result<Place<'_>, Unknown> {
        let published = self.metadata.published();
        let topics = &published.topics;
        let log = topics
            .by_name(&marker.topic)
            .and_then(|topic| topic.log(marker.partition));
        match log {
            Err(_) if topics.may_lack() => Err(Unknown),
            Err(_) => Ok(Place::Gone),
            Ok(_) if &*marker.topic == OFFSETS_TOPIC => self
                .groups
                .lock_for_marker(marker.partition)
                .map(Place::Groups)
                .ok_or(Unknown),
            Ok(log) => Ok(Place::Log(Arc::clone(log))),
        }
    }

    fn entry(&self, log: &Arc<Log>, marker: &Marker) -> GroupEntry {
        let coordinator_epoch = self.storage.leader_epoch().0;
        let now_ms = self.env.clock.wall_ms();
        GroupEntry {
            log: Arc::clone(log),
            batch: record_batches::marker(
                marker.producer,
                marker.outcome,
                coordinator_epoch,
                now_ms,
            ),
            mode: Append::Marker {
                is_bumped: marker.version == ClientVersion::Two,
            },
        }
    }

    /// Writes the records and all that is missing as one; nothing if not all of it can be.
    fn write_whole(
        &self,
        journal: &mut Journal,
        records: &[KeyAndValue],
        ending: &Ending,
    ) -> Result<(), Unknown> {
        let completed = (Some(ending.record.key.clone()), ending.record.value.clone());
        let records = records.iter().chain([&completed]);
        let mut entries = vec![GroupEntry {
            log: Arc::clone(journal.log()),
            batch: record_batches::build(records, self.env.clock.wall_ms()),
            mode: Append::Internal,
        }];
        // The partitions of groups are locked in the order of their indexes, as that of the markers is.
        let mut locks = Vec::new();
        let skipped = usize::from(has_defect(Defect::SkipMarker));
        for marker in ending.markers.iter().skip(skipped) {
            match self.place(marker)? {
                Place::Gone => {}
                Place::Log(log) => entries.push(self.entry(&log, marker)),
                Place::Groups(lock) => {
                    entries.push(self.entry(lock.log(), marker));
                    locks.push((entries.len() - 1, lock, marker));
                }
            }
        }
        let appended = self.storage.append_group(&entries).map_err(|_| Unknown)?;
        for (index, mut lock, marker) in locks {
            if let Some(appended) = appended.get(index) {
                lock.settle(marker, appended);
            }
        }
        if let Some(own) = appended.first() {
            journal.written(own.sequence);
        }
        Ok(())
    }

    /// Writes one marker; whether it is there, or need not be.
    fn write_one(&self, marker: &Marker) -> bool {
        match self.place(marker) {
            Err(Unknown) => false,
            Ok(Place::Gone) => true,
            Ok(Place::Log(log)) => is_done(marker, self.append_one(&log, marker)),
            Ok(Place::Groups(mut lock)) => {
                let appended = self.append_one(lock.log(), marker);
                if let Ok(appended) = &appended {
                    lock.settle(marker, appended);
                }
                is_done(marker, appended)
            }
        }
    }

    fn append_one(&self, log: &Arc<Log>, marker: &Marker) -> Result<Appended, AppendError> {
        let entry = self.entry(log, marker);
        log.append(entry.batch, entry.mode)
    }
}

fn is_done(marker: &Marker, appended: Result<Appended, AppendError>) -> bool {
    match appended {
        Ok(_) | Err(AppendError::Deleted) => true,
        Err(AppendError::InvalidProducerEpoch) => {
            // Somebody has ended the transaction by hand, with an epoch above this one.
            tracing::warn!(
                ?marker,
                "a transaction was ended by another than its coordinator"
            );
            true
        }
        Err(error) => {
            tracing::debug!(%error, ?marker, "the marker of a transaction cannot be written for now");
            false
        }
    }
}

/// The transactions of a partition whose end is not complete.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// Those that could not be written as a whole.
    stuck: BTreeSet<TransactionalId>,
    retry_at: Duration,
}

impl Endings {
    /// When those that are stuck are tried again.
    pub(super) fn retry_at(&self) -> Option<Duration> {
        (!self.stuck.is_empty()).then_some(self.retry_at)
    }

    /// Writes the records of a call, and all that follows from them.
    pub(super) fn carry_out(
        &mut self,
        markers: &Markers,
        coordinator: &mut Coordinator,
        journal: &mut Journal,
        mut records: Vec<KeyAndValue>,
        now: Now,
    ) -> Result<(), Unavailable> {
        let is_due = self.retry_at <= now.monotonic;
        let to_end: Vec<_> = coordinator
            .preparing()
            .filter(|id| is_due || !self.stuck.contains(*id))
            .cloned()
            .collect();
        for id in to_end {
            let Some(ending) = coordinator.ending(&id, now.wall_ms) else {
                continue;
            };
            if markers.write_whole(journal, &records, &ending).is_ok() {
                records.clear();
                self.complete(coordinator, ending, now);
                continue;
            }
            // Also if the journal takes nothing now: whoever lets it catch up does not come back here.
            self.retry_at = now.monotonic + COORDINATOR_WRITE_RETRY;
            let is_new = self.stuck.insert(id.clone());
            // No marker may stand anywhere before what has been decided stands here.
            journal.write(std::mem::take(&mut records))?;
            let is_complete = self.write_stepwise(markers, coordinator, journal, ending, now)?;
            if is_new && !is_complete {
                tracing::warn!(%id, "a transaction cannot be ended everywhere for now");
            }
        }
        if !records.is_empty() {
            journal.write(records)?;
        }
        Ok(())
    }

    /// Whether it is complete.
    fn write_stepwise(
        &mut self,
        markers: &Markers,
        coordinator: &mut Coordinator,
        journal: &mut Journal,
        ending: Ending,
        now: Now,
    ) -> Result<bool, Unavailable> {
        let mut is_complete = true;
        for marker in &ending.markers {
            if markers.write_one(marker) {
                coordinator.marker_written(&ending.transactional_id, marker);
            } else {
                is_complete = false;
            }
        }
        // Whoever is told of the end finds all of it that is written.
        journal.written(markers.storage.force_all());
        if is_complete {
            let completed = (Some(ending.record.key.clone()), ending.record.value.clone());
            self.complete(coordinator, ending, now);
            journal.write([completed])?;
        }
        Ok(is_complete)
    }

    fn complete(&mut self, coordinator: &mut Coordinator, ending: Ending, now: Now) {
        self.stuck.remove(&ending.transactional_id);
        coordinator.complete(ending, now);
    }
}
