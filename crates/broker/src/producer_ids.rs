//! Producer ids: each is given out once, over all restarts.
//!
//! Ids are taken from the metadata log a block at a time. A block is used only when the record that
//! takes it is durable; what a restart leaves of it is never given out.

use std::ops::Range;
use std::sync::Arc;

use metadata::plan_producer_ids;
use model::ProducerId;
use tokio::sync::Mutex;

use crate::metadata_store::{MetadataStore, MetadataWriteError, Plan, UpdateError};

/// Why there is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProducerIdError {
    /// All 2^63 are used.
    Exhausted,
    /// The next block could not be written.
    Write(MetadataWriteError),
}

/// The block that is being given out.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    block: Mutex<Range<i64>>,
}

impl ProducerIds {
    /// An id that nobody had before.
    pub(crate) async fn next(
        &self,
        metadata: &Arc<MetadataStore>,
    ) -> Result<ProducerId, ProducerIdError> {
        // Held over the wait for the disk, so that one block is taken and not one per caller.
        let mut block = self.block.lock().await;
        if block.is_empty() {
            *block = take_block(metadata).await?;
        }
        block
            .next()
            .map(ProducerId)
            .ok_or(ProducerIdError::Exhausted)
    }
}

async fn take_block(metadata: &Arc<MetadataStore>) -> Result<Range<i64>, ProducerIdError> {
    let taken = metadata.update(|image| {
        let (block, record) = plan_producer_ids(image).ok_or(())?;
        Ok(Plan {
            records: vec![record],
            value: block,
        })
    });
    taken.await.map_err(|error| match error {
        UpdateError::Refused(()) => ProducerIdError::Exhausted,
        UpdateError::Write(error) => ProducerIdError::Write(error),
    })
}
