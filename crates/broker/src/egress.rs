//! Memory for answers that were read from disk and are not sent yet.
//!
//! A reader that asks for a lot and takes it slowly would otherwise make the broker hold as much as
//! all such readers ask for together. Memory is taken before the read and given back when the network
//! has let go of the bytes.

use std::sync::Arc;

use bytes::Bytes;
use chunks::Chunk;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of the budget; the semaphore below counts at most 2^32 of them.
const UNIT_BYTES: usize = 4096;

/// The memory of all answers together.
#[derive(Debug)]
pub(crate) struct EgressBudget {
    free: Arc<Semaphore>,
    units: u32,
}

/// Memory that one answer has taken.
#[derive(Debug)]
pub(crate) struct Egress(OwnedSemaphorePermit);

/// Bytes that give their share of the budget back when they are dropped.
struct Counted {
    bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

impl EgressBudget {
    /// A budget of this many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = units(bytes).max(1);
        Self {
            free: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Takes memory, in the order of asking. A wish above the whole budget takes the whole budget.
    /// `None` never comes while the broker lives.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Egress> {
        let wanted = units(bytes).min(self.units);
        let taken = Arc::clone(&self.free).acquire_many_owned(wanted).await;
        taken.ok().map(Egress)
    }

    /// Takes memory if it is there now.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Egress> {
        let wanted = units(bytes).min(self.units);
        let taken = Arc::clone(&self.free).try_acquire_many_owned(wanted);
        taken.ok().map(Egress)
    }
}

impl Egress {
    /// Ties what was taken to the bytes that it was taken for, and gives back what they do not need.
    /// A first batch larger than what was asked for goes beyond the budget. What lies in a file needs
    /// none.
    pub(crate) fn attach(mut self, chunks: Vec<Chunk>) -> Vec<Chunk> {
        let counted = chunks.into_iter().map(|chunk| {
            let Chunk::Memory(bytes) = chunk else {
                return chunk;
            };
            let share = (units(bytes.len()) as usize).min(self.0.num_permits());
            let share = self.0.split(share);
            let counted = Counted {
                bytes,
                _share: share,
            };
            Bytes::from_owner(counted).into()
        });
        counted.collect()
    }
}

#[cfg(test)]
mod tests {
    use chunks::FileRange;

    use super::*;

    #[test]
    fn memory_comes_back_when_the_bytes_go() {
        let budget = EgressBudget::new(10 * UNIT_BYTES);
        let taken = budget.try_take(8 * UNIT_BYTES).unwrap();
        assert!(budget.try_take(3 * UNIT_BYTES).is_none());
        let chunks = taken.attach(vec![
            Bytes::from(vec![1; 3 * UNIT_BYTES]).into(),
            Chunk::File(FileRange {
                file: Arc::new(tempfile::tempfile().unwrap()),
                position: 0,
                bytes: 5 * UNIT_BYTES,
            }),
            Bytes::from(vec![2; UNIT_BYTES + 1]).into(),
        ]);
        let chunks: Vec<_> = chunks
            .into_iter()
            .filter(|chunk| matches!(chunk, Chunk::Memory(_)))
            .map(Chunk::into_bytes)
            .collect();
        assert_eq!(chunks[1][0], 2);
        // 3 + 2 of the 8 are in use.
        assert_eq!(budget.free.available_permits(), 5);
        let slice = chunks[0].slice(5..6);
        drop(chunks);
        assert_eq!(
            budget.free.available_permits(),
            7,
            "a slice keeps its chunk"
        );
        drop(slice);
        assert_eq!(budget.free.available_permits(), 10);
    }

    #[test]
    fn more_than_the_budget_takes_all_of_it_and_a_batch_may_go_beyond() {
        let budget = EgressBudget::new(UNIT_BYTES);
        let taken = budget.try_take(usize::MAX).unwrap();
        assert!(budget.try_take(1).is_none());
        let chunks = taken.attach(vec![Bytes::from(vec![0; 5 * UNIT_BYTES]).into()]);
        assert!(budget.try_take(1).is_none());
        drop(chunks);
        assert!(budget.try_take(1).is_some());
    }
}
