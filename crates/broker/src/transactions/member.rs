//! Writing what belongs to a transaction.

use env::Env;
use storage::{Append, AppendError, AppendGroupError, Appended, GroupEntry, Storage};

use crate::journal::{Journal, Unavailable};
use crate::record_batches::{self, KeyAndValue};

/// A partition of a transaction whose coordinator is locked. That it belongs to the transaction may have to
/// be written too: with the first batch, so that both are there or none.
pub(crate) struct Member<'a> {
    storage: &'a Storage,
    journal: &'a mut Journal,
    /// What says that the partition belongs to the transaction, as long as it is not written.
    records: Vec<KeyAndValue>,
    env: &'a Env,
    unavailable: Option<Unavailable>,
}

impl<'a> Member<'a> {
    pub(super) fn new(
        storage: &'a Storage,
        journal: &'a mut Journal,
        records: Vec<KeyAndValue>,
        env: &'a Env,
    ) -> Self {
        Self {
            storage,
            journal,
            records,
            env,
            unavailable: None,
        }
    }

    /// Appends a batch of the partition.
    pub(crate) fn append(&mut self, entry: GroupEntry) -> Result<Appended, AppendError> {
        if self.records.is_empty() {
            return entry.log.append(entry.batch, entry.mode);
        }
        let own = GroupEntry {
            log: self.journal.log().clone(),
            batch: record_batches::build(&self.records, self.env.clock.wall_ms()),
            mode: Append::Internal,
        };
        let entries = [entry, own];
        match self.storage.append_group(&entries) {
            Ok(appended) => {
                self.records.clear();
                for one in &appended {
                    self.journal.written(one.sequence);
                }
                let first = appended.first().copied();
                first.ok_or(AppendError::InvalidBatch)
            }
            Err(AppendGroupError::Duplicate { original, .. }) => Ok(original),
            Err(AppendGroupError::Entry { index: 0, error }) => Err(error),
            // It is the coordinator's own record that stands in the way, or the size of both.
            Err(AppendGroupError::Entry { .. } | AppendGroupError::TooLarge) => {
                let [entry, _] = entries;
                self.write_records();
                match self.unavailable {
                    None => entry.log.append(entry.batch, entry.mode),
                    // Told as what it is by `finish`.
                    Some(_) => Err(AppendError::DiskFull),
                }
            }
        }
    }

    fn write_records(&mut self) {
        let records = std::mem::take(&mut self.records);
        if let Err(unavailable) = self.journal.write(records) {
            self.unavailable = Some(unavailable);
        }
    }

    /// Writes what is left to be written: the partition belongs to the transaction, whatever has become of the
    /// batch.
    pub(super) fn finish(mut self) -> Result<(), Unavailable> {
        if !self.records.is_empty() {
            self.write_records();
        }
        match self.unavailable {
            None => Ok(()),
            Some(unavailable) => Err(unavailable),
        }
    }
}
