//! What a broker does for a transaction, and what its log keeps of that.

use model::ProducerId;

use crate::tests::harness::Harness;
use crate::*;

impl Harness {
    /// A TxnOffsetCommit whose records the log takes.
    pub(in crate::tests) fn commit_in_transaction(
        &mut self,
        producer: i64,
        request: CommitRequest<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let mut records = Vec::new();
        let result = self.run(|coordinator, call| {
            let result = coordinator.commit_in_transaction(request, call);
            records = std::mem::take(&mut call.effects.transactional);
            result
        });
        let first = self.log.len();
        self.log.extend(records.iter().cloned());
        let producer_id = ProducerId(producer);
        let numbers = first..self.log.len();
        self.transactional
            .extend(numbers.map(|number| (number, producer_id)));
        self.run(|coordinator, call| coordinator.add_pending(producer_id, &records, call))
            .unwrap();
        result
    }

    /// A marker that the log takes.
    pub(super) fn end_transaction(&mut self, producer: i64, is_commit: bool) {
        let producer_id = ProducerId(producer);
        self.markers.push((self.log.len(), producer_id, is_commit));
        self.run(|coordinator, call| coordinator.end_transaction(producer_id, is_commit, call));
    }

    /// What a restart finds is what memory holds, of the offsets as of everything else.
    pub(super) fn compare_with_restart(&self) {
        let replayed = self.replayed();
        assert_eq!(replayed.snapshot(), self.coordinator.snapshot());
        assert_eq!(replayed.pending(), self.coordinator.pending());
    }
}
