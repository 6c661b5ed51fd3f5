//! What the log gives back, and the shortest log that would.

use bytes::Bytes;
use coordination::Now;
use model::TransactionalId;

use super::{Coordinator, Transaction};
use crate::partitions::Partitions;
use crate::records::{RecordError, TransactionKey, TransactionRecord, record};
use crate::transaction::TransactionValue;

impl Coordinator {
    /// Folds a record of the log. All records of the log are to be replayed in order, before any
    /// other call, and then [`Coordinator::finish_replay`].
    ///
    /// # Errors
    ///
    /// If the record cannot be read: the coordinator does not know what the log says.
    pub fn replay(&mut self, key: &[u8], value: Option<Bytes>) -> Result<(), RecordError> {
        let TransactionKey::Transaction(id) = TransactionKey::decode(key)? else {
            return Ok(());
        };
        let Some(value) = value else {
            self.transactions.remove(id.as_str());
            return Ok(());
        };
        let known = Transaction {
            value: TransactionValue::decode(&value)?,
            deadline: None,
            without_marker: Partitions::default(),
        };
        self.transactions.insert(TransactionalId::new(&id), known);
        Ok(())
    }

    /// Ends the replay: what is under way goes on, and what was being ended is to be brought to its end.
    /// Which markers were written before is not known; a second one changes nothing.
    pub fn finish_replay(&mut self, now: Now) {
        self.forget_at = now.monotonic + self.forget_interval();
        for (id, known) in std::mem::take(&mut self.transactions) {
            self.put(&id, known.value, now);
        }
    }

    /// The shortest log that replays to what a restart at this moment would know.
    pub fn snapshot(&self) -> Vec<TransactionRecord> {
        let ids = self.transactions.iter();
        ids.map(|(id, known)| record(id, Some(&known.value)))
            .collect()
    }
}
